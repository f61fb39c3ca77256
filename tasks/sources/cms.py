"""Reconstructed collisions from CMS files (NanoAOD, HEP Tutorial): leptons, jets and missing energy, or photons."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError
from tasks.detector.leptons import ETA_MAX, ISOLATION, MASS
from tasks.detector.particles import delta_r
from tasks.detector.reconstruction import FIELDS, OVERLAP, Cuts, Reconstructed
from tasks.detector.response import CMS
from tasks.events import KINDS
from tasks.sources.cms_layout import read_chunks
from tasks.sources.files import as_words, describe, find_files, group_ids, not_empty, row_ids, scalars, whole_table
from tasks.sources.labels import DIPHOTON_FILES, label_files
from tasks.sources.root_file import open_trees
from tasks.task import Imported

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tasks.sources.cms_layout import Chunk
    from tasks.sources.labels import FileClass

PHOTON_PT = 20.0
PHOTON_MASS = 90.0
CENTRAL = 1.44
FORWARD = (1.54, 2.3)
"""Selection of the end-to-end paper (papers/004, section 2), GeV and abs(eta): no more is asked of the photons."""

Content = tuple["NDArray[np.bool_]", "Mapping[str, Any]", "Sequence[Any]"]
"""Which events of a chunk are kept; of those, the columns of the table, and numbers that tell events apart."""


@dataclass(frozen=True)
class Selection:
    """What is read of a file, and what is made of a chunk of it.

    parts : of the layout. wanted : what files should have, for messages. build : gets the parts.
    """

    parts: tuple[str, ...]
    wanted: str
    build: Callable[[Mapping[str, ak.Array]], Content]


def read_cms(task: str, source: Path, classes: Sequence[FileClass], selection: Selection) -> Imported:
    """Events of ROOT files whose class is that of the file, by its name or its sub-folder's.

    classes : signal first; the label of an event is the position of its file's class. Empty: nobody knows the class,
    and the label is 0.
    Copies of a collision (run and event number; for simulated ones the content) share their `group`. The weight is
    EventWeight of the HEP Tutorial, and 1 for NanoAOD: genWeight tells nothing but its sign, and no learner here
    takes negative weights. Raises UserError at once for names, and while reading for what is in the files.
    """
    files = find_files(task, source, (".root",), deep=True)
    labels = label_files(task, source, files, classes) if classes else [0] * len(files)
    dropped: Counter[str] = Counter()

    def tables() -> Iterator[ak.Array]:
        for number, (path, label) in enumerate(zip(files, labels, strict=True)):
            what = f"{task}: file {path}"
            for chunk in _chunks(path, selection.parts, what):
                kept, columns, words = selection.build(chunk.parts)
                dropped["not selected"] += int(np.count_nonzero(~kept))
                ids = row_ids(number, chunk.start, chunk.events)[kept]
                event = {name: np.asarray(values)[kept] for name, values in chunk.event.items()}
                weight = _weights(event.get("weight"), what)
                yield whole_table(ids, _groups(event, words), np.full(len(ids), label), weight, columns)

    found = ", ".join(classes[label].name for label in sorted(set(labels))) if classes else ""
    description = describe(files, source, f"classes by the names of files: {found}" if found else "classes unknown")
    return Imported(not_empty(tables(), f"{task}: {source}", dropped, selection.wanted), description, dropped)


def _chunks(path: Path, parts: Sequence[str], what: str) -> Iterator[Chunk]:
    """Reading alone: an error in what a task makes of a chunk is not one of the file."""
    with open_trees(path, what, f"a tree with {', '.join(parts)}") as trees:
        yield from read_chunks(trees, parts, what)


def _weights(weight: NDArray[Any] | None, what: str) -> NDArray[Any] | None:
    if weight is not None and (weight < 0).any():
        raise UserError(f"{what}: EventWeight is negative, expected 0 or more. Give another file.")
    return weight


def _groups(event: Mapping[str, NDArray[Any]], words: Sequence[Any]) -> NDArray[np.int64]:
    group = group_ids([as_words(values) for values in words])
    if {"run", "event"} <= set(event):  # run 1 is simulated, and its event numbers start anew in every sample
        recorded = group_ids([as_words(event["run"]), as_words(event["event"])])
        group = np.where(event["run"] > 1, recorded, group)
    return group


def leptons_and_jets(parts: Mapping[str, ak.Array], cuts: Cuts) -> Reconstructed:
    """Isolated electrons and muons, jets without them, and missing energy, as the fast simulation keeps them.

    The same cuts on pt, eta, isolation and overlap. Where the file has them, identification flags are asked for:
    muons tight, electrons of medium quality or better (`Electron_cutBased` 3), jets of any quality but none.
    """
    electrons, muons = (
        _leptons(parts["electrons"], "electron", 11, cuts),
        _leptons(parts["muons"], "muon", 13, cuts),
    )
    leptons = ak.concatenate([electrons, muons], axis=1)
    leptons = leptons[ak.argsort(leptons.pt, ascending=False, stable=True)]
    jets = parts["jets"]
    kept = (jets.pt > cuts.jet_pt) & (abs(jets.eta) < cuts.jet_eta) & ~ak.any(delta_r(jets, leptons) < OVERLAP, axis=-1)
    if "id" in jets.fields:
        kept = kept & (jets.id > 0)
    jets = jets[kept]
    kinds = ak.where(jets.btag, KINDS.index("bjet"), KINDS.index("jet"))
    jets = ak.zip({**{name: jets[name] for name in FIELDS[:4]}, "charge": ak.zeros_like(jets.pt), "kind": kinds})
    return Reconstructed(leptons, jets[ak.argsort(jets.pt, ascending=False, stable=True)], _missing(parts["missing"]))


def _leptons(found: ak.Array, kind: str, pdg_id: int, cuts: Cuts) -> ak.Array:
    eta = abs(found.eta)
    kept = (found.pt > cuts.lepton_pt) & (eta < ETA_MAX[pdg_id]) & (found.iso < ISOLATION[pdg_id])
    if kind == "electron":
        kept = kept & ~((eta > CMS.crack[0]) & (eta < CMS.crack[1]))
    if "tight" in found.fields:
        kept = kept & (found.tight > 0)
    if "cut_based" in found.fields:
        kept = kept & (found.cut_based >= 3)
    found = found[kept]
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


LEPTONS_AND_JETS = ("electrons", "muons", "jets", "missing")


def read_diphoton(
    source: Path,
    *,
    classes: Sequence[FileClass] = DIPHOTON_FILES,
    forward: bool = False,
    candidate: Callable[[ak.Array], ak.Array] | None = None,
    task: str = "diphoton",
) -> Imported:
    """Events with two photons of pt > 20 GeV and m_yy > 90 GeV, from NanoAOD or HEP Tutorial files.

    classes : as in `read_cms`. forward : abs(eta) < 2.3 without 1.44 to 1.54, instead of abs(eta) < 1.44.
    candidate : makes the task's engineered scalars of the two photons (lists of {pt, eta, phi, ...}, the harder
    first); default `photon_scalars`, which hold no mass.
    Columns: objects (the two photons), mass (m_yy), candidate. Raises UserError as `read_cms` does.
    """

    def build(parts: Mapping[str, ak.Array]) -> Content:
        photons, kept = two_photons(parts["photons"], forward=forward)
        mass = diphoton_mass(photons)
        heavy = mass > PHOTON_MASS
        kept[kept] = heavy
        photons, mass = photons[heavy], mass[heavy]
        columns = {
            "mass": mass.astype(np.float32),
            "objects": photons,
            "candidate": (candidate or photon_scalars)(photons),
        }
        return kept, columns, [photons[name][:, place] for name in ("pt", "eta", "phi") for place in (0, 1)]

    wanted = f"two photons of pt > {PHOTON_PT:g} GeV and m_yy > {PHOTON_MASS:g} GeV"
    return read_cms(task, source, classes, Selection(("photons",), wanted, build))


def two_photons(found: ak.Array, *, forward: bool) -> tuple[ak.Array, NDArray[np.bool_]]:
    """The two hardest photons of each event that has two in the region, as objects, and which events those are."""
    eta = abs(found.eta)
    inside = eta < CENTRAL
    if forward:
        inside = inside | ((eta > FORWARD[0]) & (eta < FORWARD[1]))
    found = found[(found.pt > PHOTON_PT) & inside]
    kept = np.array(ak.to_numpy(ak.num(found.pt) >= 2))
    found = found[kept]
    found = found[ak.argsort(found.pt, ascending=False, stable=True)][:, :2]
    columns = {name: ak.values_astype(found[name], np.float32) for name in ("pt", "eta", "phi")}
    zero = ak.zeros_like(columns["pt"])
    kind = ak.values_astype(zero + KINDS.index("photon"), np.int8)
    return ak.zip({**columns, "mass": zero, "charge": zero, "kind": kind}), kept


def diphoton_mass(photons: ak.Array) -> NDArray[np.float64]:
    """m_yy in GeV, shape (events,): m^2 = 2 pt1 pt2 (cosh(eta1 - eta2) - cos(phi1 - phi2)), for massless photons."""
    pt, eta, phi = (
        np.asarray(ak.to_numpy(ak.to_regular(photons[name])), np.float64).reshape(-1, 2)
        for name in ("pt", "eta", "phi")
    )
    squared = 2.0 * pt[:, 0] * pt[:, 1] * (np.cosh(eta[:, 0] - eta[:, 1]) - np.cos(phi[:, 0] - phi[:, 1]))
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))


def photon_scalars(photons: ak.Array) -> ak.Array:
    """pt / m_yy and eta of both photons, and cos(phi1 - phi2): the mass itself is divided out (papers/004)."""
    mass = diphoton_mass(photons)
    return scalars(
        {
            "pt1_over_m": photons.pt[:, 0] / mass,
            "pt2_over_m": photons.pt[:, 1] / mass,
            "eta1": photons.eta[:, 0],
            "eta2": photons.eta[:, 1],
            "cos_dphi": np.cos(photons.phi[:, 0] - photons.phi[:, 1]),
        }
    )
