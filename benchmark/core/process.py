"""Worker processes (in a session of their own, silent, ending with their parent), guards around plug-ins, torchrun."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from multiprocessing import parent_process
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from benchmark.core.errors import UserError, spelled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO


MARK = "BENCHMARK_WORKER"
"""Environment variable of a worker, which all that descend from it inherit, also those that left its session."""

_worker: int | None = None
"""The id of this process if it is a worker; a process that it forks has another."""
_umask = 0o077
"""The mode of new files of this process, which a plug-in may change."""


def become_worker() -> None:
    """Prepare a spawned process: a session of its own, no standard output, no Ctrl-C, and an end with its parent."""
    global _worker, _umask
    _worker = os.getpid()
    _umask = os.umask(0o077)
    os.umask(_umask)
    with suppress(OSError):  # so that it can be ended with all its children; a signal of theirs to all reaches no other
        os.setsid()
    # libraries print banners (fastjet, from C++) to standard output, which is for the user's JSON
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and ends its workers
    mark = os.environ.get(MARK, "")
    threading.Thread(target=_die_with_parent, args=(mark,), daemon=True).start()


def is_worker() -> bool:
    """Whether this process is a worker, or was forked by one."""
    return _worker is not None


def leave_if_forked() -> None:
    """Call this after code of a plug-in: only the worker goes on, with its own mode of new files.

    A process that the plug-in has forked off the worker ends at once.
    """
    if _worker is not None:
        if os.getpid() != _worker:
            os._exit(0)
        os.umask(_umask)


def members(mark: str) -> list[int]:
    """The processes with this mark, where the system has `/proc`."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended, or is another user's
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def _die_with_parent(mark: str) -> None:
    """End this process when the parent has ended: a killed parent cannot end its workers, which would wait for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        for number in members(mark):
            if number != os.getpid():
                with suppress(OSError):
                    os.kill(number, signal.SIGKILL)
        if os.getpgrp() == os.getpid():
            os.killpg(os.getpid(), signal.SIGKILL)
        os._exit(1)


@contextmanager
def silenced(*, errors: bool = False) -> Iterator[None]:
    """Discard standard output inside the block, also from C++; with `errors` also what is written to standard error."""
    with ExitStack() as stack:
        stack.enter_context(_nowhere(1, sys.stdout))
        if errors:  # the stream stays the same: handlers of log messages keep the one that they find
            stack.enter_context(_nowhere(2, sys.stderr))
        stream = stack.enter_context(open(os.devnull, "w"))
        stack.enter_context(redirect_stdout(stream))  # that of a notebook is not file 1
        yield


@contextmanager
def _nowhere(number: int, stream: TextIO | None) -> Iterator[None]:
    """Discard what is written to an open file inside the block, and first write what waits in its stream."""
    if stream is not None:
        stream.flush()
    saved, nowhere = os.dup(number), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, number)
        yield
    finally:
        if stream is not None:
            stream.flush()
        os.dup2(saved, number)
        os.close(saved)
        os.close(nowhere)


def rank_and_size() -> tuple[int, int]:
    """Rank of this process and number of processes of torchrun; (0, 1) without torchrun. Child processes inherit it.

    Raises UserError when the environment has the mark of torchrun, but not these numbers.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return 0, 1
    return of_torchrun("RANK", "WORLD_SIZE"), int(os.environ["WORLD_SIZE"])


def of_torchrun(name: str, size: str) -> int:
    """The number in the variable `name`, below that in `size`. Raises UserError unless both are such numbers."""
    found = [os.environ.get(variable, "") for variable in (name, size)]
    number, most = (int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1 for text in found)
    if not 0 <= number < most:
        raise UserError(
            f"{name} is '{spelled(found[0])}' and {size} is '{spelled(found[1])}', expected numbers as of torchrun. "
            "Start it with torchrun, or unset TORCHELASTIC_RUN_ID."
        )
    return number


@contextmanager
def spawn_without_main() -> Iterator[None]:
    """Spawn processes inside the block that do not run the user's script, which would start them again.

    So a script needs no `if __name__ == "__main__"` around its calls.
    """
    main = sys.modules["__main__"]
    if getattr(main, "__spec__", None) is not None or not hasattr(main, "__file__"):  # `python -m`, or a notebook
        yield
        return
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
