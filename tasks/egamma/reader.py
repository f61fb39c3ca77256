"""ECAL showers as HDF5 crops: 32 x 32 crystals of energy and time around the hottest one.

The CMS end-to-end group's files (`SingleElectronPt50_IMGCROPS_n249k_RHv1.hdf5` and its photon twin) have `X` of shape
(n, 32, 32, 2), energy and time, and `y`, 1 for electrons and 0 for photons. One electron or photon of 50 GeV pT,
full simulation of the CMS barrel (M. Andrews et al., arXiv:1807.11916 and its reference 22).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError
from tasks.detector.shower_shapes import shower_shapes
from tasks.reader import Imported, Reader
from tasks.sources.files import binary_labels, read_files, row_ids, whole_table
from tasks.sources.hdf5_file import array, child, finite, open_hdf5, rows_at_once, same_length

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SIZE = 32
CORNER = (85 - SIZE // 2, 180 - SIZE // 2)
"""Barrel row and column of pixel (0, 0) of a crop. Files do not say where a shower was: all are put in the middle
of the barrel (170 x 360), with the hottest crystal at about (85, 180)."""


@dataclass(frozen=True)
class EGammaReader(Reader):
    """Showers of HDF5 files: column `ecal` of the crystals whose energy is not 0.

    Energy and time are as in the file; the public files scale both, by factors that they do not give.

    Parameters
    ----------
    sample, area, digis : of the task. Files have crops of electrons and photons without pulses, and nothing else.
    """

    files: ClassVar[str] = "HDF5 files of 32 x 32 ECAL crops"
    holds: ClassVar[str] = "32 x 32 crystals of the ECAL barrel only"
    columns: ClassVar[tuple[str, ...]] = ("ecal", "candidate")

    sample: str = "electrons"
    area: str = "crop"
    digis: bool = False

    def read(self, source: Path) -> Imported:
        """Read a file or a folder. Without `y`, the name of a file says its class."""
        return self._read(source, labelled=True)

    def read_new(self, source: Path) -> Imported:
        """Read files without classes: `y` and names are ignored, and the label is 0."""
        return self._read(source, labelled=False)

    def _read(self, source: Path, *, labelled: bool) -> Imported:
        if self.sample != "electrons" or self.area != "crop" or self.digis:
            raise UserError(
                f"egamma: files hold crops of electrons and photons with one energy and time a crystal, not "
                f"sample={self.sample}, area={self.area}, digis={self.digis}. Leave these out, or --source."
            )
        return read_files(
            "egamma",
            source,
            (".hdf5", ".h5"),
            partial(_showers, labelled=labelled),
            note="32 x 32 crops set at the middle of the barrel (their place is not in the files)",
            wanted="crystals with energy",
        )


def _showers(path: Path, number: int, dropped: Counter[str], what: str, *, labelled: bool) -> Iterator[ak.Array]:
    with open_hdf5(path, what) as file:
        images = array(file, "X", (None, SIZE, SIZE, 2), what)
        truth = array(file, "y", _shape_of_labels(file), what) if labelled and child(file, "y") is not None else None
        rows = same_length({"X": images} | ({} if truth is None else {"y": truth}), what)
        named = _class_of_name(path, what) if labelled and truth is None else 0
        step = rows_at_once(images)
        for start in range(0, rows, step):
            chunk = finite(np.asarray(images[start : start + step]).astype(np.float32), "X", start, what)
            label = np.full(len(chunk), named)
            if truth is not None:
                values = np.asarray(truth[start : start + step]).reshape(-1)
                label = binary_labels(values, "y", ("electron", "photon"), start, what)
            crystals = crystals_of(chunk)
            lit = np.asarray(ak.to_numpy(ak.num(crystals.energy) > 0))
            dropped["no energy in the crop"] += int(np.count_nonzero(~lit))
            ids, crystals = row_ids(number, start, len(chunk))[lit], crystals[lit]
            content = {"ecal": crystals, "candidate": shower_shapes(crystals)}
            yield whole_table(ids, ids, label[lit], None, content)


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
    """One number per event, as (n,) or (n, 1)."""
    return (None, 1) if getattr(child(file, "y"), "ndim", 1) == 2 else (None,)


def _class_of_name(path: Path, what: str) -> int:
    patterns = (r"electron|(?<![a-z])ele?(?![a-z])", r"photon|gamma")
    named = [label for label, pattern in enumerate(patterns) if re.search(pattern, path.stem.lower())]
    if len(named) != 1:
        raise UserError(
            f"{what} has no labels 'y', and its name does not say which class it holds, expected 'electron' or "
            "'photon' in the name. Rename it."
        )
    return named[0]
