"""Output of commands about results: boards as tables, and the address of the pages."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmark.commands.options import PAGES
from benchmark.core.terminal import WIDTH
from benchmark.core.text import one_line
from benchmark.records.published import ACCEPTED, BesidePublished

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from benchmark.records.result import Result
    from leaderboard.ranking.board import Board


FAILED = ("failed", "timeout")
"""Status of results with which a run ends with exit code 1."""


def finish(results: Sequence[Result], folder: Path, *, quiet: bool, as_json: bool) -> None:
    """Print `results` with their ranks among all in `folder`, and write the pages of all; if quiet, only failures."""
    from leaderboard.export import to_json
    from leaderboard.pages.site import build
    from leaderboard.ranking import boards, scores

    for result in results if quiet else ():
        if result.status in FAILED:
            cell = f"{result.task} · {result.representation} · {result.model} · seed {result.seed}"
            print(one_line(f"error: {cell}: {result.status}: {result.reason}"), file=sys.stderr)
    store = BesidePublished(folder, ACCEPTED)
    try:  # neither stops the other: a page that can't be written, and a reader that has gone
        if as_json:
            book = scores.ScoreBook(store)
            alike = {result.fingerprint for result in results}
            boards.compare_events((result for result in store.all() if result.fingerprint in alike), book)
            print(to_json(results, book), end="")
        elif not quiet:
            ranked = boards.rank_with(store.all(), scores.ScoreBook(store))
            shown = list(_only(ranked, {result.key for result in results}))
            print_boards([board for board, _ in shown])
            if others := sum(hidden for _, hidden in shown):
                print(f"Ranks are among all rows of each board; the page has {others} more, published or your own.")
    finally:
        page = build(store, folder / PAGES)
    if not (as_json or quiet):
        print(f"page: {page.resolve().as_uri()}")


def _only(boards: Iterable[Board], keys: set[str]) -> Iterator[tuple[Board, int]]:
    """The boards of results with these keys, reduced to their rows, and the number of other rows."""
    for board in boards:
        rows = tuple(row for row in board.rows if any(result.key in keys for result in row.results))
        if rows:
            yield replace(board, rows=rows), len(board.rows) - len(rows)


def print_boards(boards: Iterable[Board]) -> None:
    """Print each board as a table that is as wide as the terminal."""
    from leaderboard.terminal import board_text

    width = shutil.get_terminal_size((WIDTH, 24)).columns
    for board in boards:
        print(board_text(board, width))
