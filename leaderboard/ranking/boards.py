"""Boards: results that may be compared, as rows with the ranks that each may have."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from benchmark.metrics.comparison import area_difference
from leaderboard.ranking.metric_columns import column_of, declared_by
from leaderboard.ranking.names import SIZES, canonical, label, source_of
from leaderboard.ranking.rows import Row, make_rows
from leaderboard.ranking.scores import ScoreBook
from leaderboard.ranking.seeds import Z

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmark.metrics.metric import MetricColumn
    from benchmark.records.result import PluginOrigin, Result
    from benchmark.records.store import ResultStore

UNRANKED_PRESETS = frozenset({"smoke"})
"""Presets that only test that everything runs."""

_PRESETS = ("paper", "standard", "quick", "smoke")
_LEVELS = ("detector", "hadron", "generator")
_NOT_FILES = frozenset({"generated", "none"})


@dataclass(frozen=True)
class Board:
    """Rows that may be compared: one task and variant, task version, source, test events, level and preset.

    Parameters
    ----------
    name : the task with the parameters that make the variant, and its origin unless it is built in.
    rows : ranked rows, best first; then rows that exceed a bound; then rows with problems; then rows without headline.
    outdated : whether a later version of the task has results.
    headline : the metric that its rows are ranked by.
    """

    task: str
    variant: dict[str, Any]
    task_version: str
    source: str
    fingerprint: str
    level: str
    preset: str
    classes: tuple[str, ...]
    rows: tuple[Row, ...]
    task_origin: PluginOrigin | None = None
    outdated: bool = False
    name: str = ""
    headline: str = "auc"

    @property
    def ranked(self) -> bool:
        """Whether its rows are ranked."""
        return self.preset not in UNRANKED_PRESETS

    @property
    def results(self) -> tuple[Result, ...]:
        """The records of all its rows."""
        return tuple(result for row in self.rows for result in row.results)

    @property
    def fast_simulation(self) -> bool:
        """Whether the detector simulation of this suite made its events."""
        return any(result.fast_simulation for result in self.results)

    @property
    def macro(self) -> bool:
        """Whether no class is the signal: `auc` is the mean over classes, and there is no background rejection."""
        return any(not result.has_signal for row in self.rows for result in row.done)

    @cached_property
    def bounds(self) -> dict[str, float]:
        """The largest values that metrics may have in a ranked row, by the newest record of a row without problems."""
        verified = [result for row in self.rows if not row.problems for result in row.done]
        return max(verified or self.results, key=lambda result: result.created).bounds if self.ranked else {}

    def beyond(self, row: Row) -> bool:
        """Whether a row has a headline but no rank because a bounded metric is too large or unknown.

        A row with problems is none of these: its numbers are not known.
        """
        values = [(row.estimate(metric).value, most) for metric, most in self.bounds.items()]
        exceeds = any(value is None or value > most for value, most in values)
        return exceeds and row.score.value is not None and not row.problems

    @property
    def best(self) -> Row | None:
        """The first row with a rank, if any."""
        return next((row for row in self.rows if row.rank), None)

    @cached_property
    def metric_columns(self) -> tuple[MetricColumn, ...]:
        """The columns of all metrics that its results may have."""
        return declared_by(self.results)

    @property
    def headline_column(self) -> MetricColumn:
        """What the metric declares that its rows are ranked by."""
        return column_of(self.headline, self.metric_columns)

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters of the variant, without sizes if the events come from files."""
        if self.source in _NOT_FILES:
            return self.variant
        return {key: value for key, value in self.variant.items() if key not in SIZES}

    @property
    def title(self) -> str:
        """One line: task and variant, level, preset, source and version."""
        where = f"{self.level} level, {self.preset} preset, {self.source}, version {self.task_version}"
        return f"{self.name or self.task}: {where}"


