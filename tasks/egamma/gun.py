"""The particle gun: electrons, photons and neutral pions from the beam line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tasks.detector.calorimeter import incoming
from tasks.detector.pileup import vertices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.detector.calorimeter import Incoming

    Floats = NDArray[np.float64]

PT = (20.0, 60.0)
"""GeV: range of the flat pt spectrum, as in the end-to-end paper (arXiv:1807.11916, section 6)."""
ETA_MAX = 1.4
"""Largest abs(eta); the barrel ends at 1.479."""


def gun(process: str, count: int, rng: np.random.Generator, *, back_to_back: bool = False) -> Incoming:
    """Single particles (or pairs) from the beam line; a neutral pion is its two photons.

    The particles of a pair are independent but for their charges, or `back_to_back`: of opposite momenta.
    """
    shots = count * (2 if process.endswith("pair") else 1)
    pt, eta = rng.uniform(*PT, shots), rng.uniform(-ETA_MAX, ETA_MAX, shots)
    phi, sign = rng.uniform(-np.pi, np.pi, shots), rng.choice((-1, 1), shots)
    if back_to_back:
        pt[1::2], eta[1::2] = pt[::2], -eta[::2]
        phi[1::2] = (phi[::2] + 2 * np.pi) % (2 * np.pi) - np.pi
    z = vertices(count, rng)
    if process.startswith("electron"):
        if process.endswith("pair"):
            sign[1::2] = -sign[::2]
        pdg_id, mass = 11 * sign, 0.000511
    else:
        pdg_id, mass = np.full(shots, 22), 0.0
    pz = pt * np.sinh(eta)
    if process == "pion":
        pt, phi, pz = _pion_decay(pt, phi, pz, rng)
        pdg_id = np.full(2 * shots, 22)
    each = len(pt) // count
    return incoming(np.full(count, each), pdg_id, pt, phi, pz, np.full(len(pt), mass), np.repeat(z, each))


PION_MASS = 0.1349768
"""GeV (Particle Data Group)."""


def _pion_decay(pt: Floats, phi: Floats, pz: Floats, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """(pt, phi, pz) of the two photons of each neutral pion, in turn."""
    pion = np.stack([pt * np.cos(phi), pt * np.sin(phi), pz])
    energy = np.sqrt((pion**2).sum(0) + PION_MASS**2)
    cos, azimuth = rng.uniform(-1, 1, len(pt)), rng.uniform(0, 2 * np.pi, len(pt))
    sin = np.sqrt(1 - cos**2)
    at_rest = PION_MASS / 2 * np.stack([sin * np.cos(azimuth), sin * np.sin(azimuth), cos])
    along = (pion * at_rest).sum(0) / (energy + PION_MASS)
    first = at_rest + pion / PION_MASS * (along + PION_MASS / 2)
    photons = np.stack([first, pion - first], axis=2)
    x, y, z = photons.reshape(3, -1)
    return np.hypot(x, y), np.arctan2(y, x), z
