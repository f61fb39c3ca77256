"""`data clean`: delete event data."""

from __future__ import annotations

import json as json_format
import sys
from typing import Annotated

import typer

from benchmark.commands import options
from benchmark.commands.data import requests


def command(
    task: requests.There = None,
    all: Annotated[bool, typer.Option("--all", help="Complete data sets as well.")] = False,
    incomplete: Annotated[bool, typer.Option("--incomplete", help="Only those whose making was interrupted.")] = False,
    samples: Annotated[
        bool, typer.Option("--samples", help="Only samples kept for the next model; the data sets stay.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted, and delete nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    data: options.Data = None,
    json: options.Json = False,
) -> int:
    """Delete data sets that are of no more use: interrupted, damaged, or made by an outdated task or detector.

    With --all those that are complete, too. With --samples only what representations made of events, which the next
    run makes again. It lists them and asks. Links are not followed, and nothing else is deleted than what a data set is
    made of.

    Example: python -m benchmark data clean ttbar --all --dry-run
    """
    from benchmark.core.errors import UserError
    from tasks.data.inventory import SAMPLES, remove, remove_samples

    if all + incomplete + samples > 1:
        raise UserError("data clean: --all, --incomplete and --samples exclude each other. Name one.")
    root = options.data_root(data)
    found = requests.found(root, task)
    if samples:
        what, delete = "samples of data sets", remove_samples
        rows = [(item, item.folder / SAMPLES, item.samples_size) for item in found if item.samples_size]
    else:
        what, delete = "data sets", remove
        states = (
            {"incomplete"} if incomplete else {"incomplete", "outdated", "damaged"} | ({"complete"} if all else set())
        )
        rows = [(item, item.folder, item.size) for item in found if item.state in states]
    if rows and not (dry_run or yes or sys.stdin.isatty()):
        raise UserError(
            f"data clean: {len(rows)} {what} in {root} would be deleted, and there is no terminal to ask at. "
            "Add --yes, or --dry-run to look only."
        )
    total = requests.size(sum(size for _, _, size in rows))
    if not json:
        for item, folder, size in rows:
            print(f"{folder}: {requests.size(size)}, {item.state}{item.reason and f': {item.reason}'}")
        if not rows:
            hint = "" if all or samples else "; complete data sets go with --all"
            print(f"nothing to delete in {root}{hint}")
    go_on = not dry_run and bool(rows)
    if go_on and not yes:
        go_on = typer.confirm(f"Delete these {len(rows)} {what}, {total}?", err=True)
    removed, left = [], []
    for item, folder, _ in rows if go_on else []:
        try:
            delete(item, root)
            removed.append(folder)
        except UserError as error:
            left.append(str(error))
    if json:
        told = [
            {"folder": str(folder), "bytes": size, "state": item.state, "deleted": folder in removed}
            for item, folder, size in rows
        ]
        print(json_format.dumps(told, indent=1))
    elif rows:
        freed = requests.size(sum(size for _, folder, size in rows if folder in removed))
        print(f"deleted {len(removed)} {what}, {freed}" if go_on else f"nothing was deleted ({total} could be)")
    for reason in left:
        print(f"left: {reason}", file=sys.stderr)
    return 1 if left else 0
