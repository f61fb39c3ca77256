"""Positions of the cells of a CMS-like calorimeter, in metres and radians.

ECAL barrel: 170 rows in eta times 360 columns in phi. ECAL endcaps: a grid of 100 x 100 crystals each, of which 7,324
exist, in a ring; rows 0 to 99 are iY of the endcap at negative z, rows 100 to 199 of the other, columns are iX.
HCAL: 56 rows in eta times 72 columns in phi; beyond the 20th row from the centre a tower is two columns wide, and its
index is that of the even column. Sources: CMS TDR 8.1 (CERN/LHCC 2006-001), chapters 4 and 5.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FIELD = 3.8
"""Tesla, along z."""
RADIUS = 1.29
"""Distance of the front faces of the barrel crystals from the beam."""
HALF_LENGTH = 3.154
"""Distance in z of the front faces of the endcap crystals."""

BARREL = (170, 360)
BARREL_ETA = 1.479
ENDCAP_ETA = 3.0
CRYSTAL = 2 * BARREL_ETA / BARREL[0]
"""Width of a barrel crystal in eta (0.0174); its width in phi is the same within half a percent (2 pi / 360)."""

ENDCAPS = (200, 100)
ENDCAP_PITCH = 0.030
"""Pitch of the endcap grid: crystals of 2.86 cm (front) to 3.00 cm (rear) with gaps, so that 50 reach to eta 1.48."""

HCAL = (56, 72)
HCAL_EDGES = np.concatenate([0.087 * np.arange(21), [1.830, 1.930, 2.043, 2.172, 2.322, 2.500, 2.650, 3.000]])
"""abs(eta) of the edges of towers, (29,)."""
HCAL_SINGLE = 20
"""Rows on either side of the centre whose towers are one column wide."""
TOWER = 5
"""Width of an HCAL tower and of a trigger tower in the barrel, in crystals."""

Floats = NDArray[np.floating[Any]]
Indices = NDArray[np.integer[Any]]


def endcap_mask() -> NDArray[np.bool_]:
    """Which of the 100 x 100 crystals of an endcap exist, (100, 100): 7,324 of them, symmetric in rows and columns."""
    # One quarter, counted from the beam: (columns, row of the rim); `begin` is the row of the beam pipe.
    rim = [(10, 50), (5, 47), (10, 45), (5, 42), (5, 37), (2, 35), (5, 30), (3, 25), (2, 15), (3, 10)]
    end = np.concatenate([np.full(columns, rows) for columns, rows in rim])
    begin = np.zeros(50, dtype=int)
    begin[:11] = [11, 11, 11, 11, 11, 10, 10, 9, 8, 7, 5]
    row = np.arange(50)[:, np.newaxis]
    quarter = (row >= begin) & (row < end)
    half = np.concatenate([quarter[:, ::-1], quarter], axis=1)
    return np.concatenate([half[::-1], half])


def barrel_direction(row: Indices, column: Indices) -> tuple[Floats, Floats]:
    """(eta, phi) of the centres of barrel crystals, seen from the centre of the detector."""
    return (row - BARREL[0] / 2 + 0.5) * CRYSTAL, (column + 0.5) * (2 * np.pi / BARREL[1]) - np.pi


def endcap_direction(row: Indices, column: Indices) -> tuple[Floats, Floats]:
    """(eta, phi) of the centres of the front faces of endcap crystals; rows from 100 on are at positive z."""
    x, y = ((index + 0.5 - 50) * ENDCAP_PITCH for index in (column, row % 100))
    eta = np.arcsinh(HALF_LENGTH / np.hypot(x, y))
    return np.where(row >= 100, eta, -eta), np.arctan2(y, x)


def hcal_direction(row: Indices, column: Indices) -> tuple[Floats, Floats]:
    """(eta, phi) of the centres of HCAL towers."""
    edges = np.concatenate([-HCAL_EDGES[:0:-1], HCAL_EDGES])
    wide = np.abs(row - HCAL[0] / 2 + 0.5) > HCAL_SINGLE
    return (edges[row] + edges[row + 1]) / 2, (column + np.where(wide, 1.0, 0.5)) * (2 * np.pi / HCAL[1]) - np.pi
