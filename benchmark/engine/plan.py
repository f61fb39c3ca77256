"""What `run --dry-run` prints: the cells, what is done already, and the time that the rest may take."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from benchmark.core.registry import REPRESENTATIONS, TASKS
from benchmark.records.store import ResultStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmark.commands.run import Planned, Settings
    from benchmark.engine.job import Job

REFERENCE = "ttbar"
"""The task whose cells the times of models are told for; those of others are scaled by their events."""
PICTURES = "circles"
"""The pictures they are told for; those of others are scaled by their pixels."""


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
                "status": item.kept.status if item.kept else "to skip" if item.skip else "to run",
                "reason": (item.kept.reason if item.kept else item.skip) or "",
                "expected_s": seconds,
            }
            for item, seconds in cells
        ]
        print(json.dumps({"cells": rows, "data_to_make_expected_s": data}, indent=1))
        return
    from rich.table import Table

    from benchmark.commands.output import console

    table = Table(box=None, pad_edge=False)
    for header in ("task", "representation", "model", "seed", "status", "expected"):
        table.add_column(header, overflow="fold")
    for item, seconds in cells:
        cell = item.job.cell
        names = [str(name).replace("[", r"\[") for name in (cell.task, cell.representation, cell.model)]
        status = f"{item.kept.status} already" if item.kept else "to skip" if item.skip else "to run"
        table.add_row(*names, str(cell.seed), status, write_seconds(seconds) if status == "to run" else "")
    output = console()
    output.print(table)
    for reason, skipped in _reasons(planned).items():
        output.print(f"skipped: {', '.join(skipped)}: {reason}", markup=False)
    for name, expected in data.items():
        output.print(f"data to make: {name}, {write_seconds(expected)}", markup=False)
    output.print(_sum(cells, data, settings.abreast), markup=False)


def _reasons(planned: Iterable[Planned]) -> dict[str, list[str]]:
    """Why cells are going to be skipped, and which; seeds of a cell, and cells of one reason, are told together."""
    found: dict[str, list[str]] = {}
    for item in planned:
        cell = item.job.cell
        words = f"{cell.task} · {cell.representation} · {cell.model}"
        if item.skip and words not in found.setdefault(item.skip, []):
            found[item.skip].append(words)
    return found


def _sum(cells: Sequence[tuple[Planned, float | None]], data: Mapping[str, float | None], abreast: int) -> str:
    """The last line: how much there is to do, how long it takes, and what that leaves out."""
    to_run = [(item, seconds) for item, seconds in cells if item.kept is None and not item.skip]
    told = [seconds for seconds in (*(seconds for _, seconds in to_run), *data.values()) if seconds is not None]
    unknown = dict.fromkeys(
        [_why_unknown(item.job) for item, seconds in to_run if seconds is None]
        + [f"data of {name}" for name, seconds in data.items() if seconds is None]
    )
    text = f"{len(to_run)} of {len(cells)} cells to run"
    if told:
        text += f", {write_seconds(sum(told))} in all" + (" on two cores without a GPU" if _on_gpu(to_run) else "")
        text += ", one after the other" if abreast > 1 else ""
    if unknown:
        text += f"{', but' if told else ','} unknown for: {'; '.join(unknown)}"
    return f"{text}. Nothing was run."


def _on_gpu(to_run: Iterable[tuple[Planned, float | None]]) -> bool:
    return any(item.job.cell.device.startswith("cuda") for item, _ in to_run)


def _why_unknown(job: Job) -> str:
    if job.model.seconds:
        return "cells of events that are yet to be read" if job.cell.source else f"preset {job.cell.preset}"
    return f"{job.model.name} (a plug-in that tells no `seconds`)"


def expected_data(planned: Sequence[Planned]) -> dict[str, float | None]:
    """Data sets that a run would make, and the seconds that they take on two cores where that is known."""
    missing: dict[str, Job] = {}
    for job in (item.job for item in planned if item.manifest is None and _makes_data(item)):
        data = job.data  # views of the same events are one data set
        missing.setdefault(_like(data.task.name, data.task.data_parameters(), data.level, data.source), job)
    return {f"{job.cell.task} ({job.cell.source or job.cell.level})": _making(job) for job in missing.values()}


def _making(job: Job) -> float | None:
    task, preset = job.data.task, job.cell.preset
    typical = None if job.cell.source else task.seconds.get(preset)
    return typical and typical * task.events_per_class / type(task).resolve(preset).events_per_class


def _makes_data(item: Planned) -> bool:
    """Whether a run would make its data: not at a level at which the task makes no sense."""
    data = item.job.data
    return data.source is not None or data.level not in data.task.skipped_levels


def _events(item: Planned) -> int | None:
    """Events of all splits; of real files they are known when these have been read."""
    if item.manifest is not None:
        return item.manifest.events()
    task = item.job.data.task
    return None if item.job.cell.source else len(task.processes) * task.events_per_class


class History:
    """How long cells took before: the newest like result in the folder, else the plug-in's own word."""

    def __init__(self, store: ResultStore) -> None:
        self.seconds = {
            _like(
                (result.task, result.variant, sum(result.events.values())),
                (result.representation, result.representation_parameters),
                (result.model, result.parameters),
                result.device,
            ): sum(result.timings.values())
            for result in sorted(store.all(), key=lambda result: result.created)
            if result.status == "done" and result.timings  # of cells beside others there are none
        }

    def expected(self, item: Planned) -> float | None:
        """Seconds that a cell may take; None when nothing is known."""
        job, events = item.job, _events(item)
        if item.skip:
            return 0.0
        task, representation, model = job.data.task, job.representation, job.model
        like = _like(
            (task.name, task.parameters(), events),
            (representation.name, representation.parameters()),
            (model.name, model.parameters()),
            job.cell.device.partition(":")[0],
        )
        return self.seconds[like] if like in self.seconds else _typical(job, events)


def _like(*parts: Any) -> str:
    """Cells of one task variant, representation, model with its parameters, and kind of device take like times."""
    return json.dumps(parts, sort_keys=True, default=str)


def _typical(job: Job, events: int | None) -> float | None:
    """The model's own word for this preset, scaled by the events, by its parameters and by the pixels of pictures."""
    preset, model, info = job.cell.preset, job.model, job.data.task.info(job.data.level)
    pixels = job.representation.pixels(info)
    told = model.seconds_on_pictures if pixels and preset in model.seconds_on_pictures else model.seconds
    if preset not in told or events is None:
        return None
    reference = TASKS.load(REFERENCE).resolve(preset)
    pictures = REPRESENTATIONS.load(PICTURES).resolve(preset)
    usual = {**type(model).resolve(preset).parameters(), "pixels": pictures.pixels(info)}
    here = {**model.parameters(), "pixels": pixels}
    # without a picture there are no pixels, and the time told is another one
    known = {name: power for name, power in model.effort.items() if usual[name] and here[name]}
    growth = math.prod((here[name] / usual[name]) ** power for name, power in known.items())
    scale: float = growth * events / (len(reference.processes) * reference.events_per_class)
    return told[preset] * scale


def write_seconds(seconds: float | None) -> str:
    """`about 40 s`, `about 3 min`, `about 2.5 h`, or `unknown`."""
    if seconds is None:
        return "unknown"
    if seconds < 90:
        return f"about {max(seconds, 1):.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"
