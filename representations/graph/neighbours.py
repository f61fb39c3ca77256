"""Compiled search for neighbours in (eta, phi), for many events at once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from benchmark.core.compiled import compiled
from representations.kernels.particles import principal
from representations.kernels.threads import shared_out

if TYPE_CHECKING:
    from representations.kernels.arrays import Floats, Ints, Pixels

_CHUNK = 1 << 18
"""Edges in one piece of a thread's work; an event with more is a piece of its own."""
_FEW = 256
"""Events with at most this many nodes compare all pairs."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Which nodes of an event edges connect. Distances are dR^2 = deta^2 + dphi^2 in float64, dphi the short way round.

    Parameters
    ----------
    by : "nearest": edges to each node from the `k` nearest others, or from all if there are fewer; at equal distances
        the lower number is nearer. "radius": between nodes at most `radius` apart. "complete": between all nodes.
    symmetric : add the reverse of each edge, each once.
    loops : add an edge from each node to itself, which does not count among the k.
    """

    by: Literal["nearest", "radius", "complete"] = "nearest"
    k: int = 7
    radius: float = 0.4
    symmetric: bool = False
    loops: bool = False


def edges(eta: Floats, phi: Floats, offsets: Ints, rule: Rule) -> tuple[Ints, Pixels]:
    """Number of edges of each event (events,), and all edges (total, 2): sender and receiver, counted in the event.

    Edges are sorted by receiver, then by sender. eta, phi : (total,), finite; nodes of event i lie at
    `offsets[i]:offsets[i + 1]`.
    """
    nodes, phi = np.diff(offsets), principal(phi)
    others = np.maximum(nodes - 1, 0)
    near = np.minimum(others, rule.k)
    senders = {"nearest": np.minimum(2 * near, others) if rule.symmetric else near}.get(rule.by, others)
    room = nodes * (senders + rule.loops)
    counts = np.zeros(len(nodes), np.int64)

    def work(first: int, last: int) -> Pixels:
        found = np.empty((int(room[first:last].sum()), 2), np.int32)  # memory that is never written costs nothing
        if rule.by == "nearest":
            used = _nearest(first, last, (offsets, eta, phi), (rule.k, rule.symmetric, rule.loops), (counts, found))
        elif rule.by == "radius":
            used = _within(first, last, (offsets, eta, phi), rule.radius, rule.loops, (counts, found))
        else:
            used = _complete(first, last, offsets, rule.loops, counts, found)
        return found if used == len(found) else found[:used].copy()

    parts = shared_out(work, room + 1, _CHUNK)
    return counts, np.concatenate([np.empty((0, 2), np.int32), *parts])


@compiled
def _distance2(deta: float, dphi: float) -> float:
    """dR^2, for angles at most one turn apart."""
    dphi = math.pi - abs(math.pi - abs(dphi))
    return deta * deta + dphi * dphi


@compiled
def _complete(first: int, last: int, offsets: Ints, loops: bool, counts: Ints, found: Pixels) -> int:
    """Write edges between all nodes; returns their number."""
    used = 0
    for event in range(first, last):
        begin, n = used, offsets[event + 1] - offsets[event]
        for receiver in range(n):
            for sender in range(n):
                if loops or sender != receiver:
                    found[used, 0], found[used, 1] = sender, receiver
                    used += 1
        counts[event] = used - begin
    return used


@compiled
def _within(
    first: int, last: int, nodes: tuple[Ints, Floats, Floats], radius: float, loops: bool, out: tuple[Ints, Pixels]
) -> int:
    """Write edges between nodes with dR <= radius; returns their number."""
    offsets, eta, phi = nodes
    counts, found = out
    used = 0
    for event in range(first, last):
        begin, start, end = used, offsets[event], offsets[event + 1]
        number = np.argsort(eta[start:end], kind="mergesort")
        place = np.argsort(number)
        sorted_eta, sorted_phi = eta[start + number], phi[start + number]
        near = np.empty(end - start, np.int64)
        for receiver in range(end - start):
            here, held = place[receiver], 0
            for step in (-1, 1):  # down and up in eta, as far as the radius goes
                other = here + step
                while 0 <= other < end - start and abs(sorted_eta[other] - sorted_eta[here]) <= radius:
                    deta, dphi = sorted_eta[other] - sorted_eta[here], sorted_phi[other] - sorted_phi[here]
                    near[held] = number[other]
                    held += _distance2(deta, dphi) <= radius * radius
                    other += step
            if loops:
                near[held] = receiver
                held += 1
            near[:held].sort()
            for k in range(held):
                found[used, 0], found[used, 1] = near[k], receiver
                used += 1
        counts[event] = used - begin
    return used


