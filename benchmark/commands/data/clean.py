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
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be deleted, and delete nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    data: options.Data = None,
    json: options.Json = False,
) -> int:
    """Delete data sets that are of no more use: interrupted, damaged, or made by an outdated task or detector.

    With --all those that are complete, too. It lists them and asks. Links are not followed, and nothing else is
    deleted than what a data set is made of.

    Example: python -m benchmark data clean ttbar --all --dry-run
    """
    from benchmark.errors import UserError
    from tasks.inventory import remove

    if all and incomplete:
        raise UserError("data clean: --all and --incomplete exclude each other. Name one.")
    root = options.data_root(data)
    states = {"incomplete"} if incomplete else {"incomplete", "outdated", "damaged"} | ({"complete"} if all else set())
    found = [item for item in requests.found(root, task) if item.state in states]
    if found and not (dry_run or yes or sys.stdin.isatty()):
        raise UserError(
            f"data clean: {len(found)} data sets in {root} would be deleted, and there is no terminal to ask at. "
            "Add --yes, or --dry-run to look only."
        )
    total = requests.size(sum(item.size for item in found))
    if not json:
        for item in found:
            print(f"{item.folder}: {requests.size(item.size)}, {item.state}{item.reason and f': {item.reason}'}")
        if not found:
            print(f"nothing to delete in {root}{'' if all else '; complete data sets go with --all'}")
    go_on = not dry_run and bool(found)
    if go_on and not yes:
        go_on = typer.confirm(f"Delete these {len(found)} data sets, {total}?", err=True)
    removed, left = [], []
    for item in found if go_on else []:
        try:
            remove(item, root)
            removed.append(item)
        except UserError as error:
            left.append(str(error))
    if json:
        rows = [
            {"folder": str(item.folder), "bytes": item.size, "state": item.state, "deleted": item in removed}
            for item in found
        ]
        print(json_format.dumps(rows, indent=1))
    elif found:
        freed = requests.size(sum(item.size for item in removed))
        print(f"deleted {len(removed)} data sets, {freed}" if go_on else f"nothing was deleted ({total} could be)")
    for reason in left:
        print(f"left: {reason}", file=sys.stderr)
    return 1 if left else 0
