"""ECAL showers and jet images, and errors of HDF5 files."""

import resource

import awkward as ak
import h5py
import numpy as np
import pytest

from tasks.egamma.reader import EGammaReader
from tasks.events import check
from tasks.wprime.reader import CANDIDATE, WPrimeReader
from tests.tasks.sources.files import refused, write_hdf5

F4 = np.float32
SHOWERS, JETS = EGammaReader().read, WPrimeReader().read


def showers(events=6, seed=0):
    rng = np.random.default_rng(seed)
    lit = rng.random((events, 32, 32, 1)) < 0.05
    lit[:, 16, 16] = True
    images = (rng.exponential(size=(events, 32, 32, 2)) + 0.01) * lit
    return {"X": images.astype(F4), "y": (np.arange(events) % 2).astype(F4)}


def jets(events=6, seed=0):
    rng = np.random.default_rng(seed)
    images = rng.exponential(size=(events, 25, 25)) * (rng.random((events, 25, 25)) < 0.1)
    images[:, 12, 12] = 100
    return {"image": images, "signal": np.arange(events) % 2.0} | {
        name: rng.random(events) for name in CANDIDATE.values()
    }


def test_showers_lie_in_the_middle_of_the_barrel(tmp_path):
    content = showers()
    read = SHOWERS(write_hdf5(tmp_path / "a.hdf5", content))
    table = read.table
    check(table, "egamma")
    assert table.label.tolist() == [1, 0, 1, 0, 1, 0]  # y = 1 is an electron, which is class 0
    barrel = np.zeros((6, 170, 360, 2), F4)
    event = np.repeat(np.arange(6), ak.num(table.ecal))
    hits = ak.flatten(table.ecal)
    barrel[event, hits.row, hits.column] = np.stack([hits.energy, hits.time], axis=1)
    assert np.array_equal(barrel[:, 69:101, 164:196], content["X"])
    assert np.count_nonzero(barrel) == np.count_nonzero(content["X"])
    assert hits.row.type.content.primitive == "int16"
    assert read.fast_simulation is False
    assert "place is not in the files" in read.description


def test_negative_energies_stay_and_empty_crops_go(tmp_path):
    content = showers()
    content["X"][2] = 0
    content["X"][3, 0, 0] = -0.02, 1
    read = SHOWERS(write_hdf5(tmp_path / "a.hdf5", content))
    table = read.table
    assert table.event_id.tolist() == [0, 1, 3, 4, 5]
    assert table.ecal.energy[2][0] == F4(-0.02)
    assert read.dropped == {"no energy in the crop": 1}


@pytest.mark.parametrize(("name", "label"), [("SingleElectronPt50_IMGCROPS.hdf5", 0), ("single_photon.h5", 1)])
def test_without_labels_the_name_says_the_class(tmp_path, name, label):
    table = SHOWERS(write_hdf5(tmp_path / name, {"X": showers()["X"]})).table
    assert set(table.label.tolist()) == {label}
    assert "name does not say" in refused(SHOWERS, write_hdf5(tmp_path / "x.h5", {"X": showers()["X"]}))


def test_chunks_are_the_same_events_whatever_their_size(tmp_path, monkeypatch):
    path = write_hdf5(tmp_path / "a.hdf5", showers(50), chunks=None)
    whole = SHOWERS(path).table
    monkeypatch.setattr("tasks.sources.hdf5_file.READ_BYTES", 7 * 32 * 32 * 2 * 4)
    chunks = list(SHOWERS(path).chunks)
    assert [len(chunk) for chunk in chunks] == [7] * 7 + [1]
    assert ak.array_equal(ak.concatenate(chunks), whole)


def test_compressed_chunks_are_read_whole(tmp_path, monkeypatch):
    content = showers(50)
    path = tmp_path / "a.hdf5"
    with h5py.File(path, "w") as file:
        file.create_dataset("X", data=content["X"], chunks=(8, 32, 32, 2), compression="gzip")
        file.create_dataset("y", data=content["y"].reshape(-1, 1))
    monkeypatch.setattr("tasks.sources.hdf5_file.READ_BYTES", 20 * 32 * 32 * 2 * 4)
    assert [len(chunk) for chunk in SHOWERS(path).chunks] == [16, 16, 16, 2]


