"""Features of pairs of particles, computed on the device of the particles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

PAIR_FEATURES = ("delta_eta", "delta_phi", "delta_r", "ln_z", "ln_kt", "ln_m2")
MASSLESS = PAIR_FEATURES[:4]
"""Without those that are the mass of the pair in closed form: with ln_z, ln_kt is one, too."""
FLOOR = 1e-8
"""Smallest kt (GeV), z and m2 (GeV^2), so that particles at one place or without pt have a logarithm."""
_LARGEST = 1e9
"""Largest pt and mass in GeV, so that squares fit into float32."""
_STEEPEST = 40.0
"""Largest abs(rapidity), so that hyperbolic functions fit into float32."""


def pair_features(momenta: Tensor, pairs: Tensor, turned: Tensor | None = None) -> Tensor:
    """`PAIR_FEATURES` of pairs, (pairs, 6) float32; finite for finite particles with abs(eta) below 1e30.

    Parameters
    ----------
    momenta : (particles, 4) float32: pt, eta, phi, mass in GeV and radians, in the laboratory.
    pairs : (pairs, 2) int64, positions of senders and receivers.
    turned : (particles, 3) float32: cosine, sine and -1 or 1, by which delta_eta and delta_phi are turned and mirrored
        as the columns of the particles are; None for not at all.

    Notes
    -----

    delta_eta, delta_phi : sender minus receiver; delta_phi in [-pi, pi] before it is turned.
    delta_r = sqrt(delta_eta^2 + delta_phi^2); kt = min(pt) delta_r; z = min(pt) / (sum of pt);
    m2 = (E_a + E_b)^2 - |p_a + p_b|^2. These three are logarithms, as the interaction features of the Particle
    Transformer (arXiv:2202.03772, section 4). There delta_r is taken in rapidity; here in pseudorapidity, as in the
    construction of graphs (ParticleNet, arXiv:1902.08570, section 3.2).
    """
    pt, mass = (momenta[:, column].abs().clamp(max=_LARGEST) for column in (0, 3))
    slow = _slowness(pt, momenta[:, 1], mass)
    a, b = pairs.unbind(dim=1)
    delta_eta = momenta[a, 1] - momenta[b, 1]
    delta_phi = torch.remainder(momenta[a, 2] - momenta[b, 2] + math.pi, 2 * math.pi) - math.pi
    delta_r = torch.hypot(delta_eta, delta_phi)
    softer = torch.minimum(pt[a], pt[b])
    z = softer / (pt[a] + pt[b]).clamp(min=FLOOR)
    mass2 = _mass2(pt[pairs], mass[pairs], delta_eta + slow[a] - slow[b], delta_phi)
    logarithms = (part.clamp(FLOOR, 1e38).log() for part in (z, softer * delta_r, mass2))
    if turned is not None:
        cos, sin, mirror = turned[a].unbind(dim=1)
        delta_eta, delta_phi = mirror * (delta_eta * cos - delta_phi * sin), delta_eta * sin + delta_phi * cos
    return torch.stack([delta_eta, delta_phi, delta_r, *logarithms], dim=1)


def _mass2(pt: Tensor, mass: Tensor, delta_y: Tensor, delta_phi: Tensor) -> Tensor:
    """Squared mass of pairs, (pairs,), from pt and mass (pairs, 2) and the differences of rapidity and azimuth.

    m2 = m_a^2 + m_b^2 + 2 (mt_a mt_b cosh(delta y) - pt_a pt_b cos(delta phi)), written as a sum of terms that are
    never negative: the difference of large energies and momenta would leave nothing in float32.
    """
    pt2, square = pt.square(), mass.square()
    mt_mt, pt_pt = torch.hypot(pt, mass).prod(dim=1), pt.prod(dim=1)
    # mt_a mt_b - pt_a pt_b: the difference of their squares, divided by their sum
    excess = (square.prod(dim=1) + square[:, 0] * pt2[:, 1] + square[:, 1] * pt2[:, 0]) / (mt_mt + pt_pt).clamp(
        min=FLOOR**2
    )
    half = delta_y.clamp(-_STEEPEST, _STEEPEST) / 2
    apart = mt_mt * torch.sinh(half).square() + pt_pt * torch.sin(delta_phi / 2).square()
    return square.sum(dim=1) + 2 * excess + 4 * apart


def _slowness(pt: Tensor, eta: Tensor, mass: Tensor) -> Tensor:
    """Rapidity minus pseudorapidity: exactly 0 for massless particles, and small compared with eta for light ones."""
    steep = eta.abs().clamp(max=_STEEPEST)
    pt = pt.clamp(min=FLOOR)
    p, pz = pt * torch.cosh(steep), pt * torch.sinh(steep)
    # ln((E + pz) / (p + pz)) - ln(mt / pt)
    less = torch.log1p((mass / (torch.hypot(p, mass) + p)) * (mass / (p + pz))) - torch.log1p((mass / pt).square()) / 2
    return torch.where(eta < 0, -less, less)
