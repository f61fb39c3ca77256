"""What a cut on the signal's score gains in significance: thresholds are chosen on validation events alone.

With S signal and B background events, a cut multiplies S / sqrt(B) by eps_S / sqrt(eps_B).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from benchmark.metrics.intervals import effective_count, wilson
from benchmark.metrics.metric import CONFIDENCE, Estimate, Metric, MetricColumn, Scored
from benchmark.metrics.thresholds import best_threshold, efficiencies, halves, weights_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmark.metrics.arrays import Bools, Floats
    from benchmark.metrics.thresholds import Merit

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
            interval="Wilson for each efficiency, added in quadrature",
            undefined="without validation events, if none of their thresholds keeps 20 background events, or if no "
            "background event passes",
            source="Stat. Med. 27 (2008) 1693",
        ),
        MetricColumn(
            "significance",
            "S/√(S+B)",
            "Signal over the root of signal and background above the best threshold of the validation events, for the "
            "yields that the task declares",
            better="higher",
            order=26,
            interval="Wilson for each efficiency, added in quadrature",
            undefined="without validation events, if none of their thresholds keeps 20 background events, or if no "
            "background event passes",
            source="Stat. Med. 27 (2008) 1693",
        ),
    )

    def __call__(self, scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        """The estimates by name; undefined without validation events, or if a class has no events."""
        if not scored.signal:
            return {}
        estimates = {"significance_gain": _estimate(scored, halves, gain, confidence)}
        if set(scored.classes) <= set(scored.yields):
            yields = np.array([scored.yields[name] for name in scored.classes])
            estimates["significance"] = _estimate(scored, _classes, lambda s: discovery(s * yields), confidence)
        return estimates


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
    threshold = best_threshold(valid, groups_of(valid), merit, LEAST_BACKGROUND)
    if threshold is None:
        return Estimate(None, reason=f"no threshold has {LEAST_BACKGROUND} background events of validation above it")
    counts = [effective_count(weights_of(scored)[group]) for group in groups]
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
