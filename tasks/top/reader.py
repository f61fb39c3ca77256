"""The top-tagging reference set (Zenodo 2603256): constituents of top and QCD jets in three HDF5 tables.

G. Kasieczka, T. Plehn, J. Thompson and M. Russell; compared in SciPost Phys. 7 (2019) 014. 14 TeV, Pythia 8 with
Delphes (ATLAS card), no pile-up; anti-kt R = 0.8, 550 < pt < 650 GeV, abs(eta) < 2; up to 200 constituents as
E, PX, PY, PZ (GeV) in falling pt, zeros after the last; `is_signal_new` is 1 for tops.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError
from tasks.events import SPLITS
from tasks.sources.files import describe, find_files, not_empty, row_ids, whole_table
from tasks.sources.hdf5_file import finite, open_hdf5, rows_at_once
from tasks.sources.jets import constituents, four_momenta, jet_scalars
from tasks.sources.pandas_table import find_table
from tasks.task import Imported

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

PARTICLES = 200
COLUMNS = tuple(f"{axis}_{index}" for index in range(PARTICLES) for axis in ("E", "PX", "PY", "PZ"))
LABEL = "is_signal_new"
SPLIT_NAMES = {"train": r"train", "valid": r"val", "test": r"test"}
"""How the name of a file says its split: train.h5, val.h5, test.h5. The published split is kept."""


def read_top(source: Path, task: str = "top", *, labelled: bool = True) -> Imported:
    """Jets of the reference set, chunk by chunk: label 0 for tops, 1 for QCD, and the published `split`.

    Columns: constituents (charge and pdg_id 0: the set has neither), mass (GeV) of their sum, candidate {pt, mass,
    n_constituents}. labelled : or files need neither `is_signal_new` nor a split in their names: all labels are 0, all
    events test events. Raises UserError at once for paths and names, and while reading for what is in the files.
    """
    files = find_files(task, source, (".h5", ".hdf5"))
    splits = [_split(path, task) if labelled else SPLITS.index("test") for path in files]
    dropped: Counter[str] = Counter()

    def tables() -> Iterator[ak.Array]:
        for number, (path, split) in enumerate(zip(files, splits, strict=True)):
            yield from _jets(path, number, split, dropped, task, labelled=labelled)

    chunks = not_empty(tables(), f"{task}: {source}", dropped, "jets with constituents")
    return Imported(chunks, describe(files, source, "the published split is kept"), dropped, fast_simulation=True)


def _split(path: Path, task: str) -> int:
    named = [name for name, pattern in SPLIT_NAMES.items() if re.search(pattern, path.stem.lower())]
    if len(named) != 1:
        raise UserError(
            f"{task}: file {path} does not say its split, expected one of train, val and test in its name, as the "
            "published files have it. Rename it."
        )
    return SPLITS.index(named[0])


def _jets(
    path: Path, number: int, split: int, dropped: Counter[str], task: str, *, labelled: bool
) -> Iterator[ak.Array]:
    what = f"{task}: file {path}"
    with open_hdf5(path, what) as file:
        table = find_table(file, (*COLUMNS, LABEL) if labelled else COLUMNS, what)
        step = rows_at_once(table.rows)
        for start in range(0, len(table), step):
            momenta = finite(table.read(COLUMNS, start, start + step), "E_0 ... PZ_199", start, what)
            label = np.zeros(len(momenta), np.int64)
            if labelled:
                label = _labels(table.read((LABEL,), start, start + step)[:, 0], start, what)
            particles = four_momenta(momenta.reshape(len(momenta), PARTICLES, 4))
            lit = np.asarray(ak.to_numpy(ak.num(particles.pt) > 0))
            dropped["no constituent"] += int(np.count_nonzero(~lit))
            particles, ids = particles[lit], row_ids(number, start, len(lit))[lit]
            jet = jet_scalars(particles)
            content = {
                "split": np.full(len(ids), split, np.int8),
                "mass": jet["mass"],
                "constituents": constituents(particles),
                "candidate": jet,
            }
            yield whole_table(ids, ids, label[lit], None, content)


def _labels(signal: NDArray[Any], start: int, what: str) -> NDArray[np.int64]:
    wrong = np.flatnonzero(~np.isin(signal, (0, 1)))
    if len(wrong):
        raise UserError(
            f"{what}: row {start + int(wrong[0])} of '{LABEL}' is {signal[wrong[0]]}, expected 1 (top) or 0 (QCD). "
            "Mend or remove it."
        )
    return np.asarray(1 - signal.astype(np.int64))
