"""All cells of the calorimeters in one list, and the workspace that an event's energy is put into."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tasks.detector.compiled import compiled
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

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENDCAP_START = BARREL[0] * BARREL[1]
HCAL_START = ENDCAP_START + ENDCAPS[0] * ENDCAPS[1]
TOTAL = HCAL_START + HCAL[0] * HCAL[1]
"""Barrel crystals from 0, endcap crystals from ENDCAP_START, HCAL towers from HCAL_START lie end to end."""

_MASK = endcap_mask()


@lru_cache(maxsize=1)
def directions() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(eta, phi) of every cell's centre, (TOTAL,) each, as seen from the centre of the detector."""
    parts = (
        barrel_direction(*np.divmod(np.arange(ENDCAP_START), BARREL[1])),
        endcap_direction(*np.divmod(np.arange(HCAL_START - ENDCAP_START), ENDCAPS[1])),
        hcal_direction(*np.divmod(np.arange(TOTAL - HCAL_START), HCAL[1])),
    )
    eta, phi = (np.concatenate(part).astype(np.float64) for part in zip(*parts, strict=True))
    return eta, phi


class Cells(NamedTuple):
    """A workspace as large as the detector; (TOTAL,) but for `used`."""

    energy: NDArray[np.float64]  # GeV
    energy_time: NDArray[np.float64]  # GeV ns
    touched: NDArray[np.int64]  # the cells with energy, in the order in which they were hit
    used: NDArray[np.int64]  # (1,): how many


def workspace() -> Cells:
    """An empty detector."""
    return Cells(np.zeros(TOTAL), np.zeros(TOTAL), np.zeros(TOTAL, np.int64), np.zeros(1, np.int64))


@compiled
def put(cells, index, energy, time):  # type: ignore[no-untyped-def]
    """Add energy (GeV) at a time (ns) to a cell; nothing where there is none, as a cell is touched only once."""
    if not energy > 0.0:
        return
    if cells.energy[index] == 0.0:
        cells.touched[cells.used[0]] = index
        cells.used[0] += 1
    cells.energy[index] += energy
    cells.energy_time[index] += energy * time


@compiled
def clear(cells):  # type: ignore[no-untyped-def]
    """Empty the workspace again."""
    for k in range(cells.used[0]):
        cells.energy[cells.touched[k]] = 0.0
        cells.energy_time[cells.touched[k]] = 0.0
    cells.used[0] = 0


@compiled
def lit(cells):  # type: ignore[no-untyped-def]
    """(cells with energy in rising order, their energies, their mean times)."""
    index = np.sort(cells.touched[: cells.used[0]])
    energy = cells.energy[index]
    return index, energy.astype(np.float32), (cells.energy_time[index] / energy).astype(np.float32)


@compiled
def crystal(barrel, positive, row, column):  # type: ignore[no-untyped-def]
    """The cell at fractional (row, column) of the barrel or an endcap, or -1 where there is none."""
    i, j = int(np.floor(row)), int(np.floor(column))
    if barrel:
        return i * BARREL[1] + j % BARREL[1] if 0 <= i < BARREL[0] else -1
    if 0 <= i < 100 and 0 <= j < 100 and _MASK[i, j]:
        return ENDCAP_START + (i + (100 if positive else 0)) * 100 + j
    return -1


@compiled
def tower(eta, phi):  # type: ignore[no-untyped-def]
    """The HCAL tower in this direction, or -1 beyond abs(eta) 3."""
    ring = np.searchsorted(HCAL_EDGES, abs(eta), side="right") - 1
    if ring >= HCAL[0] // 2:
        return -1
    column = int(np.floor((phi + np.pi) / (2.0 * np.pi) * HCAL[1])) % HCAL[1]
    if ring >= HCAL_SINGLE:
        column -= column % 2
    row = HCAL[0] // 2 + ring if eta >= 0.0 else HCAL[0] // 2 - 1 - ring
    return HCAL_START + row * HCAL[1] + column
