"""Enrichment of photon + jet events in jets that look like photons, without a detector simulation.

CMS enriches its sample at particle level in the same way, with isolated clusters of photons and electrons, so that
the jets are dominated by a neutral meson. Partons are selected first, to avoid useless hadronisations. The loop over
hadronisations works on single particles, because they are few.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from tasks.detector.particles import delta_r

if TYPE_CHECKING:
    from tasks.generator.rehadronised import Particle

ELECTRON, PHOTON = 11, 22
SEED_PT, CORE, CONE, ISOLATION = 4.0, 0.1, 0.4, 0.2
"""Clusters of photons and electrons: pt of the seed in GeV, radius of the cluster, radius of the isolation cone, and
largest pt of other particles in the cone relative to the cluster (CMS's EM enrichment is as loose)."""
LOOSE = 0.9
"""Cuts at particle level relative to those of the selection, because a detector measures some energies higher."""


@dataclass(frozen=True)
class Enrichment:
    """Selects events with two clusters that may pass as photons.

    Attributes
    ----------
    pt_min, mass_min : cuts of the selection on each photon and on the pair, GeV
    eta_max : cut of the selection on photons
    """

    pt_min: float
    mass_min: float
    eta_max: float

    def promising(self, partons: list[Particle]) -> bool:
        """Whether a photon and a jet may pass the selection.

        There is no cut on the width of the jet: it would save a tenth of the time, but it changed the momenta of the
        second photons of 700 events (Kolmogorov-Smirnov distance 0.11, where 5% are expected above 0.07).
        """
        near = [p for p in partons if abs(p[2]) < self.eta_max + 0.1]
        photons = [p for p in near if p[0] == PHOTON and p[1] > 0.8 * self.pt_min]
        others = [p for p in near if p[0] != PHOTON]
        if not photons or not others:
            return False
        photon, jet = max(photons, key=lambda p: p[1]), max(others, key=lambda p: p[1])
        around = sum_around(others, jet[2], jet[3], CONE)
        return around > self.pt_min and _mass(photon, (0, around, jet[2], jet[3])) > LOOSE * self.mass_min

    def fakes(self, hadrons: list[Particle]) -> bool:
        """Whether there is a second isolated cluster next to the photon: a fast version of `clusters`."""
        light = [p for p in hadrons if abs(p[0]) in (ELECTRON, PHOTON)]
        if sum(p[1] > SEED_PT for p in light) < 2:
            return False
        found = []
        for _, pt, eta, phi in light:
            if pt > SEED_PT:
                core = sum_around(light, eta, phi, CORE)
                alone = sum_around(hadrons, eta, phi, CONE) < (1.0 + 1.25 * ISOLATION) * core
                if core > LOOSE * self.pt_min and alone:
                    found.append((PHOTON, core, eta, phi))
        return any(_mass(a, b) > LOOSE * self.mass_min for a in found for b in found)

    def clusters(self, particles: ak.Array) -> ak.Array:
        """Isolated clusters of final photons and electrons: lists of {pt, eta, phi}, in falling pt.

        A cluster consists of all photons and electrons within 0.1 of the hardest one, which has pt > 4 GeV, and has at
        least 90% of the pt cut of the selection. It is isolated if other particles within 0.4 have less than 20% of its
        pt. `particles` : as `tasks.detector.particles.final` returns them.
        """
        seen = particles[particles.visible & (abs(particles.eta) < self.eta_max + CONE)]
        light = seen[(seen.pdg_id == PHOTON) | (abs(seen.pdg_id) == ELECTRON)]
        seeds = light[light.pt > SEED_PT]
        near = delta_r(seeds, light) < CORE
        pt = ak.broadcast_arrays(light.pt[:, np.newaxis], near)[0]
        core = ak.sum(ak.where(near, pt, 0.0), axis=-1)
        leads = seeds.pt >= ak.fill_none(ak.max(ak.where(near, pt, 0.0), axis=-1), 0.0)
        kept = leads & (core > LOOSE * self.pt_min)
        around = delta_r(seeds, seen) < CONE
        cone = ak.sum(ak.where(around, ak.broadcast_arrays(seen.pt[:, np.newaxis], around)[0], 0.0), axis=-1)
        kept = kept & (cone - core < ISOLATION * core)
        found = ak.zip({"pt": core[kept], "eta": seeds.eta[kept], "phi": seeds.phi[kept]})
        return found[ak.argsort(found.pt, ascending=False, stable=True)]


def sum_around(particles: list[Particle], eta: float, phi: float, radius: float) -> float:
    """Scalar sum of pt (GeV) within a radius of a direction."""
    total = 0.0
    for _, pt, eta_i, phi_i in particles:
        away = abs(phi_i - phi)
        away = min(away, 2.0 * math.pi - away)
        if (eta_i - eta) ** 2 + away * away < radius * radius:
            total += pt
    return total


def _mass(a: Particle, b: Particle) -> float:
    """Mass in GeV of two massless particles."""
    return math.sqrt(max(2.0 * a[1] * b[1] * (math.cosh(a[2] - b[2]) - math.cos(a[3] - b[3])), 0.0))
