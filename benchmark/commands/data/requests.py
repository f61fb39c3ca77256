"""Which data a command line means, to be made or among those that are there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.commands import options
from benchmark.core.registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tasks.data.dataset import DataSet
    from tasks.data.inventory import Found
    from tasks.data.manifest import Manifest

_TASK = "with parameters as 'ttbar[min_jets=2]'; path/to/mine.py:Mine for your own."
Wanted = Annotated[
    str,
    typer.Argument(help=f"Tasks, comma-separated, {_TASK}", metavar="TASK", autocompletion=options.completer(TASKS)),
]
One = Annotated[str, typer.Argument(help=f"A task, {_TASK}", metavar="TASK", autocompletion=options.completer(TASKS))]
There = Annotated[
    str | None,
    typer.Argument(
        help=f"Tasks, comma-separated, {_TASK} Default: all.",
        metavar="TASK",
        autocompletion=options.completer(TASKS),
        show_default=False,
    ),
]
Preset = Annotated[str, typer.Option(help="Size of the data: smoke, quick, standard or paper.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors alone.")]


def data_sets(words: str, preset: str, level: str, source: Path | None = None) -> list[DataSet]:
    """The data sets that `ttbar[min_jets=2],dimuon` means, each once. Raises UserError for whatever is wrong."""
    from benchmark.engine.request import check_preset, choices
    from tasks.data.dataset import DataSet

    check_preset(preset)
    wanted = [DataSet(choice.target, choice.build(TASKS, preset), level, source) for choice in choices(TASKS, [words])]
    return list(dict.fromkeys(wanted))


def found(root: Path, words: str | None) -> list[Found]:
    """The data sets that lie below a data root: of all tasks, or of those named; with parameters, those that have them.

    Raises UserError for a task, a parameter or a value that is not known.
    """
    from benchmark.engine.request import Choice, parse_filter
    from tasks.data.inventory import find

    there: dict[Path, Found] = {}
    for choice in parse_filter(words) if words else [Choice("all")]:
        asked = _parameters(choice.target, dict(choice.given))
        for item in find(root, None if choice.target == "all" else choice.target):
            if not asked or (item.manifest and asked.items() <= item.manifest.parameters.items()):
                there[item.folder] = item
    return list(there.values())


def _parameters(target: str, given: dict[str, str]) -> dict[str, Any]:
    """The values that a manifest must have; parameters that only look at stored events are in none."""
    if not given:
        return {}
    plugin = TASKS.load(target)
    task = plugin.resolve("", given)
    asked = {name: value for name, value in task.data_parameters().items() if name in given}
    plain: dict[str, Any] = json.loads(json.dumps(asked, default=sorted))  # as in a manifest
    return plain


def made(task: str, folder: Path, manifest: Manifest, *, new: bool) -> dict[str, Any]:
    """A data set that was asked for, as JSON."""
    return {"task": task, "folder": str(folder), "made": new, "manifest": manifest.model_dump(mode="json")}


def say_made(rows: Sequence[dict[str, Any]]) -> None:
    """A line for each data set that was asked for."""
    for row in rows:
        counts = row["manifest"]["counts"].values()
        events = sum(number for splits in counts for number in splits.values())
        print(f"{row['task']}: {events:,} events {'made' if row['made'] else 'there already'}, in {row['folder']}")
        for reason, count in row["manifest"]["dropped"].items():
            print(f"  dropped: {count:,} {reason}")


def size(number: float) -> str:
    """Bytes for people: `3.4 MB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 999.5:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} TB"
