"""Leptons, jets and missing energy from CMS files, with the cuts of the fast simulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import awkward as ak
import numpy as np

from tasks.detector.leptons import ETA_MAX, ISOLATION, MASS
from tasks.detector.particles import delta_r
from tasks.detector.reconstruction import FIELDS, OVERLAP, Cuts, Reconstructed
from tasks.detector.response import CMS
from tasks.events import KINDS
from tasks.sources.cms import CMSReader, FileClass
from tasks.ttbar.selection import Selection, high_level

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.sources.cms import Selected

FILE_CLASSES = (
    # not TTW, TTZ or TTG, which are other processes
    FileClass("ttbar", r"(?<![a-z])t(?:op)?t(?:bar|jets|to[0-9hls]|(?![a-z]))", ("TTbar", "TTJets", "TTTo2L2Nu")),
    FileClass("wjets", r"(?<![a-z])w[0-9]?[-_+]?jets", ("WJets", "W1JetsToLNu")),
    FileClass(
        "drellyan", r"(?<![a-z])(?:dy(?![a-z])|dy(?:jets|to)|drell[-_ ]?yan|z[0-9]?[-_+]?jets)", ("DYJets", "DY")
    ),
)
"""Signal first, with the names of samples in CMS Open Data and the HEP Tutorial."""


@dataclass(frozen=True)
class TTbarReader(CMSReader):
    """Collisions of CMS files that pass the selection of the task."""

    task: ClassVar[str] = "ttbar"
    holds: ClassVar[str] = "reconstructed leptons, jets and missing energy only"
    columns: ClassVar[tuple[str, ...]] = ("objects", "candidate")
    classes: ClassVar[tuple[FileClass, ...]] = FILE_CLASSES
    parts: ClassVar[tuple[str, ...]] = ("electrons", "muons", "jets", "missing")

    selection: Selection

    @property
    def wanted(self) -> str:
        """The selection in words."""
        return str(self.selection)

    def build(self, parts: Mapping[str, ak.Array]) -> Selected:
        """Objects and engineered scalars. Copies of an event have the same missing energy and leading lepton."""
        found = leptons_and_jets(parts, Cuts())
        passed = np.asarray(ak.to_numpy(self.selection.passed(found)))
        found = found[passed]
        words = [found.met.pt[:, 0], found.met.phi[:, 0], *(found.leptons[name][:, 0] for name in ("pt", "eta"))]
        return passed, {"objects": found.objects(), "candidate": high_level(found)}, words


def leptons_and_jets(parts: Mapping[str, ak.Array], cuts: Cuts) -> Reconstructed:
    """Isolated electrons and muons, jets that do not overlap with them, and missing energy.

    The cuts on pt, eta, isolation and overlap are those of the fast simulation. Identification is required where the
    file has it: muons tight, electrons of medium quality or better (`Electron_cutBased` 3), jets of any quality.
    """
    electrons, muons = (
        _leptons(parts["electrons"], "electron", 11, cuts),
        _leptons(parts["muons"], "muon", 13, cuts),
    )
    leptons = ak.concatenate([electrons, muons], axis=1)
    leptons = leptons[ak.argsort(leptons.pt, ascending=False, stable=True)]
    jets = parts["jets"]
    passed = (
        (jets.pt > cuts.jet_pt) & (abs(jets.eta) < cuts.jet_eta) & ~ak.any(delta_r(jets, leptons) < OVERLAP, axis=-1)
    )
    if "id" in jets.fields:
        passed = passed & (jets.id > 0)
    jets = jets[passed]
    kinds = ak.where(jets.btag, KINDS.index("bjet"), KINDS.index("jet"))
    jets = ak.zip({**{name: jets[name] for name in FIELDS[:4]}, "charge": ak.zeros_like(jets.pt), "kind": kinds})
    return Reconstructed(leptons, jets[ak.argsort(jets.pt, ascending=False, stable=True)], _missing(parts["missing"]))


def _leptons(found: ak.Array, kind: str, pdg_id: int, cuts: Cuts) -> ak.Array:
    eta = abs(found.eta)
    passed = (found.pt > cuts.lepton_pt) & (eta < ETA_MAX[pdg_id]) & (found.iso < ISOLATION[pdg_id])
    if kind == "electron":
        passed = passed & ~((eta > CMS.crack[0]) & (eta < CMS.crack[1]))
    if "tight" in found.fields:
        passed = passed & (found.tight > 0)
    if "cut_based" in found.fields:
        passed = passed & (found.cut_based >= 3)
    found = found[passed]
    same = ak.ones_like(found.pt)
    columns = {
        "mass": MASS[pdg_id] * same,
        "charge": found.charge,
        "kind": ak.values_astype(KINDS.index(kind) * same, int),
    }
    return ak.zip({**{name: found[name] for name in ("pt", "eta", "phi")}, **columns})


def _missing(found: ak.Array) -> ak.Array:
    zero = np.zeros(len(found))
    columns = {"pt": found.pt, "eta": zero, "phi": found.phi, "mass": zero, "charge": zero}
    rows = ak.zip({**columns, "kind": np.full(len(found), KINDS.index("met"))})
    return ak.unflatten(rows, np.ones(len(found), dtype=np.int64))