@compiled
def _keep(distance2: float, other: int, k: int, near: Ints, near2: Floats) -> None:
    """Insert `other` into the k nearest, which are sorted by distance and number, if it is nearer than one of them."""
    place = k - 1
    if distance2 > near2[place] or (distance2 == near2[place] and other > near[place]):
        return
    while place > 0 and (distance2 < near2[place - 1] or (distance2 == near2[place - 1] and other < near[place - 1])):
        near[place], near2[place] = near[place - 1], near2[place - 1]
        place -= 1
    near[place], near2[place] = other, distance2


@compiled
def _neighbours(number: Ints, eta: Floats, phi: Floats, k: int, senders: Ints, near: Ints, near2: Floats) -> None:
    """Fill `senders` (n, k) with the k < n nearest of each node, by number. The arguments are sorted by eta.

    From each node the search goes up and down in eta only as far as a node may still be near.
    """
    n = len(number)
    for place in range(n):
        near[:k], near2[:k] = n, np.inf
        below, above = place - 1, place + 1
        down = eta[place] - eta[below] if below >= 0 else np.inf
        up = eta[above] - eta[place] if above < n else np.inf
        while min(down, up) < np.inf and min(down, up) ** 2 <= near2[k - 1]:
            if down <= up:
                _keep(_distance2(down, phi[place] - phi[below]), number[below], k, near, near2)
                below -= 1
                down = eta[place] - eta[below] if below >= 0 else np.inf
            else:
                _keep(_distance2(up, phi[place] - phi[above]), number[above], k, near, near2)
                above += 1
                up = eta[above] - eta[place] if above < n else np.inf
        row = number[place]
        for i in range(k):  # insertion sort, because there are few
            other, gap = near[i], i
            while gap > 0 and senders[row, gap - 1] > other:
                senders[row, gap] = senders[row, gap - 1]
                gap -= 1
            senders[row, gap] = other


@compiled
def _apart(node: int, eta: Floats, phi: Floats, apart: Floats) -> None:
    """Write dR^2 of a node to all nodes, infinity to itself; the loop is vectorised."""
    for other in range(len(eta)):
        apart[other] = _distance2(eta[node] - eta[other], phi[node] - phi[other])
    apart[node] = np.inf


@compiled
def _up_to(limit: float, apart: Floats) -> int:
    """How many distances are at most `limit`; the loop is vectorised."""
    count = 0
    for distance2 in apart:
        count += distance2 <= limit
    return count


@compiled
def _limit(apart: Floats, k: int, guess: float) -> tuple[float, float]:
    """Two limits of dR^2: at most k nodes are within the first, and the rest of the k nearest lie at the second.

    False position, because numbers grow about evenly with dR^2, then bisection. At least k distances must be finite.
    guess : a first value above 0.
    """
    low, below = 0.0, _up_to(0.0, apart)
    if below >= k:
        return (0.0, 0.0) if below == k else (-1.0, 0.0)
    high, within = guess, _up_to(guess, apart)
    while within < k:
        low, below, high = high, within, 2 * high
        within = _up_to(high, apart)
    step = 0
    while within > k:
        share = (k + 0.5 - below) / (within - below) if step < 8 else 0.5
        middle = low + (high - low) * share
        if not low < middle < high:  # no number in between: equal distances
            return low, high
        count = _up_to(middle, apart)
        if count < k:
            low, below = middle, count
        else:
            high, within = middle, count
        step += 1
    return high, high


