"""Whether probabilities mean what they say: log loss, and the expected calibration error."""

from __future__ import annotations

import math

import numpy as np

from benchmark.metrics.arrays import Floats, unit_weights
from benchmark.metrics.intervals import effective_count, normal_quantile
from benchmark.metrics.metric import CONFIDENCE, Estimate, Metric, MetricColumn, Scored, mean

SMALLEST = float(np.finfo(np.float64).eps)
"""Smaller probabilities count as this one in the log loss, as in scikit-learn: no event costs more than 36."""

BINS = 15
"""Bins of the probability of the class that an event is assigned to, as in the paper of the calibration error."""


def log_loss(probabilities: Floats, weights: Floats | None = None, confidence: float = CONFIDENCE) -> Estimate:
    """The mean of -ln p over events, with p (n,) the probability of the true class, and a normal interval."""
    found = mean(-np.log(np.clip(probabilities, SMALLEST, 1.0)), weights, confidence)
    return found if found.low is None else Estimate(found.value, max(0.0, found.low), found.high)


def calibration_error(
    probabilities: Floats, hits: Floats, weights: Floats | None = None, confidence: float = CONFIDENCE
) -> tuple[Estimate, Estimate]:
    """The expected calibration error, and what it would be on average if the probabilities were right.

    Parameters
    ----------
    probabilities : (n,) of the class that an event is assigned to.
    hits : (n,) 1 if that is its class, 0 if not.
    weights : (n,), 0 or more, or None for 1 each.

    Notes
    -----
    ECE = sum_b |d_b| with d_b = sum_i w_i (hit_i - p_i) / sum_j w_j, i in bin b (Guo, Pleiss, Sun and Weinberger,
    arXiv:1706.04599, eq. 3). A finite sample gives right probabilities an error as well: |d_b| is a folded normal
    number, with variance sum_i w_i^2 p_i (1 - p_i). The interval is for the mean of the error over samples of n events,
    and normal, with the variances of the folded numbers.
    """
    weights = unit_weights(len(hits)) if weights is None else weights
    if effective_count(weights) == 0:
        none = Estimate(None, reason="no test events")
        return none, none
    shares = weights / weights.sum()
    bins = np.clip(np.ceil(probabilities * BINS).astype(np.int64), 1, BINS) - 1

    def summed(values: Floats) -> Floats:
        return np.bincount(bins, values, BINS).astype(np.float64, copy=False)

    excess = hits - probabilities
    distance, share = summed(shares * excess), summed(shares)
    centre = np.divide(distance, share, out=np.zeros(BINS), where=share > 0)
    observed = summed((shares * (excess - centre[bins])) ** 2)
    expected = summed(shares**2 * probabilities * (1 - probabilities))
    chance = float(folded_normal(np.zeros(BINS), np.sqrt(expected))[0].sum())
    value = float(np.abs(distance).sum())
    if effective_count(weights) <= 1:
        return Estimate(value), Estimate(chance)
    # a bin in which no event is assigned wrongly yet says nothing of how many will be
    spread = np.sqrt(np.maximum(observed, expected))
    margin = normal_quantile(confidence) * math.sqrt(float(folded_normal(distance, spread)[1].sum()))
    return Estimate(value, max(0.0, value - margin), min(1.0, value + margin)), Estimate(chance)


def folded_normal(centre: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of the absolute value of normal numbers (k,) with these means and standard deviations.

    Leone, Nelson and Nottingham, Technometrics 3 (1961) 543.
    """
    ratio = np.divide(np.abs(centre), spread, out=np.full(len(centre), np.inf), where=spread > 0)
    inside = np.array([math.erf(each / math.sqrt(2)) for each in ratio])
    average = math.sqrt(2 / math.pi) * spread * np.exp(-(ratio**2) / 2) + np.abs(centre) * inside
    return average, np.maximum(centre**2 + spread**2 - average**2, 0.0)


class Calibration(Metric):
    """Whether probabilities mean what they say: log loss, and expected calibration error.

    Of events of which a model says that they are signal with 80%, 80% should be signal. Ranks and efficiencies do not
    depend on it, likelihood fits and thresholds that others have chosen do. Class fractions are those of the test
    events.
    """

    name = "calibration"
    columns = (
        MetricColumn(
            "log_loss",
            "Log loss",
            "Mean of -ln p for the probability p of the true class; 0 is perfect",
            better="lower",
            order=45,
            interval="normal, of a mean",
            undefined="without test events",
        ),
        MetricColumn(
            "ece",
            "ECE",
            "Expected calibration error: how far the probability of the chosen class is from the share of events that "
            "are of this class, mean over 15 bins of it",
            better="lower",
            order=47,
            interval="normal, for the mean over samples of as many events",
            undefined="without test events",
            source="arXiv:1706.04599, eq. 3",
        ),
        MetricColumn(
            "ece_calibrated",
            "ECE of chance",
            "The calibration error that as many events would have on average if the probabilities were right",
            order=None,
            undefined="without test events",
        ),
    )

    def __call__(self, scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        """The estimates by name."""
        events = np.arange(len(scored.labels))
        chosen = scored.scores.argmax(axis=1)
        hits = (chosen == scored.labels).astype(np.float64)
        ece, chance = calibration_error(scored.scores[events, chosen], hits, scored.weights, confidence)
        return {
            "log_loss": log_loss(scored.scores[events, scored.labels], scored.weights, confidence),
            "ece": ece,
            "ece_calibrated": chance,
        }
