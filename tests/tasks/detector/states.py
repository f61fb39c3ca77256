"""Particles, cells and places made by hand, for the tests of the detector."""

from __future__ import annotations

import numpy as np

from tasks.detector.cells import ENDCAP_START, HCAL_START, TOTAL, Workspace
from tasks.detector.geometry import BARREL, HALF_LENGTH, HCAL, RADIUS
from tasks.detector.tracker import BARREL_HALF, CHARGE, PATH, PHI, PT, PZ, STATE, X, Y, Z


def at_vertex(pt: float, eta: float, phi: float, charge: float = 0.0, z: float = 0.0) -> np.ndarray:
    """The state of a particle on the beam line."""
    state = np.zeros(STATE)
    state[[Z, PHI, PT, PZ, CHARGE]] = z, phi, pt, pt * np.sinh(eta), charge
    return state


def at_face(energy: float, eta: float, phi: float, charge: float = 0.0, turned: float = 0.0) -> np.ndarray:
    """The state of a particle at the front face of the ECAL, from the centre; its direction `turned` in phi."""
    pt = energy / np.cosh(eta)
    state = at_vertex(pt, eta, phi + turned, charge)
    barrel = RADIUS * np.sinh(abs(eta)) <= BARREL_HALF
    radius = RADIUS if barrel else HALF_LENGTH / np.sinh(abs(eta))
    state[[X, Y, Z]] = radius * np.array([np.cos(phi), np.sin(phi), np.sinh(eta)])
    state[PATH] = radius * np.cosh(eta)
    return state


def barrel(cells: Workspace) -> np.ndarray:
    """Energies of the barrel crystals, (170, 360)."""
    return cells.energy[:ENDCAP_START].reshape(BARREL).copy()


def hcal(cells: Workspace) -> np.ndarray:
    """Energies of the towers, (56, 72)."""
    return cells.energy[HCAL_START:TOTAL].reshape(HCAL).copy()
