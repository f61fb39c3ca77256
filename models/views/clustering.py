"""Sequential recombination of particles with the generalised kt algorithm, compiled: one call for many events."""

from __future__ import annotations

import math
from typing import NamedTuple

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


class Slots(NamedTuple):
    """The remaining nodes, each in a slot; the first slots are in use.

    y, phi, scale, number : rapidity, azimuth, kt^2p and node number.
    nearest, near2, d : slot of the nearest neighbour, squared angle to it, and the distance d of the two.

    These are separate arrays, so that loops over them can be vectorised: rows of one array would be strided.
    """

    y: Floats
    phi: Floats
    scale: Floats
    number: Integers
    nearest: Integers
    near2: Floats
    d: Floats


@compiled(inline="always")
def _place(slot: int, node: int, nodes: Floats, power: int, slots: Slots) -> None:
    """Put a node into a slot."""
    px, py, pz, e = nodes[node, 0], nodes[node, 1], nodes[node, 2], nodes[node, 3]
    slots.y[slot], slots.phi[slot], slots.scale[slot] = (
        rapidity(px, py, pz, e),
        azimuth(px, py),
        kt_power(px, py, power),
    )
    slots.number[slot] = node


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


@compiled(inline="always")
def _find_neighbour(slot: int, used: int, slots: Slots, apart: Floats) -> None:
    """Set `nearest`, `near2` and `d` of a slot from its distances."""
    slots.nearest[slot], slots.near2[slot] = _nearest(used, slots.number, apart)
    slots.d[slot] = min(slots.scale[slot], slots.scale[slots.nearest[slot]]) * slots.near2[slot]


@compiled(inline="always")
def _closest(used: int, slots: Slots) -> int:
    """The slot of the smallest d; of equal d, that of the smaller angle, then of the lower node numbers.

    Two slots that are nearest to each other have the same d; the first one is returned.
    """
    number, nearest, near2, d = slots.number, slots.nearest, slots.near2, slots.d
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


@compiled(inline="always")
def _update(merged: int, freed: int, used: int, slots: Slots, apart: Floats, again: Integers) -> None:
    """Update neighbours after a merge: `merged` has the new node, `freed` the former last slot; `used` slots remain."""
    scale, nearest, near2, d = slots.scale, slots.nearest, slots.near2, slots.d
    _distances(merged, used, slots.y, slots.phi, apart)
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
    _find_neighbour(merged, used, slots, apart)
    for k in range(lost):
        slot = again[k]
        if slot != merged:
            _distances(slot, used, slots.y, slots.phi, apart)
            _find_neighbour(slot, used, slots, apart)


@compiled
def cluster(first: int, last: int, arrays: MergeArrays, power: int) -> None:
    """Merge the two nodes of smallest d = min(kt^2p of both) (dy^2 + dphi^2), p = `power`, until one node is left.

    The geometric nearest neighbour of each node suffices to find the smallest d, in n^2 steps instead of n^3 (Cacciari
    and Salam, hep-ph/0512210).
    """
    most = largest(first, last, arrays)
    nodes = np.empty((2 * most, 4))
    slots = Slots(
        np.empty(most),
        np.empty(most),
        np.empty(most),
        np.empty(most + 1, np.int64),
        np.empty(most + 1, np.int64),
        np.empty(most),
        np.empty(most),
    )
    apart, again = np.empty(most), np.empty(most + 1, np.int64)
    for event in range(first, last):
        n = arrays.offsets[event + 1] - arrays.offsets[event]
        merges, levels = tree_of(event, arrays, nodes)
        for slot in range(n):
            _place(slot, slot, nodes, power, slots)
        for slot in range(n):
            _distances(slot, n, slots.y, slots.phi, apart)
            _find_neighbour(slot, n, slots, apart)
        for node in range(n, 2 * n - 1):
            used = 2 * n - 1 - node  # slots after this merge
            one = _closest(used + 1, slots)
            merged, freed = min(one, slots.nearest[one]), max(one, slots.nearest[one])
            join(slots.number[merged], slots.number[freed], node, nodes, merges, levels)
            _place(merged, node, nodes, power, slots)
            slots.y[freed], slots.phi[freed], slots.scale[freed] = slots.y[used], slots.phi[used], slots.scale[used]
            slots.number[freed], slots.nearest[freed] = slots.number[used], slots.nearest[used]
            slots.near2[freed], slots.d[freed] = slots.near2[used], slots.d[used]
            _update(merged, freed, used, slots, apart, again)
