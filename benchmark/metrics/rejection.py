"""The ROC curve, and the background rejection at fixed signal efficiencies."""

from __future__ import annotations

import math

import numpy as np

from benchmark.core.errors import UserError
from benchmark.metrics.arrays import Bools, EmptyClassError, Floats, rank
from benchmark.metrics.intervals import clopper_pearson
from benchmark.metrics.metric import CONFIDENCE, Estimate, Metric, MetricColumn, Scored

WORKING_POINTS = (0.3, 0.5, 0.7)
"""Signal efficiencies at which the rejection is computed."""

SLACK = 1e-12
"""Relative rounding of a sum of weights: an efficiency this close to a working point has reached it."""


def roc_curve(is_signal: Bools, scores: Floats, weights: Floats | None = None) -> tuple[Floats, Floats, Floats]:
    """The background and signal efficiencies of every cut on the score.

    Parameters
    ----------
    is_signal : (n,) bool.
    scores : (n,), higher is more signal-like.
    weights : (n,), 0 or more, or None for 1 each.

    Returns
    -------
    eps_b, eps_s, thresholds : (k + 1,) each, for k distinct scores. The efficiencies are the shares of events with a
        score at or above the threshold, from (0, 0) at infinity to (1, 1). Events of equal score enter together.

    Raises
    ------
    EmptyClassError
        When a class has no weight.
    UserError
        When shapes differ or a score is NaN.
    """
    ranked = rank(is_signal, scores, weights)
    signal, background = np.cumsum(ranked.signal[::-1]), np.cumsum(ranked.background[::-1])
    return (
        np.concatenate([[0.0], background / background[-1]]),
        np.concatenate([[0.0], signal / signal[-1]]),
        np.concatenate([[np.inf], ranked.values[::-1]]),
    )


def background_efficiency(eps_b: Floats, eps_s: Floats, signal_efficiency: float) -> float:
    """eps_B where the ROC curve reaches a signal efficiency from 0 to 1, linear in eps_S between its points.

    Where several points have exactly this signal efficiency, the one with the smallest eps_B is used.

    Parameters
    ----------
    eps_b, eps_s : (k,) in ascending order, from `roc_curve`.
    signal_efficiency : from 0 to 1.
    """
    reached = int(np.searchsorted(eps_s, signal_efficiency * (1 - SLACK)))
    if reached == 0 or eps_s[reached] <= signal_efficiency * (1 + SLACK):
        return float(eps_b[reached])
    share = (signal_efficiency - eps_s[reached - 1]) / (eps_s[reached] - eps_s[reached - 1])
    return float(eps_b[reached - 1] + share * (eps_b[reached] - eps_b[reached - 1]))


def background_rejection(
    is_signal: Bools,
    scores: Floats,
    weights: Floats | None = None,
    *,
    signal_efficiency: float = 0.5,
    confidence: float = CONFIDENCE,
    names: tuple[str, str] = ("signal", "background"),
) -> Estimate:
    """1 / eps_B at a signal efficiency: eps_B is interpolated linearly in eps_S, then inverted.

    If no background event passes, the value is undefined and the lower bound is known.

    Parameters
    ----------
    is_signal : (n,) bool.
    scores : (n,).
    weights : (n,) or None.
    signal_efficiency : above 0, at most 1.
    confidence : two-sided.
    names : of the two classes, for reasons.

    Raises
    ------
    EmptyClassError
        When a class has no weight.
    UserError
        When shapes differ, a score is NaN, or the signal efficiency is out of range.

    Notes
    -----
    The top-tagging landscape (SciPost Phys. 7 (2019) 014) interpolates and inverts in the same order. The interval is
    Clopper and Pearson's for eps_B, inverted. Its coverage is at least nominal: 96 to 97% where ten background events
    or more pass on average, up to 99.8% where fewer do (Wilson's has as little as 87% there). Its count is the
    effective number of background events, reduced by the uncertainty of the cut, which is set on a finite number of
    signal events: the variance of eps_B has the terms eps_B (1 - eps_B) / n and
    (d eps_B / d eps_S)^2 eps_S (1 - eps_S) / m (Hsieh and Turnbull, Ann. Stat. 24 (1996) 25), and the second is read
    from the curve at eps_S plus and minus one standard deviation.
    """
    if not 0 < signal_efficiency <= 1:
        raise UserError(f"signal efficiency: {signal_efficiency}, expected above 0 and at most 1. Give 0.5.")
    ranked = rank(is_signal, scores, weights, names)
    eps_b, eps_s, _ = roc_curve(is_signal, scores, weights)
    passed = background_efficiency(eps_b, eps_s, signal_efficiency)
    count = ranked.background_count
    if 0 < passed < 1:
        sigma = math.sqrt(signal_efficiency * (1 - signal_efficiency) / ranked.signal_count)
        tight = background_efficiency(eps_b, eps_s, max(signal_efficiency - sigma, 0.0))
        loose = background_efficiency(eps_b, eps_s, min(signal_efficiency + sigma, 1.0))
        binomial = passed * (1 - passed)
        count = binomial / (binomial / count + ((loose - tight) / 2) ** 2)
    low, high = clopper_pearson(passed, count, confidence)
    if passed == 0:
        reason = f"no background event passes at a signal efficiency of {signal_efficiency:.0%}"
        return Estimate(None, low=1 / high, reason=reason)
    return Estimate(1 / passed, 1 / high, 1 / low)


class Rejection(Metric):
    """Background rejection 1/eps_B at signal efficiencies of 30, 50 and 70%, signal against the rest.

    By the score of class 0. Nothing if no class is the signal.
    """

    name = "rejection"
    columns = tuple(
        MetricColumn(
            f"rejection_{point * 100:.0f}",
            f"Rejection at {point:.0%}",
            f"Background rejection 1/ε_B at {point:.0%} signal efficiency: one in this many background events passes",
            better="higher",
            scale="inverse",
            order=20 if point == 0.5 else None,
            interval="Clopper and Pearson, with the uncertainty of the cut",
            undefined="if no background event passes; then the lower bound is known",
            source="SciPost Phys. 7 (2019) 014; Ann. Stat. 24 (1996) 25",
        )
        for point in WORKING_POINTS
    )

    def __call__(self, scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        """The estimates by name; undefined if a class has no test events or no background event passes."""
        if not scored.signal:
            return {}
        return {f"rejection_{point * 100:.0f}": _estimate(scored, point, confidence) for point in WORKING_POINTS}


def _estimate(scored: Scored, signal_efficiency: float, confidence: float) -> Estimate:
    name = scored.classes[0]
    try:
        return background_rejection(
            scored.labels == 0,
            scored.scores[:, 0],
            scored.weights,
            signal_efficiency=signal_efficiency,
            confidence=confidence,
            names=(name, f"classes other than {name}"),
        )
    except EmptyClassError as error:
        return Estimate(None, reason=str(error))
