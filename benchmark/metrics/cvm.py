"""Dependence of the signal's score on the mass of background: Cramér-von Mises distances between distributions.

A cut on a score that depends on the mass sculpts a peak in a smooth background. If the score does not depend on the
mass, events of similar mass have the same distribution of scores as all N events. Every form of the metric compares the
distribution of scores F_g in groups g of neighbours in mass with that of all events, F:

    CVM = sum_g W_g  mean over all events i of (F_g(s_i) - F(s_i))^2

Only the order of scores counts, and weights are not used. Distributions are taken at midpoints,
F(s) = P(S < s) + P(S = s) / 2, so that equal scores carry no information about the mass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmark.core.errors import UserError
from benchmark.metrics.metric import CONFIDENCE, SCULPTED, Estimate, Metric, MetricColumn, Scored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from benchmark.metrics.arrays import Floats

    Indices = NDArray[np.intp]
    Grouping = Callable[[Floats], "list[Groups]"]

WINDOW = 200
STEP = 50
"""Events in a window, and between the starts of neighbouring windows: the values of the challenge Flavours of Physics
(evaluation.py), which end-to-end learning (arXiv:1807.11916, section 5.2) uses."""
NEIGHBOURS = 50
BINS = 10
"""The defaults of KnnBasedCvM and BinBasedCvM in `hep_ml.metrics`."""
REPLICAS = 200
"""Largest number of bootstrap replicas: the width of an interval is known to 5%."""
MOST_MEMBERS = 20_000_000
"""Members of groups in all replicas, which takes some seconds. Beyond it there are fewer replicas, at least 40."""
SEED = 20150709
EVENTS_TO_BOUND = 5_000
"""Background events from which on a limit on the CVM is applied. Of scores whose correlation with the mass is 0.2, 55%
are below 0.002 in 450 events and none in 6,250."""


class Groups(NamedTuple):
    """Groups of equal size, which may overlap: positions of members (groups, size), weight of each group (groups,)."""

    members: Indices
    share: Floats


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


def cvm(scores: Floats, groups: Iterable[Groups]) -> float:
    """The weighted mean distance between the scores of groups and all scores (n,).

    The mean over all events is not a loop over events, which would cost n for each group. With p the share of all
    events at a score, w that of a group's events, b of those below it, and T(a) = sum_{c > a} p_c F_c + p_a F_a / 2,
    it is

        sum_a [ w_a (w_a + 2 b_a) (1 - F_a) - w_a^2 p_a / 4 - 2 w_a T_a ] + sum_c p_c F_c^2
    """
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    place = place.astype(np.int32)  # sorts faster than int64
    p = counts / len(scores)
    f = np.cumsum(p) - p / 2
    tail = np.cumsum((p * f)[::-1])[::-1] - p * f / 2
    total = 0.0
    for members, share in groups:
        size = members.shape[1]
        rows = np.sort(place[members], axis=1)
        new = np.ones(rows.shape, dtype=bool)
        new[:, 1:] = rows[:, 1:] != rows[:, :-1]
        first = np.flatnonzero(new)  # first member of each run of equal scores in a group
        a, w, b = rows.ravel()[first], np.diff(first, append=rows.size) / size, first % size / size
        terms = w * (w + 2 * b) * (1 - f[a]) - w**2 * p[a] / 4 - 2 * w * tail[a]
        total += float(share @ np.bincount(first // size, terms)) + float(share.sum() * (p @ f**2))
    return max(0.0, total)  # rounding may give a small negative number


def independent(events: int, window: int = WINDOW) -> float:
    """The expected CVM in windows of k of N events if the score is independent of the mass.

    It is (1/6k) (1 - k/N): the variance of a share of k events drawn from N without replacement,
    p (1 - p) / k (1 - k/N), averaged over p. Raises TooFewError for fewer events than a window holds.
    """
    _check(events, window)
    return (1 - window / events) / (6 * window)


def estimate(scores: Floats, mass: Floats, grouping: Grouping, confidence: float = CONFIDENCE) -> Estimate:
    """The CVM of scores (n,) and mass (n,), with an interval by a bootstrap over events.

    An event that is drawn twice is its own neighbour in mass and in score, so that replicas have a larger CVM, by about
    that of an independent score. The replicas are therefore shifted to have the value as their mean. Without dependence
    the interval is too wide by up to a factor of 1.7 (a bootstrap of degenerate statistics), and never too narrow.
    Raises TooFewError for too few events.
    """
    groups = grouping(mass)
    value = cvm(scores, groups)
    rng = np.random.default_rng(SEED)
    count = min(REPLICAS, max(40, MOST_MEMBERS // sum(members.size for members, _ in groups)))
    drawn = (rng.integers(len(mass), size=len(mass)) for _ in range(count))
    replicas = np.array([cvm(scores[index], grouping(mass[index])) for index in drawn])
    tail = (1 - confidence) / 2
    low, high = np.quantile(replicas, (tail, 1 - tail)) - replicas.mean() + value
    return Estimate(value, max(0.0, min(float(low), value)), max(float(high), value))


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
        ),
        MetricColumn(
            "cvm_independent",
            "CVM of chance",
            "The CVM that a score without dependence on the mass has on average for this number of events",
            order=60,
            common=True,
        ),
        MetricColumn(
            "cvm_events",
            "Background events of the CVM",
            "Background events with a mass; a bound on the CVM is applied from 5,000 on",
            order=None,
            common=True,
        ),
        MetricColumn(
            "cvm_knn",
            "CVM, 50 nearest neighbours",
            "Dependence of the score on the mass of background events (Cramér-von Mises, 50 nearest neighbours)",
            better="lower",
            order=None,
        ),
        MetricColumn(
            "cvm_bins",
            "CVM, 10 bins",
            "Dependence of the score on the mass of background events (Cramér-von Mises, 10 bins of mass)",
            better="lower",
            order=None,
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
