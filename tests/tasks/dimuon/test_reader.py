import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.core.errors import Skip, UserError
from representations.calorimeter.calorimeter import Calorimeter
from tasks.data.dataset import info_of
from tasks.dimuon.dimuon import Dimuon
from tasks.dimuon.reader import DimuonReader, read_pairs, split_by_stream
from tasks.events import Events, split_of
from tests.tasks.sources.files import HEADER, SHARED, back_to_back, csv, refused, write_root


def message(source):
    with pytest.raises(UserError) as caught:
        DimuonReader().read(source)
    text = str(caught.value)
    assert "\n" not in text
    assert str(source) in text
    return text


def test_rows_become_labelled_events(tmp_path):
    masses = (3.0, 3.8, 10.0, 91.0, 50.0)
    lines = [back_to_back(mass, 146436, event) for event, mass in enumerate(masses, start=1)]
    table = DimuonReader().read(csv(tmp_path / "a.csv", *lines)).table
    assert sorted(table.label.tolist()) == [0, 1, 2, 3, 4]
    by_label = table[np.argsort(table.label.to_numpy())]
    assert ak.to_numpy(by_label.objects.pt[:, 0]) == pytest.approx([m / 2 for m in masses])
    assert table.objects.kind.type.content.content.primitive == "int8"
    assert table.label.type.content.primitive == "int8"
    assert np.all(np.diff(table.event_id.to_numpy()) > 0)


def test_recorded_dimuons_have_no_hits_to_draw(tmp_path):
    table = DimuonReader().read(csv(tmp_path / "a.csv", back_to_back(91.0, 146436, 1))).table
    with pytest.raises(Skip, match="no calorimeter hits in these events, the files hold reconstructed muons only"):
        Calorimeter().represent(Events(table, info_of(Dimuon(), "detector", from_files=True)))


def test_stray_spaces_capitals_and_foreign_columns_are_tolerated(tmp_path):
    header = "run, EVENT ,e1,PX1 , py1,pz1,q1,E2,px2,py2,pz2,Q2"
    plain = DimuonReader().read(csv(tmp_path / "a.csv", back_to_back(10, 5, 1)))
    odd = DimuonReader().read(csv(tmp_path / "b.csv", back_to_back(10, 5, 1), header=header))
    assert ak.array_equal(plain.table, odd.table)


def test_pt_eta_phi_do_where_there_are_no_momenta(tmp_path):
    path = csv(tmp_path / "a.csv", "4,0.5,0.1,1,5,-0.5,2.1,-1", header="pt1,eta1,phi1,Q1,pt2,eta2,phi2,Q2")
    objects = DimuonReader().read(path).table.objects
    assert objects.pt.tolist() == [[5, 4]]
    assert objects.charge.tolist() == [[-1, 1]]


def test_the_mass_column_is_not_believed(tmp_path):
    path = csv(tmp_path / "a.csv", back_to_back(91, 5, 1) + ",3.1", header=HEADER + ",M")
    assert DimuonReader().read(path).table.label.tolist() == [3]


def test_duplicates_are_dropped_and_counted_across_files(tmp_path):
    csv(tmp_path / "a.csv", back_to_back(10, 5, 1), back_to_back(11, 5, 1), back_to_back(10, 6, 1))
    csv(tmp_path / "b.csv", back_to_back(9, 5, 1))
    read = DimuonReader().read(tmp_path)
    assert read.dropped == {"duplicate of a collision": 2}
    assert sorted(read.table.objects.pt[:, 0].tolist()) == [5, 5.5]  # the largest sum of pT stays


def test_rows_without_run_and_event_are_known_by_their_momenta(tmp_path):
    header = "px1,py1,pz1,Q1,px2,py2,pz2,Q2"
    rows = "5,0,1,1,-5,0,2,-1", "-5,0,2,-1,5,0,1,1", "6,0,1,1,-5,0,2,-1"
    read = DimuonReader().read(csv(tmp_path / "a.csv", *rows, header=header))
    assert (len(read.table), dict(read.dropped)) == (2, {"duplicate of a collision": 1})