def rank(results: Iterable[Result], store: ResultStore | None = None) -> list[Board]:
    """Results as boards, each with its rows ranked by the headline of the task if they are within its bounds.

    With the scores in a store, and a headline that is an area under a ROC curve, two rows tie unless DeLong's paired
    comparison on the same events is significant; otherwise, unless their intervals do not overlap. See
    `rank_intervals`.
    """
    return rank_with(results, ScoreBook(store))


def rank_with(results: Iterable[Result], book: ScoreBook) -> list[Board]:
    """The boards, as `rank` makes them, with a book that reads every file of scores at most once."""
    boards = [_ranked(board, book) for board in _boards(results)]
    return sorted(_named(_dated(boards)), key=_order)


def rank_intervals(rows: Sequence[Row], book: ScoreBook) -> list[tuple[int, int]]:
    """The first and last rank that each of the rows may have.

    From 1 + the number of rows that are significantly better to N - the number that are significantly worse. Whether
    two rows tie depends on these two alone, so other rows never change it. There are no groups: if only the best of
    three differs significantly from the worst, they have the ranks 1-2, 1-3 and 2-3.
    """
    better = [[significantly_better(a, b, book) for b in rows] for a in rows]
    return [(1 + sum(line[place] for line in better), len(rows) - sum(better[place])) for place in range(len(rows))]


def significantly_better(best: Row, other: Row, book: ScoreBook) -> bool:
    """Whether `best` has a better headline beyond the uncertainty from test events and seeds, at 95% confidence.

    With scores of both on the same events, the difference of the mean areas is compared with

        sqrt( d^2 + (z s_best)^2 + (z s_other)^2 )

    where d is the mean half-width of DeLong's paired differences (first seed against first seed, and so on) and s the
    spread over the seeds of each row. Without scores, their intervals, which have the same parts, must not overlap. A
    row without an interval is never significantly different.
    """
    a, b = (best.score, other.score) if best.headline_column.better != "lower" else (other.score, best.score)
    if a.value is None or b.value is None or a.value <= b.value:
        return False
    paired = _paired_half_width(best, other, book)
    if paired is None:
        return a.low is not None and b.high is not None and a.low > b.high
    variance = paired**2 + (Z * best.spread(best.headline)) ** 2 + (Z * other.spread(other.headline)) ** 2
    return bool(a.value - b.value > variance**0.5)


def _paired_half_width(best: Row, other: Row, book: ScoreBook) -> float | None:
    widths = []
    for a, b in zip(best.done, other.done, strict=False):  # as many pairs as both have seeds
        areas = book.area(a, best.headline, b), book.area(b, other.headline, a)
        if areas[0] is None or areas[1] is None or a.has_signal != b.has_signal:
            return None
        difference = area_difference(areas[0], areas[1], partial(book.same_order, a, b))
        widths.append((difference.high - difference.low) / 2)
    return sum(widths) / len(widths) if widths else None


def _boards(results: Iterable[Result]) -> list[Board]:
    groups: dict[tuple[Any, ...], list[Result]] = {}
    for result in sorted(results, key=lambda result: (_is_loose(result), result.key, result.created)):
        for key in _keys(result, groups):
            groups.setdefault(key, []).append(result)
    return [_board(group) for group in groups.values()]


def _is_loose(result: Result) -> bool:
    """Whether a cell stopped before its events were known. It is on every board that it could have been on."""
    return result.status != "done" and not (result.fingerprint and result.classes)


