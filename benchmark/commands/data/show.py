"""`data show`: counts, fingerprint, level and size of the data sets of a task, and figures to judge them by."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.commands import options
from benchmark.commands.data import requests
from benchmark.registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.commands.data.validation import Drawn
    from tasks.inventory import Found
    from tasks.manifest import Manifest
    from tasks.task import Task

Plots = Annotated[
    Path | None,
    typer.Option(
        help="Draw validation figures into this folder, and print what is read off them beside what is expected: "
        "spectra by class from up to 20,000 events of each data set, and the detector on particles of known truth.",
        metavar="DIR",
        show_default=False,
    ),
]


def command(
    task: requests.One,
    plots: Plots = None,
    data: options.Data = None,
    json: options.Json = False,
) -> int:
    """Show counts, fingerprint, level and size of each data set of a task; with --plots, draw figures of it.

    Example: python -m benchmark data show ttbar --plots figures
    """
    from benchmark.errors import UserError
    from benchmark.grid import parse_filter

    choices = parse_filter(task)
    if len(choices) != 1 or choices[0].target == "all":
        raise UserError(f"data show: '{task}' names more than one task, expected one. Show them in turn.")
    plugin = TASKS.load(choices[0].target)
    root = options.data_root(data)
    found = requests.found(root, task)
    damaged = next((item for item in found if item.state == "damaged"), None)
    if damaged is not None:
        raise UserError(damaged.reason)
    drawn = _draw(plugin, found, plots) if plots else []
    if json:
        manifests = {str(item.folder): item.manifest.model_dump(mode="json") for item in found if item.manifest}
        sizes = {str(item.folder): item.size for item in found}
        shown = {"task": plugin.name, "levels": levels(plugin), "data": manifests, "bytes": sizes}
        if plots:
            shown["plots"] = {str(item.folder): item.as_json() for item in drawn}
        print(json_format.dumps(shown, indent=1))
        return 0
    print(f"{plugin.name}: {TASKS.find(choices[0].target).summary}")
    for level, reason in levels(plugin).items():
        print(f"level {level}: {reason}")
    if not found:
        print(f"no data in {root / plugin.name} yet. They are made by: python -m benchmark data generate '{task}'")
    _print(found)
    if plots:
        from benchmark.commands.data import validation

        validation.show(drawn, plots)
    return 0


def _draw(plugin: type[Task], found: Sequence[Found], plots: Path) -> list[Drawn]:
    from benchmark.commands.data import validation
    from benchmark.display import Display
    from benchmark.process import silenced

    folder = validation.folder_for(plots)
    with Display() as display, silenced():
        return validation.run(plugin, found, folder, display)


def levels(plugin: type) -> dict[str, str]:
    """Each level of realism, and whether the task has it or why not."""
    from tasks.task import LEVELS

    skipped: dict[str, str] = plugin.skipped_levels  # type: ignore[attr-defined]
    return {level: f"skipped: {skipped[level]}" if level in skipped else "yes" for level in LEVELS}


def _print(found: Sequence[Found]) -> None:
    for item in found:
        print()
        print(f"{item.folder}")
        if item.state != "complete":
            print(f"  {item.state}: {item.reason}")
        samples = f", of which samples {requests.size(item.samples_size)}" if item.samples_size else ""
        print(f"  {requests.size(item.size)} on disk{samples}")
        if item.manifest is not None:
            _print_manifest(item.manifest)


def _print_manifest(manifest: Manifest) -> None:
    from rich.table import Table

    from benchmark.report import console

    label = f" (fast simulation, version {manifest.detector})" if manifest.fast_simulation else ""
    print(f"  level {manifest.level}{label}, source {manifest.source}, version {manifest.task_version}")
    print(f"  fingerprint {manifest.fingerprint}")
    files = len(manifest.shards)
    print(f"  made {manifest.created} in {files:,} {'shard' if files == 1 else 'shards'}")
    for reason, count in manifest.dropped.items():
        print(f"  dropped: {count:,} {reason}")
    table = Table(box=None, pad_edge=False)
    table.add_column("  class")
    splits = ("train", "valid", "test")
    for name in (*splits, "all"):
        table.add_column(name, justify="right")
    for process, row in manifest.counts.items():
        table.add_row(f"  {process}", *(f"{row[name]:,}" for name in splits), f"{sum(row.values()):,}")
    console().print(table)
