"""`data clean`: delete event data."""

from __future__ import annotations

import json as json_format
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.commands import options
from benchmark.commands.data import arguments
from benchmark.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tasks.data.inventory import DataFolder


def command(
    task: arguments.OptionalTasks = None,
    all: Annotated[bool, typer.Option("--all", help="Delete complete data sets as well.")] = False,
    incomplete: Annotated[
        bool,
        typer.Option("--incomplete", help="Delete only data sets that were interrupted before they were complete."),
    ] = False,
    samples: Annotated[bool, typer.Option("--samples", help="Delete only stored samples; the data sets stay.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be deleted, and delete nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before deleting.")] = False,
    data: options.Data = None,
    json: options.Json = False,
) -> int:
    """Delete data sets that no run can use: interrupted, damaged, or made by an outdated task or detector.

    --all deletes complete ones too. --samples deletes only stored samples, which the next run makes again. The command
    lists the data sets and asks before it deletes them. It follows no links and deletes only files of data sets.

    Example: python -m benchmark data clean ttbar --all --dry-run
    """
    if all + incomplete + samples > 1:
        raise UserError("data clean: --all, --incomplete and --samples exclude each other. Name one.")
    root = options.data_root(data)
    found = arguments.found(root, task)
    states = {"incomplete"} if incomplete else {"incomplete", "outdated", "damaged"}
    states |= {"complete", "unsealed"} if all else set()
    rows = [item for item in found if (item.samples_size if samples else item.state in states)]
    what = "samples of data sets" if samples else "data sets"
    if rows and not (dry_run or yes or sys.stdin.isatty()):
        raise UserError(
            f"data clean: {len(rows)} {what} in {root} would be deleted, and there is no terminal to ask at. "
            "Add --yes, or --dry-run to only list them."
        )
    sizes = {item.folder: item.samples_size if samples else item.size for item in rows}
    if not json:
        for item in rows:
            reason = f": {item.reason}" if item.reason else ""
            print(f"{_place(item, samples)}: {arguments.size(sizes[item.folder])}, {item.state}{reason}")
        if not rows:
            print(f"nothing to delete in {root}{'' if all or samples else '; add --all to delete complete data sets'}")
    total = arguments.size(sum(sizes.values()))
    go_on = bool(rows) and not dry_run
    if go_on and not yes:
        go_on = typer.confirm(f"Delete these {len(rows)} {what}, {total}?", err=True)
    removed, left = run(rows if go_on else [], root, samples=samples)
    if json:
        records = [
            {
                "folder": str(_place(item, samples)),
                "bytes": sizes[item.folder],
                "state": item.state,
                "deleted": item in removed,
            }
            for item in rows
        ]
        print(json_format.dumps(records, indent=1))
    elif go_on:
        freed = arguments.size(sum(sizes[item.folder] for item in removed))
        print(f"deleted {len(removed)} {what}, {freed}")
    elif rows:
        print(f"nothing was deleted ({total} could be)")
    for reason in left:
        print(f"left: {reason}", file=sys.stderr)
    return 1 if left else 0


def run(rows: Sequence[DataFolder], root: Path, *, samples: bool) -> tuple[list[DataFolder], list[str]]:
    """Delete data sets, or only their samples. Returns those deleted, and why the others were not."""
    from tasks.data.inventory import remove, remove_samples

    removed, left = [], []
    for item in rows:
        try:
            (remove_samples if samples else remove)(item, root)
            removed.append(item)
        except UserError as error:
            left.append(str(error))
    return removed, left


def _place(item: DataFolder, samples: bool) -> Path:
    from tasks.data.inventory import SAMPLES

    return item.folder / SAMPLES if samples else item.folder
