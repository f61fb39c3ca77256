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
    CRYSTAL,
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
from tasks.events import KINDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from representations.kernels.hits import Hits

SIDE = ENDCAPS[1]
SPAN = (SIDE / 2 * ENDCAP_PITCH, SIDE / 2 * ENDCAP_PITCH)
"""Half widths of an endcap's picture in y and x, metres."""


NEAR = (12, 6)
"""Rows and columns between a photon's direction and its hottest crystal at most. Directions count from the vertex,
whose spread along the beam (5 cm) is two crystals at eta 0. In phi, the electrons of a conversion move the middle of a
shower away from its hottest crystal."""
SHARE = 0.05
"""Least share of a photon's energy in its hottest crystal (0.13 among 600 candidates, jets included); below, the photon
is not in the barrel."""


def hottest(ecal: Hits) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of the hottest crystal of each event, (events,) each; -1 without any.

    Of equally hot crystals the first in rows, then in columns, is taken.
    """
    order = np.lexsort((ecal["column"], ecal["row"], -ecal["energy"], ecal.event))
    event, first = np.unique(ecal.event[order], return_index=True)
    row, column = np.full((2, ecal.events), -1, dtype=np.int64)
    row[event], column[event] = ecal["row"][order[first]], ecal["column"][order[first]]
    return row, column


def ranked(objects: Hits, place: int) -> Hits:
    """The photon of each event that `place` others exceed in pt; of equal ones the first in the table comes first."""
    photons = objects.only(objects["kind"] == KINDS.index("photon"))
    order = np.lexsort((-photons["pt"], photons.event))
    starts = np.searchsorted(photons.event, photons.event)  # of the event of each photon
    return photons.only(order[np.arange(len(order)) - starts == place])


def seeds(ecal: Hits, photons: Hits) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of the hottest crystal near one photon an event, (events,) each; -1 where there is none."""
    eta, phi, energy = np.full((3, ecal.events), np.nan)
    eta[photons.event], phi[photons.event] = photons["eta"], photons["phi"]
    energy[photons.event] = photons["pt"] * np.cosh(photons["eta"])
    row = np.floor(eta / CRYSTAL + BARREL[0] / 2)[ecal.event]
    column = np.floor(column_of(phi))[ecal.event]
    across = np.abs((ecal["column"] - column + BARREL[1] // 2) % BARREL[1] - BARREL[1] // 2)
    near = (np.abs(ecal["row"] - row) <= NEAR[0]) & (across <= NEAR[1])  # no crystal is near NaN
    return hottest(ecal.only(near & (ecal["energy"] >= SHARE * energy[ecal.event])))


def around(ecal: Hits, row: NDArray[np.int64], column: NDArray[np.int64]) -> Hits:
    """The hits in 32 x 32 crystals of the barrel around one crystal an event, which is at row and column 16.

    Rows and columns count from the corner of the crop, also across the seam in phi. A row below 0 gives no hits.
    """
    near = ecal.only((row >= 0)[ecal.event])
    down = near["row"] - row[near.event] + HALF
    across = (near["column"] - column[near.event] + HALF) % BARREL[1]
    inside = (down >= 0) & (down < 2 * HALF) & (across < 2 * HALF)
    return near.with_fields(row=down, column=across).only(inside)


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
