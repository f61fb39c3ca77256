"""Progress of generating processes: each counts its accepted events in memory shared with the parent.

There is no lock on the counts, so a process that is killed while it counts cannot stop the others.
"""

from __future__ import annotations

from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from benchmark.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable


def _ignore(events: float) -> None:
    """Do nothing: only worker processes of the store count events."""


report: Callable[[float], None] = _ignore
"""Report accepted events, as `progress.report(...)`; for parts of the work on an event, fractions that sum to 1."""


class EventCounter:
    """Counts the accepted events of all processes of a pool."""

    def __init__(self, workers: int) -> None:
        context = get_context("spawn")
        try:
            self._counts: Any = context.RawArray("d", workers)
            self._places: Any = context.Value("q", 0)
        except OSError as error:  # it is a file in /dev/shm, or in the folder of temporary files
            raise UserError(
                f"shared memory of {workers} workers can't be made ({error.strerror or error}), expected space in "
                "/dev/shm or in the folder TMPDIR. Free space there."
            ) from error

    def total(self) -> float:
        """Accepted events of all processes so far."""
        return float(sum(self._counts))

    def listen(self) -> None:
        """Count the events of this process from now on; called in a worker."""
        global report
        with self._places.get_lock():
            place = self._places.value
            self._places.value += 1

        def count(events: float) -> None:
            self._counts[place] += events

        report = count