def test_two_files_have_ids_of_their_own(tmp_path):
    for name in ("electron.h5", "photon.h5"):
        write_hdf5(tmp_path / name, {"X": showers()["X"]})
    table = SHOWERS(tmp_path).table
    assert len(set(table.event_id.tolist())) == 12
    assert np.bincount(table.label).tolist() == [6, 6]


def test_pixels_become_constituents(tmp_path):
    content = jets()
    content["image"][0] = 0
    content["image"][0, 0, 24], content["image"][0, 24, 0], content["image"][0, 12, 12] = 3.0, 2.0, 5.0
    content["image"][0, 5, 5] = -1.0
    read = JETS(write_hdf5(tmp_path / "a.hdf5", content))
    table = read.table
    check(table, "wprime")
    assert table.label.tolist() == [1, 0, 1, 0, 1, 0]  # signal = 1 is a W, which is class 0
    first = table.constituents[0]
    assert first.pt.tolist() == [5, 3, 2]
    assert first.eta.tolist() == pytest.approx([0, 1.2, -1.2], abs=1e-6)
    assert first.phi.tolist() == pytest.approx([0, 1.2, -1.2], abs=1e-6)
    assert (
        set(ak.flatten(table.constituents.mass).tolist()) == set(ak.flatten(table.constituents.charge).tolist()) == {0}
    )
    assert table.mass.to_numpy() == pytest.approx(content["jet_mass"], rel=1e-6)
    assert table.candidate.fields == list(CANDIDATE)
    assert not {"signal", "label"} & set(table.candidate.fields)
    assert table.candidate.tau21.to_numpy() == pytest.approx(content["tau_21"], rel=1e-6)
    assert read.fast_simulation is True


def changed(content, **values):
    return {name: value for name, value in (content | values).items() if value is not None}


def spoiled(values, place, value):
    values = values.copy()
    values[place] = value
    return values


S, J = showers(), jets()
BAD = [
    (SHOWERS, changed(S, X=None), ("has no array 'X'", "found: 'y'", "(n, 32, 32, 2)")),
    (SHOWERS, changed(S, X=S["X"][..., 0]), ("'X' has shape (6, 32, 32)", "(n, 32, 32, 2)")),
    (SHOWERS, changed(S, X=S["X"][:, :25]), ("'X' has shape (6, 25, 32, 2)",)),
    (SHOWERS, changed(S, y=S["y"][:4]), ("different lengths", "'X' 6", "'y' 4")),
    (SHOWERS, changed(S, y=S["y"] + 1), ("row 1 of 'y' is 2", "1 (electron) or 0")),
    (SHOWERS, changed(S, y=np.array([b"e"] * 6)), ("'y' holds |S1", "expected numbers")),
    (SHOWERS, changed(S, X=spoiled(S["X"], (4, 0, 0, 0), np.nan)), ("row 4 of 'X'", "NaN")),
    (SHOWERS, changed(S, X=S["X"] * 0), ("no event left", "no energy in the crop: 6")),
    (SHOWERS, {"X": S["X"][:0], "y": S["y"][:0]}, ("no event left",)),
    (JETS, changed(J, tau_21=None), ("has no array 'tau_21'",)),
    (JETS, changed(J, image=np.zeros((6, 32, 32))), ("(6, 32, 32)", "(n, 25, 25)")),
    (JETS, changed(J, jet_mass=spoiled(J["jet_mass"], 2, np.inf)), ("row 2 of 'jet_mass'",)),
    (JETS, changed(J, signal=J["signal"] - 0.5), ("row 0 of 'signal' is -0.5",)),
    (JETS, changed(J, signal=np.array([b"W"] * 6)), ("'signal' holds |S1",)),
]


@pytest.mark.parametrize(("read", "content", "words"), BAD)
def test_content_that_is_not_what_is_needed(tmp_path, read, content, words):
    text = refused(read, write_hdf5(tmp_path / "a.hdf5", content))
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize("read", [SHOWERS, JETS])
def test_files_that_are_no_hdf5(tmp_path, read):
    path = tmp_path / "a.hdf5"
    path.write_bytes(b"")
    assert "is empty" in refused(read, path)
    path.write_bytes(b"a,b\n1,2\n")
    assert "truncated or no HDF5 file" in refused(read, path)
    with path.open("r+b") as file:
        file.truncate(2**30)  # sparse
    assert "truncated or no HDF5 file" in refused(read, path)
    assert "does not exist" in refused(read, tmp_path / "none.h5")
    (tmp_path / "a.csv").write_text("")
    assert "'.csv'" in refused(read, tmp_path / "a.csv")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_truncated_hdf5(tmp_path, share):
    whole = write_hdf5(tmp_path / "whole.h5", showers(100)).read_bytes()
    path = tmp_path / "a.hdf5"
    path.write_bytes(whole[: int(share * len(whole))])
    assert "truncated or no HDF5 file" in refused(SHOWERS, path)


