"""ECAL showers as HDF5 crops: 32 x 32 crystals of energy and time around the hottest one.

The CMS end-to-end group's files (`SingleElectronPt50_IMGCROPS_n249k_RHv1.hdf5` and its photon twin) have `X` of shape
(n, 32, 32, 2), energy and time, and `y`, 1 for electrons and 0 for photons. One electron or photon of 50 GeV pT,
full simulation of the CMS barrel (M. Andrews et al., papers/004 and its reference 22).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError
from tasks.sources.files import describe, find_files, not_empty, row_ids, whole_table
from tasks.sources.hdf5_file import array, finite, open_hdf5, rows_at_once, same_length
from tasks.task import Imported

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SIZE = 32
CORNER = (85 - SIZE // 2, 180 - SIZE // 2)
"""Barrel row and column of a crop's pixel (0, 0). The files do not say where a shower was: all are put in the middle
of the barrel (170 x 360), with the hottest crystal at about (85, 180)."""

ELECTRON = 1
"""The value of `y` for electrons."""


def read_showers(
    source: Path, classes: Sequence[str] = ("electron", "photon"), task: str = "egamma", *, labelled: bool = True
) -> Imported:
    """Showers from HDF5 files, chunk by chunk: column `ecal` of the crystals whose energy is not 0.

    classes : the two in the order of their labels. Without `y` the file's name says which it holds.
    labelled : or nobody says it: `y` and names are passed over, and the label is 0.
    Energy and time are as the file gives them; the public files scale both (they do not say by how much).
    Raises UserError at once for paths, and while reading for what is in the files.
    """
    files = find_files(task, source, (".hdf5", ".h5"))
    dropped: Counter[str] = Counter()

    def tables() -> Iterator[ak.Array]:
        for number, path in enumerate(files):
            yield from _showers(path, number, classes if labelled else (), dropped, task)

    more = "32 x 32 crops set at the middle of the barrel (their place is not in the files)"
    wanted = "crystals with energy"
    return Imported(not_empty(tables(), f"{task}: {source}", dropped, wanted), describe(files, source, more), dropped)


def _showers(path: Path, number: int, classes: Sequence[str], dropped: Counter[str], task: str) -> Iterator[ak.Array]:
    what = f"{task}: file {path}"
    with open_hdf5(path, what) as file:
        images = array(file, "X", (None, SIZE, SIZE, 2), what)
        truth = array(file, "y", _shape_of_labels(file), what) if classes and "y" in file else None
        rows = same_length({"X": images} | ({} if truth is None else {"y": truth}), what)
        named = _class_of_name(path, classes, what) if classes and truth is None else 0
        step = rows_at_once(images)
        for start in range(0, rows, step):
            chunk = finite(np.asarray(images[start : start + step]).astype(np.float32), "X", start, what)
            label = np.full(len(chunk), named)
            if truth is not None:
                label = _labels(np.asarray(truth[start : start + step]).reshape(-1), classes, start, what)
            crystals = crystals_of(chunk)
            lit = np.asarray(ak.to_numpy(ak.num(crystals.energy) > 0))
            dropped["no energy in the crop"] += int(np.count_nonzero(~lit))
            ids = row_ids(number, start, len(chunk))[lit]
            yield whole_table(ids, ids, label[lit], None, {"ecal": crystals[lit]})


def crystals_of(images: NDArray[np.float32]) -> ak.Array:
    """Lists of {row, column, energy, time} of the crystals with energy, from crops of shape (n, 32, 32, 2).

    Pixel (i, j) lies at row 69 + i (eta) and column 164 + j (phi) of the barrel.
    """
    event, i, j = np.nonzero(images[..., 0])
    columns = {
        "row": (CORNER[0] + i).astype(np.int16),
        "column": (CORNER[1] + j).astype(np.int16),
        "energy": images[event, i, j, 0],
        "time": images[event, i, j, 1],
    }
    return ak.unflatten(ak.zip(columns), np.bincount(event, minlength=len(images)))


def _shape_of_labels(file: Any) -> tuple[int | None, ...]:
    """One number an event, as (n,) or (n, 1)."""
    return (None, 1) if getattr(file["y"], "ndim", 1) == 2 else (None,)


def _labels(truth: NDArray[Any], classes: Sequence[str], start: int, what: str) -> NDArray[np.int64]:
    wrong = np.flatnonzero(~np.isin(truth, (0, 1)))
    if len(wrong):
        raise UserError(
            f"{what}: row {start + int(wrong[0])} of 'y' is {truth[wrong[0]]}, expected 1 (electron) or 0 (photon). "
            "Mend or remove it."
        )
    return np.where(truth == ELECTRON, classes.index("electron"), classes.index("photon"))


def _class_of_name(path: Path, classes: Sequence[str], what: str) -> int:
    found = {"electron": r"electron|(?<![a-z])ele?(?![a-z])", "photon": r"photon|gamma"}
    named = [name for name, pattern in found.items() if re.search(pattern, path.stem.lower())]
    if len(named) != 1:
        raise UserError(
            f"{what} has no labels 'y', and its name does not say which class it holds, expected 'electron' or "
            "'photon' in the name. Rename it."
        )
    return classes.index(named[0])
