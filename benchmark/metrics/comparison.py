"""Paired comparison of two models on the same events: of two trainings (DeLong), and of several seeds of each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import variance
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmark.core.errors import UserError
from benchmark.metrics.auc import NOISE, Area, mean_area, overall
from benchmark.metrics.intervals import clopper_pearson, normal_quantile, student_p_value, student_quantile
from benchmark.metrics.metric import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

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


class Spread(NamedTuple):
    """The variance of a number between trainings that differ in their seed alone, and its degrees of freedom."""

    variance: float
    freedom: float


def spread_of(values: Sequence[float]) -> Spread | None:
    """The spread of one cell; None of a single training."""
    return Spread(variance(values), len(values) - 1) if len(values) > 1 else None


def pooled(spreads: Iterable[Spread]) -> Spread | None:
    """The mean spread of several cells, each with the weight of its degrees of freedom; None of no cells."""
    known = list(spreads)
    freedom = sum(spread.freedom for spread in known)
    return Spread(sum(s.variance * s.freedom for s in known) / freedom, freedom) if freedom else None


def compare_seeds(
    a: Sequence[Area],
    b: Sequence[Area],
    alike: Callable[[], bool],
    borrowed: tuple[Spread | None, Spread | None] = (None, None),
    confidence: float = CONFIDENCE,
) -> Difference:
    """Compare two cells over their seeds: the mean area of cell a minus that of cell b, paired on the same events.

    Parameters
    ----------
    a, b : the areas of each training of a cell, all on the same events in the same order; one or more.
    alike : whether the scores of both order the events alike; called only if the difference has no variance.
    borrowed : the spread over seeds of a and of b, where there is one training alone; without it, the training is taken
        as it is.
    confidence : two-sided.

    Notes
    -----
    The null hypothesis is that both cells have the same mean area over events and trainings. The variance of the
    difference has two parts (the law of total variance). That of trainings, for given events, is s^2 / n for each cell,
    with s the spread over its n seeds. That of events, for given trainings, is the sum of squares of the influences of
    the means; the mean of n trainings still has 1/n of the part of the influences that is each training's own, which is
    subtracted, since s^2 has it, too. The spreads have few degrees of freedom, so that the quantile is Student's t
    for those of Satterthwaite (Biometrics Bulletin 2 (1946) 110). Equal cells of three seeds or more differ at 95%
    confidence in 5% of experiments; if one has two seeds, in 9%.
    """
    if len(a) == len(b) == 1 and borrowed == (None, None):
        return area_difference(a[0], b[0], alike, confidence)
    means = mean_area(a), mean_area(b)
    whole = area_difference(*means, alike, confidence)
    spreads = [
        (spread, len(areas))
        for areas, lent in zip((a, b), borrowed, strict=True)
        if (spread := spread_of([area.value for area in areas]) or lent)
    ]
    parts = [(spread.variance / count, spread.freedom) for spread, count in spreads]
    seeds = sum(part for part, _ in parts)
    if seeds <= NOISE**2:
        return whole
    events = max(0.0, whole.standard_error**2 - _own(a, means[0]) - _own(b, means[1]))
    return _student(whole.value, events + seeds, sum(part**2 / freedom for part, freedom in parts), confidence)


def compare_same_seeds(
    a: Sequence[Area],
    b: Sequence[Area],
    alike: Callable[[], bool],
    spread: Spread | None = None,
    confidence: float = CONFIDENCE,
) -> Difference:
    """Compare two versions of one cell, seed by seed: the mean area of a minus that of b, paired on the same events.

    Parameters
    ----------
    a, b : the areas of the trainings of each, in the order of their seeds, which are the same.
    alike : whether the scores of both order the events alike; called only if the difference has no variance.
    spread : of the differences between the trainings of a seed; by default that which is found here.
    confidence : two-sided.

    Notes
    -----
    As `compare_seeds`, but for the variance of trainings, which is that of the differences: equal programs draw the
    same random numbers for a seed, so that they differ by exactly 0.
    """
    differences = [
        Area(one.value - other.value, one.influence - other.influence, one.count)
        for one, other in zip(a, b, strict=True)
    ]
    whole = area_difference(mean_area(a), mean_area(b), alike, confidence)
    spread = spread or spread_of([difference.value for difference in differences])
    if spread is None or spread.variance <= NOISE**2:
        return whole
    seeds = spread.variance / len(differences)
    events = max(0.0, whole.standard_error**2 - _own(differences, mean_area(differences)))
    return _student(whole.value, events + seeds, seeds**2 / spread.freedom, confidence)


def _student(value: float, variance: float, doubt: float, confidence: float) -> Difference:
    """A difference with Student's t; doubt : the sum over parts of the variance of part^2 / degrees of freedom."""
    error, freedom = math.sqrt(variance), variance**2 / doubt
    margin = student_quantile(confidence, freedom) * error
    p_value = student_p_value(value / error, freedom)
    return Difference(value, max(-1.0, value - margin), min(1.0, value + margin), error, p_value)


def _own(areas: Sequence[Area], mean: Area) -> float:
    """What the influences that differ between trainings add to the variance of their mean area; 0 for one training."""
    if len(areas) < 2:
        return 0.0
    squares = sum(float(np.sum((area.influence - mean.influence) ** 2)) for area in areas)
    return squares / (len(areas) - 1) / len(areas)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values of tests that are made together, each corrected for all (Holm, Scand. J. Stat. 6 (1979) 65).

    With 95% confidence, none of the differences whose corrected p-value is below 0.05 is by chance.
    """
    corrected, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = largest
    return corrected


def same_order(scores_a: Floats, scores_b: Floats) -> bool:
    """Whether two sets of scores (n,) or (n, classes) put the events in the same order, ties included."""
    columns = zip(np.atleast_2d(scores_a.T), np.atleast_2d(scores_b.T), strict=True)
    return all(np.array_equal(_order(a), _order(b)) for a, b in columns)


def _order(scores: Floats) -> NDArray[np.intp]:
    return np.unique(scores, return_inverse=True)[1]
