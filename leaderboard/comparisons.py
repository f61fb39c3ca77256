"""One thing against another, cell by cell: two folders of results, two rows, two models or two representations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from benchmark.core.errors import UserError, did_you_mean, spelled
from benchmark.metrics.metric import CONFIDENCE
from benchmark.records.published import BesidePublished
from leaderboard.export import markdown_table
from leaderboard.formatting import write_count, write_number
from leaderboard.ranking.boards import rank_with
from leaderboard.ranking.comparison import compare
from leaderboard.ranking.names import canonical, source_of
from leaderboard.ranking.scores import ScoreBook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from benchmark.metrics.comparison import Difference
    from benchmark.records.store import ResultStore
    from leaderboard.ranking.board import Board
    from leaderboard.ranking.row import Row

Outcome = Literal["better", "worse", "not told apart", "not comparable"]

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]

COUNTERS = {"predict_flops": "floating-point operations an event", "comparisons": "comparisons an event"}
"""What a prediction costs, counted exactly; times are not compared, since they were not measured in turn."""


@dataclass(frozen=True)
class Pair:
    """Two rows of a board, and how b differs from a.

    Parameters
    ----------
    difference : of the headline, b minus a; None if they can't be compared. p_value : after Holm's correction for all
        pairs that are compared together.
    """

    board: Board
    a: Row
    b: Row
    difference: Difference | None
    p_value: float = 1.0

    @property
    def outcome(self) -> Outcome:
        """What can be said of b with 95% confidence, together with all other pairs."""
        if self.difference is None:
            return "not comparable"
        if self.p_value >= 1 - CONFIDENCE:
            return "not told apart"
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
        return _cell(self.a), _cell(self.b)


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
    return BesidePublished(second.folder, first.folder)


def compared(pairs: Iterable[tuple[Board, Row, Row]], book: ScoreBook) -> list[Pair]:
    """Each pair with its difference: paired on common test events, over seeds, and with Holm's correction.

    Holm, Scand. J. Stat. 6 (1979) 65: with 95% confidence none of the pairs that are called better or worse is equal.
    """
    found = [Pair(board, a, b, compare(b, a, book)) for board, a, b in pairs]
    known = sorted((pair.difference.p_value, place) for place, pair in enumerate(found) if pair.difference is not None)
    largest = 0.0
    for rank, (p_value, place) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p_value))
        found[place] = replace(found[place], p_value=largest)
    return found


def of_folders(boards: Iterable[Board]) -> Iterator[tuple[Board, Row, Row]]:
    """Cells that two folders share: own rows (b) with the published ones (a) of equal settings."""
    for board in boards:
        rows = {(row.whose, *_settings(row)): row for row in board.rows if row.done}
        for (whose, *settings), row in rows.items():
            if whose == "own" and (other := rows.get(("published", *settings))):
                yield board, other, row


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
        others = {(rest(row), row.device, row.train_events): row for row in _chosen(board, of, b)}
        for row in _chosen(board, of, a):
            if (other := others.get((rest(row), row.device, row.train_events))) is not None:
                yield board, row, other


def _cell(row: Row) -> str:
    return f"{row.representation}/{row.model}"


_KINDS: Mapping[str, tuple[Callable[[Row], str], Callable[[Row], str]]] = {
    "cell": (_cell, lambda _: ""),
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
    rows = [row for row in board.rows if row.done and of(row) == name and not row.problems]
    own = [row for row in rows if row.whose == "own"]
    return own or rows


def _settings(row: Row) -> tuple[Any, ...]:
    first = row.results[0]
    return (
        *(first.representation, source_of(first.representation_origin), canonical(first.representation_parameters)),
        *(first.model, source_of(first.model_origin), canonical(first.parameters)),
        *(row.device, row.train_events),
    )


def verdict(pairs: Sequence[Pair], a: str, b: str) -> str:
    """Three sentences: what b is better and worse at, how much is left open, and what it costs."""
    counts = {outcome: [pair for pair in pairs if pair.outcome == outcome] for outcome in ("better", "worse")}
    alike = [pair for pair in pairs if pair.outcome == "not told apart"]
    known = len(pairs) - sum(pair.outcome == "not comparable" for pair in pairs)
    if not known:
        return f"No cell of {b} can be compared with {a}."
    parts = [f"{word} in {len(found)}" for word, found in counts.items() if found]
    parts += [f"not told apart in {len(alike)}"] if alike else []
    sentences = [f"{b} is {', '.join(parts)} of {known} {'cell' if known == 1 else 'cells'} of {a}."]
    if alike:
        most = max(max(abs(pair.difference.low), abs(pair.difference.high)) for pair in alike if pair.difference)
        sentences.append(f"Where they are not told apart, they differ by less than {write_number(most)}.")
    else:
        least = min(abs(pair.difference.value) for pair in pairs if pair.difference)
        sentences.append(f"The smallest difference is {write_number(least)}.")
    return " ".join([*sentences, _costs(pairs)])


def _costs(pairs: Sequence[Pair]) -> str:
    costs = sorted(cost for pair in pairs if (cost := pair.cost) is not None)
    end = "times were not measured in turn, and are not compared."
    if not costs:
        return f"Operations of a prediction were not counted alike; {end}"
    low, high = (write_number(cost) for cost in (costs[0], costs[-1]))
    words = low if low == high else f"{low} to {high}"
    return f"A prediction takes {words} times as many operations; {end}"


HEADER = ("Board", "Trained on", "a", "b", "Value of a", "Value of b", "b - a", "95% interval", "p, Holm", "b is")


def lines(pairs: Sequence[Pair]) -> list[tuple[str, ...]]:
    """A line of a table for each pair."""
    return [_line(pair) for pair in pairs]


def _line(pair: Pair) -> tuple[str, ...]:
    found, digits = pair.difference, 4
    values = [f"{row.score.value:.{digits}f}" if row.score.value is not None else "–" for row in (pair.a, pair.b)]
    numbers = ("–", "–", "–")
    if found is not None:
        interval = f"[{found.low:+.{digits}f}, {found.high:+.{digits}f}]"
        numbers = (f"{found.value:+.{digits}f}", interval, write_number(pair.p_value))
    trained = "–" if pair.a.train_events is None else write_count(pair.a.train_events)
    return (f"{pair.board.name} ({pair.board.preset})", trained, *pair.names, *values, *numbers, pair.outcome)


class Disagreement(NamedTuple):
    """An event, and the mean probability of its true class over the seeds of each row."""

    event_id: int
    true_class: str
    a: float
    b: float


EVENT_HEADER = ("Event", "True class", "p of a", "p of b", "b - a")


def event_line(found: Disagreement) -> tuple[str, ...]:
    """A line of a table, below `EVENT_HEADER`."""
    return (
        *(str(found.event_id), found.true_class, f"{found.a:.3f}", f"{found.b:.3f}"),
        f"{found.b - found.a:+.3f}",
    )


def disagreements(pair: Pair, book: ScoreBook, most: int) -> list[Disagreement]:
    """The common test events on which two rows disagree most about the true class; none without scores."""
    found: list[Any] = []
    for row, other in ((pair.a, pair.b), (pair.b, pair.a)):
        known = [book.common(result, other.done[0]) for result in row.done]
        if any(each is None for each in known):
            return []
        found.append([each for each in known if each is not None])
    (ids, labels, _), *_ = found[0]
    events = np.arange(len(ids))
    a, b = (np.mean([scores[events, labels] for _, labels, scores in known], axis=0) for known in found)
    order = np.argsort(-np.abs(b - a), kind="stable")[:most]
    classes = pair.board.classes
    return [Disagreement(int(ids[i]), classes[int(labels[i])], float(a[i]), float(b[i])) for i in order]


def record(pair: Pair) -> dict[str, Any]:
    """A pair as plain JSON values."""
    found = pair.difference
    numbers = {name: None if found is None else getattr(found, name) for name in ("value", "low", "high")}
    return {
        "task": pair.board.task,
        "board": pair.board.name,
        "preset": pair.board.preset,
        "headline": pair.board.headline,
        "train_events": pair.a.train_events,
        "a": {"cell": pair.names[0], "whose": pair.a.whose, "seeds": len(pair.a.done), "value": pair.a.score.value},
        "b": {"cell": pair.names[1], "whose": pair.b.whose, "seeds": len(pair.b.done), "value": pair.b.score.value},
        "difference": numbers,
        "p_value": None if found is None else found.p_value,
        "p_value_holm": None if found is None else pair.p_value,
        "operations_ratio": pair.cost,
        "outcome": pair.outcome,
    }


def tables(pairs: Sequence[Pair], lists: Sequence[Sequence[Disagreement]]) -> list[Table]:
    """Headers and lines of the pairs, and of the events on which each pair disagrees, if they were asked for."""
    events = [(*pair.names, *event_line(each)) for pair, found in zip(pairs, lists, strict=True) for each in found]
    return [(HEADER, lines(pairs)), *([(("a", "b", *EVENT_HEADER), events)] if events else [])]


def to_markdown(found: Iterable[Table], words: str) -> str:
    """Tables and the verdict, as for a pull request."""
    return "\n\n".join([*(markdown_table(header, rows) for header, rows in found), words])
