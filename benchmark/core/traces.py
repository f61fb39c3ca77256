"""What code of a plug-in leaves in its process: things that go on, or that change what all other code relies on."""

from __future__ import annotations

import builtins
import os
import signal
import sys
import threading
from typing import Any

from benchmark.core.process import MARK, members

TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)
STREAMS = ("stdin", "stdout", "stderr")


class Traces:
    """What there is in a process when this is made."""

    def __init__(self) -> None:
        self._mark = os.environ.get(MARK, "none")
        self._builtins = dict(vars(builtins))
        self._found = self._find()

    def since(self) -> list[str]:
        """The names, for messages, of what has come since; what was added to the built-in functions is harmless."""
        return [name for name, found in self._find().items() if found - self._found[name]]

    def _find(self) -> dict[str, set[Any]]:
        now = vars(builtins)
        return {
            "a thread": set(threading.enumerate()),
            "a child process": set(members(self._mark)),
            "a timer": {timer for timer in TIMERS if any(signal.getitimer(timer))},
            "blocked signals": set(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
            "other standard streams": {(name, id(getattr(sys, name, None))) for name in STREAMS},
            "other built-in functions": {name for name, old in self._builtins.items() if now.get(name) is not old},
        }
