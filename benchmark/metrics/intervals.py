"""Confidence intervals of proportions and areas, shared by the metrics.

All take a two-sided confidence such as 0.95 and return (low, high), with 0 <= low <= value <= high <= 1.
Counts may be fractional: weighted events have the count of `effective_count`.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Interval = tuple[float, float]


def normal_quantile(confidence: float) -> float:
    """Half the width of a two-sided normal interval in standard deviations: 1.96 for 0.95."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def effective_count(weights: NDArray[np.float64]) -> float:
    """Number of events of weight 1 with the same statistical power: (sum w)^2 / sum w^2 of weights (n,).

    It is the number of events if all weights are equal, and 0 if no event has a weight (Kish, Survey Sampling, 1965).
    """
    # relative to the largest, so that squares neither overflow nor underflow
    largest = float(weights.max(initial=0.0))
    if largest == 0:
        return 0.0
    relative = weights / largest
    return float(relative.sum() ** 2 / (relative**2).sum())


def wilson(proportion: float, count: float, confidence: float) -> Interval:
    """Score interval of a proportion in `count` events (Wilson, JASA 22 (1927) 209).

    Its coverage is close to nominal on average, also for few events, and it has a width at 0 and 1.
    """
    if count <= 0:
        return 0.0, 1.0
    z2 = normal_quantile(confidence) ** 2
    centre = (proportion + z2 / (2 * count)) / (1 + z2 / count)
    spread = math.sqrt(z2 * (proportion * (1 - proportion) / count + z2 / (4 * count**2))) / (1 + z2 / count)
    return _around(proportion, centre - spread, centre + spread)


def clopper_pearson(proportion: float, count: float, confidence: float) -> Interval:
    """Exact interval of a proportion in `count` events (Clopper and Pearson, Biometrika 26 (1934) 404).

    Its coverage is at least nominal.
    """
    if count <= 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    hits, misses = proportion * count, (1 - proportion) * count
    low = special("betaincinv", hits, misses + 1, tail) if hits > 0 else 0.0
    high = special("betaincinv", hits + 1, misses, 1 - tail) if misses > 0 else 1.0
    return _around(proportion, float(low), float(high))


def student_quantile(confidence: float, freedom: float) -> float:
    """Half the width of a two-sided interval of Student's t with a number of degrees of freedom, in standard errors."""
    return special("stdtrit", freedom, 0.5 + confidence / 2)


def student_p_value(t: float, freedom: float) -> float:
    """The two-sided p-value of Student's t with a number of degrees of freedom."""
    return 2 * special("stdtr", freedom, -abs(t))


def logit_normal(value: float, standard_error: float, confidence: float) -> Interval:
    """Normal interval in log(v / (1 - v)), transformed back, for a value strictly between 0 and 1.

    Unlike the plain normal interval it stays within [0, 1] and has better coverage near the ends
    (Pepe, The Statistical Evaluation of Medical Tests, 2003, section 5.2).
    """
    centre = math.log(value) - math.log1p(-value)
    margin = normal_quantile(confidence) * standard_error / (value * (1 - value))
    return _around(value, _expit(centre - margin), _expit(centre + margin))


def scaled_chi_squared(value: float, variance: float, mean: float, confidence: float) -> Interval:
    """Interval of the mean of a number that is distributed as a scaled chi-squared one, such as a sum of squares.

    Its degrees of freedom are 2 mean^2 / variance (Satterthwaite, Biometrics Bulletin 2 (1946) 110). The upper bound
    may be above 1, and is infinite where a fraction of a degree of freedom bounds nothing.

    Parameters
    ----------
    value : the number, 0 or more.
    variance : of the number, about `mean`; if it is 0, so is the width.
    """
    if variance <= 0 or mean <= 0:
        return value, value
    half = mean**2 / variance  # of the degrees of freedom
    tail = (1 - confidence) / 2
    above, below = (special("gammaincinv", half, at) for at in (1 - tail, tail))
    low, high = (value * half / quantile if quantile else math.inf for quantile in (above, below))
    return min(low, value), max(high, value)


def squared_distance(
    value: float, variance: float, chance: float, noise: float, confidence: float, largest: float
) -> Interval:
    """Interval of a squared distance between distributions that are estimated from a sample, for its mean.

    Such a number is biased, and its variance has two parts (Serfling, Approximation Theorems of Mathematical
    Statistics, 1980, chapters 5 and 6). That of first order is a sum over events. It vanishes for equal distributions,
    and the part of second order is left, which the first, if computed from the sample, counts once more: so it is
    subtracted (Efron and Stein, Ann. Stat. 9 (1981) 586).

    Parameters
    ----------
    value : the distance, 0 or more.
    variance : of first order, as computed from the sample.
    chance, noise : mean and variance of the distance of a sample from equal distributions.
    largest : the upper end of all possible values.
    """
    variance = max(variance - noise, noise) if value > chance else noise
    low, high = scaled_chi_squared(value, variance, max(value, chance), confidence)
    return low, max(value, min(high, largest))


def mean_of_two(a: float, interval_a: Interval, b: float, interval_b: Interval) -> Interval:
    """Interval of (a + b) / 2 for independent a and b, from the interval of each.

    The distances to the bounds are added in quadrature (Newcombe, Stat. Med. 17 (1998) 873, method 10; Zou and
    Donner, Stat. Med. 27 (2008) 1693), which preserves the asymmetry of each interval and stays within [0, 1].
    """
    mean = (a + b) / 2
    low = mean - math.hypot(a - interval_a[0], b - interval_b[0]) / 2
    high = mean + math.hypot(interval_a[1] - a, interval_b[1] - b) / 2
    return _around(mean, low, high)


def special(name: str, *arguments: float) -> float:
    """A function of scipy.special, which takes 0.25 s to import and is rarely needed."""
    import scipy.special

    return float(getattr(scipy.special, name)(*arguments))


def _expit(x: float) -> float:
    return math.exp(x) / (1 + math.exp(x)) if x < 0 else 1 / (1 + math.exp(-x))


def _around(value: float, low: float, high: float) -> Interval:
    """The bounds, clipped so that 0 <= low <= value <= high <= 1 in spite of rounding."""
    return max(0.0, min(low, value)), min(1.0, max(high, value))
