"""Dependence of the signal's score on the mass of background: Cramér-von Mises distances between distributions.

A cut on a score that depends on the mass sculpts a peak in a smooth background. If the score does not depend on the
mass, events of similar mass have the same distribution of scores as all N events. Every form of the metric compares the
distribution of scores F_g in groups g of neighbours in mass with that of all events, F:

    CVM = sum_g W_g  mean over all events i of (F_g(s_i) - F(s_i))^2

Only the order of scores counts, and weights are not used. Distributions are taken at midpoints,
F(s) = P(S < s) + P(S = s) / 2, so that equal scores carry no information about the mass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.core.errors import UserError
from benchmark.metrics.cramer_von_mises import Groups, moments, score_order
from benchmark.metrics.intervals import squared_distance
from benchmark.metrics.metric import CONFIDENCE, SCULPTED, Estimate, Metric, MetricColumn, Scored

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmark.metrics.arrays import Floats

    Grouping = Callable[[Floats], "list[Groups]"]

WINDOW = 200
STEP = 50
"""Events in a window, and between the starts of neighbouring windows: the values of the challenge Flavours of Physics
(evaluation.py), which end-to-end learning (arXiv:1807.11916, section 5.2) uses."""
NEIGHBOURS = 50
BINS = 10
"""The defaults of KnnBasedCvM and BinBasedCvM in `hep_ml.metrics`."""
LARGEST = 1 / 3
"""No group is farther from all events: the integral of (1 - F)^2 dF, of a group with the lowest scores of all."""
EVENTS_TO_BOUND = 5_000
"""Background events from which on a limit on the CVM is applied. Of scores whose correlation with the mass is 0.2, 55%
are below 0.002 in 450 events and none in 6,250."""


def windows(mass: Floats, window: int = WINDOW, step: int = STEP) -> list[Groups]:
    """Windows of `window` events in the order of their mass (n,), a new one every `step` events.

    Raises TooFewError for fewer events than a window holds.
    """
    _check(len(mass), window)
    starts = np.arange(0, len(mass) - window + 1, step)
    members = np.argsort(mass, kind="stable")[starts[:, None] + np.arange(window)]
    return [Groups(members, np.full(len(starts), 1 / len(starts)))]


def nearest(mass: Floats, neighbours: int = NEIGHBOURS) -> list[Groups]:
    """A group for each event: the events nearest in mass (n,), including itself.

    As in `hep_ml`, every event has the same weight in total: it is divided among the groups that the event is in.
    Raises TooFewError for fewer events than neighbours.
    """
    _check(len(mass), neighbours)
    order = np.argsort(mass, kind="stable")
    ordered = mass[order]
    # neighbours are consecutive in mass: a group starts where the event after its last is no nearer than its first
    starts = np.searchsorted(ordered[:-neighbours] + ordered[neighbours:], 2 * ordered)
    places = starts[:, None] + np.arange(neighbours)
    times = np.bincount(places.ravel(), minlength=len(mass))
    share = (1 / np.maximum(times, 1))[places].sum(axis=1)
    return [Groups(order[places], share / share.sum())]


def bins(mass: Floats, count: int = BINS) -> list[Groups]:
    """Bins of equal width between the smallest and the largest mass (n,), weighted by their events, without empty ones.

    Raises TooFewError for no events.
    """
    _check(len(mass), 1)
    edges = np.linspace(mass.min(), mass.max(), count + 1)[1:-1]
    numbers = np.searchsorted(edges, mass)
    return [Groups(np.flatnonzero(numbers == b)[None], np.array([np.mean(numbers == b)])) for b in np.unique(numbers)]


def independent(events: int, window: int = WINDOW) -> float:
    """The expected CVM in windows of k of N events if the score is independent of the mass.

    It is (1/6k) (1 - k/N): the variance of a share of k events drawn from N without replacement,
    p (1 - p) / k (1 - k/N), averaged over p. Raises TooFewError for fewer events than a window holds.
    """
    _check(events, window)
    return (1 - window / events) / (6 * window)


def estimate(scores: Floats, mass: Floats, grouping: Grouping, confidence: float = CONFIDENCE) -> Estimate:
    """The CVM of scores (n,) and mass (n,), with an interval for its mean over samples of n events.

    Raises TooFewError for too few events.

    Notes
    -----
    The CVM is a V-statistic; see `squared_distance` for its interval. Its first order is a sum of squares of the
    events' influences. Without dependence F_g - F is a Brownian bridge, scaled by the share of events that groups have
    in common, and

        V = 2 sum_gh W_g W_h (o_gh / (k_g k_h) - 1 / n)^2  int int K(s, t)^2 dF(s) dF(t)

    for groups of k_g events of which o_gh are in both, with K the covariance of a bridge; for scores without ties the
    integral is 1/90. In simulations with five strengths of dependence the interval held the mean in 91 to 98% of
    samples of 300 to 5,000 events, mostly in 93 to 97%; in 90 to 94% for ten bins of 100 events, and in more where
    windows are most of the sample; where they are nearly all of it, the upper bound can only be `LARGEST`.
    """
    order = np.argsort(mass, kind="stable")
    groups, ranked = grouping(mass[order]), score_order(scores[order])
    value, influence, chance, noise = moments(ranked, groups)
    return Estimate(value, *squared_distance(value, float(influence @ influence), chance, noise, confidence, LARGEST))


class CVM(Metric):
    """Dependence of the signal's score on the mass of the first background: Cramér-von Mises, 0 is none.

    The largest possible value depends on the part of the spectrum that a window covers, so values are comparable for
    equal numbers of events. Nothing if no class is the signal.
    """

    name = "cvm"
    columns = (
        MetricColumn(
            "cvm",
            "CVM",
            "Dependence of the score on the mass of background events (Cramér-von Mises, windows of 200 events); "
            "0 is none",
            better="lower",
            order=50,
            source="arXiv:1807.11916, section 5.2",
            interval="scaled chi-squared, for the mean over samples of as many events",
            undefined="without a mass, or with fewer than 200 background events",
        ),
        MetricColumn(
            "cvm_independent",
            "CVM of chance",
            "The CVM that a score without dependence on the mass has on average for this number of events",
            order=60,
            common=True,
            undefined="without a mass, or with fewer than 200 background events",
        ),
        MetricColumn(
            "cvm_events",
            "Background events of the CVM",
            "Background events with a mass; a bound on the CVM is applied from 5,000 on",
            order=None,
            common=True,
            undefined="without a mass, or without background events",
        ),
        MetricColumn(
            "cvm_knn",
            "CVM, 50 nearest neighbours",
            "Dependence of the score on the mass of background events (Cramér-von Mises, 50 nearest neighbours)",
            better="lower",
            order=None,
            interval="scaled chi-squared, for the mean over samples of as many events",
            undefined="without a mass, or with fewer than 50 background events",
        ),
        MetricColumn(
            "cvm_bins",
            "CVM, 10 bins",
            "Dependence of the score on the mass of background events (Cramér-von Mises, 10 bins of mass)",
            better="lower",
            order=None,
            interval="scaled chi-squared, for the mean over samples of as many events",
            undefined="without a mass, or without background events",
        ),
    )

    def __call__(self, scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        """The estimates by name; undefined if the task has no mass, or too few events of the background."""
        if not scored.signal:
            return {}
        if scored.mass is None:
            return {"cvm": Estimate(None, reason="the background has no mass column")}
        chosen = (scored.labels == SCULPTED) & np.isfinite(scored.mass)
        scores, mass = scored.scores[chosen, 0], scored.mass[chosen]
        name = scored.classes[SCULPTED]
        return {
            "cvm": _estimate(scores, mass, windows, confidence, name),
            "cvm_independent": _independent(len(mass), name),
            "cvm_events": Estimate(float(len(mass))) if len(mass) else Estimate(None, reason=f"{name}: no test events"),
            "cvm_knn": _estimate(scores, mass, nearest, confidence, name),
            "cvm_bins": _estimate(scores, mass, bins, confidence, name),
        }


def _estimate(scores: Floats, mass: Floats, grouping: Grouping, confidence: float, name: str) -> Estimate:
    try:
        return estimate(scores, mass, grouping, confidence)
    except TooFewError as error:
        return Estimate(None, reason=f"{name}: {error}")


def _independent(events: int, name: str) -> Estimate:
    try:
        return Estimate(independent(events))
    except TooFewError as error:
        return Estimate(None, reason=f"{name}: {error}")


class TooFewError(UserError):
    """Fewer events than one group holds."""


def _check(events: int, needed: int) -> None:
    if events < needed:
        raise TooFewError(f"{events} test events, expected at least {needed}")
