"""Faults inside a process: at the n-th change of a file, it is killed, or the change fails as on a bad disk.

A change is an attempt to open a file to write, write to it, flush it to disk, rename or delete it, or make or delete a
folder, below given folders. All processes of a command count together, in one file.
"""

from __future__ import annotations

import builtins
import contextlib
import errno
import io
import os
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

KILL = "kill"
"""The fault that kills all processes of the command, as the system does when a batch job ends."""
TAKES_SPACE = ("open", "write", "mkdir", "fsync")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True)
class Plan:
    """Which change of which files fails.

    Parameters
    ----------
    counter : a file that does not exist yet, outside of `folders`; each change adds a byte. The changes are listed next
        to it, in a file whose name ends in .log.
    folders : changes elsewhere do not count.
    at : the number of the change that fails, counted from 1; 0 for none.
    fault : "kill", or the name of an error as "ENOSPC".
    root : the process that is killed, with its descendants.
    lasting : whether all later changes fail as well. On a full disk (ENOSPC), those fail that take space.
    """

    counter: str
    folders: tuple[str, ...]
    at: int = 0
    fault: str = KILL
    lasting: bool = False
    root: int = 0

    def words(self) -> dict[str, Any]:
        """As plain values, for another process."""
        return asdict(self)

    @classmethod
    def of(cls, words: dict[str, Any]) -> Plan:
        """What `words` returned."""
        return cls(**{**words, "folders": tuple(words["folders"])})


def kill_tree(root: int) -> None:
    """Kill a process and all that descend from it at once, also those in sessions of their own; this process last."""
    tree: list[int] = []
    while new := [process for process in _family(root) if process not in tree]:
        tree += new
        for process in new:  # stopped, so that none notices the end of another, or starts one more
            if process != os.getpid():
                _signal(process, signal.SIGSTOP)
    for process in sorted(tree, key=lambda process: process == os.getpid()):
        _signal(process, signal.SIGKILL)


def _family(root: int) -> list[int]:
    """A process and its descendants, parents first."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(path.parent.name))
    found = [root]
    for process in found:
        found += children.get(process, [])
    return found


def _signal(process: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)


class Hooks:
    """Counts the changes of this process, and makes one fail."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._counter = os.open(plan.counter, flags)
        self._log = os.open(f"{plan.counter}.log", flags)
        self._places: dict[int, str] = {}

    def install(self) -> None:
        """Watch this process from now on; it cannot be undone."""
        sys.addaudithook(self._audit)
        fsync, opener = os.fsync, io.open

        def flushing(descriptor: int) -> None:
            self._change("fsync", os.readlink(f"/proc/self/fd/{descriptor}"))
            fsync(descriptor)

        def opening(file: Any, mode: str = "r", buffering: int = -1, *rest: Any, **more: Any) -> Any:
            if buffering == -1 and "b" in mode and "+" not in mode and set(mode) & set("wxa") and self._is_ours(file):
                return io.BufferedWriter(_Watched(file, mode.replace("b", ""), self))
            return opener(file, mode, buffering, *rest, **more)

        os.fsync = flushing
        io.open = builtins.open = opening  # type: ignore[assignment]

    def write(self, file: Any) -> None:
        """Count a write."""
        self._change("write", file)

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if flags & WRITING:
                self._change("open", path)
        elif event in ("os.mkdir", "os.remove", "os.rmdir") and os.path.lexists(arguments[0]) != (event == "os.mkdir"):
            self._change(event.removeprefix("os."), arguments[0])
        elif event == "os.rename":
            self._change("rename", arguments[1])

    def _is_ours(self, path: Any) -> bool:
        if isinstance(path, int) or path is None:
            return False
        return os.path.abspath(os.fsdecode(path)).startswith(self._plan.folders)

    def _change(self, kind: str, path: Any) -> None:
        if not self._is_ours(path):
            return
        os.write(self._counter, b".")
        number = os.lseek(self._counter, 0, os.SEEK_CUR)  # where this byte ended, among those of all processes
        os.write(self._log, f"{number} {kind} {os.fsdecode(path)}\n".encode())
        plan = self._plan
        reached = number >= plan.at > 0 if plan.lasting else number == plan.at
        if not reached or (plan.fault == "ENOSPC" and kind not in TAKES_SPACE):
            return
        if plan.fault == KILL:
            kill_tree(plan.root)
        code = getattr(errno, plan.fault)
        raise OSError(code, os.strerror(code), os.fsdecode(path))


class _Watched(io.FileIO):
    """A file whose writes count."""

    def __init__(self, file: Any, mode: str, hooks: Hooks) -> None:
        super().__init__(file, mode)
        self._hooks = hooks

    def write(self, content: Any, /) -> Any:
        self._hooks.write(self.name)
        return super().write(content)
