"""Reconstruction of leptons, jets and missing energy from particles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from tasks.detector.jets import cluster, flavour, smeared
from tasks.detector.leptons import isolated_leptons, lose_muons
from tasks.detector.particles import delta_r, final, heavy_flavour
from tasks.detector.response import response_of
from tasks.events import KINDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.detector.response import Response

OVERLAP = 0.3
"""Jets within this distance of an isolated lepton are dropped: they are its own radiation."""

FIELDS = ("pt", "eta", "phi", "mass", "charge", "kind")


@dataclass(frozen=True)
class Cuts:
    """Thresholds of objects; pt in GeV. Isolation and acceptance of leptons are in `tasks.detector.leptons`."""

    lepton_pt: float = 20.0
    jet_pt: float = 30.0
    jet_eta: float = 2.4


@dataclass(frozen=True)
class Reconstructed:
    """Objects of each event, as lists of {pt, eta, phi, mass, charge, kind}; `met` has one entry per event."""

    leptons: ak.Array
    jets: ak.Array
    met: ak.Array

    def __getitem__(self, index: Any) -> Reconstructed:
        """Select events."""
        return Reconstructed(self.leptons[index], self.jets[index], self.met[index])

    def objects(self) -> ak.Array:
        """All objects of an event in one list, in falling pt: the column `objects` of the Events table."""
        rows = ak.concatenate([self.leptons[list(FIELDS)], self.jets[list(FIELDS)], self.met[list(FIELDS)]], axis=1)
        rows = rows[ak.argsort(rows.pt, ascending=False, stable=True)]
        typed = {name: ak.values_astype(rows[name], np.float32) for name in FIELDS[:-1]}
        return ak.zip({**typed, "kind": ak.values_astype(rows.kind, np.int8)})


def reconstruct(events: ak.Array, level: str, cuts: Cuts, rng: np.random.Generator) -> Reconstructed:
    """Reconstruct leptons, jets of the other particles, b-tags and missing energy, at a level of realism."""
    response = response_of(level)
    particles = lose_muons(final(events), response, rng)
    leptons = isolated_leptons(particles, response, cuts.lepton_pt, rng)
    rest = particles[particles.visible & ~_listed(particles, leptons["index"])]
    true_jets = cluster(rest)
    flavours = flavour(true_jets, heavy_flavour(events, hadronised=level != "generator"))
    jets = smeared(true_jets, flavours, response, rng)
    true_leptons = ak.zip({"pt": leptons.true_pt, "phi": leptons.phi})
    true = ak.concatenate([true_leptons, true_jets[["pt", "phi"]]], axis=1)
    seen = ak.concatenate([leptons[["pt", "phi"]], jets[["pt", "phi"]]], axis=1)
    met = missing_energy(particles, true, seen, response, rng)
    kept = (jets.pt > cuts.jet_pt) & (abs(jets.eta) < cuts.jet_eta) & ~ak.any(delta_r(jets, leptons) < OVERLAP, axis=-1)
    return Reconstructed(leptons, jets[kept], met)


def missing_energy(
    particles: ak.Array, true: ak.Array, measured: ak.Array, response: Response, rng: np.random.Generator
) -> ak.Array:
    """Missing transverse energy: minus the vector sum of visible particles; one object of kind `met` per event.

    In the sum, true jets and leptons (`true`, lists of {pt, phi}) are replaced by the measured ones. The soft energy,
    of particles in neither, is smeared in x and y.
    """
    seen = particles[particles.visible]
    x = -ak.to_numpy(ak.sum(seen.px, axis=1)) - _component(measured, np.cos) + _component(true, np.cos)
    y = -ak.to_numpy(ak.sum(seen.py, axis=1)) - _component(measured, np.sin) + _component(true, np.sin)
    soft = np.maximum(ak.to_numpy(ak.sum(seen.pt, axis=1)) - ak.to_numpy(ak.sum(true.pt, axis=1)), 0.0)
    noise = response.soft_met * np.sqrt(soft) * rng.standard_normal((2, len(soft)))
    x, y = x + noise[0], y + noise[1]
    flat = {
        "pt": np.hypot(x, y),
        "eta": np.zeros(len(x)),
        "phi": np.arctan2(y, x),
        "mass": np.zeros(len(x)),
        "charge": np.zeros(len(x)),
        "kind": np.full(len(x), KINDS.index("met")),
    }
    return ak.unflatten(ak.zip(flat), np.ones(len(x), dtype=np.int64))


def _component(objects: ak.Array, axis: np.ufunc) -> NDArray[np.float64]:
    return np.asarray(ak.to_numpy(ak.sum(objects.pt * axis(objects.phi), axis=1)))


def _listed(particles: ak.Array, index: ak.Array) -> ak.Array:
    """Whether the position of a particle is in `index` (lists of positions), event by event."""
    counts = ak.to_numpy(ak.num(particles.pt))
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    mask = np.zeros(int(counts.sum()), dtype=bool)
    mask[np.asarray(ak.flatten(index + starts))] = True
    return ak.unflatten(mask, counts)
