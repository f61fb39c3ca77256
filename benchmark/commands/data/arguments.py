"""Common parts of the `data` commands: the data sets that a command line names, and lines about them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.commands import options
from tasks.registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tasks.data.dataset import DataSet
    from tasks.data.inventory import DataFolder
    from tasks.data.manifest import Manifest
    from tasks.task import Task

_TASK = "with parameters as 'ttbar[min_jets=2]'; path/to/mine.py:Mine for your own."
Tasks = Annotated[
    str,
    typer.Argument(help=f"Tasks, comma-separated, {_TASK}", metavar="TASK", autocompletion=options.completer(TASKS)),
]
OneTask = Annotated[
    str, typer.Argument(help=f"A task, {_TASK}", metavar="TASK", autocompletion=options.completer(TASKS))
]
OptionalTasks = Annotated[
    str | None,
    typer.Argument(
        help=f"Tasks, comma-separated, {_TASK} Default: all.",
        metavar="TASK",
        autocompletion=options.completer(TASKS),
        show_default=False,
    ),
]
Preset = Annotated[str, typer.Option(help="Size of the data: smoke, quick, standard or paper.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors.")]


def data_sets(words: str, preset: str, level: str, source: Path | None = None) -> list[DataSet]:
    """The data sets of tasks named as `ttbar[min_jets=2],dimuon`, without duplicates.

    Raises UserError for a wrong request.
    """
    from benchmark.engine.request import check_preset, choices
    from tasks.data.dataset import DataSet

    check_preset(preset)
    wanted = [DataSet(choice.target, choice.build(TASKS, preset), level, source) for choice in choices(TASKS, [words])]
    return list(dict.fromkeys(wanted))


def found(root: Path, words: str | None) -> list[DataFolder]:
    """The data sets in a data root: of all tasks, or of the named ones, and only with the named parameters.

    Raises UserError for an unknown task, parameter or value.
    """
    from benchmark.engine.request import Choice, parse_filter
    from tasks.data.inventory import find

    there: dict[Path, DataFolder] = {}
    for choice in parse_filter(words) if words else [Choice("all")]:
        target = None if choice.target == "all" else choice.target
        there |= {item.folder: item for item in find(root, target, dict(choice.given))}
    return list(there.values())


def how_to_make(words: str, plugin: type[Task]) -> str:
    """The command that makes the events of a task, named as the user named it and quoted for a shell."""
    from tasks.task import Task

    task = shlex.quote(words)
    if plugin.generate is Task.generate:
        return f"python -m benchmark data import {task} --source PATH"
    return f"python -m benchmark data generate {task}"


def made(task: str, folder: Path, manifest: Manifest, *, new: bool) -> dict[str, Any]:
    """A data set that was made or found, as JSON; new: whether it was made now."""
    return {"task": task, "folder": str(folder), "made": new, "manifest": manifest.model_dump(mode="json")}


def say_made(rows: Sequence[dict[str, Any]]) -> None:
    """Print a line for each data set that was made or found."""
    for row in rows:
        counts = row["manifest"]["counts"].values()
        events = sum(number for splits in counts for number in splits.values())
        print(f"{row['task']}: {events:,} events {'made' if row['made'] else 'already made'}, in {row['folder']}")
        for reason, count in row["manifest"]["dropped"].items():
            print(f"  dropped: {count:,} {reason}")
        for note in [] if row["made"] else row["manifest"]["notes"]:  # an import has printed them
            print(f"  note: {note}")


def size(number: float) -> str:
    """Bytes for people: `3.4 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 999.5:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} TB"
