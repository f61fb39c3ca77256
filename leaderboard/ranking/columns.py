"""The columns of a board, in the order in which terminal, pages, CSV, Markdown and LaTeX have them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from benchmark.metrics.metric import CONFIDENCE, Estimate
from leaderboard.formatting import shared_decimals, write_count, write_estimate, write_number
from leaderboard.ranking.metric_columns import column_of, declared_by, in_order
from leaderboard.ranking.rows import UNVERIFIED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from benchmark.metrics.metric import MetricColumn
    from leaderboard.ranking.boards import Board
    from leaderboard.ranking.rows import Row

INVERTED = "inverted"
"""The mark of a number that is significantly worse than guessing."""

HEADLINE_ORDER = 10
"""Where tables have the headline, whatever the metric declares: in the place of `auc`, and before it."""

_LONGEST_STATUS = 300

Value = Estimate | float | int | str | None


@dataclass(frozen=True)
class TableEntry:
    """One entry of a table: its text, and the number, with bounds, by which it is sorted."""

    text: str
    value: float | int | str | None = None
    low: float | None = None
    high: float | None = None
    reason: str | None = None
    mark: str = ""

    @property
    def is_limit(self) -> bool:
        """Whether only a lower limit is known, such as `> 411` if no background event passed."""
        return self.value is None and self.low is not None

    @property
    def parts(self) -> tuple[str, str]:
        """The number and its interval, for narrow tables that have the interval below the number."""
        if self.value is None or (self.low is None and self.high is None):
            return self.text, ""
        number, _, interval = self.text.partition(" ")
        return number, interval.replace("± ", "±\N{NO-BREAK SPACE}")

    @property
    def marked_text(self) -> str:
        """The text with its mark, if it has one."""
        return f"{self.text} ({self.mark})" if self.mark else self.text


@dataclass(frozen=True)
class BoardColumn:
    """A column of boards.

    Parameters
    ----------
    name : for files.
    header : for tables.
    description : one line for tooltips.
    read : the value in a row.
    write : a number as text, for values without interval; None for text.
    better : which direction is better, if any.
    metric : what the metric declares, for columns of metrics.
    always : whether tables have the column even if all its values are missing.
    common : whether tables give the value once if all rows have the same. Those with a `sentence` are then given as
        such, with the value in place of ``{}``.
    """

    name: str
    header: str
    description: str
    read: Callable[[Row], Value]
    write: Callable[[float], str] | None = None
    better: Literal["higher", "lower"] | None = None
    metric: MetricColumn | None = None
    always: bool = False
    common: bool = False
    sentence: str = ""

    @property
    def has_interval(self) -> bool:
        """Whether its values are estimates with bounds."""
        return self.metric is not None

    @property
    def numeric(self) -> bool:
        """Whether it is aligned to the right and sorted as a number."""
        return self.has_interval or self.write is not None

    def entry(self, row: Row, digits: int | None = None) -> TableEntry:
        """Its entry in a row. digits: decimals of an estimate; by default as many as its interval needs."""
        value = self.read(row)
        if isinstance(value, Estimate):
            text = write_estimate(value, digits)
            return TableEntry(text, value.value, value.low, value.high, value.reason, self._mark(row, value))
        if value is None:
            return TableEntry("–")
        if isinstance(value, str):
            return TableEntry(value, value)
        return TableEntry(self.write(value) if self.write else str(value), value)

    def _mark(self, row: Row, value: Estimate) -> str:
        if row.problems and self.name == row.headline:
            return UNVERIFIED
        return INVERTED if self.metric is not None and self.metric.is_inverted(value) else ""

    def entries(self, rows: Sequence[Row]) -> list[TableEntry]:
        """Its entries in all rows, with the same decimals unless values differ by powers of ten, as rejections do."""
        digits = None
        if self.metric is not None and self.metric.scale != "inverse":
            digits = shared_decimals(value for row in rows if isinstance(value := self.read(row), Estimate))
        return [self.entry(row, digits) for row in rows]


def write_rank(row: Row) -> str | None:
    """`3`, or `1-2` if the test events leave both open; None for a row without a rank."""
    if row.rank is None:
        return None
    first, last = row.rank
    return str(first) if first == last else f"{first}-{last}"


def write_seeds(row: Row) -> str:
    """`3`, or `2 of 3` if not all seeds have numbers."""
    done, run = len(row.done), len(row.results)
    return str(run) if done == run else f"{done} of {run}"


def write_status(row: Row) -> str:
    """The status, the reasons for missing numbers and the remark; long texts are cut, the record has all of it."""
    text = "; ".join(part for part in (row.status if row.status == "done" else "", row.reason, row.remark) if part)
    return text if len(text) <= _LONGEST_STATUS else text[: _LONGEST_STATUS - 1] + "…"


def _throughput(field: str) -> Callable[[Row], Value]:
    return lambda row: row.throughput(field)


_BEFORE: tuple[BoardColumn, ...] = (
    BoardColumn(
        "rank",
        "Rank",
        "The ranks that the row may have: after all rows that beat it significantly, before all that it beats",
        write_rank,
    ),
    BoardColumn(
        "representation",
        "Representation",
        "How the events are turned into input of the model",
        lambda row: row.representation,
        always=True,
    ),
    BoardColumn("model", "Model", "The model that learns", lambda row: row.model, always=True),
)

_AFTER: tuple[BoardColumn, ...] = (
    BoardColumn(
        "train_events_per_s",
        "Training, events/s",
        "Training events divided by the seconds of the whole fit, with all epochs or trees",
        _throughput("train_events_per_s"),
        write_number,
        better="higher",
    ),
    BoardColumn(
        "predict_events_per_s",
        "Prediction, events/s",
        "Events per second in prediction",
        _throughput("predict_events_per_s"),
        write_number,
        better="higher",
    ),
    BoardColumn(
        "fit_s", "Fit, s", "Seconds of the whole fit", lambda row: row.timing("fit"), write_number, better="lower"
    ),
    BoardColumn(
        "peak_memory_mb",
        "Memory, MB",
        "Peak memory of the worker process",
        _throughput("peak_memory_mb"),
        write_number,
        better="lower",
    ),
    BoardColumn(
        "parameters_count",
        "Parameters",
        "Trained parameters of the model",
        lambda row: row.parameters_count,
        write_count,
    ),
    BoardColumn(
        "train_events",
        "Trained on",
        "Events in the training set",
        lambda row: row.train_events,
        write_count,
        common=True,
        sentence="trained on {} events",
    ),
    BoardColumn(
        "device",
        "Device",
        "The device that trained the model",
        lambda row: row.device,
        always=True,
        common=True,
        sentence="{}",
    ),
    BoardColumn(
        "seeds",
        "Seeds",
        "Trainings with numbers, of those that were run",
        write_seeds,
        always=True,
        common=True,
        sentence="{} seeds each",
    ),
    BoardColumn(
        "status",
        "Status",
        "Whether the cell has numbers, and why not",
        write_status,
        always=True,
        common=True,
    ),
)


def all_columns(boards: Iterable[Board]) -> tuple[BoardColumn, ...]:
    """All columns of these boards: those of built-in metrics and of the metrics that their results declare."""
    boards = list(boards)
    results = [result for board in boards for result in board.results]
    declared = declared_by(results)
    # families have a column for each number that occurs
    names = dict.fromkeys(name for result in results for name in result.metrics)
    members = [column_of(name, declared) for name in names]
    metrics = {column.name: column for column in (*declared, *members) if not column.is_family}
    taken = {column.name for column in (*_BEFORE, *_AFTER)}
    headlines = {board.headline for board in boards}
    first = [replace(metrics[name], order=HEADLINE_ORDER) for name in sorted(headlines & metrics.keys())]
    others = [c for c in metrics.values() if c.order is not None and c.name not in headlines]
    in_tables = [c for c in in_order([*first, *others]) if c.name not in taken]
    return (*_BEFORE, *map(_metric_column, in_tables), *_AFTER)


def _metric_column(metric: MetricColumn) -> BoardColumn:
    header = f"{metric.header}, {metric.unit}" if metric.unit else metric.header
    return BoardColumn(
        name=metric.name,
        header=header,
        description=f"{metric.description}; {CONFIDENCE:.0%} interval",
        read=lambda row: row.estimate(metric.name),
        better=metric.better,
        metric=metric,
        common=metric.common,
        sentence=f"{header} {{}}",
    )


def visible(board: Board) -> tuple[BoardColumn, ...]:
    """The columns that have values on this board. A board whose rows are not ranked has no rank."""
    return tuple(column for column in all_columns([board]) if column.always or _has_values(column, board))


def shared(board: Board) -> tuple[BoardColumn, ...]:
    """The columns that are given once, as all rows with numbers have the same value."""
    rows = [row for row in board.rows if row.done]
    explained = {"status"} if any(row.reason or row.remark for row in rows) else set()
    common = [column for column in visible(board) if column.common and column.name not in explained]
    return tuple(column for column in common if len({column.entry(row).text for row in rows}) == 1)


def shared_in_words(board: Board) -> str:
    """What all rows with numbers share: `trained on 7,693 events · cpu · 1 seed each`."""
    row = next((row for row in board.rows if row.done), None)
    parts = [
        column.sentence.replace("{}", column.entry(row).text, 1) for column in shared(board) if row and column.sentence
    ]
    return " · ".join(part.replace("1 seeds each", "1 seed each") if part.startswith("1 ") else part for part in parts)


def bounds_in_words(board: Board) -> str:
    """The condition for a row to be ranked: `CVM at most 0.002`; empty if there are no bounds."""
    headers = {name: column_of(name, board.metric_columns).header for name in board.bounds}
    return ", ".join(f"{headers[name]} at most {most:g}" for name, most in board.bounds.items())


def text_table(board: Board) -> tuple[list[str], list[list[str]]]:
    """Headers and rows as plain text, with all columns that have values."""
    columns = visible(board)
    entries = [[entry.marked_text for entry in column.entries(board.rows)] for column in columns]
    return [column.header for column in columns], [list(row) for row in zip(*entries, strict=True)]


def best_text(column: BoardColumn, rows: Sequence[Row], within: Sequence[bool] = ()) -> str | None:
    """The entry of the row that is best in this column.

    None if no direction is better, and if a row has only a lower limit: it may be better than any number.

    Parameters
    ----------
    within : whether each row is within the bounds; all are by default. Others do not count.
    """
    chosen = within or [True] * len(rows)
    entries = [entry for entry, counts in zip(column.entries(rows), chosen, strict=True) if counts]
    if column.better is None or any(entry.is_limit for entry in entries):
        return None
    known = [(entry.value, entry.text) for entry in entries if isinstance(entry.value, float | int)]
    choose = max if column.better == "higher" else min
    return choose(known, key=lambda entry: entry[0])[1] if known else None


def _has_values(column: BoardColumn, board: Board) -> bool:
    entries = [column.entry(row) for row in board.rows]
    return any(entry.value is not None or entry.low is not None for entry in entries)
