"""Jets: clustering with fastjet, energy resolution, b-tags by flavour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import awkward as ak
import numpy as np

from tasks.detector.particles import cylindrical, delta_r
from tasks.detector.response import Response, smear
from tasks.events import KINDS

if TYPE_CHECKING:
    import fastjet

Algorithm = Literal["antikt", "kt"]

RADIUS = 0.5
"""The radius of CMS jets at 7 TeV."""
CLUSTERED_PT_MIN = 10.0
"""GeV. Softer jets count as soft energy in the missing energy."""


def cluster(particles: ak.Array, radius: float = RADIUS) -> ak.Array:
    """Anti-kt jets (Cacciari, Salam and Soyez, JHEP 04 (2008) 063) with pt > 10 GeV, in falling pt.

    Returns lists of {px, py, pz, e, pt, eta, phi, mass}; E-scheme.
    """
    rows = jet_rows(sequence(particles, radius).inclusive_jets(min_pt=CLUSTERED_PT_MIN))
    return rows[ak.argsort(rows.pt, ascending=False, stable=True)]


def cluster_with_members(
    particles: ak.Array, radius: float, algorithm: Algorithm = "antikt", pt_min: float = CLUSTERED_PT_MIN
) -> tuple[ak.Array, ak.Array]:
    """Jets with pt > pt_min, and the positions of their constituents in `particles`.

    Returns jets as `cluster` does, and lists of lists of positions, both in falling pt.
    """
    found = sequence(particles, radius, algorithm)
    rows, members = jet_rows(found.inclusive_jets(min_pt=pt_min)), found.constituent_index(min_pt=pt_min)
    order = ak.argsort(rows.pt, ascending=False, stable=True)
    return rows[order], members[order]


def sequence(particles: ak.Array, radius: float, algorithm: Algorithm = "antikt") -> fastjet.AwkwardClusterSequence:
    """Cluster lists of {px, py, pz, e}, event by event; returns the cluster sequence of fastjet."""
    import fastjet
    import vector

    vector.register_awkward()
    columns = {"px": particles.px, "py": particles.py, "pz": particles.pz, "E": particles.e}
    momenta = ak.zip({name: ak.to_packed(column) for name, column in columns.items()}, with_name="Momentum4D")
    code = {"antikt": fastjet.antikt_algorithm, "kt": fastjet.kt_algorithm}[algorithm]
    return fastjet.ClusterSequence(momenta, fastjet.JetDefinition(code, radius))


def jet_rows(jets: ak.Array) -> ak.Array:
    """Lists of {px, py, pz, e, pt, eta, phi, mass} from lists of {px, py, pz, E} of fastjet, in the same order."""
    counts = ak.num(jets.px)
    px, py, pz, e = (np.asarray(ak.flatten(jets[axis])) for axis in ("px", "py", "pz", "E"))
    pt, eta, phi = cylindrical(px, py, pz)
    mass = np.sqrt(np.maximum(e**2 - px**2 - py**2 - pz**2, 0.0))
    columns = {"px": px, "py": py, "pz": pz, "e": e, "pt": pt, "eta": eta, "phi": phi, "mass": mass}
    return ak.zip({name: ak.unflatten(column, counts) for name, column in columns.items()})


def flavour(jets: ak.Array, heavy: ak.Array, radius: float = RADIUS) -> ak.Array:
    """5, 4 or 0 for each jet: the heaviest flavour of a bottom or charm hadron within `radius` of its axis."""
    near = delta_r(jets, heavy) < radius
    codes = ak.broadcast_arrays(heavy.flavour[:, np.newaxis], near)[0]
    return ak.fill_none(ak.max(ak.where(near, codes, 0), axis=-1), 0)


def smeared(jets: ak.Array, flavours: ak.Array, response: Response, rng: np.random.Generator) -> ak.Array:
    """Smear the energy and angles of jets, and draw b-tags by flavour.

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
