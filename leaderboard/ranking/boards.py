"""Boards with their rows in order, and the ranks that each row may have."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from leaderboard.ranking.comparison import pooled_spread, significantly_better
from leaderboard.ranking.grouping import group
from leaderboard.ranking.names import SIZES, canonical, label
from leaderboard.ranking.scores import ScoreBook
from leaderboard.ranking.simultaneous import better

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmark.metrics.comparison import Spread
    from benchmark.records.result import Result
    from benchmark.records.store import ResultStore
    from leaderboard.ranking.board import Board
    from leaderboard.ranking.row import Row

_PRESETS = ("paper", "standard", "quick", "smoke")
_LEVELS = ("detector", "hadron", "generator")


def rank(results: Iterable[Result], store: ResultStore | None = None) -> list[Board]:
    """Results as boards, each with its rows ranked by the headline of the task if they are within its bounds.

    With the scores in a store, and a headline that is an area under a ROC curve, rows are compared all at once, on the
    test events that two have in common and with the spread over their seeds; otherwise, two tie unless their intervals
    do not overlap. Rows that are not converged come after those that are; rows trained on another
    number of events than most have no rank. See `rank_intervals`.
    """
    return rank_with(results, ScoreBook(store))


def rank_with(results: Iterable[Result], book: ScoreBook) -> list[Board]:
    """The boards, as `rank` makes them, with a book that reads every file of scores at most once."""
    boards = [_ranked(board, book) for board in group(results, book)]
    return sorted(_named(_dated(boards)), key=_order)


def rank_intervals(rows: Sequence[Row], book: ScoreBook) -> list[tuple[int, int]]:
    """The first and last rank that each of the rows may have.

    From 1 + the number of rows that are better to N - the number that are worse. For rows with scores and an area under
    a ROC curve as headline, with 95% confidence all of them hold the right rank (Mogstad, Romano, Shaikh and Wilhelm,
    Rev. Econ. Stud. 91 (2024) 476), so that rows which are equal in truth seldom get different ones, however many there
    are. There are no groups: if only the best of three differs significantly from the worst, they have the ranks 1-2,
    1-3 and 2-3.
    """
    wins = better(rows, book)
    return [(1 + int(wins[:, place].sum()), len(rows) - int(wins[place].sum())) for place in range(len(rows))]


def compare_events(results: Iterable[Result], book: ScoreBook) -> None:
    """Let a book compare the test events of results that are on one board; ranking does it as well."""
    group(results, book)


def _ranked(board: Board, book: ScoreBook) -> Board:
    rows = [replace(row, problems=_problems(row, book)) for row in board.rows]
    board = replace(board, rows=tuple(rows))  # its bounds depend on the problems
    rows = [replace(row, too_few=board.too_few(row)) for row in rows]
    scored = [row for row in rows if row.score.value is not None]
    unscored = [row for row in rows if row.score.value is None]
    if not board.ranked:
        return replace(board, rows=(*scored, *unscored))  # by name, since an order by score would look like a ranking
    scored.sort(key=lambda row: _rank_key(board, row))
    doubtful = [row for row in scored if row.problems]
    alike = [row for row in scored if not board.other_training(row)]
    expert = [row for row in alike if not row.problems and row.is_expert]
    beyond = [row for row in scored if board.beyond(row) and not row.is_expert]
    within = [row for row in alike if not (row.problems or board.beyond(row) or row.is_expert)]
    spread = pooled_spread(within)
    within, expert, beyond = ([_lending(row, spread) for row in rows] for rows in (within, expert, beyond))
    others = [
        replace(_lending(row, spread), ranked_with=board.train_events)
        for row in scored
        if board.other_training(row) and not (row.problems or (board.beyond(row) and not row.is_expert))
    ]
    within = [_against_expert(row, expert, book) for row in within]
    finished, cut = ([row for row in within if row.converged is done] for done in (True, False))
    placed = _placed(finished, 0, book)
    for row in reversed(expert):  # the best one first, where its score is among the finished rows
        above = [other for other in placed if _rank_key(board, other) <= _rank_key(board, row)]
        placed.insert(len(above), row)
    return replace(board, rows=(*placed, *_placed(cut, len(finished), book), *others, *beyond, *doubtful, *unscored))


def _rank_key(board: Board, row: Row) -> float:
    """By which rows are in order, best first."""
    return (row.score.value or 0.0) * (1 if board.headline_column.better == "lower" else -1)


def _lending(row: Row, spread: Spread | None) -> Row:
    return replace(row, borrowed=spread if len(row.done) == 1 else None)


def _against_expert(row: Row, expert: Sequence[Row], book: ScoreBook) -> Row:
    return replace(row, below_expert=any(significantly_better(line, row, book) for line in expert))


def _placed(rows: Sequence[Row], after: int, book: ScoreBook) -> list[Row]:
    """Rows with the ranks that each may have, after a number of other rows."""
    ranks = rank_intervals(rows, book)
    return [replace(row, rank=(first + after, last + after)) for row, (first, last) in zip(rows, ranks, strict=True)]


def _problems(row: Row, book: ScoreBook) -> tuple[str, ...]:
    """Why the numbers of a row can't be trusted, seed by seed if there are several."""
    texts: dict[str, list[int]] = {}
    for result in row.results:
        for problem in book.problems(result):
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
    for _, several in groupby(sorted(boards, key=place), key=place):
        same = list(several)
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
