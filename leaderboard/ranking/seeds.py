"""From the estimates of several seeds to one, with an interval that stays in the range of the number."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist, fmean, stdev
from typing import TYPE_CHECKING

from benchmark.metrics.intervals import student_quantile
from benchmark.metrics.metric import CONFIDENCE, Estimate
from benchmark.records.fields import in_bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmark.records.result import Result, ShiftedTest

ROUNDING = 1e-9
"""Share by which a sum of rounded numbers may leave its range."""

Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
"""Half-width of the interval of a Gaussian, in standard deviations."""


@dataclass(frozen=True)
class SeedScale:
    """The range of a number, and a scale without ends on which its errors are added.

    `forward` increases and is infinite at both ends of the range; `back` is its inverse.
    """

    lowest: float
    highest: float
    forward: Callable[[float], float]
    back: Callable[[float], float]

    def inside(self, value: float) -> bool:
        """Whether the number lies between the ends of the range."""
        return self.lowest < value < self.highest

    def clip(self, value: float) -> float:
        """The number, limited to the range."""
        return min(max(value, self.lowest), self.highest)

    def to(self, value: float) -> float:
        """The number on the scale; infinite at the ends of the range."""
        if self.inside(value):
            return self.forward(value)
        return -math.inf if value <= self.lowest else math.inf

    def on(self, value: float) -> float:
        """The number on the scale, also at the ends of the range of a linear one."""
        return value if self.forward is float else self.to(value)

    def of(self, place: float) -> float:
        """The number of a value on the scale."""
        if math.isinf(place):
            return self.highest if place > 0 else self.lowest
        return self.clip(self.back(place))


def _logit(share: float) -> float:
    return math.log(share) - math.log1p(-share)


def _expit(place: float) -> float:
    return math.exp(place) / (1 + math.exp(place)) if place < 0 else 1 / (1 + math.exp(-place))


LINEAR = SeedScale(-math.inf, math.inf, float, float)
SHARE = SeedScale(0.0, 1.0, _logit, _expit)
"""Shares and areas, on the scale of log(v / (1 - v))."""

INVERSE = SeedScale(
    1.0, math.inf, lambda r: math.log(r - 1), lambda place: 1 + math.exp(place) if place < 700 else math.inf
)
"""One over a share, such as 1/eps_B, on the scale of log(1/eps_B - 1): the negative logit of the share."""

SCALES = {"linear": LINEAR, "share": SHARE, "inverse": INVERSE}
"""By the name that a metric declares."""


@dataclass(frozen=True)
class RowEstimate(Estimate):
    """An estimate over seeds. Each part is the interval that it would have if only this varied.

    Parameters
    ----------
    interval_events : low and high bound from test events; None of a bound that is not known.
    interval_seeds : from trainings; None of one seed.
    """

    interval_events: tuple[float | None, float | None] = (None, None)
    interval_seeds: tuple[float | None, float | None] | None = None


def combine(seeds: Sequence[Estimate], scale: SeedScale = LINEAR) -> RowEstimate:
    """One estimate from several seeds, with an interval for the mean over all test events and trainings there could be.

    A single seed has its own interval. For n seeds with values v_i and intervals [l_i, h_i], on the scale f:

        value = mean(v_i)
        low   = f^-1( f(value) - sqrt( mean(f(v_i) - f(l_i))^2 + (t s)^2 / n ) )        high likewise

    with s the sample standard deviation of f(v_i), and t Student's quantile for n - 1 degrees of freedom: the interval
    from events and that from trainings, added in quadrature (Zou and Donner, Stat. Med. 27 (2008) 1693). All seeds use
    the same test events, so their statistical errors are taken as fully correlated: they are averaged, not divided by
    sqrt(n). What is each training's own of them is in s as well, so that the interval is rather too wide than too
    narrow: in simulations it holds the mean in 95 to 99% of cells of three and five seeds, most where much of the
    variance from events is each training's own. The scale keeps the bounds in the range of the number. If a seed lies
    at the end of the range (an accuracy of 1), f is infinite: then the linear scale is used, and the bounds are limited
    to the range. If the value of any seed is undefined, the combined value is undefined (the others would be a biased
    selection), and its lower bound is the lowest of all. If the value of any seed is outside the range, or of its own
    interval, there is no interval.
    """
    if not seeds:
        return RowEstimate(None, reason="not run")
    seeds = [_sound(seed, scale) for seed in seeds]
    undefined = [seed for seed in seeds if seed.value is None]
    if len(seeds) == 1:
        (seed,) = seeds
        return RowEstimate(seed.value, seed.low, seed.high, seed.reason, interval_events=(seed.low, seed.high))
    if undefined:
        bounds = [seed.low for seed in seeds]
        low = None if None in bounds else min(bound for bound in bounds if bound is not None)
        return RowEstimate(None, low=low, reason=undefined[0].reason)
    values = [seed.value for seed in seeds if seed.value is not None]
    if not all(map(scale.inside, values)):
        scale = replace(LINEAR, lowest=scale.lowest, highest=scale.highest)
    lows, highs = [seed.low for seed in seeds], [seed.high for seed in seeds]
    return _combined(values, _distance(values, lows, scale), _distance(values, highs, scale), scale)


def _distance(values: Sequence[float], bounds: Sequence[float | None], scale: SeedScale) -> float | None:
    """How far bounds are from their values on a scale, on average; None if one is not known."""
    known = [bound for bound in bounds if bound is not None]
    if len(known) < len(bounds):
        return None
    return fmean(abs(scale.on(value) - scale.on(bound)) for value, bound in zip(values, known, strict=True))


def _combined(values: Sequence[float], below: float | None, above: float | None, scale: SeedScale) -> RowEstimate:
    """The estimate of values with their distances to the bounds on a scale."""
    value, count = fmean(values), len(values)
    seeds = student_quantile(CONFIDENCE, count - 1) * stdev(map(scale.on, values)) / math.sqrt(count)

    def bound(sign: int, width: float | None) -> float | None:
        if width is None:
            return None
        end = scale.of(scale.on(value) + sign * width)
        return None if end == math.inf else sign * max(sign * value, sign * end)

    return RowEstimate(
        value,
        bound(-1, None if below is None else math.hypot(below, seeds)),
        bound(1, None if above is None else math.hypot(above, seeds)),
        interval_events=(bound(-1, below), bound(1, above)),
        interval_seeds=(bound(-1, seeds), bound(1, seeds)),
    )


def _sound(seed: Estimate, scale: SeedScale) -> Estimate:
    """An estimate without its interval if its value is not in the range, or not in the interval: it says nothing."""
    if seed.value is None:
        return seed
    low, high = seed.value if seed.low is None else seed.low, seed.value if seed.high is None else seed.high
    rounding = ROUNDING * max(1.0, abs(seed.value))
    inside = abs(scale.clip(seed.value) - seed.value) <= rounding and low - rounding <= seed.value <= high + rounding
    return seed if inside else replace(seed, low=None, high=None)


def seed_estimate(result: Result | ShiftedTest, metric: str) -> Estimate:
    """A metric of one record. NaN and what is too large are undefined."""
    recorded = result.metrics.get(metric)
    if recorded is None:
        return Estimate(None, reason="not recorded")
    value = finite(recorded.value)
    reason = recorded.reason if value is not None or recorded.value is None else "not a finite number"
    return Estimate(value, low=finite(recorded.low), high=finite(recorded.high), reason=reason)


def difference(a: Estimate, b: Estimate) -> Estimate:
    """a minus b of independent events, from the interval of each.

    The distances to the bounds are added in quadrature, which keeps their asymmetry (Zou and Donner, Stat. Med. 27
    (2008) 1693).
    """
    if a.value is None or b.value is None:
        return Estimate(None, reason=a.reason if a.value is None else b.reason)
    value, low, high = a.value - b.value, None, None
    if a.low is not None and b.high is not None:
        low = value - math.hypot(a.value - a.low, b.high - b.value)
    if a.high is not None and b.low is not None:
        high = value + math.hypot(a.high - a.value, b.value - b.low)
    return Estimate(value, low, high)


def finite(value: float | None) -> float | None:
    """The number, or None if it is NaN, infinite or too large to be added."""
    return value if value is not None and in_bounds(value) else None
