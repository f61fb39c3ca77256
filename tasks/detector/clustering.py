"""Clusters of ECAL crystals around seeds, event by event, in compiled code.

Clusters follow CMS (JINST 10 (2015) P08010, section 3). In the barrel they have five rows and all columns with energy
on either side, because the field spreads electrons and conversions in phi; in the endcaps they have 5 x 5 crystals.
Differences: CMS merges several 5 x 5 in the endcaps, so that our clusters lose more energy there (a quarter of the
photons at abs(eta) 1.6 to 1.8, behind the most material, are measured more than 5% low); there is no preshower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.core.compiled import compiled
from tasks.detector.cells import ENDCAP_START
from tasks.detector.geometry import BARREL, ENDCAPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Grid = tuple[bool, int, int, int, int, int]

REACH = 17
"""Largest distance in columns between the seed and a strip of a barrel cluster (17 in CMS's hybrid clustering)."""
STRIP = 0.35
"""GeV that a strip of five crystals needs to join the cluster. (CMS groups strips: one of a group needs 0.35 GeV, the
others 0.1 GeV.)"""
PLACE_WEIGHT, SHAPE_WEIGHT = 4.2, 4.7
"""The weights of crystals are max(0, 4.2 + ln(E_i / E)) in the position, and 4.7 in sigma_ieta_ieta (CMS)."""
COLUMNS = ("barrel", "row", "column", "energy", "e25", "e9", "sigma", "seed", "et")
"""Columns of the rows that `clusters` fills: 1 in the barrel; fractional position in crystals; energy (GeV) of the
cluster, of 5 x 5 and of 3 x 3 crystals; width in eta; cell of the seed; transverse energy of the cluster (GeV), seen
from the centre of the detector."""


@compiled
def clusters(
    cell: NDArray[np.int32],
    energy: Floats,
    eta: Floats,
    sine: Floats,
    least: float,
    canvas: Floats,
    rows: Floats,
) -> int:
    """Find the clusters of one event, in falling transverse energy of their seeds.

    Parameters
    ----------
    cell, energy : (hits,) crystals and their energies in GeV
    eta, sine : (crystals,) direction, and sine of the polar angle
    least : smallest transverse energy of a seed, GeV
    canvas : (crystals,) workspace of zeros; contains zeros again afterwards
    rows : (most, 9) filled with clusters, `COLUMNS`

    Returns
    -------
    Number of clusters.
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
def _grid(seed: int) -> Grid:
    """The grid of crystals around a seed: (barrel, rows, columns, first cell, row of the seed, column of the seed)."""
    if seed < ENDCAP_START:
        return True, BARREL[0], BARREL[1], 0, seed // BARREL[1], seed % BARREL[1]
    side = ENDCAPS[1]
    first = ENDCAP_START + (seed - ENDCAP_START) // (side * side) * side * side
    return False, side, side, first, (seed - first) // side, (seed - first) % side


@compiled
def _near(grid: Grid, a: int, b: int) -> int:
    """The cell `a` rows and `b` columns from the seed; -1 beyond the edge. The barrel is periodic in phi."""
    barrel, high, wide, first, i, j = grid
    if 0 <= i + a < high and (barrel or 0 <= j + b < wide):
        return first + (i + a) * wide + (j + b) % wide
    return -1


@compiled
def _sum_strips(canvas: Floats, grid: Grid, strips: Floats) -> None:
    """Sum the energy of strips of five crystals along eta, by column; 0 beyond the reach of a cluster."""
    reach = REACH if grid[0] else 2
    strips[:] = 0.0
    for b in range(-reach, reach + 1):
        for a in range(-2, 3):
            cell = _near(grid, a, b)
            if cell >= 0:
                strips[b + REACH] += canvas[cell]


@compiled
def _joins(strips: Floats, b: int) -> bool:
    """Whether a strip belongs to the cluster."""
    return abs(b) <= 2 or strips[b + REACH] > STRIP


@compiled
def _measure(canvas: Floats, grid: Grid, strips: Floats, eta: Floats, row: Floats) -> None:
    """Energies, position and width of a cluster. The width is that of CMS: in eta, over 5 x 5 crystals."""
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
def _take(canvas: Floats, grid: Grid, strips: Floats, sine: Floats) -> float:
    """Remove the energy of a cluster from the canvas; returns its transverse energy, GeV."""
    reach, total = REACH if grid[0] else 2, 0.0
    for b in range(-reach, reach + 1):
        for a in range(-2, 3):
            cell = _near(grid, a, b)
            if cell >= 0 and _joins(strips, b):
                total += canvas[cell] * sine[cell]
                canvas[cell] = 0.0
    return total
