"""Progress of generating processes: each counts its accepted events in a place that the parent can read.

Where an event is not done once it is accepted, its parts are told as they are done: shares that add up to 1.

No lock is shared: a process that is killed while it counts must not stop the others.
"""

from __future__ import annotations

from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def _nobody(events: float) -> None:
    """Tell nobody: outside the worker processes of the store, nothing listens."""


tell: Callable[[float], None] = _nobody
"""Called with the number of events that were just accepted, or a share of it; call it as `progress.tell(...)`."""


class Counter:
    """Events that the processes of one pool have told of."""

    def __init__(self, workers: int) -> None:
        context = get_context("spawn")
        self._counts: Any = context.RawArray("d", workers)
        self._places: Any = context.Value("q", 0)

    def total(self) -> float:
        """Told so far, by all processes."""
        return float(sum(self._counts))

    def listen(self) -> None:
        """In a worker: from now on its events count, in a place of its own."""
        global tell
        with self._places.get_lock():
            place = self._places.value
            self._places.value += 1

        def count(events: float) -> None:
            self._counts[place] += events

        tell = count
