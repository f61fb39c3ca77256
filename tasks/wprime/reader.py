"""Jet images as HDF5: 25 x 25 pixels around W and QCD jets, with the jet's engineered variables.

The set of L. de Oliveira, M. Paganini and B. Nachman (Zenodo 269622, "Pythia generated jet images"): trimmed jets of
250 to 300 GeV with masses of 60 to 100 GeV, translated, rotated and flipped; `signal` is 1 for W jets.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError
from tasks.sources.files import describe, find_files, not_empty, row_ids, scalars, whole_table
from tasks.sources.hdf5_file import array, finite, open_hdf5, rows_at_once, same_length
from tasks.task import Imported

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SIZE = 25
HALF_WIDTH = 1.25
"""Of an image in eta and phi: 25 pixels of 0.1."""

PHOTON = 22
"""Every pixel is a neutral, massless particle: images keep neither charge nor species."""

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


def read_jet_images(source: Path, task: str = "wprime", *, labelled: bool = True) -> Imported:
    """Jets from HDF5 images, chunk by chunk: label 0 for W jets (`signal` 1), 1 for QCD.

    labelled : or the label of all is 0, and no `signal` is needed.
    Columns: `constituents`, one for each pixel with intensity above 0, at the pixel's centre relative to the image's
    (the jet's own place is lost when images are rotated), pt = intensity; `mass` (GeV) of the jet; `candidate`.
    Raises UserError at once for paths, and while reading for what is in the files.
    """
    files = find_files(task, source, (".hdf5", ".h5"))
    dropped: Counter[str] = Counter()

    def tables() -> Iterator[ak.Array]:
        for number, path in enumerate(files):
            yield from _jets(path, number, dropped, task, labelled=labelled)

    more = "25 x 25 images; pixels stand for constituents, without charge and species"
    chunks = not_empty(tables(), f"{task}: {source}", dropped, "images with lit pixels")
    return Imported(chunks, describe(files, source, more), dropped, fast_simulation=True)


def _jets(path: Path, number: int, dropped: Counter[str], task: str, *, labelled: bool) -> Iterator[ak.Array]:
    what = f"{task}: file {path}"
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
            label = _labels(columns["signal"], start, what) if labelled else np.zeros(len(chunk), np.int64)
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


def _labels(signal: NDArray[Any], start: int, what: str) -> NDArray[np.int64]:
    wrong = np.flatnonzero(~np.isin(signal, (0, 1)))
    if len(wrong):
        raise UserError(
            f"{what}: row {start + int(wrong[0])} of 'signal' is {signal[wrong[0]]}, expected 1 (W) or 0 (QCD). "
            "Mend or remove it."
        )
    return (1 - signal.astype(np.int64)).astype(np.int64)
