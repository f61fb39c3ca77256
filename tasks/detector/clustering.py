"""Clusters of ECAL crystals around seeds, event by event, in compiled code.

Clusters follow CMS (JINST 10 (2015) P08010, section 3): in the barrel five rows wide, and as many columns to either
side as carry energy, because the field spreads electrons and conversions in phi; in the endcaps 5 x 5. Left out: CMS
joins several 5 x 5 in the endcaps, so that ours lose more there (a quarter of the photons at abs(eta) 1.6 to 1.8,
behind the most material, are measured more than 5% low); and the preshower.
"""

from __future__ import annotations

import numpy as np

from tasks.detector.cells import ENDCAP_START
from tasks.detector.compiled import compiled
from tasks.detector.geometry import BARREL, ENDCAPS

REACH = 17
"""Columns to either side of the seed that a barrel cluster may reach (17 in CMS's hybrid clustering)."""
STRIP = 0.35
"""GeV that a strip of five crystals needs to join the cluster. (In CMS one strip of a group does, and the others 0.1:
groups are not made here.)"""
PLACE_WEIGHT, SHAPE_WEIGHT = 4.2, 4.7
"""Crystals weigh max(0, 4.2 + ln(E_i / E)) in the position, and 4.7 in sigma_ieta_ieta (CMS)."""
COLUMNS = ("barrel", "row", "column", "energy", "e25", "e9", "sigma", "seed", "et")
"""Of what `clusters` fills: 1 in the barrel; place, fractional, in crystals; GeV of the cluster, of 5 x 5 and 3 x 3
crystals; width in eta; cell of the seed; transverse GeV of the cluster, as seen from the centre of the detector."""


@compiled
def clusters(cell, energy, eta, sine, least, canvas, rows):  # type: ignore[no-untyped-def]
    """Clusters of one event in falling transverse energy of their seeds; returns how many of `rows` are filled.

    cell, energy : (hits,) crystals and GeV. eta, sine : (crystals,) direction, and sine of the polar angle. least : GeV
    of transverse energy of a seed. canvas : (crystals,) zeros, and zeros again afterwards. rows : (most, 9), `COLUMNS`.
    """
    for k in range(len(cell)):
        canvas[cell[k]] = energy[k]
    order = np.argsort(-energy * sine[cell])
    strips = np.zeros(2 * REACH + 1)
    taken = 0
    for k in order:
        seed = cell[k]
        if energy[k] * sine[seed] < least or taken == len(rows):
            break
        if canvas[seed] > 0.0:
            grid = _grid(seed)
            _sum_strips(canvas, grid, strips)
            _measure(canvas, grid, strips, eta, rows[taken])
            rows[taken, 7] = seed
            rows[taken, 8] = _take(canvas, grid, strips, sine)
            taken += 1
    for k in range(len(cell)):
        canvas[cell[k]] = 0.0
    return taken


@compiled
def _grid(seed):  # type: ignore[no-untyped-def]
    """The grid of crystals that a seed lies in: (barrel, its size, its first cell), and the seed's place there."""
    if seed < ENDCAP_START:
        return True, BARREL[0], BARREL[1], 0, seed // BARREL[1], seed % BARREL[1]
    side = ENDCAPS[1]
    first = ENDCAP_START + (seed - ENDCAP_START) // (side * side) * side * side
    return False, side, side, first, (seed - first) // side, (seed - first) % side


@compiled
def _near(grid, a, b):  # type: ignore[no-untyped-def]
    """The cell `a` rows and `b` columns from the seed; -1 beyond the edge. The barrel has none in phi."""
    barrel, high, wide, first, i, j = grid
    if 0 <= i + a < high and (barrel or 0 <= j + b < wide):
        return first + (i + a) * wide + (j + b) % wide
    return -1


@compiled
def _sum_strips(canvas, grid, strips):  # type: ignore[no-untyped-def]
    """GeV of the strips of five crystals along eta, by column; none beyond the reach."""
    reach = REACH if grid[0] else 2
    strips[:] = 0.0
    for b in range(-reach, reach + 1):
        for a in range(-2, 3):
            cell = _near(grid, a, b)
            if cell >= 0:
                strips[b + REACH] += canvas[cell]


@compiled
def _joins(strips, b):  # type: ignore[no-untyped-def]
    """Whether a strip belongs to the cluster."""
    return abs(b) <= 2 or strips[b + REACH] > STRIP


@compiled
def _measure(canvas, grid, strips, eta, row):  # type: ignore[no-untyped-def]
    """Energies, place and width of a cluster. The width is that of CMS: in eta, over 5 x 5 crystals."""
    e25 = strips[REACH - 2 : REACH + 3].sum()
    total = e25
    for b in range(-REACH, REACH + 1):
        if abs(b) > 2 and _joins(strips, b):
            total += strips[b + REACH]
    e9, weights, mean_i, mean_j = 0.0, 0.0, 0.0, 0.0
    shape_weights, shape_mean, square = 0.0, 0.0, 0.0
    for b in range(-2, 3):
        for a in range(-2, 3):
            cell = _near(grid, a, b)
            if cell < 0 or canvas[cell] <= 0.0:
                continue
            if abs(a) < 2 and abs(b) < 2:
                e9 += canvas[cell]
            share = np.log(canvas[cell] / e25)
            weight = max(0.0, PLACE_WEIGHT + share)
            weights += weight
            mean_i += weight * a
            mean_j += weight * b
            weight = max(0.0, SHAPE_WEIGHT + share)
            shape_weights += weight
            away = eta[cell] - eta[_near(grid, 0, 0)]
            shape_mean += weight * away
            square += weight * away * away
    shape_mean /= shape_weights
    row[0] = 1.0 if grid[0] else 0.0
    row[1], row[2] = grid[4] + 0.5 + mean_i / weights, grid[5] + 0.5 + mean_j / weights
    row[3], row[4], row[5] = total, e25, e9
    row[6] = np.sqrt(max(square / shape_weights - shape_mean * shape_mean, 0.0))


@compiled
def _take(canvas, grid, strips, sine):  # type: ignore[no-untyped-def]
    """What a cluster has taken, no other takes; returns its transverse energy, GeV."""
    reach, total = REACH if grid[0] else 2, 0.0
    for b in range(-reach, reach + 1):
        for a in range(-2, 3):
            cell = _near(grid, a, b)
            if cell >= 0 and _joins(strips, b):
                total += canvas[cell] * sine[cell]
                canvas[cell] = 0.0
    return total