def test_ids_and_splits_do_not_depend_on_the_files_order(tmp_path):
    lines = [back_to_back(5 + event / 10, 5, event) for event in range(1, 40)]
    one = DimuonReader().read(csv(tmp_path / "a.csv", *lines)).table
    (tmp_path / "two").mkdir()
    csv(tmp_path / "two" / "x.csv", *lines[20:])
    csv(tmp_path / "two" / "y.csv", *lines[:20][::-1])
    assert ak.array_equal(one, DimuonReader().read(tmp_path / "two").table)


def test_only_the_test_stream_is_tested_on(tmp_path):
    csv(tmp_path / "MuRun2010B_0.csv", *[back_to_back(20 + event / 100, 5, event) for event in range(400)])
    csv(tmp_path / "other.csv", *[back_to_back(40 + event / 100, 6, event) for event in range(400)])
    read = DimuonReader().read(tmp_path)
    split, stream = split_of(read.table), read.table.objects.pt.to_numpy()[:, 0] < 15
    assert not np.any(split[~stream] == 2)
    assert np.mean(split[~stream] == 0) == pytest.approx(0.9, abs=0.06)
    assert np.mean(split[stream] == 2) == pytest.approx(0.5, abs=0.1)
    assert np.mean(split[stream] == 0) == pytest.approx(0.4, abs=0.1)
    assert "test events are from MuRun2010B only" in read.description


def test_without_the_test_stream_the_default_split_holds(tmp_path):
    read = DimuonReader().read(csv(tmp_path / "a.csv", back_to_back(10, 5, 1)))
    assert "split" not in read.table.fields
    assert "no MuRun2010B" in read.description


@given(st.lists(st.tuples(st.integers(0, 2**63 - 1), st.booleans(), st.integers(0, 4)), unique_by=lambda row: row[0]))
def test_split_tests_nothing_but_the_stream(rows):
    ids, tested, label = (np.array([row[i] for row in rows], dtype=d) for i, d in enumerate((np.int64, bool, np.int8)))
    split = split_by_stream(ids, tested, label)
    assert set(split.tolist()) <= {0, 1, 2}
    assert not np.any(split[~tested] == 2)


def test_a_rare_class_of_the_stream_is_tested_on_wholly_if_others_train():
    ids = np.arange(1, 101)
    tested = ids <= 20
    assert set(split_by_stream(ids, tested, np.full(100, 3, np.int8))[tested].tolist()) == {2}
    assert set(split_by_stream(ids, tested, np.where(tested, 0, 3).astype(np.int8))[tested].tolist()) > {2}


@pytest.mark.parametrize(
    ("lines", "header", "words"),
    [
        (["1,1,5,5,nan,0,1,5,-5,0,0,-1"], HEADER, ("line 2", "py1")),
        ([back_to_back(10, 1, 1), "1,2,5,5,inf,0,1,5,-5,0,0,-1"], HEADER, ("line 3", "py1", "inf")),
        (["1,1,5,5,zero,0,1,5,-5,0,0,-1"], HEADER, ("line 2", "py1", "'zero'")),
        (["1,1,5,5,0,0,1,5,-5"], HEADER, ("line 2", "py2")),
        ([back_to_back(10, 1, 1)], HEADER.replace("px1", "x1"), ("px1", "found: Run, Event", "Did you mean")),
        (["1,1,5,5,0,0,1,5,-5,0,0,-1,7,7,7"], HEADER, ("more cells",)),
        (["1,1,5,5,0,0,1,5,-5,0,0,-1", "1," * 20], HEADER, ("comma-separated", "line 3")),
        ([back_to_back(1, 1, 1)], HEADER, ("no event left", "mass outside 2 to 110 GeV: 1")),
        ([], HEADER, ("no event left",)),
        ([], "", ("is empty", "header line")),
    ],
)
def test_csv_that_is_not_what_is_needed(tmp_path, lines, header, words):
    text = message(csv(tmp_path / "a.csv", *lines, header=header))
    assert [word for word in words if word not in text] == []


