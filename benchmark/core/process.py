"""Manners of a worker process: quiet on standard output, deaf to Ctrl-C, gone when its parent is gone."""

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
    """Call first in every spawned process."""
    # Libraries print banners (fastjet, from C++) to standard output, which belongs to the user's JSON.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends its workers
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    """A parent that was killed outright can't end its workers; without this they would wait for ever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def silenced() -> Iterator[None]:
    """Nothing on standard output meanwhile, not even from C++: what a worker has for ever, for who works in place."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def rank_and_size() -> tuple[int, int]:
    """Which of how many processes that torchrun started this is, or was started by; 0 of 1 without torchrun."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return 0, 1
    return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])


@contextmanager
def spawn_without_main() -> Iterator[None]:
    """Let spawned processes not run the user's script: they need nothing of it, and it would start them again.

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
