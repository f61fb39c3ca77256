"""A board as plain text of a given width: columns are left out and names folded, numbers are never cut."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leaderboard.ranking.columns import bounds_in_words, in_words, said_once, visible, write_status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leaderboard.ranking.boards import Board
    from leaderboard.ranking.columns import Column

ALWAYS = frozenset({"rank", "representation", "model", "auc"})
_FOLDED = frozenset({"representation", "model"})
_NARROWEST = 13
"""A name is folded to no fewer characters than this, so that one more column finds room."""
_GAP = 2


@dataclass
class _Shown:
    """A column as text. `width` is what it takes now, `longest` what it would take on one line."""

    column: Column
    entries: list[str]
    width: int
    longest: int


def board_text(board: Board, width: int) -> str:
    """Title, table, and below it what all rows share, what has no numbers, and which columns found no room.

    Rank, representation, model and AUC are always there, and what tells rows apart; then, in their order, as many of
    the others as fit. In a terminal too narrow even for these, lines are longer than it.
    """
    shown, left_out = _choose(board, width)
    note = ", fast simulation" if board.fast_simulation else ""
    lines = [*textwrap.wrap(clean(board.title) + note, max(width, 20)), *_grid(shown)]
    if words := in_words(board):
        lines += _wrapped(f"All rows: {clean(words)}", width)
    if words := bounds_in_words(board):
        lines += _wrapped(f"Ranked: {clean(words)}.", width)
    for row in board.rows:
        if row.reason:
            lines += _wrapped(clean(f"{row.representation} · {row.model}: {write_status(row)}"), width)
    if left_out:
        names = ", ".join(column.header.replace(", ", " in ") for column in left_out)
        lines += _wrapped(f"No room for: {names}. They are in `results --csv` and on the page.", width)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def clean(text: str) -> str:
    """A stranger's words without what would steer a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def fold(text: str, width: int) -> list[str]:
    """A name on as many lines as it takes, broken after a comma or bracket where that is possible."""
    lines = [""]
    for part in re.findall(r"[^,\[\s]*[,\[\s]?", text):
        if lines[-1] and len(lines[-1]) + len(part.rstrip()) > width:
            lines.append("")
        lines[-1] += part
        while len(lines[-1].rstrip()) > width:
            lines[-1:] = [lines[-1][:width], lines[-1][width:]]
    return [line.rstrip() for line in lines]


def _choose(board: Board, width: int) -> tuple[list[_Shown], list[Column]]:
    same = {column.name for column in said_once(board)}
    columns = [column for column in visible(board) if column.name not in same | {"status"}]
    shown = [_shown(column, board) for column in columns]
    always = ALWAYS | set(board.bounds)
    kept = [each for each in shown if each.column.name in always or each.column.circumstance]
    room = width - sum(each.width + _GAP for each in kept) + _GAP
    for each in shown:
        if each not in kept and each.width + _GAP <= room:
            kept.append(each)
            room -= each.width + _GAP
    for each in kept:
        if room > 0 and each.longest > each.width:
            more = min(room, each.longest - each.width)
            each.width, room = each.width + more, room - more
    return [each for each in shown if each in kept], [each.column for each in shown if each not in kept]


def _shown(column: Column, board: Board) -> _Shown:
    entries = [clean(cell.text) for cell in column.cells(board.rows)]
    head = max(map(len, column.header.split()))
    longest = max([head, *map(len, entries)])
    return _Shown(column, entries, min(longest, _NARROWEST) if column.name in _FOLDED else longest, longest)


def _grid(shown: Sequence[_Shown]) -> list[str]:
    headers = [textwrap.wrap(each.column.header, each.width) for each in shown]
    tall = max(map(len, headers))
    lines = _side_by_side(shown, [[""] * (tall - len(header)) + header for header in headers])
    lines.append((" " * _GAP).join("-" * each.width for each in shown))
    for place in range(len(shown[0].entries)):
        lines += _side_by_side(shown, [fold(each.entries[place], each.width) for each in shown])
    return lines


def _side_by_side(shown: Sequence[_Shown], blocks: Sequence[Sequence[str]]) -> list[str]:
    return [
        (" " * _GAP).join(
            f"{text:>{each.width}}" if each.column.numeric else f"{text:<{each.width}}"
            for each, block in zip(shown, blocks, strict=True)
            for text in [block[line] if line < len(block) else ""]
        )
        for line in range(max(map(len, blocks)))
    ]


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 20), subsequent_indent="  ")
