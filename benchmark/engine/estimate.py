"""How long the cells of a plan may take, from the times of results that exist."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from benchmark.records.store import ResultStore
from tasks.data.generation import events_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from benchmark.engine.plan import Planned
    from benchmark.records.result import Result


SLOWNESS = {
    "expert": 0.5,
    "fourvectors": 1.0,
    "graph": 2.0,
    "circles": 6.0,
    "calorimeter": 15.0,
    "constant": 0.1,
    "random": 0.1,
    "cut": 0.2,
    "bdt": 1.0,
    "ffnn": 3.0,
    "mpnn": 5.0,
    "recnn": 5.0,
    "cnn": 15.0,
}
"""By representation and model: factors of the time of a cell, for those of which no result is known."""


class Estimates:
    """Seconds per event of the user's results and of the accepted ones.

    The first of these that exists is used: the user's results of the same task, of any task, then the accepted results
    of the same task, of any task; always of the same representation, model, parameters and kind of device.
    """

    def __init__(self, *folders: Path) -> None:
        self._results: list[list[Result]] = []
        for folder in folders:
            done = [result for result in ResultStore(folder).all() if result.status == "done" and result.timings]
            self._results.append(sorted(done, key=lambda result: result.created, reverse=True))

    def seconds(self, item: Planned) -> float | None:
        """Seconds that a cell may take, 0 for one that will be skipped; None if there is no such result."""
        if item.skip:
            return 0.0
        events = _events(item)
        if events is None:
            return None
        for results in self._results:
            alike = [result for result in results if _alike(result, item.record)]
            same_task = [result for result in alike if result.task == item.record.task]
            for result in same_task or alike:  # the newest one
                return sum(result.timings.values()) * events / max(sum(result.events.values()), 1)
        return None

    def cheapest_first(self, items: Iterable[Planned], workers: int = 1) -> list[Planned]:
        """Cells in an order in which the first results come soon and several workers end together.

        A guess takes the place of a time that is unknown.
        """
        timed = [(_guess(item) if (known := self.seconds(item)) is None else known, item) for item in items]
        return [timed[place][1] for place in shortest_first([seconds for seconds, _ in timed], workers)]


def shortest_first(times: Sequence[float], workers: int) -> list[int]:
    """The order in which workers take pieces of work, shortest first, but long ones early enough to end with the rest.

    It is the rule "longest first, to the worker that is free first" with time turned round, so that all workers end
    within 4/3 of the shortest possible time (Graham, SIAM J. Appl. Math. 17 (1969) 416).

    Returns
    -------
    Places in `times`.
    """
    ascending = sorted(range(len(times)), key=times.__getitem__)
    left = [0.0] * workers  # what each worker has to do from a moment to the end
    begins = {}
    for place in reversed(ascending):
        begins[place] = heapq.heapreplace(left, left[0] + times[place]) + times[place]
    return sorted(ascending, key=begins.__getitem__, reverse=True)


def _guess(item: Planned) -> float:
    """Seconds that a cell takes with the preset `quick`, roughly: only the order means anything."""
    record = item.record
    return SLOWNESS.get(record.representation, 3.0) * SLOWNESS.get(record.model, 10.0)


def _alike(one: Result, other: Result) -> bool:
    """Whether two cells have the same representation, model and kind of device, with equal parameters.

    A parameter that one of them lacks does not count, since a plug-in may gain and lose some.
    """
    names = [(result.representation, result.model, result.device, *_files(result)) for result in (one, other)]
    pairs = [(one.representation_parameters, other.representation_parameters), (one.parameters, other.parameters)]
    return names[0] == names[1] and all(a[name] == b[name] for a, b in pairs for name in a.keys() & b.keys())


def _files(result: Result) -> list[str]:
    """The files of representation and model, empty for built-in ones: an edited file is as fast as it was."""
    return [origin.name if origin else "" for origin in (result.representation_origin, result.model_origin)]


def _events(item: Planned) -> int | None:
    """Events of all splits; None for files that are not read yet."""
    if item.manifests is not None:
        return sum(item.record.events.values())
    parts = [part for part in (item.job.data, item.job.test) if part and part.source is None]
    classes = len(item.job.data.task.processes)
    return classes * sum(sum(events_of(part).values()) for part in parts) if parts else None
