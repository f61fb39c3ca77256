"""`data show`: counts, fingerprint, level and size of the data sets of a task, and figures of them."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.commands import options
from benchmark.commands.data import arguments, displays
from benchmark.core.errors import UserError
from benchmark.core.plugin import Range
from benchmark.core.terminal import console, table
from benchmark.engine.request import parse_filter
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.commands.data.validation import Drawn
    from benchmark.displays.events import EventDisplay
    from tasks.data.inventory import DataFolder
    from tasks.data.manifest import Manifest
    from tasks.task import Task

Plots = Annotated[
    Path | None,
    typer.Option(
        help="Draw validation figures into this folder, and print the numbers measured in them with their expected "
        "ranges: spectra by class from up to 20,000 events of each data set, and the detector on particles of known "
        "truth. With --representation, draw event displays instead.",
        metavar="DIR",
        show_default=False,
    ),
]
Representations = Annotated[
    list[str] | None,
    typer.Option(
        "--representation",
        help="Draw what representations make of the events, as PNG files: examples of each class, average pictures and "
        "their differences, distributions. Parameters as 'circles[size=112]'; repeatable, comma-separated, or 'all'.",
        metavar="NAME",
        autocompletion=options.completer(REPRESENTATIONS),
        show_default=False,
    ),
]
Each = Annotated[
    int | None,
    typer.Option(
        "--events",
        help="Examples of each class, with --representation, at most 24. Default: 6.",
        parser=options.whole("events", Range(1, 24)),
        metavar="N",
    ),
]


def command(
    task: arguments.OneTask,
    plots: Plots = None,
    representation: Representations = None,
    events: Each = None,
    data: options.Data = None,
    json: options.Json = False,
) -> int:
    """Print counts, fingerprint, level and size of each data set of a task; with --plots, also draw figures of it.

    With --plots and --representation, draw the samples that a representation makes of the events.

    Example: python -m benchmark data show ttbar --plots figures

    Example: python -m benchmark data show ttbar --representation 'circles,graph[k=3]' --plots displays
    """
    choices = parse_filter(task)
    if len(choices) != 1 or choices[0].target == "all":
        raise UserError(f"data show: '{task}' names more than one task, expected one. Show them in turn.")
    if plots is None and (representation or events is not None):
        option = "--representation" if representation else "--events"
        raise UserError(f"data show: {option} without --plots: there is no folder for displays. Add --plots DIR.")
    if events is not None and not representation:
        raise UserError(
            "data show: --events without --representation: no examples are drawn. Add --representation NAME."
        )
    plugin = TASKS.load(choices[0].target)
    wanted = displays.choices(representation) if representation else []
    root = options.data_root(data)
    found = [item for item in arguments.found(root, task) if not item.is_empty]
    damaged = next((item for item in found if item.state in ("damaged", "unreadable")), None)
    if damaged is not None:
        raise UserError(damaged.reason)
    drawable = [item for item in found if not _is_test_set(item)] or found  # test events look alike
    request = displays.DisplayRequest(task, plugin, dict(choices[0].given), wanted, events or displays.EVENTS)
    drawn = _draw(plugin, drawable, plots) if plots and not wanted else []
    shown = _display(request, drawable, plots) if plots and wanted else []
    if json:
        manifests = {str(item.folder): item.manifest.model_dump(mode="json") for item in found if item.manifest}
        sizes = {str(item.folder): item.size for item in found}
        record = {"task": plugin.name, "levels": levels(plugin), "data": manifests, "bytes": sizes}
        if wanted:
            record["displays"] = displays.as_json(shown)
        elif plots:
            record["plots"] = {str(item.folder): item.as_json() for item in drawn}
        print(json_format.dumps(record, indent=1))
        return 0
    print(f"{plugin.name}: {TASKS.find(choices[0].target).summary}")
    for level, reason in levels(plugin).items():
        print(f"level {level}: {reason}")
    if not found:
        print(f"no data in {root / plugin.name} yet. To make them: {arguments.how_to_make(task, plugin)}")
    _print(found)
    if wanted:
        displays.show(shown)
    elif plots:
        from benchmark.commands.data import validation

        validation.show(drawn, plots)
    return 0


def _is_test_set(item: DataFolder) -> bool:
    return item.manifest is not None and item.manifest.test_events is not None


def _draw(plugin: type[Task], found: Sequence[DataFolder], plots: Path) -> list[Drawn]:
    from benchmark.commands.data import validation
    from benchmark.core.process import silenced
    from benchmark.engine.progress import Display

    folder = validation.folder_for(plots)
    with Display() as display, silenced():
        return validation.run(plugin, found, folder, display)


def _display(request: displays.DisplayRequest, found: Sequence[DataFolder], plots: Path) -> list[EventDisplay]:
    from benchmark.commands.data import validation
    from benchmark.engine.progress import Display

    folder = validation.folder_for(plots)
    with Display() as display:
        return displays.run(request, found, folder, display)


def levels(plugin: type[Task]) -> dict[str, str]:
    """Each level of realism, and whether the task has it or why not."""
    from tasks.task import LEVELS

    skipped = plugin.skipped_levels
    return {level: f"skipped: {skipped[level]}" if level in skipped else "yes" for level in LEVELS}


def _print(found: Sequence[DataFolder]) -> None:
    for item in found:
        print()
        print(f"{item.folder}")
        if item.state != "complete":
            print(f"  {item.state}: {item.reason}")
        samples = f", of which samples {arguments.size(item.samples_size)}" if item.samples_size else ""
        print(f"  {arguments.size(item.size)} on disk{samples}")
        if item.manifest is not None:
            _print_manifest(item.manifest)


def _print_manifest(manifest: Manifest) -> None:
    label = f" (fast simulation, version {manifest.detector})" if manifest.fast_simulation else ""
    print(f"  level {manifest.level}{label}, source {manifest.source}, version {manifest.task_version}")
    print(f"  fingerprint {manifest.fingerprint}")
    files = len(manifest.shards)
    print(f"  made {manifest.created} in {files:,} {'shard' if files == 1 else 'shards'}")
    for reason, count in manifest.dropped.items():
        print(f"  dropped: {count:,} {reason}")
    for note in manifest.notes:
        print(f"  note: {note}")
    splits = ("train", "valid", "test")
    rows = [
        (f"  {process}", *(f"{row[name]:,}" for name in splits), f"{sum(row.values()):,}")
        for process, row in manifest.counts.items()
    ]
    console().print(table(("  class", *splits, "all"), rows, right={*splits, "all"}))
