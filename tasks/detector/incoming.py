"""Particles as they leave the collision, flat and ready for the calorimeters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from tasks.detector.transport import CHARGE, PHI, PT, PZ, STATE, Z

if TYPE_CHECKING:
    from numpy.typing import NDArray

GAMMA, HADRON, NEUTRAL, MUON = range(4)
"""How the calorimeters see a particle: as electron or photon, charged hadron, neutral hadron or muon."""

ETA_MAX = 3.2
"""Particles beyond this miss the barrel and endcaps."""


@dataclass(frozen=True)
class Incoming:
    """Particles end to end; those of event i at `offsets[i]:offsets[i + 1]`.

    states : (total, 8) as `tasks.detector.transport` has them. seen : (total,) GAMMA, HADRON, NEUTRAL or MUON.
    kinetic : (total,) GeV, what a hadron can leave.
    """

    offsets: NDArray[np.int64]
    states: NDArray[np.float64]
    seen: NDArray[np.int64]
    kinetic: NDArray[np.float64]


def incoming(
    counts: NDArray[np.int64],
    pdg_id: NDArray[np.int64],
    pt: NDArray[np.float64],
    phi: NDArray[np.float64],
    pz: NDArray[np.float64],
    mass: NDArray[np.float64],
    z: NDArray[np.float64],
) -> Incoming:
    """Stable, visible particles, `counts` (events,) of them in each event, the other columns (total,).

    GeV and radians; `z` is where each starts along the beam, in metres.
    """
    size = np.abs(pdg_id)
    sign = np.where((size == 11) | (size == 13), -1.0, np.isin(size, (211, 321, 2212)) * 1.0)
    charge = np.sign(pdg_id) * sign
    states = np.zeros((len(pt), STATE))
    for column, values in ((Z, z), (PHI, phi), (PT, np.maximum(pt, 1e-6)), (PZ, pz), (CHARGE, charge)):
        states[:, column] = values
    seen = np.select([(size == 11) | (size == 22), size == 13, charge != 0], [GAMMA, MUON, HADRON], NEUTRAL)
    # Nucleons are not destroyed, antinucleons annihilate; mesons leave all they have.
    rest = np.where(np.isin(size, (2212, 2112)), np.sign(pdg_id) * mass, 0.0)
    energy = np.sqrt(pt**2 + pz**2 + mass**2)
    return Incoming(np.concatenate([[0], np.cumsum(counts)]), states, seen, np.maximum(energy - rest, 0.0))


def incoming_of(particles: ak.Array, vertex: NDArray[np.float64]) -> Incoming:
    """The visible ones of `tasks.detector.particles.final`; vertex (events,) is where each event starts, m."""
    kept = particles[particles.visible & (abs(particles.eta) < ETA_MAX)]
    counts = ak.to_numpy(ak.num(kept.pt))
    flat: dict[str, Any] = {name: np.asarray(ak.flatten(kept[name])) for name in ("pdg_id", "pt", "phi", "pz", "e")}
    mass = np.sqrt(np.maximum(flat["e"] ** 2 - flat["pt"] ** 2 - flat["pz"] ** 2, 0.0))
    return incoming(counts, flat["pdg_id"], flat["pt"], flat["phi"], flat["pz"], mass, np.repeat(vertex, counts))
