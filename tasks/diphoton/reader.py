"""Photon pairs from CMS files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import awkward as ak
import numpy as np

from tasks.diphoton.pairs import diphoton_mass, photon_scalars
from tasks.diphoton.settings import CENTRAL, FORWARD, GAP, MASS_MIN, PT_MIN
from tasks.events import KINDS
from tasks.sources.cms import CMSReader, FileClass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tasks.sources.cms import Selected

FILE_CLASSES = (
    FileClass("higgs", r"higgs|hto(?:gg|yy|gammagamma)|(?<![a-z])h(?:gg|yy)(?![a-z])", ("Higgs", "GluGluHToGG")),
    FileClass("diphoton", r"di-?photon|gammagammajets|(?<![a-z])(?:gg|yy)jets", ("DiPhotonJets", "Diphoton")),
    FileClass(
        "gammajet",
        r"(?<![a-z])g[-_+]?jets?(?![a-z])|(?<!gamma)gamma[-_+]?jet|(?<!di)(?<!di-)photon[-_+]?(?:plus)?[-_+]?jet",
        ("GJet", "GammaJet", "PhotonJet"),
    ),
)
"""Signal first: gg -> H -> yy, true photon pairs, photon + jet."""


@dataclass(frozen=True)
class DiphotonReader(CMSReader):
    """Events of CMS files with two photons of pt > 20 GeV and m_yy > 90 GeV; no other requirement on the photons.

    Parameters
    ----------
    forward : abs(eta) < 2.3 without 1.44 to 1.54, instead of abs(eta) < 1.44.
    """

    task: ClassVar[str] = "diphoton"
    holds: ClassVar[str] = "reconstructed photons only"
    columns: ClassVar[tuple[str, ...]] = ("mass", "objects", "candidate")
    classes: ClassVar[tuple[FileClass, ...]] = FILE_CLASSES
    parts: ClassVar[tuple[str, ...]] = ("photons",)
    wanted: ClassVar[str] = f"two photons of pt > {PT_MIN:g} GeV and m_yy > {MASS_MIN:g} GeV"

    forward: bool = False

    def build(self, parts: Mapping[str, ak.Array]) -> Selected:
        """The two photons, m_yy and scalars without the mass. Copies of an event have the same photons."""
        photons, passed = two_photons(parts["photons"], forward=self.forward)
        mass = diphoton_mass(photons)
        heavy = mass > MASS_MIN
        passed[passed] = heavy
        photons, mass = photons[heavy], mass[heavy]
        columns = {"mass": mass.astype(np.float32), "objects": photons, "candidate": photon_scalars(photons)}
        return passed, columns, [photons[name][:, place] for name in ("pt", "eta", "phi") for place in (0, 1)]


def two_photons(found: ak.Array, *, forward: bool) -> tuple[ak.Array, NDArray[np.bool_]]:
    """The two hardest photons of each event that has two in the region, as objects, and which events those are."""
    eta = abs(found.eta)
    inside = eta < CENTRAL
    if forward:
        inside = inside | ((eta > GAP[1]) & (eta < FORWARD))
    found = found[(found.pt > PT_MIN) & inside]
    passed = np.array(ak.to_numpy(ak.num(found.pt) >= 2))
    found = found[passed]
    found = found[ak.argsort(found.pt, ascending=False, stable=True)][:, :2]
    columns = {name: ak.values_astype(found[name], np.float32) for name in ("pt", "eta", "phi")}
    zero = ak.zeros_like(columns["pt"])
    kind = ak.values_astype(zero + KINDS.index("photon"), np.int8)
    return ak.zip({**columns, "mass": zero, "charge": zero, "kind": kind}), passed
