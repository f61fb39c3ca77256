"""Tables with two muons a row (E1, px1, py1, pz1, Q1, E2 ...), as the CMS outreach files have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.core.errors import UserError, did_you_mean
from tasks.dimuon.pairs import FilePart, MuonPairs
from tasks.sources.files import require_finite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

CARTESIAN = ("px", "py", "pz")
CYLINDRICAL = ("pt", "eta", "phi")
COLLISION = ("run", "event")
NEEDED = {f"{quantity}{muon}" for quantity in (*CARTESIAN, *CYLINDRICAL, "q") for muon in (1, 2)}


def plain(name: str) -> str:
    """A column's name as it is compared: files have stray spaces and other capitals."""
    return name.strip().lower()


def find_columns(names: Iterable[str]) -> dict[str, str] | None:
    """The columns to read, as {plain name: name in the file}; None when momenta or charges are missing.

    Energies and masses are not read: they follow from the momenta, and files round them.
    """
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(plain(name), name)
    for kind in (CARTESIAN, CYLINDRICAL):
        wanted = [f"{quantity}{muon}" for quantity in (*kind, "q") for muon in (1, 2)]
        if all(name in found for name in wanted):
            numbers = COLLISION if all(name in found for name in COLLISION) else ()
            return {name: found[name] for name in (*wanted, *numbers)}
    return None


def missing_columns(what: str, names: Sequence[str]) -> UserError:
    """The error for a file without the columns: the first that is missing, those found, those needed."""
    have = {plain(name) for name in names}
    wanted = [f"{quantity}{muon}" for quantity in (*CARTESIAN, "Q") for muon in (1, 2)]
    missing = [name for name in wanted if name.lower() not in have]
    shown = ", ".join(repr(name.strip())[1:-1][:20] for name in names[:24]) + (", ..." if len(names) > 24 else "")
    others = [name.strip() for name in names[:24] if plain(name) not in NEEDED]
    near = did_you_mean(missing[0], others) if others else ""
    hint = f" {near}" if near.startswith("Did") else ""
    return UserError(
        f"{what} has no column {', '.join(missing)} (found: {shown or 'none'}), expected px, py, pz, Q or pt, eta, "
        f"phi, Q of both muons (px1 ... Q2).{hint} Rename the columns or give another file."
    )


def part_of(columns: Mapping[str, NDArray[Any]], row: Callable[[int], str], what: str) -> FilePart:
    """Pairs from columns by plain name, each of shape (rows,).

    row : how the file's user knows a row, such as "line 12". Raises UserError for NaN and infinite numbers.
    """
    for name, values in columns.items():
        require_finite(values, name, row, what)
    kind = CARTESIAN if "px1" in columns else CYLINDRICAL
    muons = [np.stack([columns[f"{quantity}1"], columns[f"{quantity}2"]], axis=1) for quantity in (*kind, "q")]
    make = MuonPairs.from_momenta if kind is CARTESIAN else MuonPairs.from_pt_eta_phi
    collision = None
    if "run" in columns:
        collision = np.stack([np.asarray(columns[name]).astype(np.int64) for name in COLLISION], axis=1).view(np.uint64)
    return FilePart(make(*muons), collision)
