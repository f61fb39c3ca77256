"""Jet images as HDF5: 25 x 25 pixels around W and QCD jets, with the jet's engineered variables.

The set of L. de Oliveira, M. Paganini and B. Nachman (Zenodo 269622, "Pythia generated jet images"): trimmed jets of
250 to 300 GeV with masses of 60 to 100 GeV, translated, rotated and flipped; `signal` is 1 for W jets.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import awkward as ak
import numpy as np

from tasks.reader import Imported, Reader
from tasks.sources.files import binary_labels, read_files, row_ids, scalars, whole_table
from tasks.sources.hdf5_file import array, finite, open_hdf5, rows_at_once, same_length

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SIZE = 25
HALF_WIDTH = 1.25
"""Of an image in eta and phi: 25 pixels of 0.1."""

PHOTON = 22
"""Every pixel is a neutral, massless particle: images have neither charge nor species."""

CANDIDATE = {
    "pt": "jet_pt",
    "eta": "jet_eta",
    "mass": "jet_mass",
    "delta_r": "jet_delta_R",
    "tau1": "tau_1",
    "tau2": "tau_2",
    "tau3": "tau_3",
    "tau21": "tau_21",
    "tau32": "tau_32",
}
"""Engineered scalars (GeV, radians): name here, name in the file. delta_r is between the two leading subjets."""


class WPrimeReader(Reader):
    """Jets of HDF5 images: label 0 for W jets (`signal` 1), 1 for QCD jets.

    Each pixel with intensity above 0 is a constituent at the centre of the pixel, relative to the centre of the image
    (rotation loses the position of the jet), with pt equal to the intensity.
    """

    files: ClassVar[str] = "HDF5 files of 25 x 25 jet images"
    holds: ClassVar[str] = "pixels of jet images only"
    columns: ClassVar[tuple[str, ...]] = ("mass", "constituents", "candidate")

    def read(self, source: Path) -> Imported:
        """Read a file or a folder. Raises UserError at once for paths, and while reading for the content."""
        return self._read(source, labelled=True)

    def read_new(self, source: Path) -> Imported:
        """Read files without `signal`; the label is 0."""
        return self._read(source, labelled=False)

    def _read(self, source: Path, *, labelled: bool) -> Imported:
        return read_files(
            "wprime",
            source,
            (".hdf5", ".h5"),
            partial(_jets, labelled=labelled),
            note="25 x 25 images; pixels stand for constituents, without charge and species",
            wanted="images with lit pixels",
            fast_simulation=True,
        )


def _jets(path: Path, number: int, dropped: Counter[str], what: str, *, labelled: bool) -> Iterator[ak.Array]:
    with open_hdf5(path, what) as file:
        images = array(file, "image", (None, SIZE, SIZE), what)
        names = (*(("signal",) if labelled else ()), *CANDIDATE.values())
        flat: dict[str, Any] = {name: array(file, name, (None,), what) for name in names}
        rows = same_length({"image": images, **flat}, what)
        step = rows_at_once(images)
        for start in range(0, rows, step):
            stop = start + step
            chunk = finite(np.asarray(images[start:stop]).astype(np.float32), "image", start, what)
            columns = {name: finite(np.asarray(values[start:stop]), name, start, what) for name, values in flat.items()}
            label = np.zeros(len(chunk), np.int64)
            if labelled:
                label = binary_labels(columns["signal"], "signal", ("W", "QCD"), start, what)
            pixels = constituents_of(chunk)
            lit = np.asarray(ak.to_numpy(ak.num(pixels.pt) > 0))
            dropped["no lit pixel"] += int(np.count_nonzero(~lit))
            ids = row_ids(number, start, len(chunk))[lit]
            content = {
                "mass": columns["jet_mass"][lit].astype(np.float32),
                "constituents": pixels[lit],
                "candidate": scalars({name: columns[kept][lit] for name, kept in CANDIDATE.items()}),
            }
            yield whole_table(ids, ids, label[lit], None, content)


def constituents_of(images: NDArray[np.float32]) -> ak.Array:
    """Lists of {pt, eta, phi, mass, charge, pdg_id} of the lit pixels of images (n, 25, 25), in falling pt.

    Columns of an image are eta, from -1.25 on; rows are phi, from the top at +1.25 down, as the set's authors draw
    it (the second subjet then lies below the first, at lower phi).
    """
    event, i, j = np.nonzero(images > 0)
    pixel = 2 * HALF_WIDTH / SIZE
    pt = images[event, i, j]
    zero = np.zeros(len(pt), np.float32)
    columns = {
        "pt": pt,
        "eta": ((j + 0.5) * pixel - HALF_WIDTH).astype(np.float32),
        "phi": (HALF_WIDTH - (i + 0.5) * pixel).astype(np.float32),
        "mass": zero,
        "charge": zero,
        "pdg_id": np.full(len(pt), PHOTON, np.int32),
    }
    lists = ak.unflatten(ak.zip(columns), np.bincount(event, minlength=len(images)))
    return lists[ak.argsort(lists.pt, ascending=False, stable=True)]
