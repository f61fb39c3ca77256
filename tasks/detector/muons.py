"""Muons: acceptance, efficiency and resolution of a CMS-like tracker and muon system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

MUON_MASS = 0.10566
"""GeV (Particle Data Group, rounded)."""

ETA_MAX = 2.4
"""abs(eta) of the edge of the CMS muon system."""


@dataclass(frozen=True)
class MuonResponse:
    """Efficiency and resolution of muons.

    The relative pT resolution is ``hypot(scattering, curvature * pt)``: multiple scattering, which does not depend on
    the momentum, and the measured sagitta. Both grow as eta squared from their value at eta = 0 to that at 2.4.
    At 5 GeV this gives 0.8% in the centre and 2.0% at the edge, at 100 GeV 1.7% and 6.3%: the curves of CMS,
    JINST 9 (2014) P10009 and JINST 7 (2012) P10002, read by eye. The dependence on eta is a guess.

    Attributes
    ----------
    scattering, curvature : (at eta = 0, at abs(eta) = 2.4); relative, and relative per GeV
    eta_sigma, phi_sigma : resolution of angles, radians; conservative guesses for muons of a few GeV (same sources)
    efficiency : of a muon within the acceptance; "above 95%" on the plateau (JINST 7 P10002), 0.96 is a guess
    """

    scattering: tuple[float, float] = (0.008, 0.020)
    curvature: tuple[float, float] = (1.5e-4, 6.0e-4)
    eta_sigma: float = 1.0e-3
    phi_sigma: float = 1.0e-3
    efficiency: float = 0.96

    def pt_resolution(self, pt: Floats, eta: Floats) -> Floats:
        """Relative pT resolution, the shape of `pt` (GeV)."""
        edge = (np.asarray(eta) / ETA_MAX) ** 2
        scattering, curvature = (low + (high - low) * edge for low, high in (self.scattering, self.curvature))
        return np.asarray(np.hypot(scattering, curvature * np.asarray(pt)))

    def smear(self, pt: Floats, eta: Floats, phi: Floats, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
        """Measured pt (GeV), eta and phi of muons, each of shape (muons,).

        A tracker measures the curvature 1/pT, so the curvature is smeared with a Gaussian. Wrong charges
        (below 0.1% at these momenta, JINST 7 P10002) are not simulated.
        """
        draws = rng.standard_normal((3, len(pt)))
        curvature = np.maximum(1.0 + self.pt_resolution(pt, eta) * draws[0], 0.1)
        measured_phi = phi + self.phi_sigma * draws[2]
        return pt / curvature, eta + self.eta_sigma * draws[1], (measured_phi + np.pi) % (2 * np.pi) - np.pi

    def reconstructed(self, muons: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Draw which of this number of muons are reconstructed."""
        return rng.random(muons) < self.efficiency


def in_acceptance(pt: Floats, eta: Floats) -> NDArray[np.bool_]:
    """Whether muons reach the muon stations and fire the trigger; pt in GeV.

    pT > 3.3 in the barrel, momentum > 2.9 at 1.3 < abs(eta) < 2.2, pT > 0.8 up to 2.4: the acceptance of the
    CMS J/psi measurement at 7 TeV (Eur. Phys. J. C 71 (2011) 1575). The spectra of the recorded stream MuRun2010B
    have the same thresholds.
    """
    distance = np.abs(eta)
    barrel = (distance < 1.3) & (pt > 3.3)
    middle = (distance >= 1.3) & (distance < 2.2) & (pt * np.cosh(eta) > 2.9)
    return barrel | middle | ((distance >= 2.2) & (distance < ETA_MAX) & (pt > 0.8))
