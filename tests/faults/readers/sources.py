"""Event files of strangers, as `--source` names them, and notes of downloads."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import uproot

from tasks import events
from tasks.registry import TASKS
from tasks.sources import checksum
from tests.faults.fuzz import Fuzzed
from tests.faults.mutations.arrays import npz_changed
from tests.faults.mutations.damage import damaged
from tests.faults.mutations.hdf5 import hdf5_changed
from tests.faults.mutations.text import csv_changed, text_changed
from tests.tasks.quark_gluon.test_reader import mod, qg
from tests.tasks.sources.files import HEADER, back_to_back, csv, write_hdf5, write_root
from tests.tasks.sources.test_cms import hep_tutorial, nanoaod
from tests.tasks.sources.test_hdf5 import jets, showers
from tests.tasks.sources.test_read_new import two_photons
from tests.tasks.top.test_reader import momenta
from tests.tasks.top.test_reader import write as write_top

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def source(task: str) -> Callable[[Path], object]:
    """Read a file of a task as `--source` does, and check the events."""
    reader = TASKS.load(task).resolve("smoke").reader

    def read(path: Path) -> None:
        for table in reader.read(path).chunks:
            events.check(table, task)

    return read


def dimuons(folder: Path) -> Path:
    lines = [back_to_back(mass, 150_000, event) for event, mass in enumerate((3.1, 9.5, 91.0, 91.2, 10.1, 3.7) * 3)]
    return csv(folder / "Dimuon.csv", *lines)


def dimuon_root(folder: Path) -> Path:
    lines = dimuons(folder).read_text().splitlines()[1:]
    rows = np.array([line.split(",") for line in lines], float)
    return write_root(folder / "Dimuon.root", "tree", dict(zip(HEADER.split(","), rows.T, strict=True)))


def root(name: str, content: Callable[[], dict[str, Any]], folder: Path) -> Path:
    return write_root(folder / name, "Events", content())


def rntuple(folder: Path) -> Path:
    with uproot.recreate(folder / "ttbar.root") as file:
        file.mkrntuple("Events", nanoaod())
    return folder / "ttbar.root"


def hdf5(name: str, content: Callable[[int], dict[str, Any]], folder: Path) -> Path:
    return write_hdf5(folder / name, content(3), compression="gzip")


def jet_archive(folder: Path) -> Path:
    np.savez_compressed(folder / "QG_jets.npz", **qg())
    return folder / "QG_jets.npz"


def note(folder: Path) -> Path:
    path = folder / "events.csv"
    path.write_bytes(b"1,2\n")
    checksum.record(path, "0" * 64)
    return checksum.note(path)


def read_note(path: Path) -> None:
    checksum.recorded(path.with_name("events.csv"))


HDF5 = (damaged, hdf5_changed)
apart = partial(Fuzzed, apart=True)

READERS: dict[str, Fuzzed] = {
    "dimuon_csv": Fuzzed(dimuons, source("dimuon"), (damaged, csv_changed)),
    "dimuon_root": apart(dimuon_root, source("dimuon")),
    "ttbar_nanoaod": apart(partial(root, "ttbar.root", nanoaod), source("ttbar")),
    "ttbar_tutorial": apart(partial(root, "ttbar.root", hep_tutorial), source("ttbar")),
    "diphoton_nanoaod": apart(partial(root, "higgs.root", two_photons), source("diphoton")),
    "ttbar_rntuple": apart(rntuple, source("ttbar")),
    "egamma_hdf5": apart(partial(hdf5, "electron.h5", showers), source("egamma"), HDF5),
    "wprime_hdf5": apart(partial(hdf5, "jets.h5", jets), source("wprime"), HDF5),
    "quark_gluon_npz": Fuzzed(jet_archive, source("quark_gluon"), (damaged, npz_changed)),
    "quark_gluon_mod": apart(lambda folder: mod(folder / "SIM.h5"), source("quark_gluon"), HDF5),
    "top_pandas": apart(lambda folder: write_top(folder / "train.h5", momenta(2)), source("top"), HDF5),
    "sha256_note": Fuzzed(note, read_note, (damaged, text_changed)),
}
