"""Two layouts of reconstructed objects in CMS files, NanoAOD and the HEP Tutorial. Both become the same lists.

The reduced NanoAOD files of CMS Open Data for 2012 ("NanoAOD outreach", record 12350 and others), which are of Run 1,
are read as well. Only the branches that are needed are read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError, spelled
from tasks.detector.particles import cylindrical
from tasks.sources.files import require_finite
from tasks.sources.root_bounds import read_branches
from tasks.sources.root_file import contents, entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Branches = tuple[str, ...]
"""Names that files may have for a quantity; the first that the file has is read."""


@dataclass(frozen=True)
class Layout:
    """The branches of a kind of file, by part (such as muons) and quantity.

    Parameters
    ----------
    needed : branches that a file must have. extra : branches that are used if the file has them.
    filled : by branch of `extra`, branches of which one is above 0 for some object if the file fills the branch at all.
    btags : discriminators and their medium working points, best first.
    missing : of the missing energy, one number per event each. event : likewise.
    relative_isolation : whether isolation sums are relative to pt, or in GeV.
    """

    name: str
    needed: Mapping[str, Mapping[str, Branches]]
    extra: Mapping[str, Mapping[str, Branches]]
    btags: tuple[tuple[str, float], ...]
    missing: Mapping[str, Branches]
    event: Mapping[str, Branches] = field(default_factory=dict)
    filled: Mapping[str, Branches] = field(default_factory=dict)
    relative_isolation: bool = True


def _cylindrical(prefix: str, *more: str) -> dict[str, Branches]:
    return {name: (f"{prefix}_{name}",) for name in ("pt", "eta", "phi", *more)}


def _cartesian(prefix: str, *more: str) -> dict[str, Branches]:
    return {name.lower(): (f"{prefix}_{name}",) for name in ("Px", "Py", "Pz", *more)}


NANOAOD = Layout(
    "CMS NanoAOD",
    needed={
        "muons": {**_cylindrical("Muon", "charge"), "iso": ("Muon_pfRelIso04_all", "Muon_pfRelIso03_all")},
        "electrons": {**_cylindrical("Electron", "charge"), "iso": ("Electron_pfRelIso03_all",)},
        "jets": _cylindrical("Jet", "mass"),
        "photons": _cylindrical("Photon"),
    },
    extra={
        "muons": {"tight": ("Muon_tightId",)},
        "electrons": {"cut_based": ("Electron_cutBased",)},
        "jets": {"id": ("Jet_jetId",)},
    },
    # Medium working points of Run 2: those of 2017 in the Ultra-Legacy reconstruction for the deep taggers (files do
    # not say their year; 2016 and 2018 have 0.25 to 0.31 and 0.28 for DeepFlavB, 0.59 to 0.63 and 0.42 for DeepB),
    # CSVv2 of 2016 (2017: 0.8838). CSV of Run 1, as `Jet_btag` of the reduced files: JINST 8 (2013) P04013.
    btags=(
        ("Jet_btagDeepFlavB", 0.3040),
        ("Jet_btagDeepB", 0.4506),
        ("Jet_btagCSVV2", 0.8484),
        ("Jet_btag", 0.679),
    ),
    missing={"pt": ("MET_pt", "PFMET_pt", "PuppiMET_pt"), "phi": ("MET_phi", "PFMET_phi", "PuppiMET_phi")},
    event={"run": ("run",), "event": ("event",)},
    filled={"Muon_tightId": ("Muon_tightId", "Muon_mediumId", "Muon_looseId", "Muon_softId")},
)

HEP_TUTORIAL = Layout(
    "CMS HEP Tutorial",
    needed={
        "muons": {**_cartesian("Muon", "Charge"), "iso": ("Muon_Iso",)},
        "electrons": {**_cartesian("Electron", "Charge"), "iso": ("Electron_Iso",)},
        "jets": _cartesian("Jet", "E"),
        "photons": _cartesian("Photon"),
    },
    extra={"jets": {"id": ("Jet_ID",)}},
    btags=(("Jet_btag", 1.74),),  # the tutorial's own cut: simple secondary vertex, high efficiency, medium
    missing={"px": ("MET_px",), "py": ("MET_py",)},
    event={"weight": ("EventWeight",)},
    relative_isolation=False,  # its sums are in GeV
)

LAYOUTS = (NANOAOD, HEP_TUTORIAL)


@dataclass(frozen=True)
class Chunk:
    """Some events of a file.

    Parameters
    ----------
    parts : lists of objects {pt, eta, phi, ...} by part (GeV, radians; `iso` relative to pt, `btag` true or false),
        and `missing`, one {pt, phi} per event.
    event : run, event and weight, shape (events,), where the file has them.
    start : entry of the first event.
    """

    parts: dict[str, ak.Array]
    event: dict[str, Any]
    start: int
    events: int


def read_chunks(trees: dict[str, Any], parts: Sequence[str], what: str, notes: list[str]) -> Iterator[Chunk]:
    """Read the first tree that has the parts (muons, electrons, jets, photons, missing), in chunks.

    Appends to `notes` which branches are not used because the file never fills them.
    Raises UserError when no tree has them, or for a branch that is no list of finite numbers.
    """
    tree, layout = _find(trees, parts, what)
    have = set(tree.keys(recursive=False))
    wanted: dict[tuple[str, str], str] = {}
    for part in parts:
        quantities = layout.missing if part == "missing" else layout.needed[part]
        wanted |= {(part, name): _first(names, have) for name, names in quantities.items()}
        extra = layout.extra.get(part, {})
        for name, names in extra.items():
            if have & set(names):
                branch = _first(names, have)
                if _is_filled(tree, layout, branch, what):
                    wanted[part, name] = branch
                else:
                    notes.append(f"never fills {branch}: {part} are selected without it")
    wanted |= {("event", name): _first(names, have) for name, names in layout.event.items() if have & set(names)}
    cut = 0.0
    if "jets" in parts and (tag := _btag(tree, layout, what)):
        wanted["jets", "btag"], cut = tag
    start = 0
    for read in read_branches(tree, list(dict.fromkeys(wanted.values())), "ak", what):
        found: dict[str, dict[str, Any]] = {part: {} for part in (*parts, "event")}
        for (part, name), branch in wanted.items():
            found[part][name] = _numbers(read[branch], branch, part in layout.needed, start, what, nan=name == "btag")
        objects = {part: _objects(found[part], part, layout, cut, what) for part in parts}
        yield Chunk(objects, found["event"], start, len(read))
        start += len(read)


def _find(trees: dict[str, Any], parts: Sequence[str], what: str) -> tuple[Any, Layout]:
    for tree in trees.values():
        have = set(tree.keys(recursive=False))
        for layout in LAYOUTS:
            if all(have & set(names) for part in parts for names in _quantities(layout, part).values()):
                return tree, layout
    wanted = "; ".join(
        f"{layout.name}: {', '.join(names[0] for part in parts for names in _quantities(layout, part).values())}"
        for layout in LAYOUTS
    )
    raise UserError(
        f"{what} has no tree with {', '.join(parts)} (found: {contents(trees)}), expected {wanted}. "
        "Give a file with these branches."
    )


def _quantities(layout: Layout, part: str) -> Mapping[str, Branches]:
    return layout.missing if part == "missing" else layout.needed[part]


def _first(names: Branches, have: set[str]) -> str:
    return next(name for name in names if name in have)


def _is_filled(tree: Any, layout: Layout, branch: str, what: str) -> bool:
    """Whether a file fills an identification: some older NanoAOD has `false` for every muon and every quality."""
    proofs = [name for name in layout.filled.get(branch, ()) if name in tree.keys(recursive=False)]
    objects = 0
    for chunk in read_branches(tree, proofs, "ak", what) if proofs else ():
        if any(ak.any(chunk[name] > 0, axis=None) for name in proofs):
            return True
        objects += int(ak.sum(ak.num(chunk[branch])))
    return objects == 0


def _btag(tree: Any, layout: Layout, what: str) -> tuple[str, float] | None:
    """The first discriminator that the file fills, and its cut: some files have one that is -1 or -1000 throughout."""
    have = set(tree.keys(recursive=False))
    known = [(name, cut) for name, cut in layout.btags if name in have]
    for name, cut in known[:-1]:
        chunks = read_branches(tree, [name], "ak", what)
        if any(ak.any(chunk[name] > 0.0, axis=None) for chunk in chunks):
            return name, cut
    return known[-1] if known else None


def _numbers(values: ak.Array, name: str, listed: bool, start: int, what: str, *, nan: bool) -> Any:
    """Check a branch: lists of numbers, or one number per event; finite unless NaN may stand for unknown (`nan`)."""
    flat = ak.to_numpy(ak.flatten(values, axis=None)) if values.ndim == (2 if listed else 1) else None
    if flat is None or flat.dtype.kind not in "biuf":
        kind = "a list of numbers" if listed else "one number"
        raise UserError(
            f"{what}: branch {name} holds {spelled(values.type, 60)}, expected {kind} per event. Give another file."
        )
    if flat.dtype.kind == "f" and not nan:
        per_event = ak.to_numpy(ak.sum(values, axis=1, mask_identity=False)) if listed else flat
        require_finite(per_event, name, entry(start), what)
    return values if listed else flat


def _objects(found: dict[str, Any], part: str, layout: Layout, cut: float, what: str) -> ak.Array:
    if part == "missing":
        if "px" in found:
            found = {"pt": np.hypot(found["px"], found["py"]), "phi": np.arctan2(found["py"], found["px"])}
        return ak.zip({"pt": found["pt"], "phi": found["phi"]})
    counts = ak.num(found.get("pt", found.get("px")))
    for name, values in found.items():
        if not ak.all(ak.num(values) == counts):
            raise UserError(
                f"{what}: {part} have lists of {name} of other lengths than the rest, expected one number an object. "
                "Fetch the file again."
            )
    flat = {name: np.asarray(ak.to_numpy(ak.flatten(values))) for name, values in found.items()}
    flat = {name: values.astype(np.float64) for name, values in flat.items()}
    if "px" in flat:
        flat["pt"], flat["eta"], flat["phi"] = cylindrical(flat["px"], flat["py"], flat["pz"])
    if "e" in flat:
        squared = flat["e"] ** 2 - flat["px"] ** 2 - flat["py"] ** 2 - flat["pz"] ** 2
        flat["mass"] = np.sqrt(np.maximum(squared, 0.0))
    if "iso" in flat and not layout.relative_isolation:
        flat["iso"] = flat["iso"] / np.maximum(flat["pt"], 1e-9)
    if part == "jets":
        flat["btag"] = flat["btag"] > cut if "btag" in flat else np.zeros(len(flat["pt"]), bool)
    kept = {name: values for name, values in flat.items() if name not in ("px", "py", "pz", "e")}
    return ak.unflatten(ak.zip(kept), counts)
