"""Compiled kernels that merge particles two at a time, for many events per call.

This module merges along edges, in the order of pt, and at random; `clustering.py` merges nearest neighbours.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmark.core.compiled import compiled

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Levels = NDArray[np.int32]

MAX_RAPIDITY = 1e5
"""Rapidity of a momentum along the beam, to which pz is added so that two of them differ, as in FastJet (1111.6097)."""


class MergeArrays(NamedTuple):
    """Particles of all events, and the arrays of their trees to fill.

    offsets, momenta : first particle of each event (events + 1,), and px, py, pz, E (particles, 4).
    rows, merges, levels : first merge of each event (events + 1,), and the values of `models.views.trees.Trees`.
    """

    offsets: Integers
    momenta: Floats
    rows: Integers
    merges: Levels
    levels: Levels


@compiled
def largest(first: int, last: int, arrays: MergeArrays) -> int:
    """The largest number of particles in the events [first, last), at least 1."""
    most = 1
    for event in range(first, last):
        most = max(most, arrays.offsets[event + 1] - arrays.offsets[event])
    return most


@compiled
def tree_of(event: int, arrays: MergeArrays, nodes: Floats) -> tuple[Levels, Levels]:
    """The merges and levels of an event; its momenta are copied to `nodes`."""
    start, stop, row = arrays.offsets[event], arrays.offsets[event + 1], arrays.rows[event]
    n = stop - start
    nodes[:n] = arrays.momenta[start:stop]
    return arrays.merges[row : row + n - 1], arrays.levels[start + row : stop + row + n - 1]


@compiled
def join(a: int, b: int, node: int, nodes: Floats, merges: Levels, levels: Levels) -> None:
    """Make `node` the sum of nodes a and b (E-scheme), and store the child of higher pt first."""
    for axis in range(4):
        nodes[node, axis] = nodes[a, axis] + nodes[b, axis]
    pt2_a = nodes[a, 0] * nodes[a, 0] + nodes[a, 1] * nodes[a, 1]
    pt2_b = nodes[b, 0] * nodes[b, 0] + nodes[b, 1] * nodes[b, 1]
    if pt2_b > pt2_a or (pt2_b == pt2_a and b < a):
        a, b = b, a
    row = node - len(merges) - 1
    merges[row, 0], merges[row, 1] = a, b
    levels[node] = max(levels[a], levels[b]) + 1


@compiled
def rapidity(px: float, py: float, pz: float, e: float) -> float:
    """y = 1/2 ln((E + pz) / (E - pz)), from sums of positive terms only."""
    kt2 = px * px + py * py
    if e == abs(pz) and kt2 == 0.0:
        return math.copysign(MAX_RAPIDITY + abs(pz), pz)
    m2 = max(0.0, (e + pz) * (e - pz) - kt2)
    larger = e + abs(pz)
    y = 0.5 * math.log((kt2 + m2) / (larger * larger))
    return -y if pz > 0 else y


@compiled
def azimuth(px: float, py: float) -> float:
    """phi in [0, 2 pi)."""
    if px == 0.0 and py == 0.0:
        return 0.0
    phi = math.atan2(py, px)
    if phi < 0.0:
        phi += 2 * math.pi
    return phi - 2 * math.pi if phi >= 2 * math.pi else phi


@compiled
def kt_power(px: float, py: float, power: int) -> float:
    """kt^(2 power); a large finite number for a negative power and kt 0."""
    kt2 = px * px + py * py
    if power == 0:
        return 1.0
    if power > 0:
        return kt2
    return 1.0 / kt2 if kt2 > 1e-300 else 1e300


@compiled
def _root(node: int, parents: Integers) -> int:
    """The particle that represents all particles merged with this one; shortens paths on the way."""
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node


@compiled
def along(
    first: int, last: int, arrays: MergeArrays, power: int, begins: Integers, edges: Integers, pt: Floats
) -> None:
    """Merge along edges in rising d of their two particles (Kruskal, Proc. Am. Math. Soc. 7 (1956) 48), p = `power`.

    Parts of an event that no edges connect are then merged in falling `pt` of their hardest particle.

    begins, edges : offsets (events + 1,), and pairs of particles (total, 2) counted within the event.
    """
    most = largest(first, last, arrays)
    nodes = np.empty((2 * most, 4))
    y, phi, scale = np.empty(most), np.empty(most), np.empty(most)
    parents, number = np.empty(most, np.int64), np.empty(most, np.int64)
    for event in range(first, last):
        start, n = arrays.offsets[event], arrays.offsets[event + 1] - arrays.offsets[event]
        merges, levels = tree_of(event, arrays, nodes)
        for i in range(n):
            px, py, pz, e = nodes[i, 0], nodes[i, 1], nodes[i, 2], nodes[i, 3]
            y[i], phi[i], scale[i] = rapidity(px, py, pz, e), azimuth(px, py), kt_power(px, py, power)
            number[i] = parents[i] = i
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
                join(number[one], number[other], node, nodes, merges, levels)
                parents[max(one, other)] = min(one, other)
                number[min(one, other)] = node
                node += 1
        grown = -1
        for i in np.argsort(-pt[start : start + n], kind="mergesort"):
            root = _root(i, parents)
            if grown >= 0 and root != grown:
                join(number[grown], number[root], node, nodes, merges, levels)
                parents[root] = grown
                number[grown] = node
                node += 1
            elif grown < 0:
                grown = root


@compiled
def chain(first: int, last: int, arrays: MergeArrays, pt: Floats) -> None:
    """Merge particles one by one into a single node, in falling `pt`."""
    nodes = np.empty((2 * largest(first, last, arrays), 4))
    for event in range(first, last):
        start, n = arrays.offsets[event], arrays.offsets[event + 1] - arrays.offsets[event]
        merges, levels = tree_of(event, arrays, nodes)
        order = np.argsort(-pt[start : start + n], kind="mergesort")
        for step in range(n - 1):
            grown = order[0] if step == 0 else n + step - 1
            join(grown, order[step + 1], n + step, nodes, merges, levels)


@compiled
def _random(state: np.uint64) -> tuple[np.uint64, np.uint64]:
    """The next 64 bits of SplitMix64 (Steele et al., 2014), and its state.

    As `benchmark.core.hashing.splitmix64`, which compiled code cannot call.
    """
    state += np.uint64(0x9E3779B97F4A7C15)
    x = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31)), state


@compiled
def shuffle(first: int, last: int, arrays: MergeArrays, pt: Floats, seeds: NDArray[np.uint64]) -> None:
    """Merge pairs of remaining nodes, drawn with equal probability from the random numbers of the event.

    Particles are numbered in falling `pt`, so that the tree does not depend on their order.
    """
    nodes = np.empty((2 * largest(first, last, arrays), 4))
    for event in range(first, last):
        start, n = arrays.offsets[event], arrays.offsets[event + 1] - arrays.offsets[event]
        merges, levels = tree_of(event, arrays, nodes)
        left = np.argsort(-pt[start : start + n], kind="mergesort")
        _, state = _random(seeds[event])
        for step in range(n - 1):
            used = n - step
            bits, state = _random(state)
            a = np.int64(bits % np.uint64(used))
            bits, state = _random(state)
            b = np.int64(bits % np.uint64(used - 1))
            b += b >= a
            join(left[a], left[b], n + step, nodes, merges, levels)
            left[min(a, b)] = n + step
            left[max(a, b)] = left[used - 1]
