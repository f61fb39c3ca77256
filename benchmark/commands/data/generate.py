"""`data generate`: generate events that do not exist yet."""

from __future__ import annotations

import json as json_format
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.commands import options
from benchmark.commands.data import arguments
from benchmark.core.errors import UserError
from benchmark.core.machine import usable_cores
from benchmark.core.plugin import Range

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmark.engine.progress import Display
    from tasks.data.dataset import DataSet


def command(
    task: arguments.Tasks,
    preset: arguments.Preset = "quick",
    level: Annotated[str, typer.Option(help="Realism: generator, hadron or detector.")] = "detector",
    test_events: options.TestEvents = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Processes that generate events. Default: all cores.",
            parser=options.whole("workers", Range(1)),
            metavar="N",
        ),
    ] = None,
    data: options.Data = None,
    quiet: arguments.Quiet = False,
    json: options.Json = False,
) -> int:
    """Generate training, validation and test events. Complete sets are not made again; interrupted ones are continued.

    Example: python -m benchmark data generate 'ttbar[min_jets=2],dimuon' --preset standard --workers 16
    """
    from benchmark.engine.api import counts
    from benchmark.engine.job import test_set
    from benchmark.engine.progress import Display

    wanted = arguments.data_sets(task, preset, level)
    skipped = {item.task.name: reason for item in wanted if (reason := item.task.skipped_levels.get(level))}
    wanted = [item for item in wanted if item.task.name not in skipped]
    given = next(iter(counts("test-events", test_events, most=1)), None)
    wanted = [part for item in wanted for part in (item, test_set(item, preset, given)) if part]
    if not wanted:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in skipped.items())
        raise UserError(f"level '{level}' is skipped ({reasons}). Choose another --level.")
    with Display(quiet=quiet) as display:
        rows = run(wanted, options.data_root(data), workers or usable_cores(), display)
    if json:
        print(json_format.dumps(rows, indent=1))
    elif not quiet:
        for name, reason in skipped.items():
            print(f"{name}: level {level} is skipped: {reason}")
        arguments.say_made(rows)
    return 0


def run(wanted: Sequence[DataSet], root: Path, workers: int, display: Display) -> list[dict[str, Any]]:
    """Make missing data sets. Returns the task, folder and manifest of each data set, and whether it was made now."""
    from tasks.data.store import prepare

    rows = []
    for item in wanted:
        name, new = item.task.name, item.manifest(root) is None
        manifest = prepare(item, root, workers, partial(display.stage, name))
        rows.append(arguments.made(name, item.folder(root), manifest, new=new))
    return rows
