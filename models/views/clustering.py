"""The merging of particles into binary trees, compiled: one call for many events.

Each function fills, for the events [first, last), `merges` and `levels` (see `models.views.trees`). The momenta of
an event's nodes are put into `nodes`, columns px, py, pz, E.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

MAX_RAPIDITY = 1e5
"""Of a momentum along the beam (its pz is added, so that two of them differ), as in FastJet (arXiv:1111.6097)."""


@njit(cache=True, nogil=True)
def _rapidity(px, py, pz, e):  # type: ignore[no-untyped-def]
    """y = 1/2 ln((E + pz) / (E - pz)), from sums of positive terms alone."""
    kt2 = px * px + py * py
    if e == abs(pz) and kt2 == 0.0:
        return math.copysign(MAX_RAPIDITY + abs(pz), pz)
    m2 = max(0.0, (e + pz) * (e - pz) - kt2)
    larger = e + abs(pz)
    y = 0.5 * math.log((kt2 + m2) / (larger * larger))
    return -y if pz > 0 else y


@njit(cache=True, nogil=True)
def _azimuth(px, py):  # type: ignore[no-untyped-def]
    """phi in [0, 2 pi)."""
    if px == 0.0 and py == 0.0:
        return 0.0
    phi = math.atan2(py, px)
    if phi < 0.0:
        phi += 2 * math.pi
    return phi - 2 * math.pi if phi >= 2 * math.pi else phi


@njit(cache=True, nogil=True)
def _scale(px, py, power):  # type: ignore[no-untyped-def]
    """kt^(2 power); that of no momentum at all is as large as can be compared where the power is negative."""
    kt2 = px * px + py * py
    if power == 0:
        return 1.0
    if power > 0:
        return kt2
    return 1.0 / kt2 if kt2 > 1e-300 else 1e300


@njit(cache=True, nogil=True)
def _place(n, nodes, power, y, phi, scale, number):  # type: ignore[no-untyped-def]
    """Rapidity, azimuth and scale of the first n nodes, and their own numbers."""
    for i in range(n):
        px, py, pz, e = nodes[i, 0], nodes[i, 1], nodes[i, 2], nodes[i, 3]
        y[i], phi[i], scale[i] = _rapidity(px, py, pz, e), _azimuth(px, py), _scale(px, py, power)
        number[i] = i


@njit(cache=True, nogil=True)
def _merge(a, b, node, row, level, nodes, merges, levels):  # type: ignore[no-untyped-def]
    """Make `node` the sum of nodes a and b (E-scheme) and note them in `row`, the one of higher pt first.

    level : where the levels of this event's nodes begin.
    """
    for axis in range(4):
        nodes[node, axis] = nodes[a, axis] + nodes[b, axis]
    pt2_a = nodes[a, 0] * nodes[a, 0] + nodes[a, 1] * nodes[a, 1]
    pt2_b = nodes[b, 0] * nodes[b, 0] + nodes[b, 1] * nodes[b, 1]
    if pt2_b > pt2_a or (pt2_b == pt2_a and b < a):
        a, b = b, a
    merges[row, 0], merges[row, 1] = a, b
    levels[level + node] = max(levels[level + a], levels[level + b]) + 1


@njit(cache=True, nogil=True)
def _distances(slot, used, y, phi, apart):  # type: ignore[no-untyped-def]
    """dy^2 + dphi^2 of a slot to each other; in a loop of its own, so that it can be vectorised."""
    y_slot, phi_slot = y[slot], phi[slot]
    for other in range(used):
        dphi = math.pi - abs(math.pi - abs(phi_slot - phi[other]))
        dy = y_slot - y[other]
        apart[other] = dphi * dphi + dy * dy
    apart[slot] = np.inf


@njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def _smallest(values, used):  # type: ignore[no-untyped-def]
    """The smallest of numbers, none of them NaN; so told, the compiler compares several at a time."""
    smallest = np.inf
    for slot in range(used):
        smallest = values[slot] if values[slot] < smallest else smallest
    return smallest


@njit(cache=True, nogil=True)
def _alone(values, used, value):  # type: ignore[no-untyped-def]
    """Where a value is, or -1 if it is in several places; without branches, which nobody could predict."""
    count, last = 0, 0
    for slot in range(used):
        here = values[slot] == value
        count += here
        last = max(last, slot if here else 0)
    return last if count == 1 else -1


@njit(cache=True, nogil=True)
def _nearest(used, number, apart):  # type: ignore[no-untyped-def]
    """Where the smallest distance is; of several, that of the lowest node number."""
    smallest = _smallest(apart, used)
    best = _alone(apart, used, smallest)
    if best < 0:
        for slot in range(used):
            if apart[slot] == smallest and (best < 0 or number[slot] < number[best]):
                best = slot
    return best, smallest


@njit(cache=True, nogil=True)
def _closest(used, number, nearest, near2, d):  # type: ignore[no-untyped-def]
    """The slot of the smallest d to its nearest neighbour; ties: smaller angle, then lower node numbers.

    Two that are each other's nearest have the same d: of these the first is it.
    """
    smallest = _smallest(d, used)
    best = -1
    for slot in range(used):
        if d[slot] == smallest and best < 0:
            best = slot
        elif d[slot] == smallest and nearest[best] != slot:
            if near2[slot] > near2[best]:
                continue
            if near2[slot] == near2[best]:
                here, there = number[nearest[slot]], number[nearest[best]]
                low, low_best = min(number[slot], here), min(number[best], there)
                if low > low_best or (low == low_best and max(number[slot], here) >= max(number[best], there)):
                    continue
            best = slot
    return best


@njit(cache=True, nogil=True)
def _replace(kept, freed, used, y, phi, scale, number, nearest, near2, d, apart, again):  # type: ignore[no-untyped-def]
    """Nearest neighbours after `kept` became the merged node and `freed` went; `used` slots are left.

    The last slot was moved to `freed`.
    """
    _distances(kept, used, y, phi, apart)
    lost, scale_kept = 0, scale[kept]
    for slot in range(used):  # without branches, which nobody could predict
        again[lost] = slot
        lost += (nearest[slot] == kept) | (nearest[slot] == freed)
    for slot in range(used):  # can be vectorised
        # the merged node has the highest number of all: at equal distance the other stays
        closer = apart[slot] < near2[slot]
        nearest[slot] = kept if closer else freed if nearest[slot] == used else nearest[slot]
        d[slot] = min(scale[slot], scale_kept) * apart[slot] if closer else d[slot]
        near2[slot] = apart[slot] if closer else near2[slot]
    nearest[kept], near2[kept] = _nearest(used, number, apart)
    d[kept] = min(scale[kept], scale[nearest[kept]]) * near2[kept]
    for k in range(lost):
        slot = again[k]
        if slot != kept:
            _distances(slot, used, y, phi, apart)
            nearest[slot], near2[slot] = _nearest(used, number, apart)
            d[slot] = min(scale[slot], scale[nearest[slot]]) * near2[slot]


@njit(cache=True, nogil=True)
def _most(first, last, offsets):  # type: ignore[no-untyped-def]
    """Particles of the largest event, 1 at least."""
    most = 1
    for event in range(first, last):
        most = max(most, offsets[event + 1] - offsets[event])
    return most


@njit(cache=True, nogil=True)
def cluster(first, last, offsets, rows, momenta, power, merges, levels):  # type: ignore[no-untyped-def]
    """Sequential recombination with d = min(kt^2p of both) (dy^2 + dphi^2), p = `power`, until one is left.

    Each keeps its geometric nearest neighbour, which is enough to find the smallest d: n^2 steps, not n^3
    (Cacciari and Salam, hep-ph/0512210).
    """
    most = _most(first, last, offsets)
    nodes = np.empty((2 * most, 4))
    # arrays of their own: the rows of one array would count as strided, and no loop over them could be vectorised
    y, phi, scale, near2, d, apart = (
        np.empty(most),
        np.empty(most),
        np.empty(most),
        np.empty(most),
        np.empty(most),
        np.empty(most),
    )
    number, nearest, again = np.empty(most + 1, np.int64), np.empty(most + 1, np.int64), np.empty(most + 1, np.int64)
    for event in range(first, last):
        start, n, row = offsets[event], offsets[event + 1] - offsets[event], rows[event]
        nodes[:n] = momenta[start : start + n]
        _place(n, nodes, power, y, phi, scale, number)
        for slot in range(n):
            _distances(slot, n, y, phi, apart)
            nearest[slot], near2[slot] = _nearest(n, number, apart)
            d[slot] = min(scale[slot], scale[nearest[slot]]) * near2[slot]
        for node in range(n, 2 * n - 1):
            used = 2 * n - 1 - node  # that will be left
            one = _closest(used + 1, number, nearest, near2, d)
            kept, freed = min(one, nearest[one]), max(one, nearest[one])
            _merge(number[kept], number[freed], node, row + node - n, start + row, nodes, merges, levels)
            px, py, pz, e = nodes[node, 0], nodes[node, 1], nodes[node, 2], nodes[node, 3]
            y[kept], phi[kept], scale[kept] = _rapidity(px, py, pz, e), _azimuth(px, py), _scale(px, py, power)
            number[kept] = node
            y[freed], phi[freed], scale[freed], d[freed] = y[used], phi[used], scale[used], d[used]
            number[freed], nearest[freed], near2[freed] = number[used], nearest[used], near2[used]
            _replace(kept, freed, used, y, phi, scale, number, nearest, near2, d, apart, again)


@njit(cache=True, nogil=True)
def _root(node, parents):  # type: ignore[no-untyped-def]
    """The particle that stands for all that a particle was merged with; paths become shorter on the way."""
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node


@njit(cache=True, nogil=True)
def along(first, last, offsets, rows, momenta, power, begins, edges, pt, merges, levels):  # type: ignore[no-untyped-def]
    """Merge along edges in rising d of their two particles (Kruskal, Proc. Am. Math. Soc. 7 (1956) 48), p = `power`.

    begins, edges : offsets (events + 1,), and pairs of particles (total, 2) counted within the event.
    What no path of edges joins is added in falling `pt` of its first particle.
    """
    most = _most(first, last, offsets)
    nodes = np.empty((2 * most, 4))
    y, phi, scale = np.empty(most), np.empty(most), np.empty(most)
    parents, number = np.empty(most, np.int64), np.empty(most, np.int64)
    for event in range(first, last):
        start, n, row = offsets[event], offsets[event + 1] - offsets[event], rows[event]
        nodes[:n] = momenta[start : start + n]
        _place(n, nodes, power, y, phi, scale, number)
        parents[:n] = number[:n]
        pairs = edges[begins[event] : begins[event + 1]]
        d = np.empty(len(pairs))
        for k in range(len(pairs)):
            a, b = pairs[k, 0], pairs[k, 1]
            dphi = math.pi - abs(math.pi - abs(phi[a] - phi[b]))
            dy = y[a] - y[b]
            d[k] = min(scale[a], scale[b]) * (dphi * dphi + dy * dy)
        node = n
        for k in np.argsort(d, kind="mergesort"):
            one, other = _root(pairs[k, 0], parents), _root(pairs[k, 1], parents)
            if one != other:
                _merge(number[one], number[other], node, row + node - n, start + row, nodes, merges, levels)
                parents[max(one, other)] = min(one, other)
                number[min(one, other)] = node
                node += 1
        grown = -1
        for i in np.argsort(-pt[start : start + n], kind="mergesort"):
            root = _root(i, parents)
            if grown >= 0 and root != grown:
                _merge(number[grown], number[root], node, row + node - n, start + row, nodes, merges, levels)
                parents[root] = grown
                number[grown] = node
                node += 1
            elif grown < 0:
                grown = root


@njit(cache=True, nogil=True)
def chain(first, last, offsets, rows, momenta, pt, merges, levels):  # type: ignore[no-untyped-def]
    """Add one particle after the other, in falling `pt`."""
    nodes = np.empty((2 * _most(first, last, offsets), 4))
    for event in range(first, last):
        start, n, row = offsets[event], offsets[event + 1] - offsets[event], rows[event]
        nodes[:n] = momenta[start : start + n]
        order = np.argsort(-pt[start : start + n], kind="mergesort")
        for step in range(n - 1):
            grown = order[0] if step == 0 else n + step - 1
            _merge(grown, order[step + 1], n + step, row + step, start + row, nodes, merges, levels)


@njit(cache=True, nogil=True)
def _random(state):  # type: ignore[no-untyped-def]
    """The next 64 bits of SplitMix64 (Steele et al., 2014), and its state."""
    state += np.uint64(0x9E3779B97F4A7C15)
    x = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31)), state


@njit(cache=True, nogil=True)
def shuffle(first, last, offsets, rows, momenta, pt, seeds, merges, levels):  # type: ignore[no-untyped-def]
    """Merge two of those that are left, drawn with equal chances from a stream that the event's seed begins.

    Particles are drawn from in falling `pt`, so that the same event in another order has the same tree.
    """
    nodes = np.empty((2 * _most(first, last, offsets), 4))
    for event in range(first, last):
        start, n, row = offsets[event], offsets[event + 1] - offsets[event], rows[event]
        nodes[:n] = momenta[start : start + n]
        left = np.argsort(-pt[start : start + n], kind="mergesort")
        _, state = _random(seeds[event])
        for step in range(n - 1):
            used = n - step
            bits, state = _random(state)
            a = np.int64(bits % np.uint64(used))
            bits, state = _random(state)
            b = np.int64(bits % np.uint64(used - 1))
            b += b >= a
            _merge(left[a], left[b], n + step, row + step, start + row, nodes, merges, levels)
            left[min(a, b)] = n + step
            left[max(a, b)] = left[used - 1]
