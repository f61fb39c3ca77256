"""Boards and results as CSV, Markdown, LaTeX and JSON text."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from typing import TYPE_CHECKING, Any

from leaderboard.ranking.columns import COLUMNS, Cell, Column, table
from leaderboard.ranking.names import canonical, shown_variant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmark.records.result import Result
    from leaderboard.ranking.boards import Board
    from leaderboard.ranking.rows import Row

_BOARD_FIELDS = ("task", "variant", "task_version", "source", "fingerprint", "level", "preset", "fast_simulation")


def to_json(results: Iterable[Result]) -> str:
    """A flat list of Result records, everything that is known, in the order given."""
    return json.dumps([_clean(result.model_dump(mode="json")) for result in results], indent=1, allow_nan=False) + "\n"


def _clean(value: Any) -> Any:
    """NaN and infinities as null: they are no JSON, and readers other than Python's refuse the whole file."""
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_csv(boards: Iterable[Board]) -> str:
    """One line a row of every board: what the board is, then every column, numbers in full with their bounds."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*_BOARD_FIELDS, *(name for column in COLUMNS for name in _csv_names(column))])
    for board in boards:
        for row in board.rows:
            writer.writerow([*_csv_board(board), *(value for column in COLUMNS for value in _csv_values(column, row))])
    return stream.getvalue()


def to_markdown(boards: Iterable[Board]) -> str:
    """A heading and a table for each board."""
    return "\n".join(_markdown(board) for board in boards)


def to_latex(boards: Iterable[Board]) -> str:
    """A `table` for each board, with the rules of the package booktabs."""
    return "\n".join(_latex(board) for board in boards)


def _csv_names(column: Column) -> list[str]:
    return [column.name, f"{column.name}_low", f"{column.name}_high"] if column.interval else [column.name]


def _csv_values(column: Column, row: Row) -> list[str]:
    cell = column.cell(row)
    if column.interval:
        return [_number(cell.value), _number(cell.low), _number(cell.high)]
    return [_number(cell.value)] if column.numeric else [_csv_text(cell)]


def _csv_board(board: Board) -> list[str]:
    values = [
        canonical(shown_variant(board)) if name == "variant" else str(getattr(board, name)) for name in _BOARD_FIELDS
    ]
    return [_guarded(value) for value in values]


def _csv_text(cell: Cell) -> str:
    return "" if cell.value is None else _guarded(str(cell.value))


def _guarded(text: str) -> str:
    """A stranger's name that a spreadsheet would run as a formula is made text by an apostrophe."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _number(value: float | int | str | None) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def _title(board: Board) -> str:
    return board.title + (" (fast simulation)" if board.fast_simulation else "")


def _markdown(board: Board) -> str:
    headers, rows = table(board)
    lines = [headers, ["---"] * len(headers), *rows]
    body = "\n".join("| " + " | ".join(map(_escape_markdown, line)) + " |" for line in lines)
    return f"### {_escape_markdown(_title(board))}\n\n{body}\n"


def _escape_markdown(text: str) -> str:
    if text == "---":
        return text
    return re.sub(r"([\\`*_\[\]|#])", r"\\\1", " ".join(text.split())).replace("&", "&amp;").replace("<", "&lt;")


_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
    "∞": r"$\infty$",
    "ε": r"$\varepsilon$",
    "<": r"$<$",
    ">": r"$>$",
}


def _latex(board: Board) -> str:
    headers, rows = table(board)
    # a row may begin with '[', which LaTeX would take for the optional argument of the line before: hence the {}
    lines = [r" & ".join(map(_escape_latex, line)) + r" \\" for line in (headers, *rows)]
    return "\n".join(
        [
            r"% \usepackage{booktabs}",
            r"\begin{table}",
            rf"\caption{{{_escape_latex(_title(board))}}}",
            rf"\begin{{tabular}}{{{'l' * len(headers)}}}",
            r"\toprule",
            lines[0],
            r"\midrule",
            *("{}" + line for line in lines[1:]),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _escape_latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))
