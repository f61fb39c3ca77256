"""The end of a run: the page is written, the ranking printed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmark.core.terminal import WIDTH
from benchmark.records.result import Result
from benchmark.records.store import ResultStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from leaderboard.ranking.boards import Board

PAGES = "leaderboard"
"""Folder of the pages inside the folder of results."""


def finish(results: Sequence[Result], folder: Path, *, quiet: bool, as_json: bool) -> None:
    """Write the pages of all results in `folder`; print these results, board by board, as they are ranked among all."""
    from leaderboard.export import to_json
    from leaderboard.pages.site import build
    from leaderboard.ranking.boards import rank

    store = ResultStore(folder)
    page = build(store, folder / PAGES)
    if as_json:
        print(to_json(results), end="")
    elif not quiet:
        boards = list(_asked_for(rank(store.all(), store), {result.key for result in results}))
        print_boards([board for board, _ in boards])
        if others := sum(hidden for _, hidden in boards):
            print(f"ranks are among all rows of a board; {others} more, of other commands, are on the page")
        print(f"page: {page.resolve().as_uri()}")


def _asked_for(boards: Iterable[Board], keys: set[str]) -> Iterator[tuple[Board, int]]:
    """Each board that has one of these results, with the rows of them alone, and how many others it has."""
    for board in boards:
        rows = tuple(row for row in board.rows if any(result.key in keys for result in row.results))
        if rows:
            yield replace(board, rows=rows), len(board.rows) - len(rows)


def print_boards(boards: Iterable[Board]) -> None:
    """Each board as a table on standard output, as wide as the terminal."""
    from leaderboard.terminal import board_text

    width = shutil.get_terminal_size((WIDTH, 24)).columns
    for board in boards:
        print(board_text(board, width))
