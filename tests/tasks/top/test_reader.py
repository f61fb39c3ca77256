"""The top-tagging reference set, in files laid out as pandas 3 writes them with PyTables 3.11."""

import os
import pickle
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pytest

from tasks.events import check, split_of
from tasks.sources.pandas_table import find_table
from tasks.top.reader import COLUMNS, LABEL, TopReader
from tests.tasks.sources.files import refused

FLOATS = (*COLUMNS, "truthE", "truthPX", "truthPY", "truthPZ")
INTS = ("ttv", LABEL)


def momenta(events=6, seed=0):
    """(events, 200, 4): between 1 and 200 particles with masses, then zeros."""
    rng = np.random.default_rng(seed)
    p = rng.normal(size=(events, 200, 3)) * 20
    e = np.sqrt((p**2).sum(axis=-1) + rng.uniform(0, 2, (events, 200)) ** 2)
    values = np.concatenate([e[..., None], p], axis=-1)
    for event, count in enumerate(rng.integers(1, 200, events)):
        values[event, count:] = 0
    return values.astype(np.float32)


def names_of(columns, protocol):
    return np.bytes_(pickle.dumps(list(columns), protocol=protocol))


def write(path, values, signal=None, protocol=0, floats=FLOATS, kinds=None, **options):
    signal = np.arange(len(values)) % 2 if signal is None else signal
    dtype = [("index", "<i8"), ("values_block_0", values.dtype, (len(floats),)), ("values_block_1", "<i8", (2,))]
    rows = np.zeros(len(values), dtype)
    rows["values_block_0"][:, : values.shape[1] * 4] = values.reshape(len(values), -1)
    rows["values_block_1"][:, 1] = signal
    with h5py.File(path, "w") as file:
        table = file.create_dataset("table/table", data=rows, **options)
        table.attrs["values_block_0_kind"] = names_of(floats, protocol) if kinds is None else kinds
        table.attrs["values_block_1_kind"] = names_of(INTS, protocol)
    return path


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_jets_have_their_constituents_and_sum(tmp_path, protocol):
    values = momenta()
    read = TopReader().read(write(tmp_path / "train.h5", values, protocol=protocol))
    table = read.table
    check(table, "top")
    assert table.label.tolist() == [1, 0, 1, 0, 1, 0]  # is_signal_new = 1 is a top, which is class 0
    assert ak.num(table.constituents).tolist() == (values[..., 0] > 0).sum(axis=1).tolist()
    total = values.astype(np.float64).sum(axis=1)
    mass = np.sqrt(total[:, 0] ** 2 - (total[:, 1:] ** 2).sum(axis=1))
    assert table.mass.to_numpy() == pytest.approx(mass, rel=1e-4)
    assert table.candidate.mass.to_numpy() == pytest.approx(mass, rel=1e-4)
    assert table.candidate.pt.to_numpy() == pytest.approx(np.hypot(total[:, 1], total[:, 2]), rel=1e-4)
    first = table.constituents[0]
    assert first.pt.tolist() == sorted(first.pt.tolist(), reverse=True)
    px = first.pt.to_numpy() * np.cos(first.phi.to_numpy())
    assert np.sort(px) == pytest.approx(np.sort(values[0, values[0, :, 0] > 0, 1]), abs=1e-3)
    assert set(first.charge.tolist()) == set(first.pdg_id.tolist()) == {0}
    assert read.fast_simulation is True


def test_the_published_split_is_kept(tmp_path):
    for name, events in (("train", 6), ("val", 4), ("test", 5)):
        write(tmp_path / f"{name}.h5", momenta(events))
    table = TopReader().read(tmp_path).table
    assert np.bincount(split_of(table)).tolist() == [6, 4, 5]
    assert len(set(table.event_id.tolist())) == 15


def test_jets_without_constituents_are_counted(tmp_path):
    values = momenta()
    values[2] = 0
    read = TopReader().read(write(tmp_path / "val.h5", values, compression="gzip", chunks=(2,)))
    assert read.table.event_id.tolist() == [0, 1, 3, 4, 5]
    assert read.dropped == {"no constituent": 1}


