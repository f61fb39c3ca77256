"""Dimuons from ROOT files, by their branches: muons in columns, CMS NanoAOD, or the CMS HEP Tutorial."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError
from tasks.dimuon.columns import find_columns, missing_columns, part_of, refuse_electrons
from tasks.dimuon.pairs import FilePart, MuonPairs
from tasks.sources.files import require_finite
from tasks.sources.root_bounds import read_branches
from tasks.sources.root_file import contents, entry, open_trees

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass(frozen=True)
class MuonLayout:
    """How a kind of file stores lists of muons: the branches, and how pairs are made of them."""

    name: str
    muons: tuple[str, ...]
    make: Callable[..., MuonPairs]
    collision: tuple[str, ...] = ()


LAYOUTS = (
    MuonLayout(
        "CMS NanoAOD",
        ("Muon_pt", "Muon_eta", "Muon_phi", "Muon_charge"),
        MuonPairs.from_pt_eta_phi,
        ("run", "event"),
    ),
    MuonLayout("CMS HEP Tutorial", ("Muon_Px", "Muon_Py", "Muon_Pz", "Muon_Charge"), MuonPairs.from_momenta),
)


def read_root(path: Path) -> Iterator[FilePart]:
    """Read the pairs of a ROOT file, in chunks: the two muons of highest pT of each event.

    Raises UserError when it is no whole ROOT file, or no tree has the branches.
    """
    what = f"dimuon: file {path}"
    with open_trees(path, what, "a tree with muons") as trees:
        yield from _reader(trees, what)()


def check_root(path: Path) -> None:
    """Raise UserError when it is no ROOT file, or no tree has the branches; no entry is read."""
    what = f"dimuon: file {path}"
    with open_trees(path, what, "a tree with muons") as trees:
        _reader(trees, what)


def _reader(trees: dict[str, Any], what: str) -> Callable[[], Iterator[FilePart]]:
    for tree in trees.values():
        names = tree.keys(recursive=False)
        if columns := find_columns(names):
            refuse_electrons(names, {}, what)
            return partial(_rows, tree, columns, what)
        for layout in LAYOUTS:
            if set(layout.muons) <= set(names):
                return partial(_lists, tree, layout, what)
    raise _no_layout(trees, what)


def _rows(tree: Any, columns: dict[str, str], what: str) -> Iterator[FilePart]:
    start = 0
    for chunk in read_branches(tree, list(columns.values()), "np", what):
        values = {name: chunk[column] for name, column in columns.items()}
        yield part_of(values, entry(start), what)
        start += len(values["q1"])


def _lists(tree: Any, layout: MuonLayout, what: str) -> Iterator[FilePart]:
    numbers = layout.collision if set(layout.collision) <= set(tree.keys(recursive=False)) else ()
    start = 0
    for chunk in read_branches(tree, [*layout.muons, *numbers], "ak", what):
        muons = [chunk[name] for name in layout.muons]
        for name, values in zip(layout.muons, muons, strict=True):
            worst = ak.to_numpy(ak.sum(abs(values), axis=1, mask_identity=False))
            require_finite(worst, name, entry(start), what)
        number = ak.num(muons[0])
        two = number >= 2
        pt = muons[0] if layout.make == MuonPairs.from_pt_eta_phi else np.hypot(muons[0], muons[1])
        order = ak.argsort(pt[two], axis=1, ascending=False, stable=True)[:, :2]
        pairs = layout.make(*(ak.to_numpy(ak.to_regular(values[two][order])).reshape(-1, 2) for values in muons))
        collision = None
        if numbers:
            collision = np.stack([ak.to_numpy(chunk[name][two]).astype(np.uint64) for name in numbers], axis=1)
        yield FilePart(pairs, collision, too_few=len(chunk) - len(pairs), more=int(ak.sum(number > 2)))
        start += len(chunk)


def _no_layout(trees: dict[str, Any], what: str) -> UserError:
    if len(trees) == 1:
        names = next(iter(trees.values())).keys(recursive=False)
        if any(name.strip().lower() in ("px1", "pt1", "q1", "e1", "m") for name in names):
            return missing_columns(what, names)
    wanted = "; ".join(f"{layout.name}: {', '.join(layout.muons)}" for layout in LAYOUTS)
    return UserError(
        f"{what} has no tree with muons (found: {contents(trees)}), expected px1, py1, pz1, Q1, px2 ... or {wanted}. "
        "Give a file with these branches."
    )
