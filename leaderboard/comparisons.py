"""One thing against another, cell by cell: two folders of results, two rows, two models or two representations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from benchmark.core.errors import UserError, did_you_mean, spelled
from benchmark.metrics.comparison import holm
from benchmark.metrics.metric import CONFIDENCE
from benchmark.records.published import BesidePublished
from leaderboard.ranking.boards import rank_with
from leaderboard.ranking.comparison import compare, compare_versions
from leaderboard.ranking.names import canonical, source_of
from leaderboard.ranking.scores import ScoreBook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from benchmark.metrics.comparison import Difference
    from benchmark.records.store import ResultStore
    from leaderboard.ranking.board import Board
    from leaderboard.ranking.row import Row

Outcome = Literal["better", "worse", "no significant difference", "not comparable"]

COUNTERS = {"predict_flops": "floating-point operations an event", "comparisons": "comparisons an event"}
"""What a prediction costs, counted exactly; times are not compared, since they were not measured in turn."""


@dataclass(frozen=True)
class Pair:
    """Two rows of a board, and how b differs from a.

    Parameters
    ----------
    difference : of the headline, b minus a, with a 95% interval for this pair by itself; None if there is none.
    p_value : after Holm's correction for all pairs that are compared together.
    reason : why they can't be compared.
    """

    board: Board
    a: Row
    b: Row
    difference: Difference | None
    p_value: float = 1.0
    reason: str = ""

    @property
    def outcome(self) -> Outcome:
        """What can be said of b with 95% confidence, together with all other pairs."""
        if self.difference is None:
            return "not comparable"
        if self.p_value >= 1 - CONFIDENCE:
            return "no significant difference"
        return "better" if self.difference.value > 0 else "worse"

    @property
    def cost(self) -> float | None:
        """How many times the operations of a the prediction of b takes; None if they are counted otherwise."""
        for field in COUNTERS:
            a, b = self.a.throughput(field), self.b.throughput(field)
            if a and b:
                return b / a
        return None

    @property
    def names(self) -> tuple[str, str]:
        """Both cells."""
        return cell_of(self.a), cell_of(self.b)


def ranked(store: ResultStore, task: str | None = None) -> tuple[list[Board], ScoreBook]:
    """The boards of a folder of results, or those of one task, and what their scores say.

    Raises UserError when there are no results of the task.
    """
    book = ScoreBook(store)
    boards = rank_with(store.all(), book)
    names = {name for board in boards for name in (board.task, board.name)}
    if task is not None and task not in names:
        raise UserError(
            f"compare: no results of the task '{spelled(task)}' in {store.folder}. {did_you_mean(task, names)}"
        )
    return [board for board in boards if task in (None, board.task, board.name)], book


def both_folders(first: ResultStore, second: ResultStore) -> BesidePublished:
    """Two folders of results as one, in which the results of the first count as published ones.

    Raises UserError when they are the same folder.
    """
    if first.folder.resolve() == second.folder.resolve():
        raise UserError(f"compare: A and B are the same folder {first.folder}, expected two. Name another one.")
    return BesidePublished(second.folder, first.folder, of_files=True)


def compared(pairs: Iterable[tuple[Board, Row, Row]], book: ScoreBook, *, versions: bool = False) -> list[Pair]:
    """Each pair with its difference: paired on common test events, over seeds, and with Holm's correction.

    With 95% confidence none of the pairs that are called better or worse is equal.

    versions : whether a and b are the same cell, such as in two folders, so that a seed of one belongs to that of the
        other.
    """
    found = [_pair(board, a, b) for board, a, b in pairs]
    whole = [place for place, pair in enumerate(found) if not pair.reason]
    rows = [(found[place].b, found[place].a) for place in whole]
    differences = compare_versions(rows, book) if versions else [compare(b, a, book) for b, a in rows]
    known = [(place, each) for place, each in zip(whole, differences, strict=True) if each is not None]
    for (place, each), p_value in zip(known, holm([each.p_value for _, each in known]), strict=True):
        found[place] = replace(found[place], difference=each, p_value=p_value)
    return [
        replace(pair, reason="scores are missing, or test events are others")
        if pair.difference is None and not pair.reason
        else pair
        for pair in found
    ]


def _pair(board: Board, a: Row, b: Row) -> Pair:
    for row, name in ((a, "A"), (b, "B")):
        if row.problems or not row.done:
            return Pair(board, a, b, None, reason=f"{name} is {'; '.join(row.problems) or row.reason}")
    return Pair(board, a, b, None)


def of_folders(boards: Iterable[Board]) -> Iterator[tuple[Board, Row, Row]]:
    """Cells that two folders share: own rows (b) with the published ones (a) of equal settings."""
    for board in boards:
        before, after = ([row for row in board.rows if row.whose == whose] for whose in ("published", "own"))
        for a, b in _matched(before, after, _settings):
            if a.done:
                yield board, a, b


def lacking(boards: Iterable[Board]) -> int:
    """How many cells with numbers of one folder (the published rows) the other does not have."""
    count = 0
    for board in boards:
        own = {_settings(row) for row in board.rows if row.whose == "own"}
        count += sum(row.whose == "published" and bool(row.done) and _settings(row) not in own for row in board.rows)
    return count


def _matched(
    first: Iterable[Row], second: Iterable[Row], key: Callable[[Row], tuple[Any, ...]]
) -> Iterator[tuple[Row, Row]]:
    """Rows with equal keys, each once: those with the same test events first, then those with nested ones."""
    others: dict[tuple[Any, ...], list[Row]] = {}
    for row in second:
        others.setdefault(key(row), []).append(row)
    left: list[Row] = []
    for row in first:
        alike = [other for other in others.get(key(row), []) if other.test_events == row.test_events]
        if alike:
            others[key(row)].remove(alike[0])
            yield row, alike[0]
        else:
            left.append(row)
    for row in left:
        if rest := others.get(key(row)):
            yield row, rest.pop(0)


def of_names(a: str, b: str, boards: Sequence[Board]) -> Iterator[tuple[Board, Row, Row]]:
    """Rows of equal settings but for what is named: a cell such as `graph/bdt`, a model, or a representation.

    Where a board has rows of the user's own of this name, published ones are left out.

    Raises UserError when nothing has such a name, and when the two are not of one kind.
    """
    kinds = [_kind(name, boards) for name in (a, b)]
    if kinds[0] != kinds[1]:
        raise UserError(
            f"compare: '{spelled(a)}' is a {kinds[0]} and '{spelled(b)}' a {kinds[1]}, expected two of a kind. "
            "Name two cells, models or representations."
        )
    of, rest = _KINDS[kinds[0]]
    for board in boards:
        first, second = (_chosen(board, of, name) for name in (a, b))
        for row, other in _matched(first, second, lambda row: (rest(row), row.device, row.train_events)):
            yield board, row, other


def cell_of(row: Row) -> str:
    """`graph/bdt`."""
    return f"{row.representation}/{row.model}"


_KINDS: Mapping[str, tuple[Callable[[Row], str], Callable[[Row], str]]] = {
    "cell": (cell_of, lambda _: ""),
    "model": (lambda row: row.model, lambda row: row.representation),
    "representation": (lambda row: row.representation, lambda row: row.model),
}
"""What is named, and what has to agree."""


def _kind(name: str, boards: Sequence[Board]) -> str:
    rows = [row for board in boards for row in board.rows if row.done]
    for kind, (of, _) in _KINDS.items():
        if any(of(row) == name for row in rows):
            return kind
    known = {of(row) for of, _ in _KINDS.values() for row in rows}
    raise UserError(
        f"compare: no result is of '{spelled(name)}', expected a folder of results, a model, a representation, or a "
        f"cell such as graph/bdt. {did_you_mean(name, known)}"
    )


def _chosen(board: Board, of: Callable[[Row], str], name: str) -> list[Row]:
    rows = [row for row in board.rows if row.done and of(row) == name]
    own = [row for row in rows if row.whose == "own"]
    return own or rows


def _settings(row: Row) -> tuple[Any, ...]:
    first = row.results[0]
    return (
        *(first.representation, source_of(first.representation_origin), canonical(first.representation_parameters)),
        *(first.model, source_of(first.model_origin), canonical(first.parameters)),
        *(row.device, row.train_events),
    )
