"""Worker processes (in a session of their own, silent, ending with their parent), guards around plug-ins, torchrun."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager, redirect_stdout, suppress
from multiprocessing import parent_process
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


MARK = "BENCHMARK_WORKER"
"""Environment variable of a worker, which all that descend from it inherit, also those that left its session."""

_worker: int | None = None
"""The id of this process if it is a worker; a process that it forks has another."""


def become_worker() -> None:
    """Prepare a spawned process: a session of its own, no standard output, no Ctrl-C, and an end with its parent."""
    global _worker
    _worker = os.getpid()
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
    """End this process at once if a plug-in has forked it off a worker: only the worker goes on with the cell."""
    if _worker is not None and os.getpid() != _worker:
        os._exit(0)


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
def silenced() -> Iterator[None]:
    """Discard standard output inside the block, also from C++."""
    sys.stdout.flush()
    output, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        with open(os.devnull, "w") as stream, redirect_stdout(stream):  # that of a notebook is not file 1
            yield
    finally:
        os.dup2(output, 1)
        os.close(output)
        os.close(nowhere)


def rank_and_size() -> tuple[int, int]:
    """Rank of this process and number of processes of torchrun; (0, 1) without torchrun. Child processes inherit it."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return 0, 1
    return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])


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
