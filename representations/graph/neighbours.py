"""Edges between neighbours in (eta, phi), of many events at once, by numba."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numba import njit

from representations.kernels.particles import principal
from representations.kernels.threads import shared_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHUNK = 1 << 18
"""Edges that a thread has room for, or one event's if that is more."""
_FEW = 256
"""Nodes up to which each is compared with all others."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Which nodes of an event are joined. Distances are dR^2 = deta^2 + dphi^2 in float64, dphi the short way round.

    by : "nearest": edges to each node from the `k` nearest others (from all, if there are fewer); of equal distances
        the lower number is nearer. "radius": between all that are not farther apart than `radius`. "complete": all.
    symmetric : for each edge the one back as well, each once.
    loops : an edge from each node to itself; it does not count among the k.
    """

    by: Literal["nearest", "radius", "complete"] = "nearest"
    k: int = 7
    radius: float = 0.4
    symmetric: bool = False
    loops: bool = False


def edges(
    eta: NDArray[np.float64], phi: NDArray[np.float64], offsets: NDArray[np.int64], rule: Rule
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """How many edges each event has (events,), and all of them (total, 2): sender and receiver, counted in the event.

    Sorted by receiver, then by sender. eta, phi : (total,), finite, radians; nodes of event i lie at
    `offsets[i]:offsets[i + 1]`.
    """
    nodes, phi = np.diff(offsets), principal(phi)
    others = np.maximum(nodes - 1, 0)
    near = np.minimum(others, rule.k)
    senders = {"nearest": np.minimum(2 * near, others) if rule.symmetric else near}.get(rule.by, others)
    room = nodes * (senders + rule.loops)
    counts = np.zeros(len(nodes), np.int64)

    def work(first: int, last: int) -> NDArray[np.int32]:
        found = np.empty((int(room[first:last].sum()), 2), np.int32)  # what is not written costs no memory
        if rule.by == "nearest":
            used = _nearest(first, last, offsets, eta, phi, rule.k, rule.symmetric, rule.loops, counts, found)
        elif rule.by == "radius":
            used = _within(first, last, offsets, eta, phi, rule.radius, rule.loops, counts, found)
        else:
            used = _complete(first, last, offsets, rule.loops, counts, found)
        return found if used == len(found) else found[:used].copy()

    parts = shared_out(work, room + 1, _CHUNK)
    return counts, np.concatenate([np.empty((0, 2), np.int32), *parts])


@njit(cache=True, nogil=True)
def _distance2(deta, dphi):  # type: ignore[no-untyped-def]
    """dR^2, for angles that are no more than a turn apart."""
    dphi = math.pi - abs(math.pi - abs(dphi))
    return deta * deta + dphi * dphi


@njit(cache=True, nogil=True)
def _complete(first, last, offsets, loops, counts, found):  # type: ignore[no-untyped-def]
    """Edges between all nodes; the number of them."""
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


@njit(cache=True, nogil=True)
def _within(first, last, offsets, eta, phi, radius, loops, counts, found):  # type: ignore[no-untyped-def]
    """Edges between nodes with dR <= radius; the number of them."""
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


@njit(cache=True, nogil=True)
def _keep(distance2, other, k, near, near2):  # type: ignore[no-untyped-def]
    """Put `other` among the k nearest, which are sorted by distance and number, if it belongs there."""
    place = k - 1
    if distance2 > near2[place] or (distance2 == near2[place] and other > near[place]):
        return
    while place > 0 and (distance2 < near2[place - 1] or (distance2 == near2[place - 1] and other < near[place - 1])):
        near[place], near2[place] = near[place - 1], near2[place - 1]
        place -= 1
    near[place], near2[place] = other, distance2


@njit(cache=True, nogil=True)
def _neighbours(number, eta, phi, k, senders, near, near2):  # type: ignore[no-untyped-def]
    """Fill `senders` (n, k) with the k < n nearest of each node, by number. All is given in rising eta.

    From each node one walks up and down in eta as far as something may still be near: of thousands few are looked at.
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
        for i in range(k):  # sorted by insertion: there are few
            other, gap = near[i], i
            while gap > 0 and senders[row, gap - 1] > other:
                senders[row, gap] = senders[row, gap - 1]
                gap -= 1
            senders[row, gap] = other


@njit(cache=True, nogil=True)
def _apart(node, eta, phi, apart):  # type: ignore[no-untyped-def]
    """dR^2 of a node to each, itself infinitely far; in a loop that can be vectorised."""
    for other in range(len(eta)):
        apart[other] = _distance2(eta[node] - eta[other], phi[node] - phi[other])
    apart[node] = np.inf


@njit(cache=True, nogil=True)
def _up_to(limit, apart):  # type: ignore[no-untyped-def]
    """How many are not farther than a limit; in a loop that can be vectorised."""
    count = 0
    for distance2 in apart:
        count += distance2 <= limit
    return count


@njit(cache=True, nogil=True)
def _limit(apart, k, guess):  # type: ignore[no-untyped-def]
    """Two limits: k at most are within the first; if fewer than k are, those that are missing lie at the second.

    Found by false position, as numbers grow about evenly with dR^2, and after some steps by halving. At least k are at
    finite distances; guess : where to look for the k-th, more than 0.
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
        if not low < middle < high:  # nothing lies between: equal distances
            return low, high
        count = _up_to(middle, apart)
        if count < k:
            low, below = middle, count
        else:
            high, within = middle, count
        step += 1
    return high, high


@njit(cache=True, nogil=True)
def _of_few(eta, phi, k, senders, near, apart):  # type: ignore[no-untyped-def]
    """What `_neighbours` does, in the nodes' own order: of so few, all are looked at faster than they are sorted."""
    n, guess = len(eta), 1.0
    apart[n:] = np.inf
    for node in range(n):
        _apart(node, eta, phi, apart)
        sure, last = _limit(apart, k, guess)
        guess = max(last, 1e-30)
        left = 0 if sure == last else k - _up_to(sure, apart)  # of those at the distance `last`, the first ones
        held = 0
        if left == 0:
            for other in range(n):  # without branches, which nobody could predict
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


@njit(cache=True, nogil=True)
def _join(n, k, senders, joined, starts):  # type: ignore[no-untyped-def]
    """Senders of each node and those that it sends to, each once, by number: node i's at starts[i]:starts[i + 1]."""
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


@njit(cache=True, nogil=True)
def _nearest(first, last, offsets, eta, phi, most, symmetric, loops, counts, found):  # type: ignore[no-untyped-def]
    """Edges from the `most` nearest to each node; the number of them."""
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
