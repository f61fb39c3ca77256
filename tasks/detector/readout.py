"""Readout of the calorimeters: resolution, noise, zero suppression, time.

Resolution and noise of the ECAL: 2.8%/sqrt(E), 40 MeV a crystal, 0.3%, in quadrature (test beam: JINST 2 (2007) P04004,
whose 0.12 GeV/E is the noise of 3 x 3 crystals), and a spread of calibration in situ. The readout follows CMS's
selective readout (CERN/LHCC 2002-026, section 9.6): trigger towers of 5 x 5 crystals with more than 2.5 GeV of
transverse energy, and their neighbours, are read in full; elsewhere crystals are suppressed below four standard
deviations of the noise. Not simulated: the towers of medium interest (1.25 to 2.5 GeV), which CMS reads in full without
their neighbours, and noise in crystals without energy outside the towers read in full (two of 61,200 would pass).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmark.core.compiled import compiled
from tasks.detector import geometry
from tasks.detector.cells import ENDCAP_START, HCAL_START, TOTAL
from tasks.detector.conditions import NOMINAL
from tasks.detector.geometry import BARREL, ENDCAPS, TOWER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.detector.cells import Hits, Workspace
    from tasks.detector.conditions import Conditions

STOCHASTIC, CONSTANT = 0.028, 0.003
BARREL_NOISE = 0.040
ENDCAP_NOISE = 0.130
"""GeV per crystal: JINST 8 (2013) P09009 has about 0.04 in the barrel and three times that in the endcaps."""
HCAL_NOISE, HCAL_THRESHOLD = 0.25, 0.70
"""GeV per tower, summed over depths, and the threshold: guesses after JINST 5 (2010) T03012."""
FULL_READOUT = 2.5
"""GeV of transverse energy: trigger towers above it are read in full."""
CALIBRATED, CALIBRATED_EDGE, CALIBRATED_ENDCAP = 0.005, 0.010, 0.020
"""Relative spread of the calibration of crystals: barrel up to abs(eta) = 1, barrel beyond, endcaps. About what CMS
reached in situ (JINST 8 (2013) P09009). Drawn once: the error of a crystal is always the same."""
CALIBRATION_SEED = 20_080_910
THRESHOLD, FULL_READOUT_THRESHOLD = 4.0, 2.0
"""Thresholds in standard deviations of the noise: outside the towers read in full, and inside (a guess: smaller
energies carry no information)."""
TIME_NOISE, TIME_FLOOR = 35.0, 0.3
"""ns: the resolution is 35 ns / (E / noise), plus 0.3 ns in quadrature: JINST 5 (2010) T03011."""


class Crystals(NamedTuple):
    """Properties of the crystals of the ECAL and of its trigger towers.

    Attributes
    ----------
    tower : (crystals,) trigger tower of each crystal, -1 for endcap crystals that do not exist
    sine : (crystals,) sine of the polar angle
    noise : (crystals,) GeV
    least : (crystals, 2) GeV: smaller energies are no hits, outside the towers read in full and inside
    full_above : GeV of transverse energy above which a tower and its neighbours are read in full
    response : (crystals,) measured over true energy
    near : (towers, 9) a tower and its neighbours, -1 for none
    members : (towers, 25) crystals of a tower, -1 for none
    """

    tower: NDArray[np.int64]
    sine: NDArray[np.float64]
    noise: NDArray[np.float64]
    least: NDArray[np.float64]
    full_above: float
    response: NDArray[np.float64]
    near: NDArray[np.int64]
    members: NDArray[np.int64]


@lru_cache(maxsize=4)
def crystals(conditions: Conditions = NOMINAL) -> Crystals:
    """The crystals of this detector, computed once.

    Without noise the thresholds are those of the nominal noise. Without suppression all crystals are read, and those
    above 0 GeV are hits: half of those that have noise alone.
    """
    high, wide = BARREL[0] // TOWER, BARREL[1] // TOWER
    row, column = np.divmod(np.arange(ENDCAP_START), BARREL[1])
    eta, _ = geometry.barrel_direction(row, column)
    end_row, end_column = np.divmod(np.arange(ENDCAPS[0] * ENDCAPS[1]), ENDCAPS[1])
    end_eta, _ = geometry.endcap_direction(end_row, end_column)
    barrel_tower = row // TOWER * wide + column // TOWER
    end_tower = high * wide + end_row // TOWER * (100 // TOWER) + end_column // TOWER
    exists = np.tile(geometry.endcap_mask().ravel(), 2)
    tower = np.concatenate([barrel_tower, np.where(exists, end_tower, -1)])
    towers = high * wide + 2 * (100 // TOWER) ** 2
    members = np.full((towers, TOWER * TOWER), -1)
    order = np.argsort(tower, kind="stable")
    order = order[tower[order] >= 0]
    sizes = np.bincount(tower[order], minlength=towers)
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    members[tower[order], place] = order
    noise = np.where(np.arange(HCAL_START) < ENDCAP_START, BARREL_NOISE, ENDCAP_NOISE)
    thresholds = np.outer(noise, (THRESHOLD, FULL_READOUT_THRESHOLD))
    return Crystals(
        tower=tower,
        sine=1.0 / np.cosh(np.concatenate([eta, end_eta])),
        noise=noise if conditions.noise else np.zeros(HCAL_START),
        least=thresholds if conditions.suppression else np.zeros_like(thresholds),
        full_above=FULL_READOUT if conditions.suppression else -1.0,
        response=_response(np.concatenate([eta, end_eta])),
        near=np.array([_neighbours(index, high, wide) for index in range(towers)]),
        members=members,
    )


def _response(eta: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Measured over true energy of each crystal: 1, apart from its error of calibration."""
    barrel = np.arange(HCAL_START) < ENDCAP_START
    spread = np.select([barrel & (np.abs(eta) < 1.0), barrel], [CALIBRATED, CALIBRATED_EDGE], CALIBRATED_ENDCAP)
    return 1.0 + spread * np.random.default_rng(CALIBRATION_SEED).standard_normal(HCAL_START)


