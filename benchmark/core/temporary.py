"""Temporary files and folders: their names hold the process that writes them, so that leftovers of killed ones go.

    .NAME-MACHINE-PROCESS-STARTED-RANDOM.tmp

A leftover is one whose process has ended; of a process on another machine, which may share the folder, one that has
not changed for a day. Leftovers in a folder are removed by the next process that writes there.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

_NAME = re.compile(
    r"\..*-(?P<machine>[0-9a-f]{8})-(?P<process>[1-9a-f][0-9a-f]{0,6})-(?P<started>[0-9a-f]{1,16})-[0-9a-f]{8}\.tmp",
    re.DOTALL,
)
MOST_LETTERS = 40
"""Of the name of the file itself, so that the temporary name is not longer than file systems allow."""
OLD_S = 24 * 3600
"""Age at which a temporary file of another machine is a leftover."""


def temporary_for(path: Path) -> Path:
    """A new name next to a path, for what is to replace it."""
    process = os.getpid()
    owner = f"{_machine()}-{process:x}-{_started(process) or 0:x}"
    return path.with_name(f".{path.stem[:MOST_LETTERS]}-{owner}-{secrets.token_hex(4)}.tmp")


def is_temporary(path: Path) -> bool:
    """Whether a path has a name that `temporary_for` gives."""
    return _NAME.fullmatch(path.name) is not None


def is_temporary_for(path: Path, stem: str) -> bool:
    """Whether a path has a name that `temporary_for` gives for a file or folder with this stem."""
    return is_temporary(path) and path.name.startswith(f".{stem[:MOST_LETTERS]}-")


def leftovers(folder: Path) -> list[Path]:
    """The temporary files and folders in a folder that no process writes any more, sorted."""
    with suppress(OSError):
        return sorted(path for path in folder.iterdir() if _is_leftover(path))
    return []


def remove(path: Path) -> None:
    """Remove a file, a link or a folder if it is there. Raises OSError when that fails."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@cache
def tidy(folder: Path) -> None:
    """Remove the leftovers in a folder, once per process; those that can't be removed stay."""
    for path in leftovers(folder):
        with suppress(OSError):
            remove(path)


def _is_leftover(path: Path) -> bool:
    match = _NAME.fullmatch(path.name)
    if match is None:
        return False
    if match["machine"] == _machine():
        return not _is_running(int(match["process"], 16), int(match["started"], 16))
    with suppress(OSError):  # it has just been removed
        return time.time() - _changed(path) > OLD_S
    return False


def _changed(path: Path) -> float:
    """When a file, or a folder or anything in it, was last written."""
    inside = path.rglob("*") if path.is_dir() and not path.is_symlink() else ()
    times: list[float] = [entry.lstat().st_mtime for entry in (path, *inside)]
    return max(times)


def _is_running(process: int, started: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        pass
    now = _started(process)  # differs if the number was given to another process; unknown without /proc
    return now is None or not started or now == started


def _started(process: int) -> int | None:
    """When a process started, in ticks since the start of the machine; None where that is unknown."""
    try:
        words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return int(words[19]) if words[0] not in "ZX" else -1  # not of one that has ended and waits for its parent
    except (OSError, ValueError, IndexError):
        return None


@cache
def _machine() -> str:
    """The machine since its last start, and the container, in which process numbers mean something."""
    found = [os.uname().nodename]
    try:
        found += [Path("/proc/sys/kernel/random/boot_id").read_text(), os.readlink("/proc/self/ns/pid")]
    except OSError:  # not Linux; machines on one shared disk may have the same name
        from uuid import getnode

        found.append(f"{getnode():x}")
    return hashlib.sha256("\n".join(found).encode()).hexdigest()[:8]
