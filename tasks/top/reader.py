"""The top-tagging reference set (Zenodo 2603256): constituents of top and QCD jets in three HDF5 tables.

G. Kasieczka, T. Plehn, J. Thompson and M. Russell; compared in SciPost Phys. 7 (2019) 014. 14 TeV, Pythia 8 with
Delphes (ATLAS card), no pile-up; anti-kt R = 0.8, 550 < pt < 650 GeV, abs(eta) < 2; up to 200 constituents as
E, PX, PY, PZ (GeV) in falling pt, zeros after the last; `is_signal_new` is 1 for tops.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError
from tasks.events import SPLITS
from tasks.reader import Imported, Reader
from tasks.sources.files import binary_labels, find_files, read_files, row_ids, whole_table
from tasks.sources.hdf5_file import finite, open_hdf5, rows_at_once
from tasks.sources.jets import constituents, four_momenta, jet_scalars
from tasks.sources.pandas_table import find_table

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator
    from pathlib import Path

PARTICLES = 200
COLUMNS = tuple(f"{axis}_{index}" for index in range(PARTICLES) for axis in ("E", "PX", "PY", "PZ"))
LABEL = "is_signal_new"
SPLIT_NAMES = {"train": r"train", "valid": r"val", "test": r"test"}
"""The split of a file by its name: train.h5, val.h5, test.h5."""
SUFFIXES = (".h5", ".hdf5")


class TopReader(Reader):
    """Jets of the reference set: label 0 for tops, 1 for QCD jets, and the published `split`.

    Constituents have charge and pdg_id 0, since the set has neither.
    """

    files: ClassVar[str] = "train.h5, val.h5 and test.h5 from https://zenodo.org/records/2603256 in one folder"
    holds: ClassVar[str] = "constituents of jets only"
    columns: ClassVar[tuple[str, ...]] = ("split", "mass", "constituents", "candidate")

    def read(self, source: Path) -> Imported:
        """Read a file or a folder. Raises UserError at once for paths and names, and while reading for the content."""
        return self._read(source, labelled=True)

    def read_new(self, source: Path) -> Imported:
        """Read files without `is_signal_new` or splits in names: all labels are 0, all events are test events."""
        return self._read(source, labelled=False)

    def _read(self, source: Path, *, labelled: bool) -> Imported:
        if labelled:
            for path in find_files("top", source, SUFFIXES):
                _split(path)
        return read_files(
            "top",
            source,
            SUFFIXES,
            partial(_jets, labelled=labelled),
            note="the published split is kept",
            wanted="jets with constituents",
            fast_simulation=True,
        )


def _split(path: Path) -> int:
    named = [name for name, pattern in SPLIT_NAMES.items() if re.search(pattern, path.stem.lower())]
    if len(named) != 1:
        raise UserError(
            f"top: file {path} does not say its split, expected one of train, val and test in its name, as the "
            "published files have it. Rename it."
        )
    return SPLITS.index(named[0])


def _jets(path: Path, number: int, dropped: Counter[str], what: str, *, labelled: bool) -> Iterator[ak.Array]:
    split = _split(path) if labelled else SPLITS.index("test")
    with open_hdf5(path, what) as file:
        table = find_table(file, (*COLUMNS, LABEL) if labelled else COLUMNS, what)
        step = rows_at_once(table.rows)
        for start in range(0, len(table), step):
            momenta = finite(table.read(COLUMNS, start, start + step), "E_0 ... PZ_199", start, what)
            label = np.zeros(len(momenta), np.int64)
            if labelled:
                truth = table.read((LABEL,), start, start + step)[:, 0]
                label = binary_labels(truth, LABEL, ("top", "QCD"), start, what)
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
