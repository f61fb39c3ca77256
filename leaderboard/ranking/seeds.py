"""From the numbers of several seeds to one estimate whose interval stays where the number can be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev
from typing import TYPE_CHECKING

from benchmark.metrics.metric import CONFIDENCE, Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmark.records.result import Result

Z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
"""Half-width of the interval of a Gaussian, in standard deviations."""


@dataclass(frozen=True)
class Scale:
    """Where a number can be, and a scale without ends on which its errors are added.

    `forward` rises and goes to infinity at both ends of the range; `back` undoes it.
    """

    lowest: float
    highest: float
    forward: Callable[[float], float]
    back: Callable[[float], float]

    def inside(self, value: float) -> bool:
        """Whether the number has a place on the scale."""
        return self.lowest < value < self.highest

    def clip(self, value: float) -> float:
        """The number, or the end of the range that it lies beyond."""
        return min(max(value, self.lowest), self.highest)

    def to(self, value: float) -> float:
        """Its place on the scale; infinite at the ends of the range."""
        if self.inside(value):
            return self.forward(value)
        return -math.inf if value <= self.lowest else math.inf

    def of(self, place: float) -> float:
        """The number at a place on the scale."""
        if math.isinf(place):
            return self.highest if place > 0 else self.lowest
        return self.clip(self.back(place))


def _logit(share: float) -> float:
    return math.log(share) - math.log1p(-share)


def _expit(place: float) -> float:
    return math.exp(place) / (1 + math.exp(place)) if place < 0 else 1 / (1 + math.exp(-place))


PLAIN = Scale(-math.inf, math.inf, float, float)
SHARE = Scale(0.0, 1.0, _logit, _expit)
"""Accuracies, recalls and areas, on the scale of log(v / (1 - v))."""

REJECTION = Scale(
    1.0, math.inf, lambda r: math.log(r - 1), lambda place: 1 + math.exp(place) if place < 700 else math.inf
)
"""1/eps_B on the scale of log(1/eps_B - 1), which is the logit of eps_B turned round; log(1/eps_B) far above 1."""

_SHARES = ("auc", "accuracy", "recall", "signal_accuracy")


def scale_of(metric: str) -> Scale:
    """The scale of a metric by its name; a name that is not known has the plain one."""
    if metric.startswith("rejection_"):
        return REJECTION
    known = any(metric == name or metric.startswith(f"{name}_") for name in _SHARES)
    return SHARE if known else PLAIN


def combine(seeds: Sequence[Estimate], scale: Scale = PLAIN) -> Estimate:
    """One estimate from several seeds.

    One seed keeps its own interval. For n seeds with values v_i and intervals [l_i, h_i], on the scale f:

        value = mean(v_i)
        low   = f^-1( f(value) - sqrt( mean(f(v_i) - f(l_i))^2 + (z s)^2 ) )        high likewise

    with s the sample standard deviation of f(v_i) and z = 1.96 for 95%. All seeds are scored on the same test events,
    so their statistical errors move together and are averaged, not divided by sqrt(n). The spread is that of a
    single training, which is what somebody who repeats the cell will get; it is not divided by sqrt(n) either.
    The scale keeps the bounds in the range of the number. Where a seed lies at the end of the range (an accuracy
    of 1) f is infinite: then the plain scale is taken, and what lies beyond the range is cut off.
    A value that is undefined for any seed is undefined for all of them (the rest would be a biased choice); its
    lower bound is then the lowest one.
    """
    if not seeds:
        return Estimate(None, reason="not run")
    undefined = [seed for seed in seeds if seed.value is None]
    if len(seeds) == 1:
        return seeds[0]
    if undefined:
        bounds = [seed.low for seed in seeds]
        low = None if None in bounds else min(bound for bound in bounds if bound is not None)
        return Estimate(None, low=low, reason=undefined[0].reason)
    values = [seed.value for seed in seeds if seed.value is not None]
    value = fmean(values)
    if not all(map(scale.inside, values)):
        low, high = _bounds(value, values, seeds, PLAIN)
        if any(scale.clip(v) != v for v in values):  # a number of another kind that has the name of this one
            return Estimate(value, low, high)
        return Estimate(value, None if low is None else scale.clip(low), None if high is None else scale.clip(high))
    return Estimate(value, *_bounds(value, values, seeds, scale))


def _bounds(
    value: float, values: Sequence[float], seeds: Sequence[Estimate], scale: Scale
) -> tuple[float | None, float | None]:
    places = [scale.to(v) for v in values]
    spread = Z * stdev(places)
    lows = [seed.low for seed in seeds if seed.low is not None]
    highs = [seed.high for seed in seeds if seed.high is not None]
    low = high = None
    if len(lows) == len(seeds):
        below = fmean(place - scale.to(bound) for place, bound in zip(places, lows, strict=True))
        low = min(value, scale.of(scale.to(value) - math.hypot(below, spread)))
    if len(highs) == len(seeds):
        above = fmean(scale.to(bound) - place for place, bound in zip(places, highs, strict=True))
        high = max(value, scale.of(scale.to(value) + math.hypot(above, spread)))
    return low, None if high == math.inf else high


def seed_estimate(result: Result, metric: str) -> Estimate:
    """A metric of one record. Infinities and NaN, which a stranger's file may hold, count as undefined."""
    found = result.metrics.get(metric)
    if found is None:
        return Estimate(None, reason="not recorded")
    value = finite(found.value)
    reason = found.reason if value is not None or found.value is None else "not a finite number"
    return Estimate(value, low=finite(found.low), high=finite(found.high), reason=reason)


def finite(value: float | None) -> float | None:
    """The number, unless it is none or endless."""
    return value if value is not None and math.isfinite(value) else None
