"""`data`: the event data behind the results."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.commands import options
from benchmark.registry import TASKS

if TYPE_CHECKING:
    from tasks.manifest import Manifest

app = typer.Typer(help="Look at the event data.", rich_markup_mode=None)


@app.callback()
def group() -> None:
    """Look at the event data that results are made from."""


@app.command("show")
def show(
    task: Annotated[str, typer.Argument(help="A task.", metavar="TASK", autocompletion=options.completer(TASKS))],
    data: options.Data = None,
    json: options.Json = False,
) -> int:
    """Show counts, fingerprint and level of each data set of a task.

    Example: python -m benchmark data show ttbar
    """
    plugin = TASKS.load(task)
    root = options.data_root(data)
    found = manifests(root / plugin.name)
    if json:
        rows = {str(folder): manifest.model_dump(mode="json") for folder, manifest in found.items()}
        print(json_format.dumps({"task": plugin.name, "levels": levels(plugin), "data": rows}, indent=1))
        return 0
    print(f"{plugin.name}: {TASKS.find(task).summary}")
    for level, reason in levels(plugin).items():
        print(f"level {level}: {reason}")
    if not found:
        print(f"no data in {root / plugin.name} yet. They are made by: python -m benchmark run --task {task}")
    for folder, manifest in found.items():
        print()
        _print(folder, manifest)
    return 0


def manifests(folder: Path) -> dict[Path, Manifest]:
    """The complete data sets in a task's folder. Raises UserError for a broken manifest."""
    from tasks.manifest import MANIFEST, read_manifest

    found = {path.parent: read_manifest(path.parent) for path in sorted(folder.glob(f"*/{MANIFEST}"))}
    return {path: manifest for path, manifest in found.items() if manifest is not None}


def levels(plugin: type) -> dict[str, str]:
    """Each level of realism, and whether the task has it or why not."""
    from tasks.task import LEVELS

    skipped: dict[str, str] = plugin.skipped_levels  # type: ignore[attr-defined]
    return {level: f"skipped: {skipped[level]}" if level in skipped else "yes" for level in LEVELS}


def _print(folder: Path, manifest: Manifest) -> None:
    from rich.table import Table

    from benchmark.report import console

    label = " (fast simulation)" if manifest.fast_simulation else ""
    print(f"{folder}")
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
