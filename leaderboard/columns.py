"""The columns of a board: one ordered tuple, shared by terminal, pages, CSV, Markdown and LaTeX."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from benchmark.metrics.metric import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from leaderboard.ranking import Board
    from leaderboard.rows import Row

_LONGEST_STATUS = 300

Value = Estimate | float | int | str | None


@dataclass(frozen=True)
class Cell:
    """One entry of a table: what is read, and the number (with bounds) that it is sorted by."""

    text: str
    value: float | str | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Column:
    """A column: how to read it from a row, how to write it, and which direction is better.

    `header` is for tables, `name` for files. A column without any value on a board is left out, unless `always`.
    """

    name: str
    header: str
    help: str
    read: Callable[[Row], Value]
    write: Callable[[float], str] | None = None
    better: Literal["higher", "lower"] | None = None
    interval: bool = False
    always: bool = False

    @property
    def numeric(self) -> bool:
        """Whether it is set flush right, and sorted as a number."""
        return self.interval or self.write is not None

    def cell(self, row: Row) -> Cell:
        """Its entry in a row."""
        found = self.read(row)
        if isinstance(found, Estimate):
            return Cell(write_estimate(found), found.value, found.low, found.high, found.reason)
        if found is None:
            return Cell("–")
        if isinstance(found, str):
            return Cell(found, found)
        return Cell(self.write(found) if self.write else str(found), float(found))


def write_estimate(estimate: Estimate) -> str:
    """`0.8531 ± 0.0041`, with two digits of the uncertainty; `> 120` where only the lower bound is known."""
    if estimate.value is None:
        return f"> {write_number(estimate.low)}" if estimate.low else "–"
    if estimate.low is None and estimate.high is None:
        return write_number(estimate.value)
    below = None if estimate.low is None else estimate.value - estimate.low
    above = None if estimate.high is None else estimate.high - estimate.value
    digits = _decimals([width for width in (below, above) if width is not None])
    down, up = (f"{width:.{digits}f}" if width is not None else "∞" for width in (below, above))
    value = f"{estimate.value:.{digits}f}"
    return f"{value} ± {up}" if up == down else f"{value} +{up} −{down}"


def write_number(number: float) -> str:
    """Three digits, or all of those before the point: `0.712`, `12.3`, `12,345`."""
    if number == 0:
        return "0"
    if not math.isfinite(number):
        return "–"
    if not 1e-4 <= abs(number) < 1e7:
        return f"{number:.2e}"
    digits = max(0, 2 - math.floor(math.log10(abs(number))))
    return f"{number:,.{digits}f}"


def write_count(number: float) -> str:
    """`1,234,567`."""
    return f"{number:,.0f}"


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
        "Dependence of the score on the mass in background events; 0 is none",
        _estimate("cvm"),
        better="lower",
        interval=True,
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
    Column(
        "parameters_count",
        "Parameters",
        "Trained parameters of the model",
        lambda row: row.parameters_count,
        write_count,
    ),
    Column("train_events", "Trained on", "Events in the training set", lambda row: row.train_events, write_count),
    Column("device", "Device", "Where it ran", lambda row: row.device, always=True),
    Column("seeds", "Seeds", "Trainings with numbers, of those run", write_seeds, always=True),
    Column("status", "Status", "What happened, and why where there are no numbers", write_status, always=True),
)


def visible(board: Board) -> tuple[Column, ...]:
    """The columns that hold something on this board. A board that ranks nothing has no rank."""
    return tuple(column for column in COLUMNS if column.always or _has_values(column, board))


def table(board: Board) -> tuple[list[str], list[list[str]]]:
    """Headers and rows as plain text, for the terminal.

    Labels hold square brackets, which `rich` would read as markup: wrap each entry in `rich.text.Text`.
    """
    columns = visible(board)
    return [column.header for column in columns], [[column.cell(row).text for column in columns] for row in board.rows]


def best_text(column: Column, rows: Sequence[Row]) -> str | None:
    """The entry of the row that is best in this column; None where no direction is better."""
    if column.better is None:
        return None
    cells = [cell for cell in map(column.cell, rows) if isinstance(cell.value, float)]
    choose = max if column.better == "higher" else min
    return choose(cells, key=_number).text if cells else None


def _number(cell: Cell) -> float:
    return float(cell.value) if cell.value is not None else math.nan


def _has_values(column: Column, board: Board) -> bool:
    cells = [column.cell(row) for row in board.rows]
    return any(cell.value is not None or cell.low is not None for cell in cells)


def _decimals(widths: Sequence[float]) -> int:
    """Decimals that show two digits of the smallest width that isn't 0."""
    smallest = min((width for width in widths if width > 0), default=1e-3)
    return min(6, max(0, 1 - math.floor(math.log10(smallest))))
