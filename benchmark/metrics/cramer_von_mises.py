"""Cramér-von Mises distances between groups of events and all events: value, influences, and what chance gives.

Groups are neighbours in mass; a score whose distribution is the same in all of them does not depend on the mass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from benchmark.metrics.arrays import Floats

    Indices = NDArray[np.intp]

MOST_MEMBERS = 4_000_000
"""Members of groups that are in memory at a time, with about ten numbers each."""


class Groups(NamedTuple):
    """Groups of equal size, which may overlap: positions of members (groups, size), weight of each group (groups,)."""

    members: Indices
    share: Floats


def cvm(scores: Floats, groups: Iterable[Groups]) -> float:
    """The weighted mean distance between the scores of groups and all scores (n,); see `_compared`."""
    order = score_order(scores)
    chunks = [chunk for each in groups for chunk in _chunks(each)]
    parts = [float(share @ _compared(order, np.sort(order.place[members], axis=1))[1]) for members, share in chunks]
    return max(0.0, sum(parts))  # rounding may give a small negative number


class ScoreOrder(NamedTuple):
    """Scores in groups of equal ones, in ascending order.

    Parameters
    ----------
    place : (n,) the position of each event's score among the k distinct ones.
    p, f : (k,) the share of events at a score, and F at its midpoint.
    """

    place: NDArray[np.int32]
    p: Floats
    f: Floats


def score_order(scores: Floats) -> ScoreOrder:
    """The order of scores (n,)."""
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    return ScoreOrder(place.astype(np.int32), counts / len(scores), (np.cumsum(counts) - counts / 2) / len(scores))


def _above(values: Floats) -> Floats:
    """For each of values (k,) the sum of those behind it, and half of itself."""
    found: Floats = np.cumsum(values[::-1])[::-1] - values / 2
    return found


def _chunks(groups: Groups) -> Iterable[Groups]:
    """Groups in parts whose members fit into memory several times."""
    step = max(1, MOST_MEMBERS // groups.members.shape[1])
    return (
        Groups(groups.members[start : start + step], groups.share[start : start + step])
        for start in range(0, len(groups.share), step)
    )


def _compared(order: ScoreOrder, rows: NDArray[np.int32]) -> tuple[Floats, Floats]:
    """The distance of groups to all events.

    The mean over all events is not a loop over events, which would cost n for each group. With U(a) the mean over the
    members r of a group of E_i[1(s_i above a) 1(s_i above r)], where ties count half in each factor,

        mean_i F_g(s_i)^2 = mean_r U(r),   mean_i F_g(s_i) F(s_i) = mean_r T(r),   T(a) = (1 - F_a^2 - p_a^2 / 4) / 2

    with p the share of events at a score.

    Parameters
    ----------
    rows : (groups, size) the places of the members' scores, in ascending order.

    Returns
    -------
    excess : (groups, size) U(r) - T(r): by how much a member moves half of the distance, up to a constant of the group.
    distance : (groups,) the mean over all events of (F_g - F)^2.
    """
    size = rows.shape[1]
    f, p = order.f[rows], order.p[rows]
    beyond, tail = 1 - f, (1 - f**2 - p**2 / 4) / 2
    # members below a, and a itself, have its own share above; members above a have theirs
    shares = np.arange(size) * beyond + np.cumsum(beyond[:, ::-1], axis=1)[:, ::-1]
    shares -= p / 4 * _equal(rows)
    excess = shares / size - tail
    return excess, excess.mean(axis=1) - tail.mean(axis=1) + float(order.p @ order.f**2)


def _sorted(order: ScoreOrder, members: Indices) -> tuple[Indices, NDArray[np.int32]]:
    """The members of groups (groups, size) in ascending order of their scores, and the places of these."""
    size = members.shape[1]
    bits = size.bit_length()
    kind = np.int32 if len(order.p) < 2 ** (31 - bits) else np.int64
    keys = (order.place.astype(kind) << bits)[members] | np.arange(size, dtype=kind)
    keys.sort(axis=1)  # faster than an argsort
    rows: NDArray[np.int32] = (keys >> bits).astype(np.int32, copy=False)
    return np.take_along_axis(members, keys & ((1 << bits) - 1), axis=1), rows


def _equal(rows: NDArray[np.int32]) -> Floats:
    """How many entries of a sorted row equal each entry, (groups, size)."""
    new = np.ones(rows.shape, dtype=bool)
    new[:, 1:] = rows[:, 1:] != rows[:, :-1]
    lengths = np.diff(np.flatnonzero(new), append=rows.size)
    return np.repeat(lengths, lengths).reshape(rows.shape).astype(np.float64)


def moments(order: ScoreOrder, groups: Sequence[Groups]) -> tuple[float, Floats, float, float]:
    """The CVM, the influence of each event (n,), and mean and variance of the CVM of an independent score.

    Events are in the order of their mass, and so are the members of each group, without gaps.
    """
    place, p, f = order
    events = len(place)
    value, second = 0.0, np.zeros(len(p))
    own, near, weight, times = (np.zeros(events) for _ in range(4))
    for each in groups:
        for members, share in _chunks(each):
            size = members.shape[1]
            ascending, rows = _sorted(order, members)
            excess, distance = _compared(order, rows)
            value += float(share @ distance)
            moved = 2 / size * share[:, None] * (excess - excess.mean(axis=1, keepdims=True))
            own += np.bincount(ascending.ravel(), moved.ravel(), events)
            weight += _inside(members, share / size, events)
            near += _inside(members, share / size * distance, events)
            times += _inside(members, np.ones(len(share)), events)  # whole numbers: without rounding, unlike weights
            steps = share[:, None] / size**2 * (2 * np.arange(size) + 1)
            second += np.bincount(rows.ravel(), steps.ravel(), len(p))
    first = np.bincount(place, weight, len(p))
    mean_f, mean_f2 = np.cumsum(first) - first / 2, np.cumsum(second) - second / 2
    apart, over = _above(p * (mean_f - f)), mean_f2 - 2 * mean_f * f + f**2
    # an event moves F_g of its groups, the share of groups at its mass, F, and the mean over all events
    there = np.divide(near, weight, out=np.full(events, value), where=times > 0) - value
    everywhere = ((over - p @ over) - 2 * (apart - p @ apart))[place] / events
    influence = own + there * _density(groups, events) + everywhere
    return max(0.0, value), influence, *_chance(order, groups, weight)


def _inside(members: Indices, values: Floats, events: int) -> Floats:
    """The sum (events,) of the values of the groups that an event is in; members are without gaps."""
    begin, end = members[:, 0], members[:, -1] + 1
    steps = np.bincount(begin, values, events + 1) - np.bincount(end, values, events + 1)
    found: Floats = np.cumsum(steps)[:-1]
    return found


def _density(groups: Sequence[Groups], events: int) -> float:
    """By how much the share of groups at a mass rises with one more event there."""
    members, share = groups[0]
    if len(groups) > 1 or len(share) == events:
        return 1 / events
    return 1.0 / (events - int(members.shape[1]) + 1)  # windows begin nowhere behind the last whole one


def _chance(order: ScoreOrder, groups: Sequence[Groups], weight: Floats) -> tuple[float, float]:
    """Mean and variance of the CVM of a score that is independent of the mass; see `estimate`.

    Parameters
    ----------
    weight : (n,) sum of W_g / k_g over the groups that an event is in.
    """
    _, p, f = order
    events, inverse, shared = len(weight), 0.0, 0.0
    for members, share in groups:
        size = members.shape[1]
        start, which = np.unique(members[:, 0], return_inverse=True)
        shares = np.bincount(which, share)
        inverse += float(shares.sum()) / size
        for lag in range(min(size, len(start))):
            common = np.maximum(0, size - (start[lag:] - start[: len(start) - lag])).astype(np.float64)
            if not common.any():
                break
            pairs = float((shares[lag:] * shares[: len(start) - lag]) @ common**2)
            shared += (2 if lag else 1) * pairs / size**4
    on_itself = f - p / 4 - f**2
    squares = 2 * float((p * f**2) @ (_above(p * (1 - f) ** 2) - p * (1 - f) ** 2 / 2)) + float(p**2 @ on_itself**2)
    scale = shared - 2 / events * float(weight @ weight) + 1 / events**2
    return float(p @ on_itself) * (inverse - 1 / events), 2 * squares * max(0.0, scale)
