"""What is said of pairs of rows: a verdict in words, tables, and JSON values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from leaderboard.comparisons import cell_of
from leaderboard.export import markdown_table
from leaderboard.formatting import write_count, write_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmark.metrics.turns import Ratio
    from leaderboard.comparisons import Pair
    from leaderboard.ranking.row import Row
    from leaderboard.ranking.scores import ScoreBook
    from leaderboard.regressions.findings import Finding

Table = tuple[tuple[str, ...], list[tuple[str, ...]]]


def verdict(pairs: Sequence[Pair], a: str, b: str, missing: int = 0, ratios: Mapping[str, Ratio] | None = None) -> str:
    """Three sentences: what b is better and worse at, how much is left open, and what it costs.

    missing : cells of a that b does not have, for a sentence more.
    ratios : of times that were measured in turn.
    """
    counts = {word: sum(pair.outcome == word for pair in pairs) for word in ("better", "worse")}
    alike = [pair for pair in pairs if pair.outcome == "no significant difference"]
    others = sum(pair.outcome == "not comparable" for pair in pairs)
    known = len(pairs) - others
    more = [f"{others} {'pair' if others == 1 else 'pairs'} can't be compared."] if others else []
    if missing:
        words = "cell of {} has" if missing == 1 else "cells of {} have"
        more.append(f"{missing} {words.format(a)} no counterpart.")
    if not known:
        return " ".join([f"No cell of {b} can be compared with {a}.", *more[bool(others) :]])
    parts = [f"better in {counts['better']}", f"worse in {counts['worse']}"]
    sentences = [f"Of {known} {'pair' if known == 1 else 'pairs'}, {b} is {' and '.join(parts)} than {a}."]
    if alike:
        most = max(max(abs(pair.difference.low), abs(pair.difference.high)) for pair in alike if pair.difference)
        number = "In one" if len(alike) == 1 else f"In {len(alike)}"
        each = "" if len(alike) == 1 else ", each taken by itself"
        sentences.append(
            f"{number} there is no significant difference: it is at most {write_number(most)} (95% intervals{each})."
        )
    else:
        least = min(abs(pair.difference.value) for pair in pairs if pair.difference)
        sentences.append(f"The smallest difference is {write_number(least)}.")
    return " ".join([*sentences, _costs(pairs, ratios or {}), *more])


def _costs(pairs: Sequence[Pair], ratios: Mapping[str, Ratio]) -> str:
    costs = sorted(cost for pair in pairs if (cost := pair.cost) is not None)
    end = "times were not measured in turn, and are not compared."
    if ratios:
        known = [ratio.value for ratio in ratios.values()]
        end = f"measured in turn, times are {min(known):.2f} to {max(known):.2f} times as long."
    if not costs:
        return f"The operations of a prediction are not compared, since they are counted otherwise; {end}"
    low, high = (write_number(cost) for cost in (costs[0], costs[-1]))
    words = low if low == high else f"{low} to {high}"
    return f"A prediction takes {words} times as many operations; {end}"


HEADER = (
    *("Board", "Trained on", "A", "B", "Seeds", "Value of A", "Value of B", "B - A", "95%, by itself", "p, Holm"),
    "B is",
)


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
    seeds = [
        f"{len(row.done)}" + (f" of {len(row.results)}" if len(row.done) < len(row.results) else "")
        for row in (pair.a, pair.b)
    ]
    outcome = f"{pair.outcome}: {pair.reason}" if pair.reason else pair.outcome
    return (*_where(pair), *pair.names, ", ".join(seeds), *values, *numbers, outcome)


def _where(pair: Pair) -> tuple[str, str]:
    """The board of a pair, and its training events."""
    trained = "–" if pair.a.train_events is None else write_count(pair.a.train_events)
    return f"{pair.board.name} ({pair.board.preset}, {pair.board.level})", trained


class Disagreement(NamedTuple):
    """An event, and the mean probability of its true class over the seeds of each row."""

    event_id: int
    true_class: str
    a: float
    b: float


EVENT_HEADER = ("Board", "Trained on", "A", "B", "Event", "True class", "p of A", "p of B", "B - A")


def event_line(found: Disagreement) -> tuple[str, ...]:
    """A line of a table, below `EVENT_HEADER`."""
    return (
        *(str(found.event_id), found.true_class, f"{found.a:.3f}", f"{found.b:.3f}"),
        f"{found.b - found.a:+.3f}",
    )


def disagreements(pair: Pair, book: ScoreBook, most: int) -> list[Disagreement]:
    """The common test events on which two rows disagree most about the true class; none without scores."""
    if pair.difference is None:
        return []
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
        "level": pair.board.level,
        "headline": pair.board.headline,
        "train_events": pair.a.train_events,
        "a": _of_row(pair.a),
        "b": _of_row(pair.b),
        "difference": numbers,
        "p_value": None if found is None else found.p_value,
        "p_value_holm": None if found is None else pair.p_value,
        "operations_ratio": pair.cost,
        "outcome": pair.outcome,
        "reason": pair.reason,
    }


def _of_row(row: Row) -> dict[str, Any]:
    return {
        "cell": cell_of(row),
        "whose": row.whose,
        "value": row.score.value,
        "seeds": len(row.done),
        "seeds_run": len(row.results),
    }


TIME_HEADER = ("Measured in turn", "B / A", "95%, by itself", "p, Holm")
COUNT_HEADER = ("Cell", "Counted")


def tables(
    pairs: Sequence[Pair],
    lists: Sequence[Sequence[Disagreement]],
    findings: Sequence[Finding] = (),
    ratios: Mapping[str, Ratio] | None = None,
) -> list[Table]:
    """Headers and lines of the pairs, and what else there is.

    lists : the events on which each pair disagrees, if they were asked for.
    findings : of counted costs. ratios : of times that were measured in turn.
    """
    events: list[tuple[str, ...]] = [
        (*_where(pair), *pair.names, *event_line(each))
        for pair, found in zip(pairs, lists, strict=True)
        for each in found
    ]
    measured: list[tuple[str, ...]] = [
        (name, f"{ratio.value:.3f}", f"[{ratio.low:.3f}, {ratio.high:.3f}]", write_number(ratio.p_value_holm))
        for name, ratio in (ratios or {}).items()
    ]
    counted: list[tuple[str, ...]] = [
        (finding.what, finding.words) for finding in findings if finding.kind in ("cost", "failure")
    ]
    more: list[Table] = [(EVENT_HEADER, events), (COUNT_HEADER, counted), (TIME_HEADER, measured)]
    return [(HEADER, lines(pairs)), *((header, rows) for header, rows in more if rows)]


def to_markdown(found: Iterable[Table], words: str) -> str:
    """Tables and the verdict, as for a pull request."""
    return "\n\n".join([*(markdown_table(header, rows) for header, rows in found), words])