def _keys(result: Result, known: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    task = (result.task, source_of(result.task_origin), canonical(result.variant), result.task_version)
    broad = (*task, result.level, result.preset)
    if _is_loose(result) and (matching := [key for key in known if key[: len(broad)] == broad]):
        return matching
    return [(*broad, result.source, result.fingerprint, result.classes)]


def _board(results: Sequence[Result]) -> Board:
    first = results[0]
    intact = [result for result in results if result.seal == "right"]
    headline = max(intact or results, key=lambda result: (result.created, result.key)).headline
    return Board(
        task=first.task,
        task_origin=first.task_origin,
        variant=first.variant,
        task_version=first.task_version,
        source=first.source,
        fingerprint=first.fingerprint,
        level=first.level,
        preset=first.preset,
        classes=first.classes,
        rows=make_rows(results, headline),
        headline=headline,
    )


def _ranked(board: Board, book: ScoreBook) -> Board:
    rows = [replace(row, problems=_problems(row, book)) for row in board.rows]
    board = replace(board, rows=tuple(rows))  # its bounds depend on the problems
    scored = [row for row in rows if row.score.value is not None]
    unscored = [row for row in rows if row.score.value is None]
    if not board.ranked:
        return replace(board, rows=(*scored, *unscored))  # by name, since an order by score would look like a ranking
    scored.sort(key=lambda row: row.score.value or 0.0, reverse=board.headline_column.better != "lower")
    beyond = [row for row in scored if board.beyond(row)]
    doubtful = [row for row in scored if row.problems]
    within = [row for row in scored if not row.problems and not board.beyond(row)]
    ranks = rank_intervals(within, book)
    placed = [replace(row, rank=interval) for row, interval in zip(within, ranks, strict=True)]
    return replace(board, rows=(*placed, *beyond, *doubtful, *unscored))


def _problems(row: Row, book: ScoreBook) -> tuple[str, ...]:
    """Why the numbers of a row can't be trusted, seed by seed if there are several."""
    texts: dict[str, list[int]] = {}
    for result in row.results:
        for problem in book.evidence(result).problems:
            texts.setdefault(problem.text, []).append(result.seed)
    return tuple(
        text if len(seeds) == len(row.results) else f"seed {', '.join(map(str, seeds))}: {text}"
        for text, seeds in texts.items()
    )


def _named(boards: Sequence[Board]) -> list[Board]:
    """Boards with their names: the task with the parameters that were given, without sizes.

    Boards that would have the same title name their test events.
    """
    given = [set(board.results[0].variant_given) - SIZES for board in boards]
    names = [label(b.task, b.variant, names, b.task_origin) for b, names in zip(boards, given, strict=True)]
    named = [replace(board, name=name) for board, name in zip(boards, names, strict=True)]
    titles = [board.title for board in named]
    return [
        replace(board, name=f"{board.name} (test events {board.fingerprint[:6]})")
        if titles.count(board.title) > 1 and board.fingerprint
        else board
        for board in named
    ]


def _dated(boards: Sequence[Board]) -> list[Board]:
    """Boards with `outdated` set where another version of the same task has newer results."""

    def place(board: Board) -> tuple[str, ...]:
        # versions of a plug-in in a file, which has another hash each time, follow each other
        origin = board.task_origin.name if board.task_origin else ""
        return (board.task, origin, canonical(board.variant), board.source, board.level, board.preset)

    dated: list[Board] = []
    for _, group in groupby(sorted(boards, key=place), key=place):
        same = list(group)
        current = max(same, key=_newest).task_version
        dated.extend(replace(board, outdated=board.task_version != current) for board in same)
    return dated


def _newest(board: Board) -> tuple[str, tuple[tuple[int, str], ...]]:
    return max(result.created for result in board.results), _natural(board.task_version)


def _natural(text: str) -> tuple[tuple[int, str], ...]:
    """Sorts version 10 after version 9."""
    return tuple((int(digits or 0), word) for word, digits in re.findall(r"(\D*)(\d*)", text))


def _order(board: Board) -> tuple[Any, ...]:
    return (
        board.task,
        str(board.task_origin or ""),
        board.outdated,
        _position(board.preset, _PRESETS),
        _position(board.level, _LEVELS),
        canonical(board.variant),
        board.source,
        board.task_version,
        board.fingerprint,
        board.classes,
    )


def _position(name: str, known: Sequence[str]) -> tuple[int, str]:
    return (known.index(name) if name in known else len(known), name)