def test_damaged_compressed_data(tmp_path):
    path = write_hdf5(tmp_path / "a.hdf5", showers(100), compression="gzip")
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 3000] = bytes(3000)
    path.write_bytes(bytes(content))
    refused(SHOWERS, path)


def peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("chunks", [(100, 32, 32, 2), None])
def test_a_header_that_claims_data_which_are_not_there(tmp_path, chunks):
    path = tmp_path / "a.hdf5"
    with h5py.File(path, "w") as file:
        file.create_dataset("X", shape=(10**8, 32, 32, 2), dtype="f4", chunks=chunks)
        file.create_dataset("y", shape=(10**8,), dtype="f4", chunks=(1000,))
    before = peak_megabytes()
    assert "claims 100,000,000 rows, but 100% of its data are not in the file" in refused(SHOWERS, path)
    assert peak_megabytes() - before < 200


def test_a_gigabyte_of_zeros_is_read_in_little_memory(tmp_path):
    """The data lie in the file as a hole: rows that are there, and empty."""
    path = tmp_path / "a.hdf5"
    with h5py.File(path, "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        space = h5py.h5s.create_simple((2**30 // (32 * 32 * 2 * 4), 32, 32, 2))
        h5py.h5d.create(file.id, b"X", h5py.h5t.IEEE_F32LE, space, plist)
        file["y"] = np.zeros(2**30 // (32 * 32 * 2 * 4))
    assert path.stat().st_size > 2**30
    before = peak_megabytes()
    assert "no event left after the selection (dropped: no energy in the crop: 131072)" in refused(SHOWERS, path)
    assert peak_megabytes() - before < 400


def test_a_chunk_that_is_too_large_to_decompress(tmp_path):
    path = tmp_path / "a.hdf5"
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "X", shape=(200_000, 32, 32, 2), dtype="f4", chunks=(200_000, 32, 32, 2), compression="gzip"
        )
        file["y"] = np.zeros(200_000)
    assert "chunks of 1,638 MB, expected at most" in refused(SHOWERS, path)


def test_data_that_lie_elsewhere_are_not_followed(tmp_path):
    other = write_hdf5(tmp_path / "other.h5", showers())
    path = tmp_path / "photon.hdf5"
    with h5py.File(path, "w") as file:
        file["X"] = h5py.ExternalLink(str(other), "/X")
    assert "has no array 'X'" in refused(SHOWERS, path)
    with h5py.File(path, "w") as file:
        layout = h5py.VirtualLayout((6, 32, 32, 2), "f4")
        layout[:] = h5py.VirtualSource(str(other), "X", (6, 32, 32, 2))
        file.create_virtual_dataset("X", layout)
    assert "lies in other files" in refused(SHOWERS, path)
    with h5py.File(path, "w") as file:
        raw = [(str(tmp_path / "raw"), 0, h5py.h5f.UNLIMITED)]
        file.create_dataset("X", (6, 32, 32, 2), "f4", external=raw)
    assert "lies in other files" in refused(SHOWERS, path)


def test_events_that_need_not_say_what_they_are(tmp_path):
    """The same events with their truth and without, but for the label."""
    for kind, reader, truth in ((showers, EGammaReader(), "y"), (jets, WPrimeReader(), "signal")):
        content = kind()
        known = reader.read(write_hdf5(tmp_path / "electron.h5", content)).table
        del content[truth]
        new = reader.read_new(write_hdf5(tmp_path / "any.h5", content)).table
        assert set(new.label.tolist()) == {0}
        assert set(known.label.tolist()) == {0, 1}
        assert ak.array_equal(ak.without_field(new, "label"), ak.without_field(known, "label"))
        refused(reader.read, tmp_path / "any.h5")
