"""The columns of a board, in the order in which terminal, pages, CSV, Markdown and LaTeX have them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from benchmark.metrics.cvm import EVENTS_TO_BOUND
from benchmark.metrics.metric import CONFIDENCE, MetricColumn
from leaderboard.formatting import write_count, write_number
from leaderboard.ranking.column import BoardColumn, Value
from leaderboard.ranking.metric_columns import MOST_COLUMNS, in_tables, most_common

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from leaderboard.ranking.board import Board
    from leaderboard.ranking.row import Row

_LONGEST_STATUS = 300


def write_rank(row: Row) -> str | None:
    """`3`, or `1-2` if events and seeds leave both open; `line` for the expert line; None for others without rank."""
    if row.rank is None:
        return "line" if row.is_expert and row.done else None
    first, last = row.rank
    return str(first) if first == last else f"{first}-{last}"


def write_seeds(row: Row) -> str:
    """`3 of 3`, `2 of 3, one failed`, or `1 of 1 (borrowed)` of a row that borrows the spread of its board."""
    done, run = len(row.done), len(row.results)
    others = Counter(result.status for result in row.results if result.status != "done")
    words = [f"{done} of {run}", *(f"{_few(count)} {_STOPPED[status]}" for status, count in sorted(others.items()))]
    return ", ".join(words) + (" (borrowed)" if row.borrowed else "")


def write_course(row: Row) -> str | None:
    """`23 of 28 (60)`: the best epoch or round of how many, and their cap, of the median seed; None without any."""
    training = row.median.training if row.median else None
    return f"{training.best:,} of {training.epochs:,} ({training.cap:,})" if training else None


def write_status(row: Row) -> str:
    """The status, the reasons for missing numbers and the remark; long texts are cut, the record has all of it."""
    few = "too few events to bound" if row.too_few else ""
    done = row.status if row.status == "done" else ""
    text = "; ".join(part for part in (done, row.reason, row.remark, few) if part)
    return text if len(text) <= _LONGEST_STATUS else text[: _LONGEST_STATUS - 1] + "…"


_STOPPED = {"failed": "failed", "timeout": "out of time", "interrupted": "interrupted", "skipped": "skipped"}


def _few(count: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return words[count] if count < len(words) else str(count)


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
        "predict_flops",
        "FLOP an event",
        "Floating-point operations of the prediction of one event, counted",
        _throughput("predict_flops"),
        write_number,
        better="lower",
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
        "test_events",
        "Tested on",
        "Events in the test set; rows with more or fewer are compared on those that both have",
        lambda row: row.test_events,
        write_count,
        common=True,
        sentence="tested on {} events",
    ),
    BoardColumn(
        "epochs",
        "Best epoch",
        "The best epoch or boosting round on validation events, of how many, and the cap; of the median seed",
        write_course,
    ),
    BoardColumn(
        "whose",
        "Results",
        "Published results, or those in your own folder",
        lambda row: row.whose,
        always=True,
        common=True,
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
        "Trainings with numbers, of those that were run; a single one may borrow its spread from the others",
        write_seeds,
        always=True,
        common=True,
        sentence="seeds: {}",
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
    """All columns of these boards; of metrics that are not built in, and of shifts, those that most results have."""
    boards = list(boards)
    shifts = _shifts(boards)
    drops = map(_drop_column, most_common(shifts, shifts))
    return (*_BEFORE, *map(_metric_column, _in_tables(boards)[0]), *drops, *_AFTER)


def left_out_in_words(boards: Iterable[Board]) -> str:
    """How many columns tables of these boards leave out, in sentences; empty if none."""
    boards = list(boards)
    left_out = {
        "metrics that are not built in": _in_tables(boards)[1],
        "shifted simulations": len(_shifts(boards)) - MOST_COLUMNS,
    }
    return " ".join(
        f"{count:,} columns of {what} are left out; a table has at most {MOST_COLUMNS} of them. "
        "All numbers: `results --json`."
        for what, count in left_out.items()
        if count > 0
    )


def _shifts(boards: Iterable[Board]) -> Counter[str]:
    """How many results have each of the shifts."""
    return Counter(name for board in boards for result in board.results for name in result.shifted)


def _in_tables(boards: Sequence[Board]) -> tuple[tuple[MetricColumn, ...], int]:
    taken = {column.name for column in (*_BEFORE, *_AFTER)}
    results = [result for board in boards for result in board.results]
    return in_tables(results, taken, {board.headline for board in boards})


def _drop_column(shift: str) -> BoardColumn:
    words = f"How much lower the headline is on test events of the shifted simulation '{shift}', not trained again"
    metric = MetricColumn(f"drop_{shift}", f"Drop, {shift}", words, better="lower")
    return replace(_metric_column(metric), read=lambda row: row.drop(shift))


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
    return " · ".join(parts)


def bounds_in_words(board: Board) -> str:
    """The condition for a row to be ranked: `CVM at most 0.002`; empty if there are no bounds."""
    column = board.metric_columns.of
    words = ", ".join(f"{column(name).header} at most {most:g}" for name, most in board.bounds.items())
    few = sum(row.too_few for row in board.rows)
    rows = "one row" if few == 1 else f"{few} rows"
    return words + (f" (from {EVENTS_TO_BOUND:,} background events on; {rows}: too few events to bound)" if few else "")


def remarks(board: Board) -> list[str]:
    """What a reader must know of all rows, in sentences: of events, ranks, the expert line, and columns left out."""
    rows = [row for row in board.rows if row.done and not row.problems]
    alone = [row for row in rows if len(row.done) == 1]
    spread = ""
    if board.ranked and alone:
        lent = any(row.borrowed for row in alone)
        spread = (
            "Rows of one seed borrow the spread over seeds of the others."
            if lent
            else "No row has several seeds: ranks do not include the noise of trainings."
        )
    said = (board.note, board.unranked, board.expert_line, spread, left_out_in_words([board]))
    return [sentence for sentence in said if sentence]


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
