"""What `run --dry-run` prints: the cells, what is done already, and the time that the rest may take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from benchmark.results import ResultStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.commands.run import Planned, Settings


def show(planned: Sequence[Planned], settings: Settings, *, as_json: bool) -> None:
    """Print the plan."""
    history = History(ResultStore(settings.results))
    cells = [(item, None if item.kept else history.expected(item)) for item in planned]
    data = expected_data(planned)
    if as_json:
        rows = [
            {
                "task": str(item.job.cell.task),
                "representation": str(item.job.cell.representation),
                "model": str(item.job.cell.model),
                "seed": item.job.cell.seed,
                "status": item.kept.status if item.kept else "to run",
                "expected_s": seconds,
            }
            for item, seconds in cells
        ]
        print(json.dumps({"cells": rows, "data_to_make_expected_s": data}, indent=1))
        return
    from rich.table import Table

    from benchmark.report import console

    table = Table(box=None, pad_edge=False)
    for header in ("task", "representation", "model", "seed", "status", "expected"):
        table.add_column(header, overflow="fold")
    for item, seconds in cells:
        cell = item.job.cell
        names = [str(name).replace("[", r"\[") for name in (cell.task, cell.representation, cell.model)]
        status = f"{item.kept.status} already" if item.kept else "to run"
        table.add_row(*names, str(cell.seed), status, "" if item.kept else write_seconds(seconds))
    output = console()
    output.print(table)
    for name, expected in data.items():
        output.print(f"data to make: {name}, {write_seconds(expected)}", markup=False)
    known = [seconds for _, seconds in cells if seconds is not None] + [s for s in data.values() if s is not None]
    left = sum(item.kept is None for item in planned)
    unknown = left + len(data) - len(known)
    more = f", and {unknown} of unknown length" if unknown else ""
    output.print(f"{left} of {len(planned)} cells to run, {write_seconds(sum(known))} in all{more}. Nothing was run.")


def expected_data(planned: Sequence[Planned]) -> dict[str, float | None]:
    """Data sets that a run would make, and the seconds that they take on two cores where that is known."""
    missing = [
        item
        for item in planned
        if item.manifest is None and item.job.cell.level not in item.job.data.task.skipped_levels
    ]
    return {
        f"{item.job.cell.task} ({item.job.cell.source or item.job.cell.level})": (
            None
            if item.job.cell.source or item.job.cell.task.given
            else item.job.data.task.seconds.get(item.job.cell.preset)
        )
        for item in missing
    }


class History:
    """How long cells took before: the newest like result in the folder, else the plug-in's own word."""

    def __init__(self, store: ResultStore) -> None:
        self.seconds = {
            _like(
                result.task, result.variant, result.representation, result.model, result.parameters, result.device
            ): sum(result.timings.values())
            for result in sorted(store.all(), key=lambda result: result.created)
            if result.status == "done"
        }

    def expected(self, item: Planned) -> float | None:
        """Seconds that a cell may take; None when nothing is known."""
        job = item.job
        task, device = job.data.task, job.cell.device.partition(":")[0]
        like = _like(
            task.name, task.parameters(), job.representation.name, job.model.name, job.model.parameters(), device
        )
        if like in self.seconds:
            return self.seconds[like]
        usual = not (job.cell.task.given or job.cell.model.given or job.cell.source)
        return job.model.seconds.get(job.cell.preset) if usual else None


def _like(*parts: Any) -> str:
    """Cells of one task variant, representation, model with its parameters, and kind of device take like times."""
    return json.dumps(parts, sort_keys=True, default=str)


def write_seconds(seconds: float | None) -> str:
    """`about 40 s`, `about 3 min`, `about 2.5 h`, or `unknown`."""
    if seconds is None:
        return "unknown"
    if seconds < 90:
        return f"about {max(seconds, 1):.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
