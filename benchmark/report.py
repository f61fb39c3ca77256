"""The end of a run: the page is written, the ranking printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.results import Result, ResultStore

if TYPE_CHECKING:
    from leaderboard.ranking import Board

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


def print_boards(boards: Iterable[Board]) -> None:
    """Each board as a table on standard output."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from leaderboard.columns import table

    console = Console(soft_wrap=True)
    for board in boards:
        header, rows = table(board)
        note = ", fast simulation" if board.fast_simulation else ""
        grid = Table(title=Text(board.title + note), title_justify="left", box=None, pad_edge=False)
        for name in header:
            grid.add_column(Text(name), overflow="fold")
        for row in rows:
            grid.add_row(*map(Text, row))
        console.print(grid)
        console.print()