def test_paths_that_are_not_what_is_needed(tmp_path):
    assert "does not exist" in message(tmp_path / "none.csv")
    (tmp_path / "empty").mkdir()
    assert "has no .csv or .root file" in message(tmp_path / "empty")
    (tmp_path / "a.txt").write_text("")
    assert "'.txt'" in message(tmp_path / "a.txt")
    (tmp_path / "b.csv").write_bytes(b"PAR1\0\0\1")
    assert "binary" in message(tmp_path / "b.csv")
    (tmp_path / "c.csv").write_bytes(b"\xff\xfe\xfa,1\n2,3\n")
    assert "not comma-separated text" in message(tmp_path / "c.csv")
    (tmp_path / "d.csv").write_bytes(b"")
    assert "is empty" in message(tmp_path / "d.csv")


def columns(count):
    event = np.arange(count)
    momenta = {"px1": 5.0 + event, "py1": 0.0 * event, "pz1": 1.0 * event}
    momenta |= {"px2": -5.0 - event, "py2": 0.0 * event, "pz2": -1.0 * event}
    return momenta | {"Q1": 0 * event + 1, "Q2": 0 * event - 1, "Run": 0 * event + 9, "Event": event}


def test_root_rows_are_the_same_events_as_in_csv(tmp_path):
    path = write_root(tmp_path / "a.root", "events", columns(30))
    rows = [",".join(str(values[row]) for values in columns(30).values()) for row in range(30)]
    text = csv(tmp_path / "a.csv", *rows, header=",".join(columns(30)))
    assert ak.array_equal(DimuonReader().read(path).table, DimuonReader().read(text).table)


def nanoaod():
    return {
        "run": np.full(3, 300000, np.uint32),
        "event": np.arange(3).astype(np.uint64),
        "Muon_pt": ak.Array([[3.0, 9.0, 8.0], [4.0], [5.0, 5.0]]),
        "Muon_eta": ak.Array([[0.0, 0.5, -0.5], [1.0], [0.0, 0.0]]),
        "Muon_phi": ak.Array([[0.0, 1.0, -2.0], [1.0], [0.0, 3.0]]),
        "Muon_charge": ak.values_astype(ak.Array([[1, -1, 1], [1], [1, 1]]), np.int32),
    }


def test_nanoaod_gives_its_two_leading_muons(tmp_path):
    read = DimuonReader().read(write_root(tmp_path / "a.root", "Events", nanoaod()))
    assert read.dropped == {"fewer than two muons": 1}
    assert sorted(read.table.objects.pt.tolist()) == [[5, 5], [9, 8]]


def test_nan_in_a_root_file_names_the_entry(tmp_path):
    bad = nanoaod() | {"Muon_eta": ak.Array([[0.0, 0.5, -0.5], [np.nan], [0.0, 0.0]])}
    text = message(write_root(tmp_path / "a.root", "Events", bad))
    assert "entry 1" in text
    assert "Muon_eta" in text


def test_root_without_muons_says_what_it_holds(tmp_path):
    text = message(write_root(tmp_path / "a.root", "Runs", {"Jet_pt": np.ones(3)}))
    assert "'Runs' with Jet_pt" in text
    branches = columns(3)
    del branches["px2"]
    assert "no column px2" in message(write_root(tmp_path / "b.root", "events", branches))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.99])
def test_truncated_root(tmp_path, share):
    whole = write_root(tmp_path / "a.root", "events", columns(3000)).read_bytes()
    cut = tmp_path / "cut.root"
    cut.write_bytes(whole[: int(share * len(whole))])
    assert "truncated or no ROOT file" in message(cut)


