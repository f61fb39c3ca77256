"""A board as text of a given width. Columns without room are left out and names are folded; numbers are never cut."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.core.errors import spelled
from benchmark.core.terminal import table
from benchmark.core.text import plain
from leaderboard.ranking.columns import (
    bounds_in_words,
    remarks,
    shared,
    shared_in_words,
    visible,
    write_status,
)
from leaderboard.ranking.metric_columns import built_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leaderboard.ranking.board import Board
    from leaderboard.ranking.column import BoardColumn

_ALWAYS = frozenset({"rank", "representation", "model"})
_FOLDED = frozenset({"representation", "model"})
_NARROWEST = 14
"""Names are folded to at least this many characters, to make room for more columns."""
_MOST_NAMED = 20
"""Columns without room that a line names."""
_GAP = 2
"""Spaces between columns."""


@dataclass
class _FittedColumn:
    """A column as text. `width` is its present width, `longest` that without folded names."""

    column: BoardColumn
    entries: list[str]
    width: int
    longest: int


def board_text(board: Board, width: int) -> str:
    """Title, table and notes: what all rows share, which rows have no numbers, and which columns have no room.

    Rank, representation, model and headline are always there, like everything that distinguishes rows. Then follow, in
    this order, columns of metrics that are not built in, and the others from the left, as many as fit. If not even
    the first ones fit, lines are longer than `width`.
    """
    from rich.console import Console
    from rich.text import Text

    fitted, left_out = _choose(board, width)
    needed = sum(each.width + _GAP for each in fitted) - _GAP
    console = Console(file=io.StringIO(), width=max(width, needed, 20), color_system=None)
    note = ", fast simulation" if board.fast_simulation else ""
    with console.capture() as captured:
        console.print(Text(plain(board.title) + note))
        headers = [plain(each.column.header) for each in fitted]
        right = {plain(each.column.header) for each in fitted if each.column.numeric}
        rows = zip(*(["\n".join(fold(text, each.width)) for text in each.entries] for each in fitted), strict=True)
        console.print(table(headers, rows, right=right, widths=[each.width for each in fitted], rule=True))
        for line in _notes(board, left_out):
            console.print(Text(plain(line)))
    return "".join(line.rstrip() + "\n" for line in captured.get().splitlines())


def fold(text: str, width: int) -> list[str]:
    """A name in lines of at most `width` characters, broken after a comma or bracket if possible."""
    lines = [""]
    for part in re.findall(r"[^,\[\s]*[,\[\s]?", text):
        if lines[-1] and len(lines[-1]) + len(part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
        while len(lines[-1].rstrip()) > width:
            lines[-1:] = [lines[-1][:width], lines[-1][width:]]
    return [line.rstrip() for line in lines]


def _notes(board: Board, left_out: Iterable[BoardColumn]) -> Iterable[str]:
    yield from remarks(board)
    if words := shared_in_words(board):
        yield f"All rows: {words}"
    if words := bounds_in_words(board):
        yield f"Ranked: {words}."
    for row in board.rows:
        if row.reason or row.remark:
            yield f"{row.representation} · {row.model}: {write_status(row)}"
    columns = list(left_out)
    if names := ", ".join(spelled(column.header.replace(", ", " in "), 60) for column in columns[:_MOST_NAMED]):
        more = f" and {len(columns) - _MOST_NAMED} more" if len(columns) > _MOST_NAMED else ""
        yield f"No room for: {names}{more}. They are in `results --csv` and on the page."


def _choose(board: Board, width: int) -> tuple[list[_FittedColumn], list[BoardColumn]]:
    common = {column.name for column in shared(board)}
    columns = [column for column in visible(board) if column.name not in common | {"status"}]
    fitted = [_fit(column, board) for column in columns]
    always = _ALWAYS | {board.headline} | set(board.bounds)
    chosen = [each for each in fitted if each.column.name in always or each.column.common]
    room = width - sum(each.width + _GAP for each in chosen) + _GAP
    known = {column.name for column in built_in()}
    for each in sorted(fitted, key=lambda each: each.column.metric is None or each.column.name in known):
        if each not in chosen and each.width + _GAP <= room:
            chosen.append(each)
            room -= each.width + _GAP
    for each in chosen:
        if room > 0 and each.longest > each.width:
            more = min(room, each.longest - each.width)
            each.width, room = each.width + more, room - more
    return [each for each in fitted if each in chosen], [each.column for each in fitted if each not in chosen]


def _fit(column: BoardColumn, board: Board) -> _FittedColumn:
    entries = [plain(entry.marked_text) for entry in column.entries(board.rows)]
    head = max(map(len, column.header.split()))
    longest = max([head, *map(len, entries)])
    return _FittedColumn(column, entries, min(longest, _NARROWEST) if column.name in _FOLDED else longest, longest)
