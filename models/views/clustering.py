"""Sequential recombination of particles with the generalised kt algorithm, compiled: one call for many events."""

from __future__ import annotations

import math

import numpy as np

from benchmark.core.compiled import compiled
from models.views.merge_kernels import (
    Floats,
    Integers,
    MergeArrays,
    azimuth,
    join,
    kt_power,
    largest,
    rapidity,
    tree_of,
)

# The remaining nodes are in slots, of which the first ones are in use. What is known of each slot is in the rows of two
# arrays, since a loop over a row can be vectorised:
#     reals      rapidity y, azimuth phi, scale = kt^2p, near2 = squared angle to the nearest neighbour, distance d to
#                it; and workspace, the squared angles from one slot to all
#     integers   node number, slot of the nearest neighbour; and workspace, a list of slots
# A NamedTuple of arrays would read better, but numba counts references at each access to its fields, which made this
# a quarter slower.
REALS, INTEGERS = 6, 3


@compiled
def _distances(slot: int, used: int, y: Floats, phi: Floats, apart: Floats) -> None:
    """dy^2 + dphi^2 between a slot and each other slot, in its own loop, so that it can be vectorised."""
    y_slot, phi_slot = y[slot], phi[slot]
    for other in range(used):
        dphi = math.pi - abs(math.pi - abs(phi_slot - phi[other]))
        dy = y_slot - y[other]
        apart[other] = dphi * dphi + dy * dy
    apart[slot] = np.inf


@compiled(fastmath={"nnan", "nsz"})
def _smallest(values: Floats, used: int) -> float:
    """The smallest value; none is NaN, so `fastmath` lets the compiler compare several at a time."""
    smallest = np.inf
    for slot in range(used):
        smallest = values[slot] if values[slot] < smallest else smallest
    return smallest


@compiled
def _alone(values: Floats, used: int, value: float) -> int:
    """The slot of a value, or -1 if several slots have it; without branches, which the CPU could not predict."""
    count, last = 0, 0
    for slot in range(used):
        here = values[slot] == value
        count += here
        last = max(last, slot if here else 0)
    return last if count == 1 else -1


@compiled
def _nearest(used: int, number: Integers, apart: Floats) -> tuple[int, float]:
    """Slot and value of the smallest distance; of equal distances, that of the lowest node number."""
    smallest = _smallest(apart, used)
    best = _alone(apart, used, smallest)
    if best < 0:
        for slot in range(used):
            if apart[slot] == smallest and (best < 0 or number[slot] < number[best]):
                best = slot
    return best, smallest


@compiled
def _closest(used: int, number: Integers, nearest: Integers, near2: Floats, d: Floats) -> int:
    """The slot of the smallest d; of equal d, that of the smaller angle, then of the lower node numbers.

    Two slots that are nearest to each other have the same d; the first one is returned.
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


@compiled
def _update(merged: int, freed: int, used: int, reals: Floats, integers: Integers) -> None:
    """Update neighbours after a merge: `merged` has the new node, `freed` the former last slot; `used` slots remain."""
    y, phi, scale, near2, d, apart = reals[0], reals[1], reals[2], reals[3], reals[4], reals[5]
    number, nearest, again = integers[0], integers[1], integers[2]
    _distances(merged, used, y, phi, apart)
    lost, scale_merged = 0, scale[merged]
    for slot in range(used):  # without branches, which the CPU could not predict
        again[lost] = slot
        lost += (nearest[slot] == merged) | (nearest[slot] == freed)
    for slot in range(used):  # can be vectorised
        # the merged node has the highest number: at equal distance the other neighbour stays
        closer = apart[slot] < near2[slot]
        nearest[slot] = merged if closer else freed if nearest[slot] == used else nearest[slot]
        d[slot] = min(scale[slot], scale_merged) * apart[slot] if closer else d[slot]
        near2[slot] = apart[slot] if closer else near2[slot]
    nearest[merged], near2[merged] = _nearest(used, number, apart)
    d[merged] = min(scale[merged], scale[nearest[merged]]) * near2[merged]
    for k in range(lost):
        slot = again[k]
        if slot != merged:
            _distances(slot, used, y, phi, apart)
            nearest[slot], near2[slot] = _nearest(used, number, apart)
            d[slot] = min(scale[slot], scale[nearest[slot]]) * near2[slot]


@compiled
def cluster(first: int, last: int, arrays: MergeArrays, power: int) -> None:
    """Merge the two nodes of smallest d = min(kt^2p of both) (dy^2 + dphi^2), p = `power`, until one node is left.

    The geometric nearest neighbour of each node suffices to find the smallest d, in n^2 steps instead of n^3 (Cacciari
    and Salam, hep-ph/0512210).
    """
    most = largest(first, last, arrays)
    nodes, offsets = np.empty((2 * most, 4)), arrays.offsets
    reals, integers = np.empty((REALS, most)), np.empty((INTEGERS, most + 1), np.int64)
    y, phi, scale, near2, d, apart = reals[0], reals[1], reals[2], reals[3], reals[4], reals[5]
    number, nearest = integers[0], integers[1]
    for event in range(first, last):
        n = offsets[event + 1] - offsets[event]
        merges, levels = tree_of(event, arrays, nodes)
        for i in range(n):
            px, py, pz, e = nodes[i, 0], nodes[i, 1], nodes[i, 2], nodes[i, 3]
            y[i], phi[i], scale[i] = rapidity(px, py, pz, e), azimuth(px, py), kt_power(px, py, power)
            number[i] = i
        for slot in range(n):
            _distances(slot, n, y, phi, apart)
            nearest[slot], near2[slot] = _nearest(n, number, apart)
            d[slot] = min(scale[slot], scale[nearest[slot]]) * near2[slot]
        for node in range(n, 2 * n - 1):
            used = 2 * n - 1 - node  # slots after this merge
            one = _closest(used + 1, number, nearest, near2, d)
            merged, freed = min(one, nearest[one]), max(one, nearest[one])
            join(number[merged], number[freed], node, nodes, merges, levels)
            px, py, pz, e = nodes[node, 0], nodes[node, 1], nodes[node, 2], nodes[node, 3]
            y[merged], phi[merged], scale[merged] = rapidity(px, py, pz, e), azimuth(px, py), kt_power(px, py, power)
            number[merged] = node
            # the last slot moves to the free one
            y[freed], phi[freed], scale[freed] = y[used], phi[used], scale[used]
            number[freed], nearest[freed] = number[used], nearest[used]
            near2[freed], d[freed] = near2[used], d[used]
            _update(merged, freed, used, reals, integers)