def test_root_with_damaged_baskets(tmp_path):
    content = bytearray(write_root(tmp_path / "a.root", "events", columns(3000)).read_bytes())
    content[1000:3000] = bytes(2000)
    damaged = tmp_path / "damaged.root"
    damaged.write_bytes(bytes(content))
    assert "damaged.root" in message(damaged)


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"real CMS files are not at {SHARED}")
class TestRealFiles:
    def test_counts_of_the_five_csv_files(self):
        counts = np.zeros(5, int)
        for path in sorted((SHARED / "dimuon").glob("*.csv")):
            if not path.name.startswith("low_mass"):
                counts += np.bincount(DimuonReader().read(path).table.label.to_numpy(), minlength=5)
        assert counts[:4].tolist() == [1102, 2948, 22294, 8652]

    def test_low_mass_file_is_below_the_cut(self):
        assert "mass outside 2 to 110 GeV: 8270" in message(SHARED / "dimuon" / "low_mass_2011A.csv")

    def test_folder_tests_on_the_stream_alone(self):
        read = DimuonReader().read(SHARED / "dimuon")
        stream = read_pairs(SHARED / "dimuon" / "MuRun2010B_0.csv").event_id
        split = split_of(read.table)
        assert np.isin(read.table.event_id.to_numpy()[split == 2], stream).all()
        assert np.bincount(read.table.label.to_numpy()[split == 2], minlength=5).tolist() == [577, 125, 1434, 26, 2867]

    def test_each_collision_of_zmumu_root_once(self):
        read = DimuonReader().read(SHARED / "dimuon" / "Zmumu.root")
        assert len(read.table) + sum(read.dropped.values()) == 2304
        assert read.dropped["duplicate of a collision"] == 1804

    @pytest.mark.parametrize("name", ["heptutorial_zz", "nano_dimuon", "nano_dy", "nanoaod_2015_ttbar"])
    def test_other_schemas(self, name):
        table = DimuonReader().read(SHARED / "events" / f"{name}.root").table
        assert len(table)
        assert np.all(ak.to_numpy(table.objects.pt[:, 0]) >= ak.to_numpy(table.objects.pt[:, 1]))


ELECTRONS = {
    "pid1 = 11": ("Run,Event,PID1,E1,px1,py1,pz1,Q1,PID2,E2,px2,py2,pz2,Q2", "1,2,11,9,9,0,0,1,-11,9,-9,0,0,-1"),
    "type1 = EB": ("Run,Event,type1,E1,px1,py1,pz1,Q1,type2,E2,px2,py2,pz2,Q2", "1,2,EB,9,9,0,0,1,EE,9,-9,0,0,-1"),
    "HoverE1": ("Run,Event,pt1,eta1,phi1,Q1,HoverE1,pt2,eta2,phi2,Q2,HoverE2", "1,2,9,0,0,1,0.01,9,0,3,-1,0.01"),
}


@pytest.mark.parametrize("sign", ELECTRONS)
def test_files_of_electrons_are_refused(tmp_path, sign):
    header, row = ELECTRONS[sign]
    path = csv(tmp_path / "Zee_Run2011A.csv", row, header=header)
    text = refused(DimuonReader().read, path)
    assert "holds electrons or other leptons" in text
    assert sign in text
    assert "expected muons" in text
    if "pid" not in sign:  # which only the rows have
        with pytest.raises(UserError, match="holds electrons"):
            DimuonReader().check(path)


def test_of_four_muons_the_two_hardest_are_taken_and_it_is_said(tmp_path):
    axes = ("PID", "px", "py", "pz", "Q")
    header = ",".join(["Run", "Event", *(f"{axis}{muon}" for muon in (1, 2, 3, 4) for axis in axes), "M"])
    muons = ([13, 5, 0, 0, -1], [-13, -20, 0, 0, 1], [13, 3, 1, 0, -1], [-13, 25, 0, 1, 1])
    row = ",".join(map(str, [1, 2, *(value for muon in muons for value in muon), 125]))
    read = DimuonReader().read(csv(tmp_path / "4mu.csv", row, header=header))
    assert read.table.objects.pt.tolist() == [[25, 20]]
    assert read.table.objects.charge.tolist() == [[1, 1]]
    assert read.notes == ["of more than two muons, the two of highest pT are taken (1 times)"]
    assert DimuonReader().read(csv(tmp_path / "2mu.csv", back_to_back(10, 5, 1))).notes == []
