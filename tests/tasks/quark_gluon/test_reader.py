"""EnergyFlow's quark and gluon jets: .npz archives and MOD HDF5 files, laid out as `energyflow` writes them."""

import zipfile

import awkward as ak
import h5py
import numpy as np
import pytest

from tasks.events import check, split_of
from tasks.quark_gluon.reader import QuarkGluonReader
from tasks.sources.jets import CHARGES, MASSES, charges, eta_of, of_species
from tests.tasks.sources.files import refused

SPECIES = (22, 211, -211, 321, -321, 130, 2112, -2112, 2212, -2212, 11, -11, 13, -13)


def qg(jets=8, most=12, seed=0):
    rng = np.random.default_rng(seed)
    X = np.stack(
        [
            rng.exponential(20, (jets, most)) + 0.1,
            rng.normal(0, 1, (jets, most)),
            rng.uniform(-3, 9, (jets, most)),
            rng.choice(SPECIES, (jets, most)),
        ],
        axis=-1,
    )
    for jet, count in enumerate(rng.integers(1, most, jets)):
        X[jet, count:] = 0
    return {"X": X, "y": np.arange(jets) % 2.0}


def npz(path, arrays, save=np.savez_compressed):
    save(path, **arrays)
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_jets_of_an_archive(tmp_path, save):
    content = qg()
    read = QuarkGluonReader().read(npz(tmp_path / "QG_jets.npz", content, save))
    table = read.table
    check(table, "quark_gluon")
    assert table.label.tolist() == [1, 0] * 4  # y = 1 is a quark, which is class 0
    first, given = table.constituents[0], content["X"][0]
    given = given[given[:, 0] > 0]
    given = given[np.argsort(-given[:, 0])]
    assert first.pt.to_numpy() == pytest.approx(given[:, 0], rel=1e-6)
    assert first.pdg_id.tolist() == given[:, 3].astype(int).tolist()
    assert np.cos(first.phi.to_numpy()) == pytest.approx(np.cos(given[:, 2]), abs=1e-6)
    assert ak.max(abs(table.constituents.phi)) <= np.pi + 1e-6
    # back from eta and mass to rapidity: tanh y = pz / E
    pz = first.pt.to_numpy() * np.sinh(first.eta.to_numpy())
    energy = np.sqrt((first.pt.to_numpy() * np.cosh(first.eta.to_numpy())) ** 2 + first.mass.to_numpy() ** 2)
    assert np.arctanh(pz / energy) == pytest.approx(given[:, 1], abs=1e-5)
    assert "without detector simulation" in read.description
    assert read.fast_simulation is False


def test_masses_and_charges_of_species():
    ids = np.array([22, 211, -211, 11, -11, 2112, -2212, 999, 0])
    assert charges(ids).tolist() == [0, 1, -1, -1, 1, 0, -1, 0, 0]
    assert of_species(MASSES, ids)[[1, 2, 7]].tolist() == [MASSES[211], MASSES[211], 0]
    assert set(CHARGES) < set(MASSES)
    assert eta_of(np.array([3.0]), np.array([0.5]), np.array([0.0])) == pytest.approx([0.5])


def test_chunks_are_the_same_jets(tmp_path, monkeypatch):
    path = npz(tmp_path / "QG_jets.npz", qg(50))
    whole = QuarkGluonReader().read(path).table
    monkeypatch.setattr("tasks.quark_gluon.reader.READ_BYTES", 7 * 12 * 4 * 8)
    chunks = list(QuarkGluonReader().read(path).chunks)
    assert [len(chunk) for chunk in chunks] == [7] * 7 + [1]
    assert ak.array_equal(ak.concatenate(chunks), whole)


