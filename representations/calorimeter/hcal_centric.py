"""The whole detector as one picture of 280 x 360 pixels: HCAL-centric, as in arXiv:1807.11916, section 4.

Every HCAL tower is five by five pixels. The ECAL barrel fits these one to one; its endcaps, a grid in x and y, are
projected, with each hit spread evenly over the nearest 2 x 2 pixels to avoid gaps. Where towers are wider in eta
(beyond 1.74), rows are wider, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from representations.calorimeter.cells import Cells
from representations.kernels.hits import wide
from tasks.detector.geometry import BARREL, ENDCAP_ETA, HCAL, HCAL_EDGES, TOWER, endcap_direction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from representations.kernels.hits import Hits

SHAPE = (HCAL[0] * TOWER, HCAL[1] * TOWER)
SPAN = (ENDCAP_ETA, float(np.pi))
FIRST = (SHAPE[0] - BARREL[0]) // 2
"""The picture's row of the barrel's first crystal."""
_TOWERS = np.concatenate([-HCAL_EDGES[:0:-1], HCAL_EDGES])
_ROWS = TOWER * np.arange(len(_TOWERS))
EDGES: tuple[float, ...] = tuple(np.interp(np.arange(SHAPE[0] + 1), _ROWS, _TOWERS).tolist())
"""eta of the edges of rows, (281,)."""


def row_of(eta: NDArray[Any]) -> NDArray[np.float64]:
    """Fractional row, from 0 at eta -3 to 280 at 3."""
    return np.asarray(np.interp(eta, _TOWERS, _ROWS))


def column_of(phi: NDArray[Any]) -> NDArray[np.float64]:
    """Fractional column, 0 at phi -pi to 360 at pi."""
    return np.asarray((phi + np.pi) / (2 * np.pi) * SHAPE[1])


def barrel(ecal: Hits, field: str = "energy") -> Cells:
    """A field of the crystals of the barrel."""
    return Cells(ecal.event, ecal["row"] + FIRST, ecal["column"], ecal[field])


def endcaps(ecal: Hits, field: str = "energy") -> Cells:
    """A field of the crystals of the endcaps, a quarter of each in four pixels, none of them in the barrel."""
    eta, phi = endcap_direction(ecal["row"], ecal["column"])
    corner = np.floor(row_of(eta) - 0.5).astype(np.int64)
    low, high = np.where(eta < 0, 0, FIRST + BARREL[0]), np.where(eta < 0, FIRST - 1, SHAPE[0] - 1)
    row = np.clip(corner[:, np.newaxis] + [0, 0, 1, 1], low[:, np.newaxis], high[:, np.newaxis])
    column = np.floor(column_of(phi) - 0.5).astype(np.int64)[:, np.newaxis] + [0, 1, 0, 1]
    return Cells.spread(ecal, ecal[field], row, column % SHAPE[1])


def towers(hcal: Hits) -> Cells:
    """Energy of the HCAL's towers, spread evenly over 25 pixels, or 50 if the tower is two columns wide."""
    double = wide(hcal["row"])
    return Cells.together([_tiled(hcal.only(~double), TOWER), _tiled(hcal.only(double), 2 * TOWER)])


def tracks(found: Hits) -> Cells:
    """Tracks within abs(eta) < 3, weighted with pt."""
    found = found.only(np.abs(found["eta"]) < ENDCAP_ETA)
    # at the edge, rounding may give a row that does not exist
    row = np.minimum(row_of(found["eta"]).astype(np.int64), SHAPE[0] - 1)
    column = np.floor(column_of(found["phi"])).astype(np.int64) % SHAPE[1]
    return Cells(found.event, row, column, found["pt"])


def _tiled(towers: Hits, columns: int) -> Cells:
    """The pixels of towers, five rows and `columns` columns each."""
    row, column = np.divmod(np.arange(TOWER * columns), columns)
    down, across = (towers[axis][:, np.newaxis] * TOWER for axis in ("row", "column"))
    return Cells.spread(towers, towers["energy"], down + row, across + column)
