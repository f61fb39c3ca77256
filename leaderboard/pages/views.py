"""What the templates show: boards, made into plain tables, texts and figures."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leaderboard.pages.figures import figures
from leaderboard.pages.pictures import Picture, legend, pictures, ticks
from leaderboard.pages.words import THROUGHPUT, metric_words, stage_words
from leaderboard.ranking.columns import (
    Cell,
    Column,
    best_text,
    bounds_in_words,
    in_words,
    said_once,
    visible,
    write_status,
)
from leaderboard.ranking.names import canonical, shown_variant
from leaderboard.ranking.seeds import seed_estimate
from leaderboard.writing import write_count, write_estimate, write_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from benchmark.records.result import Result
    from benchmark.records.store import ResultStore
    from leaderboard.pages.drawing import Figure
    from leaderboard.ranking.boards import Board
    from leaderboard.ranking.rows import Row
    from leaderboard.ranking.scores import ScoreBook


TRACEBACK = "traceback"
"""Where a failed cell keeps the Python traceback in its environment; shown with the reason, not as provenance."""


@dataclass(frozen=True)
class Confusion:
    """Counts of test events, true class down and predicted class across, with the share of each row's total."""

    classes: tuple[str, ...]
    lines: tuple[tuple[str, tuple[tuple[int, float | None], ...]], ...]


@dataclass(frozen=True)
class Entry:
    """A cell of the table with its column; `best` marks the best of the column."""

    column: Column
    cell: Cell
    best: bool


@dataclass(frozen=True)
class RowView:
    """A row, and all that is known of it; `place` is its number on the board, for links."""

    row: Row
    place: int
    entries: tuple[Entry, ...]
    metrics: tuple[tuple[str, str, str], ...]
    facts: tuple[tuple[str, str], ...]
    confusion: Confusion | None
    seeds: tuple[tuple[str, ...], ...]

    @property
    def title(self) -> str:
        """Representation, model and device."""
        return f"{self.row.representation} · {self.row.model} · {self.row.device}"

    @property
    def status(self) -> str:
        """What happened, with reasons."""
        return write_status(self.row)

    @property
    def tracebacks(self) -> list[str]:
        """Where in the code its seeds failed, each place once."""
        found = [str(r.environment[TRACEBACK]) for r in self.row.results if r.environment.get(TRACEBACK)]
        return list(dict.fromkeys(found))


@dataclass(frozen=True)
class BoardView:
    """A board as its page shows it."""

    board: Board
    anchor: str
    columns: tuple[Column, ...]
    same: str
    bounds: str
    ran: tuple[RowView, ...]
    beyond: tuple[RowView, ...]
    stopped: tuple[RowView, ...]
    figures: tuple[Figure, ...]
    pictures: tuple[tuple[str, list[Picture]], ...]
    legend: tuple[tuple[str, str], ...]
    ticks: tuple[tuple[str, str, str], tuple[str, str, str]]
    provenance: tuple[tuple[str, str], ...]


def board_view(board: Board, store: ResultStore, book: ScoreBook) -> BoardView:
    """Everything the page of a task shows of one board."""
    same = said_once(board)
    columns = tuple(column for column in visible(board) if column not in same)
    lines = zip(*(_entries(column, board) for column in columns), strict=True)
    rows = [
        _row_view(row, place, line, board.classes)
        for place, (row, line) in enumerate(zip(board.rows, lines, strict=True))
    ]
    prefix = f"pictures/{slug(board.task)}-{slug(board.fingerprint[:12])}"
    examples = store.examples(board.task, board.fingerprint)
    return BoardView(
        board=board,
        anchor=anchor(board),
        columns=columns,
        same=in_words(board),
        bounds=bounds_in_words(board),
        ran=tuple(view for view in rows if view.row.done and not board.beyond(view.row)),
        beyond=tuple(view for view in rows if board.beyond(view.row)),
        stopped=tuple(view for view in rows if not view.row.done),
        figures=tuple(figures(board, book)),
        pictures=tuple(pictures(examples, board.classes, prefix)),
        legend=tuple(legend(examples, board.classes)),
        ticks=ticks(examples),
        provenance=tuple(_provenance(board)),
    )


def anchor(board: Board) -> str:
    """A name for links to it that stays the same from build to build."""
    identity = (
        board.variant,
        board.task_version,
        board.source,
        board.fingerprint,
        board.level,
        board.preset,
        board.classes,
    )
    return f"board-{hashlib.sha256(canonical(identity).encode()).hexdigest()[:8]}"


def slug(name: str) -> str:
    """A file name for a task: the name itself where it is plain, else made so, with a hash against collisions."""
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,40}", name) and name != "index":
        return name
    plain = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")[:40]
    return f"{plain or 'task'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def briefly(board: Board) -> str:
    """On how many events the numbers of a board that ranks nothing rest, where records say so."""
    counts = {
        split: sorted({result.events[split] for result in board.results if split in result.events and result.metrics})
        for split in ("train", "test")
    }
    if not all(counts.values()):
        return ""
    train, test = (
        write_count(found[0]) if len(found) == 1 else f"{write_count(found[0])} to {write_count(found[-1])}"
        for found in counts.values()
    )
    return f"Its models are small and learn for a short time, here from {train} events, tested on {test}."


