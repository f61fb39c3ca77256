"""A batch of collisions, as its leptons, jets and missing energy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np

from tasks.detector.jets import cluster, flavour, measured
from tasks.detector.leptons import isolated_leptons, lose_muons
from tasks.detector.missing import missing_energy
from tasks.detector.particles import delta_r, final, heavy_flavour
from tasks.detector.response import response_of

OVERLAP = 0.3
"""A jet this near an isolated lepton is its own radiation, and no jet."""

FIELDS = ("pt", "eta", "phi", "mass", "charge", "kind")


@dataclass(frozen=True)
class Cuts:
    """Which objects are kept: pt in GeV."""

    lepton_pt: float = 20.0
    jet_pt: float = 30.0
    jet_eta: float = 2.4


@dataclass(frozen=True)
class Reconstructed:
    """Lists of {pt, eta, phi, mass, charge, kind} for each event; one missing energy each."""

    leptons: ak.Array
    jets: ak.Array
    met: ak.Array

    def __getitem__(self, index: Any) -> Reconstructed:
        """Some of the events."""
        return Reconstructed(self.leptons[index], self.jets[index], self.met[index])

    def objects(self) -> ak.Array:
        """All objects of an event in one list, in falling pt, as the Events table keeps them."""
        rows = ak.concatenate([self.leptons[list(FIELDS)], self.jets[list(FIELDS)], self.met[list(FIELDS)]], axis=1)
        rows = rows[ak.argsort(rows.pt, ascending=False, stable=True)]
        typed = {name: ak.values_astype(rows[name], np.float32) for name in FIELDS[:-1]}
        return ak.zip({**typed, "kind": ak.values_astype(rows.kind, np.int8)})


def reconstruct(events: ak.Array, level: str, cuts: Cuts, rng: np.random.Generator) -> Reconstructed:
    """Leptons, jets without them, b-tags, and missing energy, at a level of realism."""
    response = response_of(level)
    particles = lose_muons(final(events), response, rng)
    leptons = isolated_leptons(particles, response, cuts.lepton_pt, rng)
    rest = particles[particles.visible & ~_listed(particles, leptons["index"])]
    true_jets = cluster(rest)
    flavours = flavour(true_jets, heavy_flavour(events, hadronised=level != "generator"))
    jets = measured(true_jets, flavours, response, rng)
    true_leptons = ak.zip({"pt": leptons.true_pt, "phi": leptons.phi})
    true = ak.concatenate([true_leptons, true_jets[["pt", "phi"]]], axis=1)
    seen = ak.concatenate([leptons[["pt", "phi"]], jets[["pt", "phi"]]], axis=1)
    met = missing_energy(particles, true, seen, response, rng)
    kept = (jets.pt > cuts.jet_pt) & (abs(jets.eta) < cuts.jet_eta) & ~ak.any(delta_r(jets, leptons) < OVERLAP, axis=-1)
    return Reconstructed(leptons, jets[kept], met)


def _listed(particles: ak.Array, index: ak.Array) -> ak.Array:
    """Whether a particle's position is in `index` (lists of positions), list by list."""
    counts = ak.to_numpy(ak.num(particles.pt))
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    mask = np.zeros(int(counts.sum()), dtype=bool)
    mask[np.asarray(ak.flatten(index + starts))] = True
    return ak.unflatten(mask, counts)
