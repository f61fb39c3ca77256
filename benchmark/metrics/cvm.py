"""How much the signal's score tells of the mass of background: Cramér-von Mises distances between distributions.

A cut on a score that depends on the mass carves a peak into a smooth background. Where it does not, events that are
near in mass have the same distribution of scores as all N of them. So every form compares, in groups g of neighbours in
mass, the distribution of scores F_g with that of all events, F:

    CVM = sum_g W_g  mean over all events i of (F_g(s_i) - F(s_i))^2

Only the order of scores counts, and all events count the same, whatever their weights. Distributions are taken at
midpoints, F(s) = P(S < s) + P(S = s) / 2: equal scores tell no mass, but put in the order of sorting, a constant score
would look sculpted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmark.core.errors import UserError
from benchmark.metrics.metric import CONFIDENCE, SCULPTED, Estimate, Metric, Scored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from benchmark.metrics.arrays import Floats

    Indices = NDArray[np.intp]
    Grouping = Callable[[Floats], "list[Groups]"]

WINDOW = 200
STEP = 50
"""Events in a window, and from the start of one window to that of the next: those of the challenge Flavours of Physics
(evaluation.py), which end-to-end learning (arXiv:1807.11916, section 5.2) takes its CVM from."""
NEIGHBOURS = 50
BINS = 10
"""The defaults of `hep_ml.metrics`, KnnBasedCvM and BinBasedCvM."""
REPLICAS = 200
"""Of the bootstrap, at most: the width of an interval is known to 5%."""
LOOKED_AT = 20_000_000
"""Members of groups in all replicas: some seconds. Above it there are fewer replicas, though never under 40."""
SEED = 20150709


class Groups(NamedTuple):
    """Groups of as many events each, which may overlap: places of members (groups, size), share (groups,)."""

    members: Indices
    share: Floats


def windows(mass: Floats, window: int = WINDOW, step: int = STEP) -> list[Groups]:
    """Windows of as many events each, which follow each other in mass (n,), a new one every `step` events.

    Raises TooFewError for fewer events than a window holds.
    """
    _check(len(mass), window)
    starts = np.arange(0, len(mass) - window + 1, step)
    members = np.argsort(mass, kind="stable")[starts[:, None] + np.arange(window)]
    return [Groups(members, np.full(len(starts), 1 / len(starts)))]


def nearest(mass: Floats, neighbours: int = NEIGHBOURS) -> list[Groups]:
    """A group around each event: those nearest in mass (n,), itself among them.

    As in `hep_ml` every event counts the same: one that is in many groups adds as much less to the share of each.
    Raises TooFewError for fewer events than neighbours.
    """
    _check(len(mass), neighbours)
    order = np.argsort(mass, kind="stable")
    ordered = mass[order]
    # neighbours follow each other in mass: they begin where the one behind the last is no nearer than the first
    starts = np.searchsorted(ordered[:-neighbours] + ordered[neighbours:], 2 * ordered)
    places = starts[:, None] + np.arange(neighbours)
    times = np.bincount(places.ravel(), minlength=len(mass))
    share = (1 / np.maximum(times, 1))[places].sum(axis=1)
    return [Groups(order[places], share / share.sum())]


def bins(mass: Floats, count: int = BINS) -> list[Groups]:
    """Bins of equal width from the least mass (n,) to the largest; each shares by its events, one without is left out.

    Raises TooFewError for no events.
    """
    _check(len(mass), 1)
    edges = np.linspace(mass.min(), mass.max(), count + 1)[1:-1]
    found = np.searchsorted(edges, mass)
    return [Groups(np.flatnonzero(found == b)[None], np.array([np.mean(found == b)])) for b in np.unique(found)]


def cvm(scores: Floats, groups: Iterable[Groups]) -> float:
    """The mean distance of groups, each by its share, from all scores (n,).

    The mean over all events is not taken one by one, which would cost n a group. With p the share of all events that is
    at a score, w that of a group's events, b of those below it, and T(a) = sum_{c > a} p_c F_c + p_a F_a / 2, it is

        sum_a [ w_a (w_a + 2 b_a) (1 - F_a) - w_a^2 p_a / 4 - 2 w_a T_a ] + sum_c p_c F_c^2
    """
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    place = place.astype(np.int32)  # short numbers are sorted faster
    p = counts / len(scores)
    f = np.cumsum(p) - p / 2
    tail = np.cumsum((p * f)[::-1])[::-1] - p * f / 2
    total = 0.0
    for members, share in groups:
        size = members.shape[1]
        rows = np.sort(place[members], axis=1)
        new = np.ones(rows.shape, dtype=bool)
        new[:, 1:] = rows[:, 1:] != rows[:, :-1]
        first = np.flatnonzero(new)  # of the members of a group that have the same score
        a, w, b = rows.ravel()[first], np.diff(first, append=rows.size) / size, first % size / size
        terms = w * (w + 2 * b) * (1 - f[a]) - w**2 * p[a] / 4 - 2 * w * tail[a]
        total += float(share @ np.bincount(first // size, terms)) + float(share.sum() * (p @ f**2))
    return max(0.0, total)  # rounding may take a 0 below


def independent(events: int, window: int = WINDOW) -> float:
    """What windows of so many of N events give on average when the score is independent of the mass.

    (1/6k) (1 - k/N): the variance of a share of k drawn from N without putting back, p (1 - p) / k (1 - k/N), averaged
    over p. Raises TooFewError for fewer events than a window holds.
    """
    _check(events, window)
    return (1 - window / events) / (6 * window)


def estimate(scores: Floats, mass: Floats, grouping: Grouping, confidence: float = CONFIDENCE) -> Estimate:
    """The distance with its interval, by a bootstrap over events: scores, mass (n,).

    An event that is drawn twice is its own neighbour in mass and in score, so that replicas look more sculpted than
    the events, by about what an independent score has. Their mean is moved to the value: the interval is that of their
    spread. Without dependence it is too wide by up to 1.7 (a bootstrap of degenerate statistics), never too narrow.
    Raises TooFewError where there are too few events.
    """
    groups = grouping(mass)
    value = cvm(scores, groups)
    rng = np.random.default_rng(SEED)
    count = min(REPLICAS, max(40, LOOKED_AT // sum(members.size for members, _ in groups)))
    drawn = (rng.integers(len(mass), size=len(mass)) for _ in range(count))
    replicas = np.array([cvm(scores[index], grouping(mass[index])) for index in drawn])
    tail = (1 - confidence) / 2
    low, high = np.quantile(replicas, (tail, 1 - tail)) - replicas.mean() + value
    return Estimate(value, max(0.0, min(float(low), value)), max(float(high), value))


class CVM(Metric):
    """Dependence of the signal's score on the mass of the first background: Cramér-von Mises, 0 is none.

    `cvm` in windows of 200 neighbours, and `cvm_independent`, what a score that tells no mass has there on average;
    `cvm_knn` around each event, `cvm_bins` in bins of mass. The largest possible values depend on how much of the
    spectrum a window covers: compare them on as many events. Nothing where no class is the signal.
    """

    name = "cvm"

    def __call__(self, scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        """The estimates by name; None with a reason where the task has no mass, or too few events of the background."""
        if not scored.signal:
            return {}
        if scored.mass is None:
            return {"cvm": Estimate(None, reason="no mass that a score must not tell")}
        chosen = (scored.labels == SCULPTED) & np.isfinite(scored.mass)
        scores, mass = scored.scores[chosen, 0], scored.mass[chosen]
        name = scored.classes[SCULPTED]
        return {
            "cvm": _estimate(scores, mass, windows, confidence, name),
            "cvm_independent": _independent(len(mass), name),
            "cvm_knn": _estimate(scores, mass, nearest, confidence, name),
            "cvm_bins": _estimate(scores, mass, bins, confidence, name),
        }


def _estimate(scores: Floats, mass: Floats, grouping: Grouping, confidence: float, name: str) -> Estimate:
    try:
        return estimate(scores, mass, grouping, confidence)
    except TooFewError as error:
        return Estimate(None, reason=f"{error} of {name}")


def _independent(events: int, name: str) -> Estimate:
    try:
        return Estimate(independent(events))
    except TooFewError as error:
        return Estimate(None, reason=f"{error} of {name}")


class TooFewError(UserError):
    """There are fewer events than one group holds."""


def _check(events: int, needed: int) -> None:
    if events < needed:
        raise TooFewError(f"{events} test events, expected {needed} or more")