Q = qg()
BAD = [
    ({"X": Q["X"]}, ("has no array 'y' (found: X)",)),
    ({"X": Q["X"][..., :3], "y": Q["y"]}, ("'X' has shape (8, 12, 3), expected (n, n, 4)",)),
    ({"X": Q["X"], "y": Q["y"][:5]}, ("different lengths",)),
    ({"X": Q["X"], "y": Q["y"] + 5}, ("row 0 of 'y' is 5.0",)),
    ({"X": np.where(Q["X"] == Q["X"][3, 0, 1], np.nan, Q["X"]), "y": Q["y"]}, ("row 3 of 'X' has a NaN",)),
    ({"X": np.asfortranarray(Q["X"]), "y": Q["y"]}, ("stored by columns",)),
    ({"X": Q["X"].astype("U8"), "y": Q["y"]}, ("'X' holds <U8, expected numbers",)),
    ({"X": Q["X"] * 0, "y": Q["y"]}, ("no event left", "no constituent: 8")),
    ({"X": Q["X"][:0], "y": Q["y"][:0]}, ("no event left",)),
]


@pytest.mark.parametrize(("content", "words"), BAD)
def test_archives_that_are_not_what_is_needed(tmp_path, content, words):
    text = refused(QuarkGluonReader().read, npz(tmp_path / "a.npz", content))
    assert [word for word in words if word not in text] == []


def test_objects_are_never_unpickled(tmp_path):
    jets = np.empty(2, dtype=object)
    jets[:] = [Q["X"][0], Q["X"][1]]
    path = tmp_path / "a.npz"
    np.savez(path, X=jets, y=np.zeros(2))
    assert "'X' holds object, expected numbers" in refused(QuarkGluonReader().read, path)


def test_what_is_no_archive_or_not_whole(tmp_path):
    path = tmp_path / "a.npz"
    for content in (b"", b"no zip"):
        path.write_bytes(content)
        assert "truncated or no .npz archive" in refused(QuarkGluonReader().read, path)
    with path.open("r+b") as file:
        file.truncate(2**30)
    assert "truncated or no .npz archive" in refused(QuarkGluonReader().read, path)
    whole = npz(tmp_path / "whole.npz", qg(100)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "truncated or no .npz archive" in refused(QuarkGluonReader().read, path)
    spoiled = bytearray(whole)
    spoiled[len(whole) // 3 : len(whole) // 3 + 100] = bytes(100)
    path.write_bytes(bytes(spoiled))
    assert "truncated or no .npz archive" in refused(QuarkGluonReader().read, path)


def test_a_header_that_claims_more_than_there_is(tmp_path):
    whole = npz(tmp_path / "whole.npz", qg(), np.savez)
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"(8, 12, 4)", b"(9999999999, 12, 4)".ljust(10)))
    text = refused(QuarkGluonReader().read, path)
    assert "claims" in text or "truncated" in text


# --- MOD -------------------------------------------------------------------------------------------------------------

COLS_I = ("fn", "rn", "lbn", "evn", "npv", "quality", "hard_pid")
COLS_F = ("jet_pt", "jet_y", "jet_phi", "jet_m", "jet_eta", "jec", "weight")
COLS = ("pt", "y", "phi", "m", "pid", "vertex")


def mod(path, kind="pfcs", cols_i=COLS_I, **changed):
    """Six jets of three events: quark, gluon, no parton, loose quality, large eta, antiquark."""
    columns = {"fn": 0, "rn": 1, "lbn": 7, "evn": [1, 1, 2, 2, 3, 3], "npv": 5}
    columns |= {"quality": [2, 3, 3, 1, 2, 2], "hard_pid": [1, 21, 0, 2, 3, -5]}
    floats = {"jet_pt": 400, "jet_eta": [0, 1, 0, 0, 2.1, -1.8], "weight": np.arange(1, 7) * 1e-6}
    counts = [3, 2, 1, 2, 2, 4]
    rng = np.random.default_rng(0)
    total = sum(counts)
    flat = np.stack(
        [
            rng.uniform(1, 50, total),
            rng.normal(size=total),
            rng.uniform(-3, 3, total),
            np.full(total, 0.13957),
            rng.choice([211, -211], total),
            np.arange(total) == 1,
        ],
        axis=1,
    )
    arrays = {
        "jets_i": np.stack([np.broadcast_to(columns[name], 6) for name in cols_i], axis=1).astype(np.int64),
        "jets_f": np.stack([np.broadcast_to(floats.get(name, 0.0), 6) for name in COLS_F], axis=1).astype(float),
        kind: flat,
        f"{kind}_index": np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32),
        **changed,
    }
    cols = {"jets_i": cols_i, "jets_f": COLS_F, kind: COLS}
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            if values is not None:
                file.create_dataset(name, data=values, compression="gzip")
                if name in cols:
                    file[name].attrs.create("cols", np.asarray(cols[name], dtype="S"))
    return path