def question(board: Board) -> str:
    """What the task asks, in words made of its classes."""
    if not board.classes:
        return ""
    if board.macro:
        return f"Which of {', '.join(board.classes)} is it?"
    return f"{board.classes[0]} against {', '.join(board.classes[1:])}"


def confusion(result: Result | None) -> Confusion | None:
    """The matrix of a record; None when there is none or a stranger's file has it in another shape."""
    if result is None or result.confusion_matrix is None:
        return None
    matrix, size = result.confusion_matrix, len(result.classes)
    if [len(line) for line in matrix] != [size] * size or any(count < 0 for line in matrix for count in line):
        return None
    lines = []
    for name, counts in zip(result.classes, matrix, strict=True):
        total = sum(counts)
        lines.append((name, tuple((count, count / total if total else None) for count in counts)))
    return Confusion(result.classes, tuple(lines))


def flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as lines: `cpu.cores`, `2`."""
    for key in sorted(values):
        value = values[key]
        if isinstance(value, dict) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    return write_count(value) if isinstance(value, int) and not isinstance(value, bool) else canonical(value)


def _entries(column: Column, board: Board) -> list[Entry]:
    within = [not board.beyond(row) for row in board.rows]
    best = best_text(column, board.rows, within) if board.ranked else None
    cells = column.cells(board.rows)
    return [
        Entry(column, cell, kept and cell.value is not None and cell.text == best)
        for cell, kept in zip(cells, within, strict=True)
    ]


def _row_view(row: Row, place: int, entries: tuple[Entry, ...], classes: Sequence[str]) -> RowView:
    return RowView(
        row=row,
        place=place,
        entries=entries,
        metrics=tuple(_metrics(row)),
        facts=tuple(_facts(row)),
        confusion=confusion(row.shown) if row.shown and tuple(row.shown.classes) == tuple(classes) else None,
        seeds=tuple(_seed(result) for result in row.results),
    )


def _metrics(row: Row) -> Iterator[tuple[str, str, str]]:
    for name in dict.fromkeys(name for result in row.done for name in result.metrics):
        estimate = row.estimate(name)
        yield metric_words(name, row.done[0].classes), write_estimate(estimate), estimate.reason or ""


def _facts(row: Row) -> Iterator[tuple[str, str]]:
    first = row.results[0]
    yield from flat(first.representation_parameters, f"{first.representation}: ")
    yield from flat(first.parameters, f"{first.model}: ")
    splits = {"train": "Training events", "valid": "Validation events", "test": "Test events"}
    yield from ((splits.get(name, f"Events, {name}"), write_count(count)) for name, count in first.events.items())
    source = row.shown or first
    speeds = source.throughput.model_dump()
    yield from ((words, write_number(speeds[key])) for key, words in THROUGHPUT.items() if speeds[key] is not None)
    yield from ((stage_words(key), write_number(value)) for key, value in source.timings.items())
    yield from ((f"{first.model}, {key.replace('_', ' ')}", write_number(v)) for key, v in source.details.items())
    if row.superseded:
        yield "Older records of the same seeds, left out", str(row.superseded)


def _seed(result: Result) -> tuple[str, ...]:
    revision = (result.code.revision or "–")[:12] + (" (changed)" if result.code.dirty else "")
    auc = write_estimate(seed_estimate(result, "auc"))
    return str(result.seed), result.status, auc, f"{result.code.version} {revision}", result.created, result.key[:12]


def _provenance(board: Board) -> Iterator[tuple[str, str]]:
    results = board.results
    yield "Task", f"{board.task}, version {board.task_version}"
    yield from ((f"Variant: {key}", value) for key, value in flat(shown_variant(board)))
    yield "Level", board.level + (" (fast simulation)" if board.fast_simulation else "")
    yield "Source", board.source
    yield "Preset", board.preset
    yield "Classes", ", ".join(board.classes)
    yield "Fingerprint of the test events", board.fingerprint or "unknown: no cell got as far as the events"
    yield "Code", _distinct(f"{r.code.version} {r.code.revision or ''}".strip() for r in results)
    created = sorted(result.created for result in results)
    yield "Run", created[0] if created[0] == created[-1] else f"{created[0]} to {created[-1]}"
    environments = [
        dict(flat({key: value for key, value in result.environment.items() if key != TRACEBACK and value is not None}))
        for result in results
    ]
    for key in sorted({key for environment in environments for key in environment}):
        yield f"Environment: {key}", _distinct(e[key] for e in environments if key in e)


def _distinct(values: Iterable[str]) -> str:
    return "; ".join(sorted(set(values)))