def _neighbours(index: int, high: int, wide: int) -> list[int]:
    if index < high * wide:
        row, column = divmod(index, wide)
        around = [(row + i, (column + j) % wide) for i in (-1, 0, 1) for j in (-1, 0, 1)]
        return [i * wide + j if 0 <= i < high else -1 for i, j in around]
    side = 100 // TOWER
    end, rest = divmod(index - high * wide, side * side)
    row, column = divmod(rest, side)
    around = [(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    first = high * wide + end * side * side
    return [first + i * side + j if 0 <= i < side and 0 <= j < side else -1 for i, j in around]


@compiled
def read_out(cells: Workspace, crystals: Crystals, rng: np.random.Generator) -> Hits:
    """Hits above threshold, in rising order of cells."""
    lit = np.sort(cells.touched[: cells.used[0]])
    transverse = np.zeros(len(crystals.near))
    for cell in lit:
        if cell < HCAL_START:
            transverse[crystals.tower[cell]] += cells.energy[cell] * crystals.sine[cell]
    full = np.zeros(len(crystals.near), np.bool_)
    for index in range(len(crystals.near)):
        if transverse[index] > crystals.full_above:
            for other in crystals.near[index]:
                if other >= 0:
                    full[other] = True
    looked = np.zeros(TOTAL, np.bool_)
    for cell in lit:
        looked[cell] = True
    for index in range(len(crystals.near)):
        if full[index]:
            for cell in crystals.members[index]:
                if cell >= 0:
                    looked[cell] = True
    found = np.flatnonzero(looked)
    keep = np.zeros(len(found), np.bool_)
    energy, time = np.zeros(len(found)), np.zeros(len(found))
    for k in range(len(found)):
        cell = found[k]
        true = cells.energy[cell]
        if cell < HCAL_START:
            sigma = crystals.noise[cell]
            least = crystals.least[cell, 1 if full[crystals.tower[cell]] else 0]
            own = np.sqrt(STOCHASTIC * STOCHASTIC * true + CONSTANT * CONSTANT * true * true)
            energy[k] = crystals.response[cell] * true + own * rng.standard_normal() + sigma * rng.standard_normal()
        else:
            sigma, least = HCAL_NOISE, HCAL_THRESHOLD
            energy[k] = true + sigma * rng.standard_normal()
        keep[k] = energy[k] > least
        if keep[k]:
            late = cells.energy_time[cell] / true if true > 0.0 else 0.0
            time[k] = late + np.hypot(TIME_NOISE * sigma / energy[k], TIME_FLOOR) * rng.standard_normal()
    return found[keep], energy[keep].astype(np.float32), time[keep].astype(np.float32)
