"""Progress of generating processes: each counts its accepted events in a place that the parent can read.

No lock is shared: a process that is killed while it counts must not stop the others.
"""

from __future__ import annotations

from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def _nobody(events: int) -> None:
    """Tell nobody: outside the worker processes of the store, nothing listens."""


tell: Callable[[int], None] = _nobody
"""Called with the number of events that were just accepted; call it as `progress.tell(...)`."""


class Counter:
    """Events that the processes of one pool have told of."""

    def __init__(self, workers: int) -> None:
        context = get_context("spawn")
        self._counts: Any = context.RawArray("q", workers)
        self._places: Any = context.Value("q", 0)

    def total(self) -> int:
        """Told so far, by all processes."""
        return sum(self._counts)

    def listen(self) -> None:
        """In a worker: from now on its events count, in a place of its own."""
        global tell
        with self._places.get_lock():
            place = self._places.value
            self._places.value += 1

        def count(events: int) -> None:
            self._counts[place] += events

        tell = count
