"""What a cut on the signal's score gains in significance: thresholds are chosen on validation events alone.

A threshold that is chosen on the events it is judged by profits from their fluctuations, most where few background
events are left. With S signal and B background events, a cut multiplies S / sqrt(B) by eps_S / sqrt(eps_B).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from benchmark.metrics.arrays import unit_weights
from benchmark.metrics.intervals import effective_count, wilson
from benchmark.metrics.metric import CONFIDENCE, Estimate, Metric, MetricColumn, Scored

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmark.metrics.arrays import Bools, Floats

    Merit = Callable[[Floats], Floats]

LEAST_BACKGROUND = 20
"""Background events of validation above a threshold that may be chosen: their number is known to 22%."""


def gain(shares: Floats) -> Floats:
    """eps_S / sqrt(eps_B) of shares (k, 2) of signal and background; infinite where no background is left."""
    signal, background = shares[:, 0], shares[:, 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(signal > 0, signal / np.sqrt(background), 0.0)


def discovery(events: Floats) -> Floats:
    """S / sqrt(S + B) of expected events (k, classes), signal first; 0 where none are left."""
    total = events.sum(axis=1)
    found: Floats = np.divide(events[:, 0], np.sqrt(total), out=np.zeros(len(events)), where=total > 0)
    return found


class Significance(Metric):
    """Significance of a cut on the signal's score: the largest gain eps_S / sqrt(eps_B), and S / sqrt(S + B).

    Each threshold is the best one for the validation events, of those with at least 20 background events above it; the
    numbers are those of the test events. S / sqrt(S + B) is for the yields that a task declares. Nothing if no class is
    the signal.
    """

    name = "significance"
    columns = (
        MetricColumn(
            "significance_gain",
            "Largest ε_S/√ε_B",
            "The factor by which a cut on the score raises S/√B, at the best threshold of the validation events with "
            "at least 20 background events above it",
            better="higher",
            order=24,
        ),
        MetricColumn(
            "significance",
            "S/√(S+B)",
            "Signal over the root of signal and background above the best threshold of the validation events, for the "
            "yields that the task declares",
            better="higher",
            order=26,
        ),
    )

    def __call__(self, scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        """The estimates by name; undefined without validation events, or if a class has no events."""
        if not scored.signal:
            return {}
        estimates = {"significance_gain": _estimate(scored, _halves, gain, confidence)}
        if set(scored.classes) <= set(scored.yields):
            yields = np.array([scored.yields[name] for name in scored.classes])
            estimates["significance"] = _estimate(scored, _classes, lambda s: discovery(s * yields), confidence)
        return estimates


def _halves(scored: Scored) -> list[Bools]:
    return [scored.labels == 0, scored.labels != 0]


def _classes(scored: Scored) -> list[Bools]:
    return [scored.labels == label for label in range(len(scored.classes))]


def _estimate(
    scored: Scored, groups_of: Callable[[Scored], Sequence[Bools]], merit: Merit, confidence: float
) -> Estimate:
    """A number of the test events at the threshold that is best for the validation events.

    Each efficiency has Wilson's interval. The distances that its bounds make are added in quadrature, since the groups
    are independent (Zou and Donner, Stat. Med. 27 (2008) 1693).

    Parameters
    ----------
    groups_of : the events of each group (n,), signal first.
    merit : a number for each line of efficiencies (k, groups), which rises with the first and falls with the others.
    """
    valid, groups = scored.valid, groups_of(scored)
    if valid is None:
        return Estimate(None, reason="no scores of validation events, on which the threshold is chosen")
    threshold = _best_threshold(valid, groups_of(valid), merit)
    if threshold is None:
        return Estimate(None, reason=f"no threshold has {LEAST_BACKGROUND} background events of validation above it")
    counts = [effective_count(_weights(scored)[group]) for group in groups]
    if 0 in counts:
        return Estimate(None, reason="a class has no test events")
    shares = efficiencies(scored, groups, np.array([threshold]))[0]
    bounds = [wilson(share, count, confidence) for share, count in zip(shares.tolist(), counts, strict=True)]
    worse = np.array([bounds[0][0], *(high for _, high in bounds[1:])])
    better = np.array([bounds[0][1], *(low for low, _ in bounds[1:])])
    value = float(merit(shares[None])[0])
    if not math.isfinite(value):
        return Estimate(None, low=float(merit(worse[None])[0]), reason="no background event passes the threshold")
    one_at_a_time = np.eye(len(groups), dtype=bool)
    low = value - math.hypot(*(value - merit(np.where(one_at_a_time, worse, shares))))
    high = value + math.hypot(*(merit(np.where(one_at_a_time, better, shares)) - value))
    return Estimate(value, max(0.0, low), high if math.isfinite(high) else None)


def _best_threshold(valid: Scored, groups: Sequence[Bools], merit: Merit) -> float | None:
    """The score at which a cut has the largest merit, with enough background events at or above it, if there is one."""
    background = np.sort(valid.scores[~groups[0], 0])
    if len(background) < LEAST_BACKGROUND or not all(_weights(valid)[group].any() for group in groups):
        return None
    thresholds = np.unique(valid.scores[:, 0])
    thresholds = thresholds[thresholds <= background[-LEAST_BACKGROUND]]
    return float(thresholds[np.argmax(merit(efficiencies(valid, groups, thresholds)))])


def efficiencies(scored: Scored, groups: Sequence[Bools], thresholds: Floats) -> Floats:
    """The shares of weight at or above thresholds (k,) of the score of class 0, (k, groups)."""
    weights = _weights(scored)
    shares = np.empty((len(thresholds), len(groups)))
    for place, group in enumerate(groups):
        order = np.argsort(scored.scores[group, 0], kind="stable")
        ordered, weight = scored.scores[group, 0][order], weights[group][order]
        # from the top, so that the share above the largest score is exactly 0
        above = np.concatenate([np.cumsum(weight[::-1])[::-1], [0.0]])
        shares[:, place] = above[np.searchsorted(ordered, thresholds)] / above[0]
    return shares


def _weights(scored: Scored) -> Floats:
    return unit_weights(len(scored.labels)) if scored.weights is None else scored.weights
