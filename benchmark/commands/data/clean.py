"""`data clean`: delete event data."""

from __future__ import annotations

import json as json_format
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.commands import options
from benchmark.commands.data import arguments
from benchmark.core.errors import UserError
from benchmark.core.paths import user_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tasks.data.inventory import DataFolder

DEPTH = 3
"""Folders below one of results, models or pages in which leftovers are looked for."""


@dataclass(frozen=True)
class Removable:
    """What can be deleted: a data set, its samples, or a leftover."""

    path: Path
    size: int
    state: str
    reason: str
    delete: Callable[[], None]

    def __str__(self) -> str:
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.path}: {arguments.size(self.size)}, {self.state}{reason}"


def command(
    task: arguments.OptionalTasks = None,
    all: Annotated[bool, typer.Option("--all", help="Delete complete data sets as well.")] = False,
    incomplete: Annotated[
        bool,
        typer.Option("--incomplete", help="Delete only data sets that were interrupted before they were complete."),
    ] = False,
    samples: Annotated[bool, typer.Option("--samples", help="Delete only stored samples; the data sets stay.")] = False,
    leftovers: Annotated[
        list[Path] | None,
        typer.Option(
            help="Delete also what killed runs left in this folder of results, models or pages. Repeatable.",
            metavar="DIR",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be deleted, and delete nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before deleting.")] = False,
    data: options.Data = None,
    json: options.Json = False,
) -> int:
    """Delete data sets that no run can use (interrupted, damaged, outdated), and what killed runs left.

    --all deletes complete ones too. --samples deletes only stored samples, which the next run makes again. The command
    lists everything and asks before it deletes. It follows no links, and deletes only files of data sets and temporary
    files whose process has ended.

    Example: python -m benchmark data clean ttbar --all --dry-run
    """
    if all + incomplete + samples > 1:
        raise UserError("data clean: --all, --incomplete and --samples exclude each other. Name one.")
    root = options.data_root(data)
    found = arguments.found(root, task)
    states = {"incomplete"} if incomplete else {"incomplete", "outdated", "damaged"}
    states |= {"complete", "unsealed"} if all else set()
    rows = _samples(found, root) if samples else _data_sets(found, root, states)
    rows += _leftovers(leftovers or ())
    what = _what(rows, "samples of data sets" if samples else "data sets")
    if rows and not (dry_run or yes or sys.stdin.isatty()):
        raise UserError(
            f"data clean: {what} in {root} would be deleted, and there is no terminal to ask at. "
            "Add --yes, or --dry-run to only list them."
        )
    for row in [] if json else rows:
        print(row)
    if not (rows or json):
        print(f"nothing to delete in {root}{'' if all or samples else '; add --all to delete complete data sets'}")
    total = arguments.size(sum(row.size for row in rows))
    go_on = bool(rows) and not dry_run
    if go_on and not yes:
        go_on = typer.confirm(f"Delete these {what}, {total}?", err=True)
    removed, left = run(rows if go_on else [])
    if json:
        records = [
            {"folder": str(row.path), "bytes": row.size, "state": row.state, "deleted": row in removed} for row in rows
        ]
        print(json_format.dumps(records, indent=1))
    elif go_on:
        freed = arguments.size(sum(row.size for row in removed))
        print(f"deleted {_what(removed, 'samples of data sets' if samples else 'data sets')}, {freed}")
    elif rows:
        print(f"nothing was deleted ({total} could be)")
    for reason in left:
        print(f"left: {reason}", file=sys.stderr)
    return 1 if left else 0


def run(rows: Sequence[Removable]) -> tuple[list[Removable], list[str]]:
    """Delete everything in a list. Returns what was deleted, and why the rest was not."""
    removed, left = [], []
    for row in rows:
        try:
            row.delete()
            removed.append(row)
        except UserError as error:
            left.append(str(error))
    return removed, left


def _samples(found: Sequence[DataFolder], root: Path) -> list[Removable]:
    from tasks.data.inventory import SAMPLES, remove_samples

    return [
        Removable(
            item.folder / SAMPLES, item.samples_size, item.state, item.reason, partial(remove_samples, item, root)
        )
        for item in found
        if item.samples_size
    ]


def _data_sets(found: Sequence[DataFolder], root: Path, states: set[str]) -> list[Removable]:
    """Data sets in these states, and the leftovers in the others."""
    from tasks.data.inventory import leftovers_of, remove

    rows = [
        Removable(item.folder, item.size, item.state, item.reason, partial(remove, item, root))
        for item in found
        if item.state in states
    ]
    return rows + [_leftover(path) for item in found if item.state not in states for path in leftovers_of(item)]


def _leftovers(folders: Iterable[Path]) -> list[Removable]:
    """What is left in folders and in those below; links are not followed. Raises UserError for a missing folder."""
    from benchmark.core.temporary import leftovers

    rows = []
    for given in folders:
        folder = user_path(given, "--leftovers")
        if not folder.is_dir():
            raise UserError(f"--leftovers {folder}: no such folder. Name a folder of results, models or pages.")
        inside = [folder]
        for _ in range(DEPTH):
            rows += [_leftover(path) for place in inside for path in leftovers(place)]
            inside = [path for place in inside for path in _folders(place)]
    return rows


def _folders(folder: Path) -> list[Path]:
    try:
        return [path for path in sorted(folder.iterdir()) if path.is_dir() and not path.is_symlink()]
    except OSError:
        return []


def _leftover(path: Path) -> Removable:
    from tasks.data.inventory import remove_leftover, size_of

    return Removable(path, size_of(path), "leftover", "its process has ended", partial(remove_leftover, path))


def _what(rows: Sequence[Removable], noun: str) -> str:
    """`3 data sets and 2 leftovers`."""
    left = sum(row.state == "leftover" for row in rows)
    parts = [f"{len(rows) - left} {noun}"] if left < len(rows) or not rows else []
    return " and ".join([*parts, *([f"{left} leftovers"] if left else [])])
