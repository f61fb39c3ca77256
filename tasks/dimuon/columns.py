"""Tables with the muons of a collision per row (E1, px1, py1, pz1, Q1, E2 ...), as in the CMS outreach files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.core.errors import UserError, did_you_mean, spelled
from tasks.dimuon.pairs import FilePart, MuonPairs
from tasks.sources.files import require_finite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

CARTESIAN = ("px", "py", "pz")
CYLINDRICAL = ("pt", "eta", "phi")
COLLISION = ("run", "event")
NEEDED = {f"{quantity}{muon}" for quantity in (*CARTESIAN, *CYLINDRICAL, "q") for muon in (1, 2)}
MOST_MUONS = 8
PDG_IDS = ("pid", "pdgid", "pdg_id")
MUON = 13
ELECTRON_COLUMNS = ("hovere1", "sigmaetaeta1")
"""Shower shapes, which only electrons have."""
ELECTRON_TYPES = ("EB", "EE")
"""Barrel and endcap of the ECAL, as `type1`; muons have G (global) and T (tracker)."""


def plain(name: str) -> str:
    """The name of a column without the stray spaces and capitals that files have."""
    return name.strip().lower()


def find_columns(names: Iterable[str]) -> dict[str, str] | None:
    """The columns to read, as {plain name: name in the file}; None when momenta or charges are missing.

    They are those of all numbered muons of a row, two or more, with their PDG ids and the numbers of the collision
    where the file has them. Energies and masses are not read: they follow from the momenta, and files round them.
    """
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(plain(name), name)
    for kind in (CARTESIAN, CYLINDRICAL):
        muons = 0
        while muons < MOST_MUONS and all(f"{quantity}{muons + 1}" in found for quantity in (*kind, "q")):
            muons += 1
        if muons >= 2:
            wanted = [f"{quantity}{muon + 1}" for muon in range(muons) for quantity in (*kind, "q")]
            wanted += [f"{name}{muon + 1}" for muon in range(muons) for name in PDG_IDS if f"{name}{muon + 1}" in found]
            wanted += COLLISION if all(name in found for name in COLLISION) else ()
            return {name: found[name] for name in wanted}
    return None


def refuse_electrons(names: Iterable[str], first: Mapping[str, Iterable[Any]], what: str) -> None:
    """Raise UserError if the leptons are electrons, by columns that only electrons have.

    first : some values of columns by plain name, as far as they are known.
    """
    signs = [name.strip() for name in names if plain(name) in ELECTRON_COLUMNS]
    signs += [f"type1 = {value}" for value in first.get("type1", ()) if str(value).strip() in ELECTRON_TYPES]
    if signs:
        raise not_muons(signs[0], what)


def not_muons(sign: str, what: str) -> UserError:
    """The error for a file of other leptons."""
    return UserError(f"{what} holds electrons or other leptons ({sign}), expected muons. Give a file of dimuons.")


def missing_columns(what: str, names: Sequence[str]) -> UserError:
    """The error for a file without the columns: the first that is missing, those found, those needed."""
    have = {plain(name) for name in names}
    wanted = [f"{quantity}{muon}" for quantity in (*CARTESIAN, "Q") for muon in (1, 2)]
    missing = [name for name in wanted if name.lower() not in have]
    listed = ", ".join(spelled(name, 20) for name in names[:24]) + (", ..." if len(names) > 24 else "")
    others = [spelled(name) for name in names[:24] if plain(name) not in NEEDED]
    near = did_you_mean(missing[0], others) if others else ""
    hint = f" {near}" if near.startswith("Did") else ""
    return UserError(
        f"{what} has no column {', '.join(missing)} (found: {listed or 'none'}), expected px, py, pz, Q or pt, eta, "
        f"phi, Q of both muons (px1 ... Q2).{hint} Rename the columns or give another file."
    )


def _require_whole(values: NDArray[Any], name: str, row: Callable[[int], str], what: str) -> None:
    """Raise UserError naming the first row whose value is no whole number of 64 bits."""
    if values.dtype.kind == "f":
        wrong = np.flatnonzero((values != np.rint(values)) | (np.abs(values) >= 2.0**63))
        if len(wrong):
            raise UserError(
                f"{what}: {row(int(wrong[0]))} has {name} = {values[wrong[0]]:g}, expected a whole number. "
                "Correct or remove it."
            )


def part_of(columns: Mapping[str, NDArray[Any]], row: Callable[[int], str], what: str) -> FilePart:
    """Pairs from columns by plain name, each of shape (rows,). Of more than two muons the hardest two are taken.

    row : how a user identifies a row, such as "line 12". Raises UserError for NaN and infinite numbers, for numbers of
    runs and events that are not whole, and for PDG ids of other particles than muons.
    """
    for name, values in columns.items():
        require_finite(values, name, row, what)
        wrong = np.flatnonzero(np.abs(values) != MUON)
        if name.rstrip("12345678") in PDG_IDS and len(wrong):
            raise not_muons(f"{row(int(wrong[0]))} has {name} = {values[wrong[0]]:g}", what)
    kind = CARTESIAN if "px1" in columns else CYLINDRICAL
    count = sum(f"q{muon + 1}" in columns for muon in range(MOST_MUONS))
    muons = [np.stack([columns[f"{quantity}{muon + 1}"] for muon in range(count)], axis=1) for quantity in (*kind, "q")]
    if count > 2:
        pt = np.hypot(muons[0], muons[1]) if kind is CARTESIAN else muons[0]
        hardest = np.argsort(-pt, axis=1, kind="stable")[:, :2]
        muons = [np.take_along_axis(values, hardest, axis=1) for values in muons]
    make = MuonPairs.from_momenta if kind is CARTESIAN else MuonPairs.from_pt_eta_phi
    collision = None
    if "run" in columns:
        for name in COLLISION:
            _require_whole(columns[name], name, row, what)
        collision = np.stack([np.asarray(columns[name]).astype(np.int64) for name in COLLISION], axis=1).view(np.uint64)
    return FilePart(make(*muons), collision, more=len(muons[0]) if count > 2 else 0)
