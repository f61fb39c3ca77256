"""From results to boards: those that agree in all but cell and seed, and whose test events are nested."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from leaderboard.ranking.board import Board
from leaderboard.ranking.names import canonical, source_of
from leaderboard.ranking.rows import make_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmark.records.result import Result
    from leaderboard.ranking.scores import ScoreBook


def group(results: Iterable[Result], book: ScoreBook) -> list[Board]:
    """Boards whose rows are not ranked yet; the book has compared the test events of results with one fingerprint."""
    groups: dict[tuple[Any, ...], list[Result]] = {}
    for result in sorted(results, key=lambda result: (_is_loose(result), result.key, result.created)):
        for key in _keys(result, groups):
            groups.setdefault(key, []).append(result)
    return [_board(nested) for group in groups.values() for nested in _nested(group, book)]


def _is_loose(result: Result) -> bool:
    """Whether a cell stopped before its events were known. It is on every board that it could have been on."""
    return result.status != "done" and not (result.fingerprint and result.classes)


def _keys(result: Result, known: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    task = (result.task, source_of(result.task_origin), canonical(result.variant), result.task_version)
    broad = (*task, result.level, result.preset)
    if _is_loose(result) and (matching := [key for key in known if key[: len(broad)] == broad]):
        return matching
    return [(*broad, result.source, result.classes)]


def _nested(results: Sequence[Result], book: ScoreBook) -> list[list[Result]]:
    """Results that agree in all but their test events, as boards of nested sets of events, each with the fewest first.

    Results whose events are not known are on all of them.
    """
    sets: dict[str, list[Result]] = {}
    for result in results:
        sets.setdefault("" if _is_loose(result) else result.fingerprint, []).append(result)
    loose = sets.pop("", [])
    for several in sets.values():
        book.compare(several)
    sizes = {print_: max(result.events.get("test", 0) for result in several) for print_, several in sets.items()}
    boards: list[list[list[Result]]] = []
    for print_ in sorted(sets, key=lambda print_: (sizes[print_], print_)):
        alike = (board for board in boards if all(_are_nested(sets[print_], other, book) for other in board))
        board = next(alike, None)
        if board is None:
            boards.append([sets[print_]])
        else:
            board.append(sets[print_])
    if not boards:
        return [loose]
    return [[result for several in board for result in several] + loose for board in boards]


def _are_nested(one: Sequence[Result], other: Sequence[Result], book: ScoreBook) -> bool:
    """Whether the test events of one group of results are among those of another, by a result of each with scores.

    One without problems, if there is any: others may have other events than their fingerprint says.
    """
    first, second = (
        min(
            (result for result in several if book.evidence(result).events),
            key=lambda result: len(book.problems(result)),
            default=None,
        )
        for several in (one, other)
    )
    return first is not None and second is not None and book.share_events(first, second)


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
