"""How long the cells of a plan may take, from the times of results that exist."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import leaderboard
from benchmark.records.store import ResultStore

if TYPE_CHECKING:
    from benchmark.engine.plan import Planned
    from benchmark.records.result import Result

ACCEPTED = Path(leaderboard.__file__).parent / "results"
"""The accepted results, which are installed with the package."""


class Estimates:
    """Seconds per event of the user's results and of the accepted ones.

    The first of these that exists is used: the user's results of the same task, of any task, then the accepted results
    of the same task, of any task; always of the same representation, model, parameters and kind of device.
    """

    def __init__(self, *folders: Path) -> None:
        self._rates: list[dict[str, float]] = []
        for folder in folders:
            same_task: dict[str, float] = {}
            any_task: dict[str, float] = {}
            for result in sorted(ResultStore(folder).all(), key=lambda result: result.created):
                events = sum(result.events.values())
                if result.status == "done" and result.timings and events:  # the newest one wins
                    pair = _pair(result)
                    any_task[pair] = same_task[result.task + pair] = sum(result.timings.values()) / events
            self._rates += [same_task, any_task]

    def seconds(self, item: Planned) -> float | None:
        """Seconds that a cell may take, 0 for one that will be skipped; None where no result tells."""
        if item.skip:
            return 0.0
        events = _events(item)
        if events is None:
            return None
        pair = _pair(item.record)
        for number, rates in enumerate(self._rates):
            key = pair if number % 2 else item.record.task + pair
            if key in rates:
                return rates[key] * events
        return None


def _pair(result: Result) -> str:
    """Representation and model with their parameters, and the kind of device, as a key."""
    parts = result.representation, result.representation_parameters, result.model, result.parameters, result.device
    return json.dumps(parts, sort_keys=True, default=str)


def _events(item: Planned) -> int | None:
    """Events of all splits; None for files that are not read yet."""
    if item.manifest is not None:
        return item.manifest.events()
    task = item.job.data.task
    return None if item.cell.source else len(task.processes) * task.events_per_class
