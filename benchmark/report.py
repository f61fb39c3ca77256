"""The end of a run: the page is written, the ranking printed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmark.results import Result, ResultStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from rich.console import Console

    from leaderboard.ranking import Board

WIDE = 200
"""Columns of text where there is no terminal."""
LEAST_FIRST = ("Trained on", "Device", "Parameters", "Seeds", "Status")

PAGES = "leaderboard"
"""Folder of the pages inside the folder of results."""


def finish(results: Sequence[Result], folder: Path, *, quiet: bool, as_json: bool) -> None:
    """Write the pages of all results in `folder`; print the boards that these results are on."""
    from leaderboard.export import to_json
    from leaderboard.ranking import rank
    from leaderboard.site import build

    store = ResultStore(folder)
    page = build(store, folder / PAGES)
    if as_json:
        print(to_json(results), end="")
    elif not quiet:
        keys = {result.key for result in results}
        print_boards([board for board in rank(store.all(), store) if keys & {result.key for result in board.results}])
        print(f"page: {page.resolve().as_uri()}")


def console() -> Console:
    """Standard output; where it is no terminal, wide enough for a table to keep its lines."""
    from rich.console import Console

    return Console(soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)


def print_boards(boards: Iterable[Board]) -> None:
    """Each board as a table on standard output."""
    from rich.table import Table
    from rich.text import Text

    from leaderboard.columns import table

    output = console()
    for board in boards:
        header, rows = _fitting(*table(board), output.width)
        note = ", fast simulation" if board.fast_simulation else ""
        grid = Table(title=Text(board.title + note), title_justify="left", box=None, pad_edge=False)
        for name in header:
            grid.add_column(Text(name), no_wrap=name != "Status", overflow="fold")
        for row in rows:
            grid.add_row(*map(Text, row))
        output.print(grid)
        output.print()


def _fitting(header: list[str], rows: list[list[str]], room: int) -> tuple[list[str], list[list[str]]]:
    """The table without its least asked-for columns, as many as it takes to fit a terminal of this width."""
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    for name in LEAST_FIRST:
        if sum(max(map(len, (head, *column))) + 1 for head, column in columns.items()) <= room:
            break
        columns.pop(name, None)
    return list(columns), [list(row) for row in zip(*columns.values(), strict=True)]
