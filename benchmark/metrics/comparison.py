"""DeLong's paired comparison of two models on the same events."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.core.errors import UserError
from benchmark.metrics.auc import NOISE, Area, overall
from benchmark.metrics.intervals import clopper_pearson, normal_quantile
from benchmark.metrics.metric import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from benchmark.metrics.arrays import Floats
    from benchmark.metrics.auc import Labels


@dataclass(frozen=True)
class Difference:
    """Area of model a minus area of model b on the same events, with the two-sided p-value of no difference."""

    value: float
    low: float
    high: float
    standard_error: float
    p_value: float


def auc_difference(
    labels: Labels,
    scores_a: Floats,
    scores_b: Floats,
    weights: Floats | None = None,
    *,
    signal: bool = True,
    confidence: float = CONFIDENCE,
) -> Difference:
    """DeLong's paired comparison: `overall` of model a minus that of model b on the same events.

    Parameters
    ----------
    labels : (n,) int, 0 is the signal.
    scores_a, scores_b : (n, classes) or (n,), in the same order of events.
    weights : (n,) or None.
    signal : whether class 0 is the signal.
    confidence : two-sided.

    Raises
    ------
    EmptyClassError
        When a class has no weight.
    UserError
        When the shapes differ.

    Notes
    -----
    Fluctuations of the events cancel, since both models share them: the interval is narrower than the two single ones
    suggest. Scores that order the events alike differ by exactly 0. If the variance is 0 for another reason (two
    perfect models), the half width d is that of Clopper and Pearson for no disagreement among the events of the smaller
    class: (1 - d)^n = (1 - confidence) / 2.
    """
    scores_a, scores_b = np.asarray(scores_a, dtype=np.float64), np.asarray(scores_b, dtype=np.float64)
    if scores_a.shape != scores_b.shape:
        raise UserError(
            f"AUC difference: scores of shapes {scores_a.shape} and {scores_b.shape}, expected the same events "
            "and classes. Compare models that were tested on the same data set."
        )
    a = overall(labels, scores_a, weights, signal=signal)
    b = overall(labels, scores_b, weights, signal=signal)
    return area_difference(a, b, lambda: same_order(scores_a, scores_b), confidence)


def area_difference(a: Area, b: Area, alike: Callable[[], bool], confidence: float = CONFIDENCE) -> Difference:
    """Compare two AUCs from areas that are computed already, for comparisons of many pairs.

    Parameters
    ----------
    a, b : areas on the same events in the same order.
    alike : whether both scores order the events alike; called only if the difference has no variance.
    """
    value = a.value - b.value
    error = Area(value, a.influence - b.influence, a.count).standard_error
    if error > NOISE and a.count >= 2:
        margin = normal_quantile(confidence) * error
        p_value = math.erfc(abs(value) / error / math.sqrt(2))
    elif alike():
        return Difference(0.0, 0.0, 0.0, 0.0, 1.0)
    else:
        margin = clopper_pearson(0.0, a.count, confidence)[1]
        p_value = min(1.0, 2 * (1 - abs(value)) ** a.count)
    return Difference(value, max(-1.0, value - margin), min(1.0, value + margin), error, p_value)


def same_order(scores_a: Floats, scores_b: Floats) -> bool:
    """Whether two sets of scores (n,) or (n, classes) put the events in the same order, ties included."""
    columns = zip(np.atleast_2d(scores_a.T), np.atleast_2d(scores_b.T), strict=True)
    return all(np.array_equal(_order(a), _order(b)) for a, b in columns)


def _order(scores: Floats) -> NDArray[np.intp]:
    return np.unique(scores, return_inverse=True)[1]
