"""What folders of data, results, models and pages hold, so that two of them can be compared."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

TIMES = {
    "created",
    "environment",
    "timings",
    "throughput",
    "seal",
    "made",
    "machine",
    "events_per_s",
    "resumed",
    "resumed_s",
}
"""Fields of records that differ from one run to the next, or after a restart."""
_TEMPORARY = re.compile(r"(.*/)?(\..+\.tmp|\.partial)(/.*)?|(.*/)?\.[^/]+\.(checkpoint|parquet\.json)")
_UNSAVED = b'"the model was not saved: '
_LOCK = re.compile(r"(.*/)?\.[^/]*lock")
_WITH_TIMES = re.compile(r"(results/leaderboard|pages)/([^/]+\.html|results\.json|boards\.csv|\.leaderboard\.json)")


@dataclass(frozen=True)
class State:
    """The content of a folder: a digest of each file by its path, and what is temporary.

    Records are compared without times. Locks are left out, and empty folders.

    unsaved : records which say that their models could not be saved; their digests are those of records without it.
    """

    files: dict[str, str]
    temporary: tuple[str, ...]
    unsaved: tuple[str, ...] = ()

    def differences(self, other: State, *, whole: bool = True) -> list[str]:
        """What differs from a finished state; with `whole=False`, files may be missing here."""
        wrong = [
            f"{name}: other content" for name, digest in self.files.items() if other.files.get(name, digest) != digest
        ]
        wrong += [f"{name}: not expected" for name in self.files.keys() - other.files.keys()]
        wrong += [f"{name}: without its model" for name in self.unsaved if whole]
        return wrong + [f"{name}: missing" for name in (other.files.keys() - self.files.keys() if whole else ())]


def state(folder: Path, *, pages_have_times: bool = True) -> State:
    """The content of a folder.

    Parameters
    ----------
    pages_have_times : whether pages were made from results of another run, so that only their names are compared.
    """
    files, temporary, unsaved = {}, [], []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if _TEMPORARY.fullmatch(name):
            temporary.append(name)
        elif path.is_file() and not _LOCK.fullmatch(name):
            with suppress(FileNotFoundError):  # another process has deleted it just now
                files[name] = "" if pages_have_times and _WITH_TIMES.fullmatch(name) else _digest(path, name)
                if path.suffix == ".json" and _UNSAVED in path.read_bytes():
                    unsaved.append(name)
    return State(files, tuple(temporary), tuple(unsaved))


def _digest(path: Path, name: str) -> str:
    content = path.read_bytes()
    with suppress(ValueError):  # not whole, as its digest will tell
        content = _comparable(content, path, name)
    return hashlib.sha256(content).hexdigest()


def _comparable(content: bytes, path: Path, name: str) -> bytes:
    """The content of a file without what differs from one run to the next."""
    if path.name == ".leaderboard.json" or name.startswith(("results/leaderboard", "pages")):
        return content
    if path.suffix == ".json":
        found = json.loads(content)
        if _UNSAVED in content:
            found["reason"] = None
        record = json.dumps(_without_times(found), sort_keys=True)
        if path.name == "model.json":  # with hashes of its files, which may tell that training was resumed
            record = re.sub(r'"[0-9a-f]{64}"', '"hash"', record)
        return record.encode()
    if path.suffix == ".safetensors":
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
        header.pop("__metadata__", None)
        return json.dumps(header, sort_keys=True).encode() + content[8 + length :]
    return content


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_times(inner) for name, inner in value.items() if name not in TIMES}
    return [_without_times(inner) for inner in value] if isinstance(value, list) else value


def copy(source: Path, target: Path) -> Path:
    """A copy of a folder with the times of its files, in place of an earlier one."""
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(source, target, symlinks=True)
    return target
