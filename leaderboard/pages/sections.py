"""The sections of a page, one for each board: tables, texts and figures for the templates."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from leaderboard.formatting import write_count
from leaderboard.pages.courses import Course, courses
from leaderboard.pages.details import (
    TRACEBACK,
    Confusion,
    MetricLine,
    confusion,
    facts,
    metric_lines,
    provenance,
    seed_line,
)
from leaderboard.pages.figures import figures
from leaderboard.pages.pictures import Picture, legend, pictures, ticks
from leaderboard.ranking.columns import (
    best_text,
    bounds_in_words,
    remarks,
    shared,
    shared_in_words,
    visible,
    write_status,
)
from leaderboard.ranking.names import canonical, source_of
from leaderboard.ranking.row import INVERTED, NOT_CONVERGED, OTHER_TRAINING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.records.store import ResultStore
    from leaderboard.pages.drawing import Chart
    from leaderboard.ranking.board import Board
    from leaderboard.ranking.column import BoardColumn, TableEntry
    from leaderboard.ranking.row import Row
    from leaderboard.ranking.scores import ScoreBook


@dataclass(frozen=True)
class SectionEntry:
    """An entry of the table in its column; `best` if it is the best of the column."""

    column: BoardColumn
    entry: TableEntry
    best: bool


@dataclass(frozen=True)
class RowDetails:
    """A row with all its numbers. `place` is its position on the board, for links."""

    row: Row
    place: int
    entries: tuple[SectionEntry, ...]
    metrics: tuple[MetricLine, ...]
    facts: tuple[tuple[str, str], ...]
    confusion: Confusion | None
    seeds: tuple[tuple[str, ...], ...]
    courses: tuple[Course, ...]

    @property
    def title(self) -> str:
        """Representation, model and device."""
        return f"{self.row.representation} · {self.row.model} · {self.row.device}"

    @property
    def status(self) -> str:
        """The status with reasons."""
        return write_status(self.row)

    @property
    def tracebacks(self) -> list[str]:
        """The tracebacks of its failed seeds, without repetitions."""
        texts = [str(r.environment[TRACEBACK]) for r in self.row.results if r.environment.get(TRACEBACK)]
        return list(dict.fromkeys(texts))


@dataclass(frozen=True)
class BoardSection:
    """A board on its page.

    Rows are `within` the bounds, `beyond` them, `doubtful` because they do not agree with their scores, or `stopped`
    without numbers.
    """

    board: Board
    anchor: str
    columns: tuple[BoardColumn, ...]
    shared: str
    remarks: tuple[str, ...]
    bounds: str
    within: tuple[RowDetails, ...]
    beyond: tuple[RowDetails, ...]
    doubtful: tuple[RowDetails, ...]
    stopped: tuple[RowDetails, ...]
    figures: tuple[Chart, ...]
    pictures: tuple[tuple[str, list[Picture]], ...]
    legend: tuple[tuple[str, str], ...]
    ticks: tuple[tuple[str, str, str], tuple[str, str, str]]
    provenance: tuple[tuple[str, str], ...]

    @property
    def inverted(self) -> bool:
        """Whether any row is significantly worse than guessing."""
        return any(INVERTED in row.warnings for row in self.board.rows)

    @property
    def unfinished(self) -> int:
        """Rows whose training was ended by its cap."""
        return sum(NOT_CONVERGED in row.warnings for row in self.board.rows)

    @property
    def other_training(self) -> int:
        """Rows without a rank because the ranked ones have another number of training events."""
        return sum(OTHER_TRAINING in row.warnings for row in self.board.rows)


def board_section(board: Board, store: ResultStore, book: ScoreBook) -> BoardSection:
    """The section of one board."""
    common = shared(board)
    columns = tuple(column for column in visible(board) if column not in common)
    lines = zip(*(_entries(column, board) for column in columns), strict=True)
    rows = [
        _row_details(row, place, line, board.classes)
        for place, (row, line) in enumerate(zip(board.rows, lines, strict=True))
    ]
    prefix = f"pictures/{slug(board.task)}-{slug(board.fingerprint[:12])}"
    examples = next(filter(None, (store.examples(board.task, each) for each in board.fingerprints)), {})
    return BoardSection(
        board=board,
        anchor=anchor(board),
        columns=columns,
        shared=shared_in_words(board),
        remarks=tuple(remarks(board)),
        bounds=bounds_in_words(board),
        within=tuple(d for d in rows if d.row.done and not d.row.problems and not _is_beyond(d.row, board)),
        beyond=tuple(details for details in rows if _is_beyond(details.row, board)),
        doubtful=tuple(details for details in rows if details.row.done and details.row.problems),
        stopped=tuple(details for details in rows if not details.row.done),
        figures=tuple(figures(replace(board, rows=tuple(row for row in board.rows if not row.problems)), book)),
        pictures=tuple(pictures(examples, board.classes, prefix)),
        legend=tuple(legend(examples, board.classes)),
        ticks=ticks(examples),
        provenance=tuple(provenance(board)),
    )


def anchor(board: Board) -> str:
    """A name for links to a board that is the same in every build."""
    identity = (
        board.variant,
        board.task_version,
        board.source,
        board.fingerprint,
        board.level,
        board.preset,
        board.classes,
        *([source_of(board.task_origin)] if board.task_origin else []),
    )
    return f"board-{hashlib.sha256(canonical(identity).encode()).hexdigest()[:8]}"


def slug(name: str) -> str:
    """A file name for a task: its name if that is plain, else a plain form with a hash, which avoids collisions."""
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,40}", name) and name != "index":
        return name
    plain = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")[:40]
    return f"{plain or 'task'}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def event_counts(board: Board) -> str:
    """The numbers of training and test events of a board that is not ranked, if they are recorded."""
    counts = {
        split: sorted({result.events[split] for result in board.results if split in result.events and result.metrics})
        for split in ("train", "test")
    }
    if not all(counts.values()):
        return ""
    train, test = (
        write_count(numbers[0]) if len(numbers) == 1 else f"{write_count(numbers[0])} to {write_count(numbers[-1])}"
        for numbers in counts.values()
    )
    return f"Its models are small and train briefly: {train} training events, {test} test events."


def headline_in_words(board: Board) -> str:
    """What the rows of a board are ranked by."""
    if board.macro and board.headline == "auc":
        return "Ranked by AUC, the mean over classes, each against the rest."
    return f"Ranked by {board.headline_column.header}."


def question(board: Board) -> str:
    """The question of the task, from its classes."""
    if not board.classes:
        return ""
    if board.macro:
        return f"Which of {', '.join(board.classes)} is it?"
    return f"{board.classes[0]} against {', '.join(board.classes[1:])}"


def rank_in_words(row: Row, board: Board) -> str:
    """The rank of a row for readers: `Rank 1-4 of 6: no row beats it significantly; it beats two`."""
    if row.rank is None:
        return board.expert_line if row.is_expert and not row.problems else ""
    ranked = sum(other.rank is not None for other in board.rows)
    if not row.converged:
        return f"Rank {row.rank[0]} to {row.rank[1]} of {ranked}: after all rows whose training is finished"
    better, worse = row.rank[0] - 1, ranked - row.rank[1]
    rank = str(row.rank[0]) if row.rank[0] == row.rank[1] else f"{row.rank[0]}-{row.rank[1]}"
    beaten = "no row beats it significantly" if not better else f"{_rows(better)} it significantly"
    beats = f"it beats {_number(worse)}" if worse else "it beats none significantly"
    return f"Rank {rank} of {ranked}: {beaten}; {beats}"


def _rows(count: int) -> str:
    return "one row beats" if count == 1 else f"{_number(count)} rows beat"


def _number(count: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    return words[count] if count < len(words) else str(count)


def _entries(column: BoardColumn, board: Board) -> list[SectionEntry]:
    within = [_counts(row, board) for row in board.rows]
    best = best_text(column, board.rows, within) if board.ranked else None
    return [
        SectionEntry(column, entry, counts and entry.value is not None and entry.text == best)
        for entry, counts in zip(column.entries(board.rows), within, strict=True)
    ]


def _is_beyond(row: Row, board: Board) -> bool:
    """Whether a row has no rank because of a bound; the expert line has none anyway."""
    return board.beyond(row) and not row.is_expert


def _counts(row: Row, board: Board) -> bool:
    """Whether its numbers compete with those of other rows."""
    return not (row.problems or row.is_expert or board.beyond(row) or board.other_training(row))


def _row_details(row: Row, place: int, entries: tuple[SectionEntry, ...], classes: Sequence[str]) -> RowDetails:
    median = row.median
    return RowDetails(
        row=row,
        place=place,
        entries=entries,
        metrics=tuple(metric_lines(row)),
        facts=tuple(facts(row)),
        confusion=confusion(median) if median and tuple(median.classes) == tuple(classes) else None,
        seeds=tuple(seed_line(result, row) for result in row.results),
        courses=courses(row),
    )
