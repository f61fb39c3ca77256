"""Electrons and muons without hits: efficiency, resolution, isolation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from tasks.detector.particles import delta_r
from tasks.detector.response import Response, smear
from tasks.events import KINDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

MASS = {11: 0.000511, 13: 0.10566}  # GeV, PDG
BARREL = 1.479
ETA_MAX = {11: 2.5, 13: 2.4}
"""abs(eta) of the edges of the tracker and of the muon chambers."""
CHAMBERS_PT_MIN = 3.0
"""GeV. Softer muons stop before the chambers and count as charged particles."""
ISOLATION_CONE = 0.3
ISOLATION = {11: 0.10, 13: 0.15}
"""Largest sum of visible pt around a lepton relative to its own pt (CMS TOP-11-003 and similar use 0.10 to 0.20)."""
DRESSING_CONE = 0.1
"""Photons within this distance of an electron are part of its shower: they count as its energy, not its isolation."""


def isolated_leptons(particles: ak.Array, response: Response, pt_min: float, rng: np.random.Generator) -> ak.Array:
    """Reconstructed, isolated electrons (abs(eta) < 2.5) and muons (< 2.4) with pt > pt_min, in falling pt.

    Any stable electron or muon can be a candidate, whatever its origin. Returns lists of {pt, eta, phi, mass, charge,
    kind, true_pt, index}: `true_pt` is before smearing (with photons), `index` the position in `particles`.
    """
    indexed = ak.with_field(particles, ak.local_index(particles.pt), "index")
    size = abs(indexed.pdg_id)
    # The threshold applies after smearing and dressing, so candidates start at 80% of it.
    candidates = indexed[indexed.visible & ((size == 11) | (size == 13)) & (indexed.pt > 0.8 * pt_min)]
    around, photons = _sums_around(candidates, particles)
    counts = ak.num(candidates.pt)
    flat = ak.flatten(candidates)
    electron = np.abs(np.asarray(flat.pdg_id)) == 11
    eta = np.asarray(flat.eta)
    dressed = np.asarray(flat.pt) + np.where(electron, photons, 0.0)
    cone = np.where(electron, around - photons, around)
    endcap = (np.abs(eta) > BARREL).astype(int)
    pt = smear(dressed, _by_region(response.electron_resolution, response.muon_resolution, electron, endcap), rng)
    # `lose_muons` has applied the efficiency of muons. An electron that is lost here is still in the calorimeter.
    efficiency = _by_region(response.electron_efficiency, (1.0, 1.0), electron, endcap)
    found = (rng.random(len(pt)) < efficiency) & (np.abs(eta) < np.where(electron, ETA_MAX[11], ETA_MAX[13]))
    crack = electron & (np.abs(eta) > response.crack[0]) & (np.abs(eta) < response.crack[1])
    isolated = cone < np.where(electron, ISOLATION[11], ISOLATION[13]) * dressed
    leptons = ak.zip(
        {
            "pt": pt,
            "eta": eta,
            "phi": np.asarray(flat.phi),
            "mass": np.where(electron, MASS[11], MASS[13]),
            "charge": -np.sign(np.asarray(flat.pdg_id)).astype(np.float64),
            "kind": np.where(electron, KINDS.index("electron"), KINDS.index("muon")),
            "true_pt": dressed,
            "index": np.asarray(flat["index"]),
        }
    )
    kept = ak.unflatten(found & ~crack & isolated & (pt > pt_min), counts)
    leptons = ak.unflatten(leptons, counts)[kept]
    return leptons[ak.argsort(leptons.pt, ascending=False, stable=True)]


def lose_muons(particles: ak.Array, response: Response, rng: np.random.Generator) -> ak.Array:
    """Mark the muons that the muon chambers miss, by acceptance or efficiency, as not visible.

    A muon deposits almost no energy in the calorimeters: a lost one becomes missing energy and is in no jet.
    """
    counts = ak.num(particles.pt)
    flat = ak.flatten(particles)
    pt, eta = np.asarray(flat.pt), np.abs(np.asarray(flat.eta))
    muon = (np.abs(np.asarray(flat.pdg_id)) == 13) & (pt > CHAMBERS_PT_MIN)
    efficiency = np.asarray(response.muon_efficiency)[(eta[muon] > BARREL).astype(int)]
    missed = np.zeros(len(pt), dtype=bool)
    missed[muon] = (eta[muon] > response.muon_eta) | (rng.random(int(muon.sum())) >= efficiency)
    return ak.with_field(particles, ak.unflatten(np.asarray(flat.visible) & ~missed, counts), "visible")


def _sums_around(candidates: ak.Array, particles: ak.Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Flat over candidates: sums of pt in the isolation cone, without the lepton itself, and of photons close to it."""
    seen = particles[particles.visible]
    distance = delta_r(candidates, seen)
    pt = ak.broadcast_arrays(seen.pt[:, np.newaxis], distance)[0]
    photon = ak.broadcast_arrays((seen.pdg_id == 22)[:, np.newaxis], distance)[0]
    around = ak.sum(ak.where(distance < ISOLATION_CONE, pt, 0.0), axis=-1) - candidates.pt
    near = ak.sum(ak.where((distance < DRESSING_CONE) & photon, pt, 0.0), axis=-1)
    return np.maximum(np.asarray(ak.flatten(around)), 0.0), np.asarray(ak.flatten(near))


def _by_region(
    electrons: tuple[float, float], muons: tuple[float, float], electron: NDArray[np.bool_], endcap: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Select the (barrel, endcaps) value for each lepton."""
    return np.where(electron, np.asarray(electrons)[endcap], np.asarray(muons)[endcap])
