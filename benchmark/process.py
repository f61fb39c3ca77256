"""Manners of a worker process: quiet on standard output, deaf to Ctrl-C, gone when its parent is gone."""

from __future__ import annotations

import os
import signal
import threading
from multiprocessing import parent_process


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
