"""Photon candidates from the hits of the ECAL: clusters around seeds, their energy, direction and shape.

Clusters follow CMS (JINST 10 (2015) P08010, sections 3 and 4): in the barrel five rows wide, and as many columns to
either side as carry energy, because the field spreads electrons and conversions in phi; in the endcaps 5 x 5. Where
R9, the energy of 3 x 3 crystals over the cluster's, is above 0.94, the energy is that of 5 x 5 crystals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from tasks.detector.cells import ENDCAP_START, HCAL_START
from tasks.detector.compiled import compiled
from tasks.detector.geometry import (
    BARREL,
    CRYSTAL,
    ENDCAP_PITCH,
    HALF_LENGTH,
    HCAL,
    RADIUS,
    hcal_direction,
)
from tasks.detector.readout import tables
from tasks.detector.showers import FOCUS, TILT, X0

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.detector.calorimeter import Deposits

    Floats = NDArray[Any]

SEED_ET = 4.0
"""GeV of transverse energy in the seed crystal."""
REACH = 17
"""Columns to either side of the seed that a barrel cluster may reach (17 in CMS's hybrid clustering)."""
STRIP = 0.35
"""GeV that a strip of five crystals needs to join the cluster (same)."""
UNCONVERTED = 0.94
SCALE = 1.03
"""True over clustered energy of photons that don't convert: what 5 x 5 crystals miss (our own shower, E25 = 0.97)."""
DEPTH = 7.4
"""Radiation lengths, plus ln(E / GeV): how deep in the crystals the position is taken (CMS: 7.4 in the barrel)."""
LOG_WEIGHT = 4.2
"""Crystals weigh max(0, 4.2 + ln(E_i / E)) in the position (CMS)."""
HCAL_CONE = 0.15


@compiled
def _clusters(cell, energy, sine, least, canvas, rows):  # type: ignore[no-untyped-def]
    """Clusters of one event in falling transverse energy of their seeds; returns how many rows of `rows` are filled.

    A row: barrel (1 or 0), row and column (fractional, weighted), energy of the cluster, of 5 x 5, of 3 x 3,
    sigma_ieta_ieta (in crystals), cell of the seed.
    """
    for k in range(len(cell)):
        canvas[cell[k]] = energy[k]
    order = np.argsort(-energy * sine[cell])
    taken = 0
    for k in order:
        seed = cell[k]
        if energy[k] * sine[seed] < least or taken == len(rows):
            break
        if canvas[seed] <= 0.0:
            continue
        barrel = seed < ENDCAP_START
        high, wide, start = (
            (170, 360, 0) if barrel else (100, 100, ENDCAP_START + (seed - ENDCAP_START) // 10000 * 10000)
        )
        i, j = (seed - start) // wide, (seed - start) % wide
        strip = np.zeros(2 * REACH + 1)
        reach = REACH if barrel else 2
        for b in range(-reach, reach + 1):
            for a in range(-2, 3):
                if 0 <= i + a < high and (barrel or 0 <= j + b < wide):
                    strip[b + REACH] += canvas[start + (i + a) * wide + (j + b) % wide]
        e25 = strip[REACH - 2 : REACH + 3].sum()
        total = e25
        for b in range(-reach, reach + 1):
            if abs(b) > 2 and strip[b + REACH] > STRIP:
                total += strip[b + REACH]
        e9, weights, mean_i, mean_j, square, square_weights, five_i = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for b in range(-2, 3):
            for a in range(-2, 3):
                if not (0 <= i + a < high and (barrel or 0 <= j + b < wide)):
                    continue
                here = canvas[start + (i + a) * wide + (j + b) % wide]
                if here <= 0.0:
                    continue
                if abs(a) < 2 and abs(b) < 2:
                    e9 += here
                weight = max(0.0, LOG_WEIGHT + np.log(here / e25))
                weights += weight
                mean_i += weight * a
                mean_j += weight * b
                wide_weight = max(0.0, 4.7 + np.log(here / e25))
                square_weights += wide_weight
                five_i += wide_weight * a
                square += wide_weight * a * a
        five_i /= square_weights
        for b in range(-reach, reach + 1):  # what a cluster has taken, no other takes
            if abs(b) <= 2 or strip[b + REACH] > STRIP:
                for a in range(-2, 3):
                    if 0 <= i + a < high and (barrel or 0 <= j + b < wide):
                        canvas[start + (i + a) * wide + (j + b) % wide] = 0.0
        row = rows[taken]
        row[0], row[1], row[2] = 1.0 if barrel else 0.0, i + 0.5 + mean_i / weights, j + 0.5 + mean_j / weights
        row[3], row[4], row[5], row[7] = total, e25, e9, seed
        row[6] = np.sqrt(max(square / square_weights - five_i * five_i, 0.0))
        taken += 1
    for k in range(len(cell)):
        canvas[cell[k]] = 0.0
    return taken


def photons(found: Deposits, vertex: Floats, pt_min: float) -> ak.Array:
    """Photon candidates of each event in falling pt: lists of {pt, eta, phi, r9, sigma_ieta_ieta, hadronic}.

    vertex : (events,) metres along the beam, that momenta point back to (`tasks.detector.vertex.chosen`). hadronic :
        HCAL energy within 0.15 over the cluster's.
    """
    sine, canvas, rows = tables().sine, np.zeros(HCAL_START), np.zeros((20, 8))
    parts, counts = [np.empty((0, 8))], []
    for first, last in zip(found.offsets[:-1], found.offsets[1:], strict=True):
        ecal = slice(first, first + np.searchsorted(found.cell[first:last], HCAL_START))
        taken = _clusters(found.cell[ecal], found.energy[ecal].astype(np.float64), sine, SEED_ET, canvas, rows)
        parts.append(rows[:taken].copy())
        counts.append(taken)
    flat = np.concatenate(parts)
    table = _measured(flat, np.repeat(vertex, np.array(counts, dtype=np.int64)))
    candidates = ak.unflatten(ak.zip(table), np.array(counts, dtype=np.int64))
    candidates = ak.with_field(candidates, _hadronic(candidates, found), "hadronic")
    candidates = candidates[candidates.pt > pt_min]
    return candidates[ak.argsort(candidates.pt, ascending=False, stable=True)]


def _measured(flat: Floats, vertex: Floats) -> dict[str, Floats]:
    barrel, row, column, total, e25, e9, sigma, seed = flat.T
    r9 = e9 / np.maximum(total, 1e-9)
    energy = SCALE * np.where(r9 > UNCONVERTED, e25, total)
    depth = X0 * (DEPTH + np.log(np.maximum(energy, 1.0)))
    # barrel: crystals look past the centre, so the shower lies aside of where the particle came in
    aside = depth * TILT / (RADIUS * CRYSTAL)
    eta = (row - aside * np.sign(row - BARREL[0] / 2) - BARREL[0] / 2) * CRYSTAL
    phi = (column - aside) * (2 * np.pi / BARREL[1]) - np.pi
    far = RADIUS * np.cosh(eta) + depth
    place = [far / np.cosh(eta) * np.cos(phi), far / np.cosh(eta) * np.sin(phi), far * np.tanh(eta)]
    # endcaps: along the crystal's axis
    end = (seed - ENDCAP_START) // 10000
    front = [(column - 50) * ENDCAP_PITCH, (row - 50) * ENDCAP_PITCH]
    sign = np.where(end >= 1, 1.0, -1.0)
    open_up = 1 + depth / (HALF_LENGTH + FOCUS)
    x, y = (np.where(barrel > 0, place[axis], front[axis] * open_up) for axis in (0, 1))
    z = np.where(barrel > 0, place[2], sign * (HALF_LENGTH + depth)) - vertex
    r = np.hypot(x, y)
    eta = np.arcsinh(z / r)
    return {
        "pt": energy / np.cosh(eta),
        "eta": eta,
        "phi": np.arctan2(y, x),
        "r9": r9,
        "sigma_ieta_ieta": sigma * CRYSTAL,
        "energy": energy,
    }


def _hadronic(candidates: ak.Array, found: Deposits) -> ak.Array:
    from tasks.detector.particles import delta_r

    towers = found.between(HCAL_START, HCAL_START + HCAL[0] * HCAL[1])
    row, column = (np.asarray(ak.flatten(part)) for part in (towers.cell // HCAL[1], towers.cell % HCAL[1]))
    eta, phi = hcal_direction(row, column)
    counts = ak.num(towers.cell)
    places = ak.zip({"eta": ak.unflatten(eta, counts), "phi": ak.unflatten(phi, counts)})
    near = delta_r(candidates, places) < HCAL_CONE
    energy = ak.broadcast_arrays(towers.energy[:, np.newaxis], near)[0]
    return ak.sum(ak.where(near, energy, 0.0), axis=-1) / candidates.energy
