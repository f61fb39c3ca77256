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
    shifts: Annotated[
        bool,
        typer.Option(
            "--shifts/--no-shifts",
            help="Also make the test events of the shifted simulations of the tasks, for run --shifts.",
        ),
    ] = False,
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
    from benchmark.engine.progress import Display

    wanted = arguments.data_sets(task, preset, level)
    skipped = {item.task.name: reason for item in wanted if (reason := item.task.skipped_levels.get(level))}
    wanted = [item for item in wanted if item.task.name not in skipped]
    given = next(iter(counts("test-events", test_events, most=1)), None)
    wanted, without = _with_test_sets(wanted, preset, given, shifts=shifts)
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
        for line in without:
            print(line)
        arguments.say_made(rows)
    return 0


def _with_test_sets(
    wanted: Sequence[DataSet], preset: str, events: int | None, *, shifts: bool
) -> tuple[list[DataSet], list[str]]:
    """Data sets, each with its test sets; and why there is no test set of a shifted simulation."""
    from benchmark.engine.job import shifted_sets, test_set

    found: list[DataSet] = []
    without = []
    for item in wanted:
        found += [part for part in (item, test_set(item, preset, events)) if part]
        for name, shifted in (shifted_sets(item, preset, events) if shifts else {}).items():
            if isinstance(shifted, str):
                without.append(f"{item.task.name}: no shift '{name}': {shifted}")
            else:
                found.append(shifted)
    return found, without


def run(wanted: Sequence[DataSet], root: Path, workers: int, display: Display) -> list[dict[str, Any]]:
    """Make missing data sets. Returns the task, folder and manifest of each data set, and whether it was made now."""
    from tasks.data.store import prepare

    rows = []
    for item in wanted:
        name, new = item.task.name, item.manifest(root) is None
        manifest = prepare(item, root, workers, partial(display.stage, name))
        rows.append(arguments.made(name, item.folder(root), manifest, new=new))
    return rows
