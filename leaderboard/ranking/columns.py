"""The columns of a board: one ordered tuple, shared by terminal, pages, CSV, Markdown and LaTeX."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from benchmark.metrics.metric import Estimate
from leaderboard.ranking.seeds import REJECTION, scale_of
from leaderboard.writing import shared_decimals, write_count, write_estimate, write_number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leaderboard.ranking.boards import Board
    from leaderboard.ranking.rows import Row

_LONGEST_STATUS = 300

Value = Estimate | float | int | str | None


@dataclass(frozen=True)
class Cell:
    """One entry of a table: what is read, and the number (with bounds) that it is sorted by."""

    text: str
    value: float | int | str | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None

    @property
    def is_limit(self) -> bool:
        """Whether only a lower limit is known, such as `> 411` where no background event passed."""
        return self.value is None and self.low is not None

    @property
    def parts(self) -> tuple[str, str]:
        """The number and its interval, which a narrow table sets below it."""
        if self.value is None or (self.low is None and self.high is None):
            return self.text, ""
        number, _, interval = self.text.partition(" ")
        return number, interval.replace("± ", "±\N{NO-BREAK SPACE}")


@dataclass(frozen=True)
class Column:
    """A column: how to read it from a row, how to write it, and which direction is better.

    `header` is for tables, `name` for files. A column without any value on a board is left out, unless `always`.
    `circumstance`: how the row came about; where it is the same in all rows, pages and terminals say it once.
    """

    name: str
    header: str
    help: str
    read: Callable[[Row], Value]
    write: Callable[[float], str] | None = None
    better: Literal["higher", "lower"] | None = None
    interval: bool = False
    always: bool = False
    circumstance: bool = False

    @property
    def numeric(self) -> bool:
        """Whether it is set flush right, and sorted as a number."""
        return self.interval or self.write is not None

    def cell(self, row: Row, digits: int | None = None) -> Cell:
        """Its entry in a row. digits: decimals of an estimate; else as many as it needs."""
        found = self.read(row)
        if isinstance(found, Estimate):
            return Cell(write_estimate(found, digits), found.value, found.low, found.high, found.reason)
        if found is None:
            return Cell("–")
        if isinstance(found, str):
            return Cell(found, found)
        return Cell(self.write(found) if self.write else str(found), found)

    def cells(self, rows: Sequence[Row]) -> list[Cell]:
        """Its entries in all rows, with the same decimals but for rejections, which differ by powers of ten."""
        digits = None
        if self.interval and scale_of(self.name) is not REJECTION:
            digits = shared_decimals(found for row in rows if isinstance(found := self.read(row), Estimate))
        return [self.cell(row, digits) for row in rows]


def write_rank(row: Row) -> str | None:
    """`3`, or `1-2` where the test events leave both open; None for a row without a rank."""
    if row.rank is None:
        return None
    first, last = row.rank
    return str(first) if first == last else f"{first}-{last}"


def write_seeds(row: Row) -> str:
    """`3`, or `2 of 3` where not all seeds gave numbers."""
    done, run = len(row.done), len(row.results)
    return str(run) if done == run else f"{done} of {run}"


def write_status(row: Row) -> str:
    """The status, and the reason for whatever is amiss (its beginning: the record has all of it)."""
    text = "; ".join(part for part in (row.status if row.status == "done" else "", row.reason) if part)
    return text if len(text) <= _LONGEST_STATUS else text[: _LONGEST_STATUS - 1] + "…"


def _estimate(metric: str) -> Callable[[Row], Value]:
    return lambda row: row.estimate(metric)


def _throughput(field: str) -> Callable[[Row], Value]:
    return lambda row: row.throughput(field)


COLUMNS: tuple[Column, ...] = (
    Column(
        "rank",
        "Rank",
        "The ranks that it may have: behind the rows that are significantly better, before those significantly worse",
        write_rank,
    ),
    Column("representation", "Representation", "How a collision is shown", lambda row: row.representation, always=True),
    Column("model", "Model", "What learns", lambda row: row.model, always=True),
    Column("auc", "AUC", "Area under the ROC curve, 95% interval", _estimate("auc"), better="higher", interval=True),
    Column(
        "rejection_50",
        "Rejection at 50%",
        "Background rejection 1/ε_B at 50% signal efficiency, 95% interval",
        _estimate("rejection_50"),
        better="higher",
        interval=True,
    ),
    Column(
        "signal_accuracy",
        "Signal accuracy",
        "Share of events rightly told signal or background, both weighing one half, 95% interval",
        _estimate("signal_accuracy"),
        better="higher",
        interval=True,
    ),
    Column(
        "accuracy",
        "Accuracy",
        "Share of events given to their class, 95% interval",
        _estimate("accuracy"),
        better="higher",
        interval=True,
    ),
    Column(
        "cvm",
        "CVM",
        "Dependence of the score on the mass in background events, 95% interval; 0 is none",
        _estimate("cvm"),
        better="lower",
        interval=True,
    ),
    Column(
        "cvm_independent",
        "CVM of chance",
        "What a score that tells no mass has on average with as many events",
        _estimate("cvm_independent"),
        interval=True,
        circumstance=True,
    ),
    Column(
        "train_events_per_s",
        "Training, events/s",
        "Training events over the seconds of the whole fit, all its epochs or trees",
        _throughput("train_events_per_s"),
        write_number,
        better="higher",
    ),
    Column(
        "predict_events_per_s",
        "Prediction, events/s",
        "Events a second in prediction",
        _throughput("predict_events_per_s"),
        write_number,
        better="higher",
    ),
    Column("fit_s", "Fit, s", "Seconds of the whole fit", lambda row: row.timing("fit"), write_number, better="lower"),
    Column(
        "peak_memory_mb",
        "Memory, MB",
        "Most memory of the worker while it ran",
        _throughput("peak_memory_mb"),
        write_number,
        better="lower",
    ),
    Column(
        "parameters_count",
        "Parameters",
        "Trained parameters of the model",
        lambda row: row.parameters_count,
        write_count,
    ),
    Column(
        "train_events",
        "Trained on",
        "Events in the training set",
        lambda row: row.train_events,
        write_count,
        circumstance=True,
    ),
    Column("device", "Device", "Where it ran", lambda row: row.device, always=True, circumstance=True),
    Column("seeds", "Seeds", "Trainings with numbers, of those run", write_seeds, always=True, circumstance=True),
    Column(
        "status",
        "Status",
        "What happened, and why where there are no numbers",
        write_status,
        always=True,
        circumstance=True,
    ),
)


def visible(board: Board) -> tuple[Column, ...]:
    """The columns that hold something on this board. A board that ranks nothing has no rank."""
    return tuple(column for column in COLUMNS if column.always or _has_values(column, board))


def said_once(board: Board) -> tuple[Column, ...]:
    """The circumstances that all rows with numbers share."""
    rows = [row for row in board.rows if row.done]
    return tuple(
        column for column in visible(board) if column.circumstance and len({column.cell(row).text for row in rows}) == 1
    )


def in_words(board: Board) -> str:
    """What all rows with numbers share, in words: `trained on 7,693 events · cpu · 1 seed each`."""
    words = {
        "train_events": "trained on {} events",
        "device": "{}",
        "seeds": "{} seeds each",
        "cvm_independent": "CVM of chance {}",
    }
    row = next((row for row in board.rows if row.done), None)
    parts = [
        words[column.name].format(column.cell(row).text)
        for column in said_once(board)
        if row is not None and column.name in words
    ]
    return " · ".join(parts).replace("· 1 seeds", "· 1 seed")


def bounds_in_words(board: Board) -> str:
    """What a row must keep to be ranked: `CVM at most 0.002`; empty where there are no bounds."""
    headers = {column.name: column.header for column in COLUMNS}
    return ", ".join(f"{headers.get(name, name)} at most {most:g}" for name, most in board.bounds.items())


def table(board: Board) -> tuple[list[str], list[list[str]]]:
    """Headers and rows as plain text, with all columns that hold something."""
    columns = visible(board)
    entries = [[cell.text for cell in column.cells(board.rows)] for column in columns]
    return [column.header for column in columns], [list(row) for row in zip(*entries, strict=True)]


def best_text(column: Column, rows: Sequence[Row], within: Sequence[bool] = ()) -> str | None:
    """The entry of the row that is best in this column, of those that are `within` bounds (of all, unless given).

    None where no direction is better, and where a row has a lower limit alone: it may be better than any number.
    """
    cells = [cell for cell, kept in zip(column.cells(rows), within or [True] * len(rows), strict=True) if kept]
    if column.better is None or any(cell.is_limit for cell in cells):
        return None
    known = [(cell.value, cell.text) for cell in cells if isinstance(cell.value, float | int)]
    choose = max if column.better == "higher" else min
    return choose(known, key=lambda entry: entry[0])[1] if known else None


def _has_values(column: Column, board: Board) -> bool:
    cells = [column.cell(row) for row in board.rows]
    return any(cell.value is not None or cell.low is not None for cell in cells)
