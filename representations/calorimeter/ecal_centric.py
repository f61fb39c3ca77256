"""The ECAL's own grids: the barrel, a crop of it, and the faces of the endcaps (arXiv:1807.11916, sections 4 and 6).

Endcap pictures are 100 x 100 crystals, rows along y and columns along x at either end. Here both lie in one
grid of 200 rows, negative z first, as in the Events table.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from representations.calorimeter.cells import Cells
from representations.calorimeter.hcal_centric import column_of, row_of
from representations.kernels.hits import wide
from tasks.detector.geometry import (
    BARREL,
    BARREL_ETA,
    ENDCAP_ETA,
    ENDCAP_PITCH,
    ENDCAPS,
    HALF_LENGTH,
    HCAL,
    TOWER,
    endcap_direction,
    endcap_mask,
)
from tasks.detector.shower_shapes import HALF

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from representations.kernels.hits import Hits

SIDE = ENDCAPS[1]
SPAN = (SIDE / 2 * ENDCAP_PITCH, SIDE / 2 * ENDCAP_PITCH)
"""Half widths of an endcap's picture in y and x, metres."""


def around_hottest(ecal: Hits) -> Hits:
    """The hits in 32 x 32 crystals of the barrel around the hottest one, which is at row and column 16.

    Rows and columns count from the corner of the crop, also across the seam in phi. Of equally hot crystals the first
    in rows, then in columns, is taken.
    """
    order = np.lexsort((ecal["column"], ecal["row"], -ecal["energy"], ecal.event))
    event, first = np.unique(ecal.event[order], return_index=True)
    corner = np.zeros((2, ecal.events), dtype=np.int64)
    corner[:, event] = [ecal[axis][order[first]] - HALF for axis in ("row", "column")]
    row = ecal["row"] - corner[0][ecal.event]
    column = (ecal["column"] - corner[1][ecal.event]) % BARREL[1]
    inside = (row >= 0) & (row < 2 * HALF) & (column < 2 * HALF)
    return ecal.with_fields(row=row, column=column).only(inside)


def crystals(ecal: Hits, field: str = "energy") -> Cells:
    """A field of the crystals at their own rows and columns."""
    return Cells(ecal.event, ecal["row"], ecal["column"], ecal[field])


def towers(hcal: Hits) -> Cells:
    """Energy of the HCAL's towers behind the endcaps (abs(eta) > 1.479), spread evenly over the crystals in each.

    A crystal belongs to the tower that its centre points to; on an edge, to that at higher phi. Every tower has six
    crystals or more, so that no energy is lost; the few crystals that reach below 1.479 get none.
    """
    starts, crystal = _crystals_of_towers()
    tower = hcal["row"] * HCAL[1] + hcal["column"]
    each = starts[tower + 1] - starts[tower]
    hit = np.repeat(np.arange(len(hcal)), each)
    place = np.arange(len(hit)) - np.repeat(np.cumsum(each) - each, each)
    row, column = np.divmod(crystal[starts[tower][hit] + place], SIDE)
    return Cells(hcal.event[hit], row, column, (hcal["energy"] / np.maximum(each, 1))[hit])


def tracks(found: Hits) -> Cells:
    """Tracks with 1.479 <= abs(eta) < 3 where a straight line meets the endcap, weighted with pt.

    Near 1.48 the line may pass just outside the picture; then the track is left out.
    """
    found = found.only((np.abs(found["eta"]) >= BARREL_ETA) & (np.abs(found["eta"]) < ENDCAP_ETA))
    radius = HALF_LENGTH / np.sinh(np.abs(found["eta"]))
    row, column = (
        np.floor(radius * turn(found["phi"]) / ENDCAP_PITCH + SIDE / 2).astype(np.int64) for turn in (np.sin, np.cos)
    )
    inside = (row >= 0) & (row < SIDE) & (column >= 0) & (column < SIDE)
    side = np.where(found["eta"] > 0, SIDE, 0)
    return Cells(found.event, row + side, column, found["pt"]).only(inside)


@lru_cache(maxsize=1)
def _crystals_of_towers() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The crystals of tower t of the HCAL (row * 72 + column) are at starts[t]:starts[t + 1] of the second array.

    Crystals are row * 100 + column of the two endcaps' grid; towers of the barrel have none.
    """
    row, column = np.nonzero(np.tile(endcap_mask(), (2, 1)))
    eta, phi = endcap_direction(row, column)
    outer = np.abs(eta) > BARREL_ETA
    row, column, eta, phi = row[outer], column[outer], eta[outer], phi[outer]
    ring = np.floor(row_of(eta) / TOWER).astype(np.int64)
    # diagonals of the grid are edges of towers, where rounding must not choose the side
    sector = np.floor(column_of(phi) / TOWER + 1e-9).astype(np.int64)
    sector = np.where(wide(ring), sector - sector % 2, sector)
    tower = ring * HCAL[1] + sector
    order = np.argsort(tower, kind="stable")
    starts = np.searchsorted(tower[order], np.arange(HCAL[0] * HCAL[1] + 1))
    return starts, (row * SIDE + column)[order]
