"""The cells of all calorimeters in one list, and the energy in them.

Barrel crystals have the indices from 0, endcap crystals from ENDCAP_START, HCAL towers from HCAL_START.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from benchmark.core.compiled import compiled
from tasks.detector.geometry import (
    BARREL,
    ENDCAPS,
    HCAL,
    HCAL_EDGES,
    HCAL_SINGLE,
    barrel_direction,
    endcap_direction,
    endcap_mask,
    hcal_direction,
)

ENDCAP_START = BARREL[0] * BARREL[1]
HCAL_START = ENDCAP_START + ENDCAPS[0] * ENDCAPS[1]
TOTAL = HCAL_START + HCAL[0] * HCAL[1]

_MASK = endcap_mask()

Hits = tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]
"""Cell, energy (GeV) and time (ns) of hits, (hits,) each."""


@lru_cache(maxsize=1)
def directions() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(eta, phi) of the centre of every cell, (TOTAL,) each, seen from the centre of the detector."""
    parts = (
        barrel_direction(*np.divmod(np.arange(ENDCAP_START), BARREL[1])),
        endcap_direction(*np.divmod(np.arange(HCAL_START - ENDCAP_START), ENDCAPS[1])),
        hcal_direction(*np.divmod(np.arange(TOTAL - HCAL_START), HCAL[1])),
    )
    eta, phi = (np.concatenate(part).astype(np.float64) for part in zip(*parts, strict=True))
    return eta, phi


class Workspace(NamedTuple):
    """The energy of one event in all cells.

    Attributes
    ----------
    energy : (TOTAL,) GeV
    energy_time : (TOTAL,) energy times time, GeV ns
    touched : (TOTAL,) the cells with energy, in the order of the first hit
    used : (1,) the number of these cells
    """

    energy: NDArray[np.float64]
    energy_time: NDArray[np.float64]
    touched: NDArray[np.int64]
    used: NDArray[np.int64]


def workspace() -> Workspace:
    """A workspace without energy."""
    return Workspace(np.zeros(TOTAL), np.zeros(TOTAL), np.zeros(TOTAL, np.int64), np.zeros(1, np.int64))


@compiled
def put(cells: Workspace, index: int, energy: float, time: float) -> None:
    """Add energy (GeV) at a time (ns) to a cell. Energy of 0 is ignored, so that no cell is listed twice."""
    if not energy > 0.0:
        return
    if cells.energy[index] == 0.0:
        cells.touched[cells.used[0]] = index
        cells.used[0] += 1
    cells.energy[index] += energy
    cells.energy_time[index] += energy * time


@compiled
def clear(cells: Workspace) -> None:
    """Remove all energy."""
    for k in range(cells.used[0]):
        cells.energy[cells.touched[k]] = 0.0
        cells.energy_time[cells.touched[k]] = 0.0
    cells.used[0] = 0


@compiled
def lit(cells: Workspace) -> Hits:
    """The cells with energy, in rising order, their energies and mean times."""
    index = np.sort(cells.touched[: cells.used[0]])
    energy = cells.energy[index]
    return index, energy.astype(np.float32), (cells.energy_time[index] / energy).astype(np.float32)


@compiled
def crystal(barrel: bool, positive: bool, row: float, column: float) -> int:
    """The cell at a fractional (row, column) of the barrel, or of the endcap at positive or negative z; -1 if none."""
    i, j = int(np.floor(row)), int(np.floor(column))
    if barrel:
        return i * BARREL[1] + j % BARREL[1] if 0 <= i < BARREL[0] else -1
    if 0 <= i < 100 and 0 <= j < 100 and _MASK[i, j]:
        return ENDCAP_START + (i + (100 if positive else 0)) * 100 + j
    return -1


@compiled
def tower(eta: float, phi: float) -> int:
    """The HCAL tower in a direction; -1 beyond abs(eta) = 3."""
    ring = int(np.searchsorted(HCAL_EDGES, abs(eta), side="right")) - 1
    if ring >= HCAL[0] // 2:
        return -1
    column = int(np.floor((phi + np.pi) / (2.0 * np.pi) * HCAL[1])) % HCAL[1]
    if ring >= HCAL_SINGLE:
        column -= column % 2
    row = HCAL[0] // 2 + ring if eta >= 0.0 else HCAL[0] // 2 - 1 - ring
    return HCAL_START + row * HCAL[1] + column


@dataclass(frozen=True)
class Deposits:
    """Cells with energy of several events; those of event i are at `offsets[i]:offsets[i + 1]`, in rising order.

    Attributes
    ----------
    offsets : (events + 1,)
    cell : (total,) index of the cell
    energy : (total,) GeV
    time : (total,) ns after light from the centre of the detector
    """

    offsets: NDArray[np.int64]
    cell: NDArray[np.int32]
    energy: NDArray[np.float32]
    time: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def between(self, start: int, stop: int) -> ak.Array:
        """Lists of {cell, energy, time} of the cells in [start, stop), one list an event; `cell` starts at 0."""
        inside = (self.cell >= start) & (self.cell < stop)
        counts = np.diff(np.concatenate([[0], np.cumsum(inside)])[self.offsets])
        columns = {"cell": self.cell[inside] - start, "energy": self.energy[inside], "time": self.time[inside]}
        return ak.unflatten(ak.zip(columns), counts)
