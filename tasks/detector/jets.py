"""Jets: anti-kt by fastjet, energy resolution, b-tags by flavour."""

from __future__ import annotations

import awkward as ak
import numpy as np

from tasks.detector.particles import cylindrical, delta_r
from tasks.detector.response import Response, smear
from tasks.events import KINDS

RADIUS = 0.5
"""The radius of CMS jets at 7 TeV."""
CLUSTERED_PT_MIN = 10.0
"""Jets below this count as soft energy in the missing energy."""


def cluster(particles: ak.Array, radius: float = RADIUS) -> ak.Array:
    """Anti-kt jets (Cacciari, Salam and Soyez, JHEP 04 (2008) 063) with pt > 10 GeV, in falling pt.

    Returns lists of {px, py, pz, e, pt, eta, phi, mass}; E-scheme.
    """
    import fastjet
    import vector

    vector.register_awkward()
    momenta = ak.zip(
        {"px": particles.px, "py": particles.py, "pz": particles.pz, "E": particles.e}, with_name="Momentum4D"
    )
    sequence = fastjet.ClusterSequence(momenta, fastjet.JetDefinition(fastjet.antikt_algorithm, radius))
    jets = sequence.inclusive_jets(min_pt=CLUSTERED_PT_MIN)
    counts = ak.num(jets.px)
    px, py, pz, e = (np.asarray(ak.flatten(jets[axis])) for axis in ("px", "py", "pz", "E"))
    pt, eta, phi = cylindrical(px, py, pz)
    mass = np.sqrt(np.maximum(e**2 - px**2 - py**2 - pz**2, 0.0))
    columns = {"px": px, "py": py, "pz": pz, "e": e, "pt": pt, "eta": eta, "phi": phi, "mass": mass}
    rows = ak.zip({name: ak.unflatten(column, counts) for name, column in columns.items()})
    return rows[ak.argsort(rows.pt, ascending=False, stable=True)]


def flavour(jets: ak.Array, heavy: ak.Array, radius: float = RADIUS) -> ak.Array:
    """5, 4 or 0 for each jet: the heaviest flavour of a bottom or charm hadron within `radius` of its axis."""
    near = delta_r(jets, heavy) < radius
    codes = ak.broadcast_arrays(heavy.flavour[:, np.newaxis], near)[0]
    return ak.fill_none(ak.max(ak.where(near, codes, 0), axis=-1), 0)


def measured(jets: ak.Array, flavours: ak.Array, response: Response, rng: np.random.Generator) -> ak.Array:
    """The jets as measured: smeared energy and angles, and a b-tag drawn by flavour.

    Returns lists of {pt, eta, phi, mass, charge, kind} in the order of `jets`; the mass scales with the energy.
    """
    counts = ak.num(jets.pt)
    flat = ak.flatten(jets)
    true_pt = np.asarray(flat.pt)
    pt = smear(true_pt, response.jet_resolution(true_pt), rng)
    shift = response.jet_angle * rng.standard_normal((2, len(pt)))
    phi = np.asarray(flat.phi) + shift[1]
    efficiency = np.asarray(response.tag_efficiency)
    chance = efficiency[np.searchsorted((4, 5), np.asarray(ak.flatten(flavours)), side="right")]
    tagged = rng.random(len(pt)) < chance
    rows = ak.zip(
        {
            "pt": pt,
            "eta": np.asarray(flat.eta) + shift[0],
            "phi": np.arctan2(np.sin(phi), np.cos(phi)),
            "mass": np.asarray(flat.mass) * pt / np.maximum(true_pt, 1e-9),
            "charge": np.zeros(len(pt)),
            "kind": np.where(tagged, KINDS.index("bjet"), KINDS.index("jet")),
        }
    )
    return ak.unflatten(rows, counts)