def test_columns_are_found_by_name_in_any_order(tmp_path):
    values = momenta(2)
    order = np.random.default_rng(0).permutation(len(FLOATS))
    with h5py.File(write(tmp_path / "train.h5", values), "a") as file:
        table = file["table/table"]
        rows = table[:]
        rows["values_block_0"] = rows["values_block_0"][:, order]
        table[:] = rows
        table.attrs["values_block_0_kind"] = names_of([FLOATS[place] for place in order], 0)
        found = find_table(file, COLUMNS, "it").read(COLUMNS, 0, 2)
    assert np.array_equal(found.reshape(2, 200, 4), values)


class Evil:
    def __reduce__(self):
        return os.mkdir, ("was_unpickled",)


@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_pickles_in_the_file_are_never_run(tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "train.h5", momenta(), kinds=np.void(pickle.dumps([Evil()], protocol=protocol)))
    assert "can't be read as column names (a pickle with" in refused(TopReader().read, path)
    assert not Path("was_unpickled").exists()


@pytest.mark.parametrize("kinds", [b"", np.void(b"\x80\x05no pickle"), np.void(b"(lp0\nVE_0\n"), np.arange(3.0)])
def test_names_that_are_no_list_of_words(tmp_path, kinds):
    path = write(tmp_path / "train.h5", momenta(), kinds=kinds)
    assert "names" in refused(TopReader().read, path)


BAD = [
    ("jets.h5", {}, ("does not say its split", "train, val and test")),
    ("train.h5", {"floats": ("E", *FLOATS[1:])}, ("its table has no column E_0", "found: E, PX_0")),
    ("train.h5", {"signal": np.full(6, 3)}, ("row 0 of 'is_signal_new' is 3",)),
    ("train.h5", {"kinds": names_of(FLOATS[:-1], 0)}, ("804 columns and 803 names",)),
]


@pytest.mark.parametrize(("name", "options", "words"), BAD)
def test_files_that_are_not_what_is_needed(tmp_path, name, options, words):
    text = refused(TopReader().read, write(tmp_path / name, momenta(), **options))
    assert [word for word in words if word not in text] == []


def test_numbers_that_are_none(tmp_path):
    values = momenta()
    values[3, 0, 0] = np.nan
    assert "row 3 of 'E_0 ... PZ_199' has a NaN" in refused(TopReader().read, write(tmp_path / "test.h5", values))


def test_other_layouts_of_pandas_and_none(tmp_path):
    path = tmp_path / "train.h5"
    with h5py.File(path, "w") as file:
        file["table/axis0"], file["table/block0_values"] = np.arange(3), np.zeros((3, 3))
    assert "a pandas frame of the 'fixed' format" in refused(TopReader().read, path)
    with h5py.File(path, "w") as file:
        file["X"] = np.zeros(3)
    assert "has no pandas table (found: 'X')" in refused(TopReader().read, path)
    with h5py.File(path, "w") as file:
        file["table/table"] = np.zeros(3)
    assert "has no column E_0" in refused(TopReader().read, path)
    path.write_bytes(write(tmp_path / "test.h5", momenta(50)).read_bytes()[:-3000])
    assert "truncated or no HDF5 file" in refused(TopReader().read, path)


def test_compression_that_is_not_installed_says_what_to_install(tmp_path, monkeypatch):
    path = write(tmp_path / "train.h5", momenta(), compression="gzip")
    monkeypatch.setattr("h5py.h5z.filter_avail", lambda code: False)
    assert "pip install hdf5plugin" in refused(TopReader().read, path)


def test_blosc(tmp_path):
    hdf5plugin = pytest.importorskip("hdf5plugin", reason="hdf5plugin (the extra 'blosc') is not installed")
    read = TopReader().read(write(tmp_path / "train.h5", momenta(), **hdf5plugin.Blosc()))
    assert len(read.table) == 6


def test_jets_that_need_not_say_what_they_are(tmp_path):
    values = momenta()
    known = TopReader().read(write(tmp_path / "test.h5", values)).table
    path = write(tmp_path / "any.h5", values, signal=np.full(len(values), 7))
    new = TopReader().read_new(path).table
    assert set(new.label.tolist()) == {0}
    assert ak.array_equal(ak.without_field(new, "label"), ak.without_field(known, "label"))
