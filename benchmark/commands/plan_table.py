"""Output of `run --dry-run`: the cells, which of them have a result, and how long the others may take."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmark.core.terminal import console, table
from benchmark.engine.estimate import Estimates
from benchmark.engine.plan import data_to_make
from benchmark.records.published import ACCEPTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmark.engine.plan import Planned
    from benchmark.engine.request import Settings


def show(planned: Sequence[Planned], settings: Settings, *, as_json: bool) -> None:
    """Print the plan."""
    estimates = Estimates(settings.results, ACCEPTED)
    cells = [(item, None if item.stored else estimates.seconds(item)) for item in planned]
    data = data_to_make(planned)
    if as_json:
        rows = [
            {
                "task": str(item.cell.task),
                "representation": str(item.cell.representation),
                "model": str(item.cell.model),
                "seed": item.cell.seed,
                "status": item.stored.status if item.stored else "to skip" if item.skip else "to run",
                "reason": (item.stored.reason if item.stored else item.skip) or "",
                "expected_s": seconds,
            }
            for item, seconds in cells
        ]
        print(json.dumps({"cells": rows, "data_to_make": data}, indent=1))
        return
    lines = []
    for item, seconds in cells:
        cell = item.cell
        status = f"{item.stored.status} already" if item.stored else "to skip" if item.skip else "to run"
        words = write_seconds(seconds) if status == "to run" else ""
        lines.append((str(cell.task), str(cell.representation), str(cell.model), str(cell.seed), status, words))
    output = console()
    output.print(table(("task", "representation", "model", "seed", "status", "expected"), lines))
    for reason, skipped in _reasons(planned).items():
        output.print(f"skipped: {', '.join(skipped)}: {reason}", markup=False)
    for name in data:
        output.print(f"data to make first: {name}", markup=False)
    output.print(_summary(cells, data, settings.jobs), markup=False)


def _reasons(planned: Iterable[Planned]) -> dict[str, list[str]]:
    """The cells that will be skipped, by reason; the seeds of a cell count once."""
    reasons: dict[str, list[str]] = {}
    for item in planned:
        cell = item.cell
        words = f"{cell.task} · {cell.representation} · {cell.model}"
        if item.skip and words not in reasons.setdefault(item.skip, []):
            reasons[item.skip].append(words)
    return reasons


def _summary(cells: Sequence[tuple[Planned, float | None]], data: Sequence[str], jobs: int) -> str:
    """The last line: how many cells will run, how long they take, and what that time does not include."""
    times = [seconds for item, seconds in cells if item.stored is None and not item.skip]
    known = [seconds for seconds in times if seconds is not None]
    text = f"{len(times)} of {len(cells)} cells to run"
    if known:
        text += f", {write_seconds(sum(known))}" + (", one after the other" if jobs > 1 else "")
    if len(known) < len(times):
        unknown = len(times) - len(known)
        text += f"; time unknown for {unknown} of them: no earlier result has this representation, model and device"
    if data:
        text += "; plus the time to generate or read the events"
    return f"{text}. Nothing was run."


def write_seconds(seconds: float | None) -> str:
    """`about 40 s`, `about 3 min`, `about 2.5 h`, or `unknown`."""
    if seconds is None:
        return "unknown"
    if seconds < 90:
        return f"about {max(seconds, 1):.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
