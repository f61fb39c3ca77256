"""Whether a result is what it claims: its seal, and the numbers that its scores give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from benchmark.core.errors import UserError
from benchmark.metrics.auc import area
from benchmark.metrics.compute import compute
from benchmark.metrics.metric import Estimate, find_column
from benchmark.records.scoring import built_in_metric, scored_of

if TYPE_CHECKING:
    from benchmark.metrics.auc import Area
    from benchmark.records.result import MetricValue, Result
    from benchmark.records.scores import Scores

TOLERANCE = 1e-6
"""Largest difference between a recorded number and the same one from scores: libraries and processors round
differently, by far less than this, and test events resolve far more."""

AGAIN = "run the cell again"


@dataclass(frozen=True)
class Problem:
    """Why a result can't be trusted.

    Parameters
    ----------
    kind : what is wrong: it has no seal, or a wrong one; its scores are missing, changed or malformed; its numbers are
        not those of its scores; its test events are not those of other results with the same fingerprint.
    text : what was found and what to do, for readers.
    """

    kind: Literal["unsealed", "seal", "scores", "numbers", "events"]
    text: str

    @property
    def spoils(self) -> bool:
        """Whether the cell has to run again. A record without a seal may be of an earlier version."""
        return self.kind != "unsealed"


def recomputed_number(result: Result) -> str:
    """The number that is recomputed: the headline, or `auc` if that is of a metric whose code is not loaded."""
    return result.headline if built_in_metric(result.headline) else "auc"


def headline_area(result: Result, scores: Scores) -> Area | None:
    """The number that is recomputed as an area, with the influence of every event.

    None if the number is no area, or if a class has no test events.
    """
    try:
        return area(recomputed_number(result), scored_of(scores, result.classes, result.has_signal))
    except UserError:
        return None


def verify(result: Result, scores: Scores | str | None, known: Area | None = None) -> tuple[Problem, ...]:
    """Compare a result with its seal and its scores.

    Parameters
    ----------
    scores : of its test events, or why they can't be read; not needed for a result without numbers.
    known : `headline_area` of these scores, if it is known already.

    Returns
    -------
    The problems, none for a result that agrees with its scores. The numbers are the headline with its interval, and the
    number of test events; other metrics are covered by the seal alone.
    """
    problems = []
    if result.seal == "missing":
        problems.append(Problem("unsealed", f"the record has no seal, so it may have been changed; {AGAIN}"))
    elif result.seal == "wrong":
        problems.append(Problem("seal", f"the record was changed after it was written (wrong seal); {AGAIN}"))
    if result.status != "done":
        return tuple(problems)
    if scores is None or isinstance(scores, str):
        problems.append(Problem("scores", scores or f"the scores are missing; {AGAIN}"))
    elif text := _disagreement(result, scores, known):
        problems.append(Problem("numbers", f"{text}; {AGAIN}"))
    return tuple(problems)


def _recomputed(name: str, result: Result, scores: Scores, known: Area | None) -> Estimate:
    """A number as the run computes it."""
    if found := known or headline_area(result, scores):
        return found.estimate()
    metric, scored = built_in_metric(name), scored_of(scores, result.classes, result.has_signal, result.yields)
    try:
        return compute([metric] if metric else [], scored).get(name, Estimate(None))
    except UserError:
        return Estimate(None)


def _disagreement(result: Result, scores: Scores, known: Area | None) -> str:
    """What the record says, and what its scores give; empty if they agree."""
    events, count = result.events.get("test", len(scores.log_ratios)), len(scores.log_ratios)
    if events != count:
        return f"the record has {events:,} test events, but scores of {count:,}"
    name = recomputed_number(result)
    recorded = result.metrics.get(name)
    if recorded is None or recorded.value is None:
        return ""
    metric = built_in_metric(name)
    column = find_column(name, metric.columns) if metric else None
    header = column.header if column else name
    what = f"{'an' if header[0] in 'AEIOU' else 'a'} {header}"
    computed = _recomputed(name, result, scores, known)
    if computed.value is None:
        return f"the record has {what} of {recorded.value:.4f}, but its scores give none"
    pairs = [(getattr(recorded, name), getattr(computed, name)) for name in ("value", "low", "high")]
    if all(a == b or (a is not None and b is not None and abs(a - b) <= TOLERANCE) for a, b in pairs):
        return ""
    return f"the record has {what} of {_text(recorded)}, but its scores give {_text(computed)}"


def _text(number: MetricValue | Estimate) -> str:
    value, low, high = ("none" if each is None else f"{each:.4f}" for each in (number.value, number.low, number.high))
    return f"{value} [{low}, {high}]"