@compiled
def _of_few(eta: Floats, phi: Floats, k: int, senders: Ints, near: Ints, apart: Floats) -> None:
    """As `_neighbours`, for nodes in their own order: a few nodes are compared faster than they are sorted."""
    n, guess = len(eta), 1.0
    apart[n:] = np.inf
    for node in range(n):
        _apart(node, eta, phi, apart)
        sure, last = _limit(apart, k, guess)
        guess = max(last, 1e-30)
        left = 0 if sure == last else k - _up_to(sure, apart)  # how many of those at the distance `last`
        held = 0
        if left == 0:
            for other in range(n):  # without branches, because they cannot be predicted
                near[held] = other
                held += apart[other] <= sure
        else:
            for other in range(n):
                near[held] = other
                equal = (apart[other] == last) & (left > 0)
                left -= equal
                held += (apart[other] <= sure) | equal
        for place in range(k):
            senders[node, place] = near[place]


@compiled
def _join(n: int, k: int, senders: Ints, joined: Ints, starts: Ints) -> None:
    """Write the senders and receivers of each node, each once, by number; node i's are at starts[i]:starts[i + 1]."""
    starts[: n + 1] = 0
    for node in range(n):
        for place in range(k):
            starts[senders[node, place] + 1] += 1
    for node in range(n):
        starts[node + 1] += starts[node]
    back, filled = np.empty(n * k, np.int64), starts[:n].copy()
    for node in range(n):  # in rising order, so that each list is sorted
        for place in range(k):
            other = senders[node, place]
            back[filled[other]] = node
            filled[other] += 1
    used, begin = 0, 0
    for node in range(n):
        place, there, end = 0, begin, starts[node + 1]
        starts[node] = used
        while place < k or there < end:
            if there == end or (place < k and senders[node, place] <= back[there]):
                there += there < end and senders[node, place] == back[there]
                joined[used] = senders[node, place]
                place += 1
            else:
                joined[used] = back[there]
                there += 1
            used += 1
        begin = end
    starts[n] = used


@compiled
def _nearest(
    first: int, last: int, nodes: tuple[Ints, Floats, Floats], rule: tuple[int, bool, bool], out: tuple[Ints, Pixels]
) -> int:
    """Write edges from the nearest nodes to each node; returns their number.

    rule : how many are nearest at most, and whether edges are symmetric and have loops, as in `Rule`.
    """
    offsets, eta, phi = nodes
    most, symmetric, loops = rule
    counts, found = out
    largest = 1
    for event in range(first, last):
        largest = max(largest, offsets[event + 1] - offsets[event])
    near, near2, apart = np.empty(most + 1, np.int64), np.empty(most), np.empty(largest + 32)
    joined, starts = np.empty(2 * largest * min(most, largest), np.int64), np.empty(largest + 1, np.int64)
    used = 0
    for event in range(first, last):
        begin, start, n = used, offsets[event], offsets[event + 1] - offsets[event]
        k = min(most, n - 1)
        if k > 0:
            senders = np.empty((n, k), np.int64)
            if n <= _FEW:
                _of_few(eta[start : start + n], phi[start : start + n], k, senders, near, apart[: -(-n // 32) * 32])
            else:
                number = np.argsort(eta[start : start + n], kind="mergesort")
                _neighbours(number, eta[start + number], phi[start + number], k, senders, near, near2)
        else:
            senders = np.empty((n, 0), np.int64)
        if symmetric and k > 0:
            _join(n, k, senders, joined, starts)
        else:
            for node in range(n + 1):
                starts[node] = node * k
            joined[: n * k] = senders.ravel()
        for receiver in range(n):
            looped = not loops
            for place in range(starts[receiver], starts[receiver + 1]):
                if not looped and joined[place] > receiver:
                    found[used, 0], found[used, 1] = receiver, receiver
                    used += 1
                    looped = True
                found[used, 0], found[used, 1] = joined[place], receiver
                used += 1
            if not looped:
                found[used, 0], found[used, 1] = receiver, receiver
                used += 1
        counts[event] = used - begin
    return used
