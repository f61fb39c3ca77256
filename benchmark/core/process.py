"""Worker processes (silent on standard output, ignoring Ctrl-C, ending with their parent), and torchrun's processes."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import contextmanager
from multiprocessing import parent_process
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def become_worker() -> None:
    """Prepare a spawned process: silence its standard output, ignore Ctrl-C, and end when the parent has ended."""
    # libraries print banners (fastjet, from C++) to standard output, which is for the user's JSON
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C and ends its workers
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    """End this process when the parent has ended: a killed parent cannot end its workers, which would wait for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def silenced() -> Iterator[None]:
    """Discard standard output inside the block, also from C++."""
    sys.stdout.flush()
    output, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        sys.stdout.flush()
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
