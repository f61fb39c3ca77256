"""Boards and results as CSV, Markdown, LaTeX and JSON text.

Names and reasons may come from strangers: none is markup, a command or a formula where the text is read, and control
characters are written as `\\x1b`.
"""

from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING, Any

from benchmark.core.text import plain
from leaderboard.ranking.columns import all_columns, remarks, text_table
from leaderboard.ranking.names import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmark.records.result import Result
    from leaderboard.ranking.board import Board
    from leaderboard.ranking.column import BoardColumn, TableEntry
    from leaderboard.ranking.row import Row
    from leaderboard.ranking.scores import ScoreBook

_BOARD_FIELDS = (
    "task",
    "task_origin",
    "variant",
    "task_version",
    "source",
    "fingerprint",
    "level",
    "preset",
    "headline",
    "fast_simulation",
    "note",
    "expert_line",
    "unranked",
)

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""How a formula starts; spreadsheets in East Asia know the wide forms."""


_PARTS = tuple(f"interval_{part}_{bound}" for part in ("events", "seeds") for bound in ("low", "high"))
"""The parts of the headline's interval."""


def to_json(results: Iterable[Result], book: ScoreBook | None = None) -> str:
    """All fields of the results as a list, in the order given; with a book, also `problems`: why not to trust each.

    The book has compared the test events of results, by `rank_with` or `compare_events`.
    """
    records = []
    for result in results:
        record = _clean(result.model_dump(mode="json"))
        if book is not None:
            record["problems"] = [problem.text for problem in book.problems(result)]
        records.append(record)
    return json.dumps(records, indent=1, allow_nan=False) + "\n"


def _clean(value: Any) -> Any:
    """NaN and infinities as null: they are not JSON, and most readers refuse files that contain them."""
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_csv(boards: Iterable[Board]) -> str:
    """One line for each row of all boards: the board, then all columns, with all digits and bounds.

    The last columns are the parts of the headline's interval: what it would be if only events varied, or trainings.
    Of metrics that are not built in, it has as many columns as a table has at most; see `left_out_in_words`.
    """
    boards = list(boards)
    columns = all_columns(boards)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = [name for column in columns for name in _csv_names(column)]
    writer.writerow([*_BOARD_FIELDS, *map(_guarded, names), *_PARTS])
    for board in boards:
        for row in board.rows:
            values = [value for column in columns for value in _csv_values(column, row)]
            parts = (*row.score.interval_events, *(row.score.interval_seeds or (None, None)))
            writer.writerow([*_csv_board(board), *values, *map(_number, parts)])
    return stream.getvalue()


def to_markdown(boards: Iterable[Board]) -> str:
    """A heading and a table for each board."""
    return "\n".join(_markdown(board) for board in boards)


def to_latex(boards: Iterable[Board]) -> str:
    """A `table` for each board, with the rules of the LaTeX package booktabs."""
    return "\n".join(_latex(board) for board in boards)


def _csv_names(column: BoardColumn) -> list[str]:
    return [column.name, f"{column.name}_low", f"{column.name}_high"] if column.has_interval else [column.name]


def _csv_values(column: BoardColumn, row: Row) -> list[str]:
    entry = column.entry(row)
    if column.has_interval:
        return [_number(entry.value), _number(entry.low), _number(entry.high)]
    return [_number(entry.value)] if column.numeric else [_csv_text(entry)]


def _csv_board(board: Board) -> list[str]:
    fields = {name: str(getattr(board, name) or "") for name in _BOARD_FIELDS}
    fields |= {"variant": canonical(board.settings), "fast_simulation": str(board.fast_simulation)}
    return [_guarded(value) for value in fields.values()]


def _csv_text(entry: TableEntry) -> str:
    return "" if entry.value is None else _guarded(str(entry.value))


def _guarded(text: str) -> str:
    """Text for one line. What a spreadsheet would run as a formula gets an apostrophe, which makes it text there."""
    line = plain(text)
    return f"'{line}" if line.lstrip().startswith(_FORMULA) else line


def _number(value: float | int | str | None) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def _title(board: Board) -> str:
    return board.title + (" (fast simulation)" if board.fast_simulation else "")


def _markdown(board: Board) -> str:
    headers, *rows = _text_lines(board)
    body = markdown_table(headers, rows)
    said = "".join(f"\n{_escape(sentence, _MARKDOWN)}\n" for sentence in remarks(board))
    return f"### {_escape(_title(board), _MARKDOWN)}\n\n{body}\n{said}"


def markdown_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of any text, which is escaped."""
    escaped = [[_escape(text, _MARKDOWN) for text in line] for line in (headers, *rows)]
    lines = (escaped[0], ["---"] * len(headers), *escaped[1:])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _text_lines(board: Board) -> list[list[str]]:
    headers, rows = text_table(board)
    return [headers, *rows]


def _escape(text: str, escapes: Mapping[str, str]) -> str:
    """Text in one line, with the escapes of a format."""
    return "".join(escapes.get(character, character) for character in plain(" ".join(text.split())))


_MARKDOWN = {**{character: f"\\{character}" for character in "\\`*_[]|#$~"}, "&": "&amp;", "<": "&lt;"}
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
    "|": r"\textbar{}",
    "±": r"$\pm$",
    "−": r"$-$",
    "–": "--",
    "∞": r"$\infty$",
    "ε": r"$\varepsilon$",
    "<": r"$<$",
    ">": r"$>$",
}


def _latex(board: Board) -> str:
    headers, *rows = _text_lines(board)
    # {} at the start of a row: LaTeX would read a '[' there as the optional argument of the line before
    lines = [r" & ".join(_escape(text, _LATEX) for text in line) + r" \\" for line in (headers, *rows)]
    caption = " ".join(f"{sentence.removesuffix('.')}." for sentence in (_title(board), *remarks(board)))
    return "\n".join(
        [
            r"% \usepackage{booktabs}",
            r"\begin{table}",
            rf"\caption{{{_escape(caption, _LATEX)}}}",
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
