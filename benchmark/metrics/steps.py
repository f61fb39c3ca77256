"""Whether a series of numbers with known errors has a step, such as a score from revision to revision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmark.core.errors import UserError
from benchmark.metrics.intervals import special

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.metrics.arrays import Floats

LEAST = 3
"""Points on each side of a step."""
PERMUTED = 30
"""From so many points on, a step has to stand out among permutations of the points as well."""
PERMUTATIONS, BLOCK, ENOUGH = 100_000, 1_000, 100
"""Of a step that stands out of its errors: as many as tell the only one among 500 series. They are made in blocks,
until more than `ENOUGH` have as large a step, which gives the p-value to a tenth."""
ROUNDING = 1e-9
"""Relative difference below which two steps are the same, of points that are added in another order."""
SUSPECTED = 0.05
"""Steps with a larger p-value are looked at no further."""


@dataclass(frozen=True)
class LargestStep:
    """The largest step of a series.

    Parameters
    ----------
    at : the number of points before it.
    size : mean after it minus mean before it, each weighted with 1 / error^2. error : its standard error.
    p_value : how often a series without a step has one as large, anywhere.
    """

    at: int
    size: float
    error: float
    p_value: float


def largest_step(values: Sequence[float], errors: Sequence[float], seed: int = 0) -> LargestStep | None:
    """The step that stands out most, in standard errors; None of fewer than six points.

    Parameters
    ----------
    values : (n,) in the order of time.
    errors : (n,) standard error of each, above 0. Errors that all points share, such as those of common test events,
        cancel and are left out.
    seed : of the permutations.

    Raises
    ------
    UserError
        When lengths differ, a value or error is not finite, or an error is not above 0.

    Notes
    -----
    The statistic is the largest |Z_k| over all places k with at least three points on each side, where Z_k is the
    difference of both weighted means over its standard error. For a series without a step, neighbouring Z_k are normal
    with the correlation of a Brownian bridge, and P(max |Z_k| > z) is at most the sum of P(|Z_k| > z) less that of
    P(|Z_k| > z and |Z_k+1| > z) (Worsley, Biometrika 69 (1982) 297, equation 2.3), which Owen's T function gives
    (Ann. Math. Stat. 27 (1956) 1075).

    A step must not rest on one point: the p-value is the largest of the whole series and of the series without each one
    of its points, then with two points at least on each side. From 30 points on, a p-value by permutation of the points
    with their errors, which asks for no normal distribution, must be as small too.
    """
    x, spread = _series(values, errors)
    if len(x) < 2 * LEAST:
        return None
    weights = spread**-2.0
    z = steps(x, weights)
    place = int(np.argmax(np.abs(z)))
    at = place + LEAST
    before, after = (np.sum(part) for part in np.split(weights, [at]))
    error = float(np.sqrt(1 / before + 1 / after))
    p_value = p_of_largest(float(np.abs(z[place])), weights)
    if p_value < SUSPECTED:
        p_value = max(p_value, _without_a_point(x, weights))
    if p_value < SUSPECTED and len(x) >= PERMUTED:
        p_value = max(p_value, _permuted(x, weights, seed))
    return LargestStep(at, float(z[place]) * error, error, p_value)


def _series(values: Sequence[float], errors: Sequence[float]) -> tuple[Floats, Floats]:
    x, spread = np.asarray(values, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    if x.ndim != 1 or x.shape != spread.shape:
        raise UserError(f"series: {x.shape} values and {spread.shape} errors, expected one of each a point.")
    if not (np.isfinite(x).all() and np.isfinite(spread).all() and (spread > 0).all()):
        raise UserError("series: a value or error that is not finite, or no error, expected errors above 0.")
    return x, spread


def steps(x: Floats, weights: Floats, least: int = LEAST) -> Floats:
    """Difference of the weighted means after and before each place over its standard error.

    x : (..., n). weights : of the same shape, 1 / variance. Returns (..., n - 2 least + 1), for the places from `least`
    points before them to as many after them.
    """
    centred = x - np.average(x, axis=-1, weights=weights)[..., np.newaxis]  # so that sums stay small
    total = np.sum(weights, axis=-1, keepdims=True)
    places = slice(least - 1, x.shape[-1] - least)
    before = np.cumsum(weights, axis=-1)[..., places]
    moment = np.cumsum(weights * centred, axis=-1)[..., places]
    return np.asarray(-moment * np.sqrt(total / (before * (total - before))))


def p_of_largest(z: float, weights: Floats, least: int = LEAST) -> float:
    """Worsley's bound on the probability that the largest |Z_k| of a series without a step is above z."""
    before = np.cumsum(weights)[least - 1 : len(weights) - least]
    odds = before / (np.sum(weights) - before)
    correlation = np.sqrt(odds[:-1] / odds[1:])
    beyond = special("ndtr", -z)
    both = 2 * (_both_above(z, correlation) + _both_above(z, -correlation))
    return float(np.clip(2 * beyond * len(before) - np.sum(both), 0.0, 1.0))


def _both_above(z: float, correlation: Floats) -> Floats:
    """P(X > z, Y > z) of two normal variables; with -correlation, P(X > z, Y < -z)."""
    slope = np.sqrt((1 - correlation) / np.maximum(1 + correlation, 1e-300))
    return np.array([special("ndtr", -z) - 2 * special("owens_t", z, each) for each in slope])


def _without_a_point(x: Floats, weights: Floats) -> float:
    """The largest p-value of the series without each one of its points."""
    kept = ~np.eye(len(x), dtype=bool)
    rest, their = (np.broadcast_to(each, kept.shape)[kept].reshape(len(x), -1) for each in (x, weights))
    largest = np.max(np.abs(steps(rest, their, LEAST - 1)), axis=1)
    return max(p_of_largest(float(z), w, LEAST - 1) for z, w in zip(largest, their, strict=True))


def _permuted(x: Floats, weights: Floats, seed: int) -> float:
    """How often the points in another order, each with its error, have as large a step."""
    rng, largest = np.random.default_rng(seed), np.max(np.abs(steps(x, weights)))
    found = done = 0
    while done < PERMUTATIONS:
        order = rng.permuted(np.broadcast_to(np.arange(len(x)), (BLOCK, len(x))), axis=1)
        z = np.max(np.abs(steps(x[order], weights[order])), axis=1)
        found, done = found + int(np.sum(z >= largest * (1 - ROUNDING))), done + BLOCK
        if found > ENOUGH:
            break
    return (found + 1) / (done + 1)
