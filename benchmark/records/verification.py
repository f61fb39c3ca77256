"""Whether a result is what it claims: its seal, and the numbers that its scores give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchmark.core.errors import UserError
from benchmark.metrics.auc import headline

if TYPE_CHECKING:
    from benchmark.metrics.auc import Area
    from benchmark.metrics.metric import Estimate
    from benchmark.records.result import MetricValue, Result, Scores

HEADLINE = "auc"
"""The number that boards rank by, which is recomputed."""

TOLERANCE = 1e-6
"""Largest difference between a recorded number and the same one from scores: libraries and processors round
differently, by far less than this, and test events resolve far more."""

_AGAIN = "run the cell again"


@dataclass(frozen=True)
class Problem:
    """Why a result can't be trusted.

    Parameters
    ----------
    kind : what is wrong: it has no seal, or a wrong one; its scores are missing, changed or malformed; its numbers are
        not those of its scores.
    text : what was found and what to do, for readers.
    """

    kind: Literal["unsealed", "seal", "scores", "numbers"]
    text: str

    @property
    def spoils(self) -> bool:
        """Whether the cell has to run again. A record without a seal may be of an earlier version."""
        return self.kind != "unsealed"


def verify(result: Result, scores: Scores | str | None, area: Area | None = None) -> tuple[Problem, ...]:
    """Compare a result with its seal and its scores.

    Parameters
    ----------
    scores : of its test events, or why they can't be read; not needed for a result without numbers.
    area : `headline` of these scores, if it is known already.

    Returns
    -------
    The problems, none for a result that agrees with its scores. The numbers are the AUC with its interval, and the
    number of test events; other metrics are covered by the seal alone.
    """
    problems = []
    if result.seal == "missing":
        problems.append(Problem("unsealed", f"the record has no seal, so it may have been changed; {_AGAIN}"))
    elif result.seal == "wrong":
        problems.append(Problem("seal", f"the record was changed after it was written (wrong seal); {_AGAIN}"))
    if result.status != "done":
        return tuple(problems)
    if scores is None or isinstance(scores, str):
        problems.append(Problem("scores", scores or f"the scores are missing; {_AGAIN}"))
    elif text := _disagreement(result, scores, area):
        problems.append(Problem("numbers", f"{text}; {_AGAIN}"))
    return tuple(problems)


def _area(result: Result, scores: Scores) -> Area | None:
    """The AUC that the scores of a result give, as the run computes it; None if a class has no test events."""
    try:
        columns = scores.scores.astype(np.float64), scores.weights.astype(np.float64)
        return headline(scores.labels, *columns, signal=result.has_signal)
    except UserError:
        return None


def _disagreement(result: Result, scores: Scores, area: Area | None) -> str:
    """What the record says, and what its scores give; empty if they agree."""
    events, count = result.events.get("test", len(scores.labels)), len(scores.labels)
    if events != count:
        return f"the record has {events:,} test events, but scores of {count:,}"
    recorded = result.metrics.get(HEADLINE)
    if recorded is None or recorded.value is None:
        return ""
    area = area or _area(result, scores)
    if area is None:
        return f"the record has an AUC of {recorded.value:.4f}, but its scores give none"
    computed = area.estimate()
    pairs = [(getattr(recorded, name), getattr(computed, name)) for name in ("value", "low", "high")]
    if all(a is not None and b is not None and abs(a - b) <= TOLERANCE for a, b in pairs):
        return ""
    return f"the record has an AUC of {_text(recorded)}, but its scores give {_text(computed)}"


def _text(number: MetricValue | Estimate) -> str:
    value, low, high = ("none" if each is None else f"{each:.4f}" for each in (number.value, number.low, number.high))
    return f"{value} [{low}, {high}]"