def test_jets_of_mod_files(tmp_path):
    read = QuarkGluonReader().read(mod(tmp_path / "SIM170_Jet300_0_compressed.h5"))
    table = read.table
    check(table, "quark_gluon")
    assert table.label.tolist() == [0, 1, 0]
    assert table.event_id.tolist() == [0, 1, 5]
    assert table.weight.to_numpy() == pytest.approx([1e-6, 2e-6, 6e-6])
    assert ak.num(table.constituents).tolist() == [2, 2, 4]  # one of the first is from a pile-up vertex
    assert read.dropped == {"no quark or gluon as parton": 1, "jet at large eta or of low quality": 2}
    assert table.group[0] == table.group[1] != table.group[2]
    assert split_of(table)[0] == split_of(table)[1]
    assert set(ak.flatten(table.constituents.charge).tolist()) == {-1, 1}


def test_generator_files_of_mod_have_no_quality(tmp_path):
    table = (
        QuarkGluonReader().read(mod(tmp_path / "GEN170_0.h5", "gens", tuple(n for n in COLS_I if n != "quality"))).table
    )
    assert table.event_id.tolist() == [0, 1, 3, 5]


MOD_BAD = [
    ({"cols_i": COLS_I[:-1]}, ("no column hard_pid", "recorded jets have no true parton")),
    ({"pfcs": None, "pfcs_index": None}, ("has no particles",)),
    ({"pfcs_index": np.array([0, 3, 5, 6, 8, 10, 99])}, ("'pfcs_index' points outside its 14 particles",)),
    ({"pfcs_index": np.array([0, 3, 2, 6, 8, 10, 14])}, ("not in order",)),
    ({"pfcs_index": np.arange(4)}, ("different lengths",)),
    ({"pfcs": np.zeros((14, 4))}, ("'pfcs' has 4 columns called",)),
    ({"jets_f": np.full((6, len(COLS_F)), np.nan)}, ("row 0 of", "NaN")),
]


@pytest.mark.parametrize(("changed", "words"), MOD_BAD)
def test_mod_files_that_are_not_what_is_needed(tmp_path, changed, words):
    text = refused(QuarkGluonReader().read, mod(tmp_path / "SIM.h5", **changed))
    assert [word for word in words if word not in text] == []


def test_the_two_kinds_are_not_mixed(tmp_path):
    mod(tmp_path / "SIM.h5")
    npz(tmp_path / "QG_jets.npz", qg())
    assert "1 .npz and 1 .h5 files, expected one kind" in refused(QuarkGluonReader().read, tmp_path)


def test_jets_that_need_not_say_what_they_are(tmp_path):
    content = qg()
    known = QuarkGluonReader().read(npz(tmp_path / "known.npz", content)).table
    new = QuarkGluonReader().read_new(npz(tmp_path / "new.npz", {"X": content["X"]})).table
    assert set(new.label.tolist()) == {0}
    assert ak.array_equal(ak.without_field(new, "label"), ak.without_field(known, "label"))


def test_recorded_jets_have_no_parton_and_need_none(tmp_path):
    read = QuarkGluonReader().read_new(mod(tmp_path / "CMS2011.h5", cols_i=COLS_I[:-1]))
    assert read.table.event_id.tolist() == [0, 1, 2, 5]
    assert set(read.table.label.tolist()) == {0}
    assert read.dropped == {"jet at large eta or of low quality": 2}
