"""Photon candidates from hits and tracks: energy, direction, shape and isolation of clusters of the ECAL.

They follow CMS (JINST 10 (2015) P08010, sections 3 and 4). If R9, the energy of 3 x 3 crystals over that of the
cluster, is above 0.94, the energy is that of 5 x 5 crystals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from tasks.detector.cells import ENDCAP_START, HCAL_START, TOTAL, directions
from tasks.detector.clustering import COLUMNS, clusters
from tasks.detector.geometry import BARREL, CRYSTAL, ENDCAP_PITCH, HALF_LENGTH, RADIUS
from tasks.detector.particles import delta_r
from tasks.detector.readout import crystals
from tasks.detector.showers import FOCUS, TILT, X0

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.detector.cells import Deposits

    Floats = NDArray[Any]

SEED_ET = 4.0
"""GeV of transverse energy in the seed crystal."""
UNCONVERTED = 0.94
SCALE = 1.03
"""True over clustered energy of unconverted photons: 5 x 5 crystals contain 97% of our simulated showers."""
DEPTH = 7.4
"""Radiation lengths, plus ln(E / GeV): depth of measured positions in the crystals (CMS: 7.4 in the barrel)."""
HCAL_CONE, ISOLATION_CONE = 0.15, 0.3
LEAKAGE = 0.012
"""Fraction of the transverse energy of a photon that is subtracted from its isolation: about the energy of our
simulated showers outside the cluster (1% of 60 GeV). The cuts of CMS on isolation grow with the energy likewise."""
TRACK_VETO = 0.04
"""Tracks within this distance may come from a conversion of the photon (same, section 4)."""


def photons(found: Deposits, tracks: ak.Array, vertex: Floats, pt_min: float) -> ak.Array:
    """Photon candidates of each event, in falling pt.

    Parameters
    ----------
    found : hits
    tracks : lists of {pt, eta, phi} of tracks from the vertex
    vertex : (events,) position along the beam that momenta point back to, metres
    pt_min : GeV

    Returns
    -------
    Lists of {pt, eta, phi, detector_eta, energy, r9, sigma_ieta_ieta, hadronic, ecal_isolation, track_isolation}, GeV.
    detector_eta : of the position in the ECAL, seen from the centre of the detector, for fiducial cuts
    hadronic : HCAL energy within 0.15, over the energy of the cluster
    ecal_isolation : transverse energy of crystals within 0.3, without the cluster and its leakage
    track_isolation : scalar sum of the pt of tracks between 0.04 and 0.3

    Distances to hits are measured from the centre of the detector, distances to tracks from the vertex.
    """
    sine, (directed, _) = crystals().sine, directions()
    canvas, rows = np.zeros(HCAL_START), np.zeros((20, len(COLUMNS)))
    parts, counts = [rows[:0].copy()], []
    for first, last in zip(found.offsets[:-1], found.offsets[1:], strict=True):
        ecal = slice(first, first + np.searchsorted(found.cell[first:last], HCAL_START))
        energy = found.energy[ecal].astype(np.float64)
        taken = clusters(found.cell[ecal], energy, directed, sine, SEED_ET, canvas, rows)
        parts.append(rows[:taken].copy())
        counts.append(taken)
    flat = np.concatenate(parts)
    table = _measured(flat, np.repeat(vertex, np.array(counts, dtype=np.int64)))
    candidates = ak.unflatten(ak.zip(table), np.array(counts, dtype=np.int64))
    candidates = candidates[candidates.pt > pt_min]
    candidates = candidates[ak.argsort(candidates.pt, ascending=False, stable=True)]
    hcal, ecal = _energies(found, HCAL_START, TOTAL), _energies(found, 0, HCAL_START)
    places = ak.zip({"eta": candidates.detector_eta, "phi": candidates.phi})
    around = {
        "hadronic": _around(places, hcal, "energy", (0.0, HCAL_CONE)) / candidates.energy,
        "ecal_isolation": _around(places, ecal, "et", (0.0, ISOLATION_CONE)) - (1 + LEAKAGE) * candidates.clustered_et,
        "track_isolation": _around(candidates, tracks, "pt", (TRACK_VETO, ISOLATION_CONE)),
    }
    named = {name: candidates[name] for name in candidates.fields if name != "clustered_et"}
    return ak.zip({**named, **around})


def _measured(flat: Floats, vertex: Floats) -> dict[str, Floats]:
    barrel, row, column, total, e25, e9, sigma, seed, et = flat.T
    r9 = e9 / np.maximum(total, 1e-9)
    energy = SCALE * np.where(r9 > UNCONVERTED, e25, total)
    depth = X0 * (DEPTH + np.log(np.maximum(energy, 1.0)))
    # barrel: crystals point past the centre, so the shower is displaced from the point of entry
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
    z = np.where(barrel > 0, place[2], sign * (HALF_LENGTH + depth))
    r = np.hypot(x, y)
    eta = np.arcsinh((z - vertex) / r)
    return {
        "pt": energy / np.cosh(eta),
        "eta": eta,
        "phi": np.arctan2(y, x),
        "detector_eta": np.arcsinh(z / r),
        "r9": r9,
        "sigma_ieta_ieta": sigma,
        "energy": energy,
        "clustered_et": et,
    }


def _energies(found: Deposits, start: int, stop: int) -> ak.Array:
    """Lists of {energy, et, eta, phi} of the hits in cells [start, stop), seen from the centre of the detector."""
    hits = found.between(start, stop)
    cell, energy = (np.asarray(ak.flatten(part)) for part in (hits.cell + start, hits.energy))
    eta, phi = (values[cell] for values in directions())
    rows = {"energy": energy, "et": energy / np.cosh(eta), "eta": eta, "phi": phi}
    return ak.unflatten(ak.zip(rows), ak.num(hits.cell))


def _around(candidates: ak.Array, others: ak.Array, name: str, radii: tuple[float, float]) -> ak.Array:
    """Sum of a field of the others between two distances from each candidate."""
    distance = delta_r(candidates, others)
    values = ak.broadcast_arrays(others[name][:, np.newaxis], distance)[0]
    return ak.sum(ak.where((distance >= radii[0]) & (distance < radii[1]), values, 0.0), axis=-1)
