import awkward as ak
import numpy as np
import pytest
import uproot

from benchmark.core.errors import Skip
from representations.calorimeter.calorimeter import Calorimeter
from tasks.data.dataset import DataSet, info_of
from tasks.data.store import load, prepare
from tasks.diphoton.pairs import diphoton_mass
from tasks.diphoton.reader import DiphotonReader
from tasks.events import KINDS, Events, split_of
from tasks.sources.folder import files_of
from tasks.ttbar.ttbar import TTbar
from tests.tasks.data_sets import quiet
from tests.tasks.sources.files import refused, write_root

F4 = np.float32


def lists(*values, dtype=F4):
    return ak.values_astype(ak.Array([list(map(float, row)) for row in values]), dtype)


def nanoaod(**changed):
    """Five events: a muon and two jets, an electron, nothing, a muon that is not isolated, a jet on its muon."""
    branches = {
        "run": np.ones(5, np.uint32),
        "event": np.arange(5).astype(np.uint64),
        "Muon_pt": lists([50, 10], [], [], [40], [60]),
        "Muon_eta": lists([0.5, 0], [], [], [1], [-1]),
        "Muon_phi": lists([0.1, 0], [], [], [1], [2]),
        "Muon_charge": lists([1, 1], [], [], [-1], [-1], dtype=np.int32),
        "Muon_pfRelIso04_all": lists([0.1, 0], [], [], [0.2], [0]),
        "Electron_pt": lists([], [30], [90], [], []),
        "Electron_eta": lists([], [1.0], [1.5], [], []),
        "Electron_phi": lists([], [-3], [0], [], []),
        "Electron_charge": lists([], [-1], [1], [], [], dtype=np.int32),
        "Electron_pfRelIso03_all": lists([], [0.05], [0], [], []),
        "Jet_pt": lists([80, 40, 100], [], [90], [], [70, 35]),
        "Jet_eta": lists([0, 1, 3], [], [0], [], [-1.1, 0]),
        "Jet_phi": lists([2, -2, 0], [], [0], [], [2.1, 0]),
        "Jet_mass": lists([8, 4, 9], [], [9], [], [7, 3]),
        "Jet_btagDeepFlavB": lists([0.9, 0.1, 0.9], [], [0.9], [], [0.9, np.nan]),
        "MET_pt": np.array([20, 30, 10, 5, 15], F4),
        "MET_phi": np.array([0, 1, 2, 3, -1], F4),
        "genWeight": np.array([-2, 2, 2, 2, 2], F4),
    }
    return {name: values for name, values in (branches | changed).items() if values is not None}


def hep_tutorial():
    """The first event of `nanoaod`, with Cartesian momenta and isolation in GeV, and a photon pair of 100 GeV."""

    def momentum(pt, eta, phi, mass=0.0):
        p = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
        return *p, np.sqrt(p[0] ** 2 + p[1] ** 2 + p[2] ** 2 + mass**2)

    objects = {
        "Muon": [momentum(50, 0.5, 0.1), momentum(10, 0, 0)],
        "Electron": [],
        "Jet": [momentum(80, 0, 2, 8), momentum(40, 1, -2, 4)],
        "Photon": [momentum(50, 0, 0), momentum(50, 0, np.pi)],
    }
    branches = {
        f"{name}_{axis}": lists([row[index] for row in rows])
        for name, rows in objects.items()
        for index, axis in enumerate(("Px", "Py", "Pz", "E"))
    }
    branches |= {"Muon_Charge": lists([1, 1], dtype=np.int32), "Electron_Charge": lists([], dtype=np.int32)}
    branches |= {"Muon_Iso": lists([5, 0]), "Electron_Iso": lists([]), "Jet_btag": lists([1.8, 1.7])}
    branches |= {"Jet_ID": ak.Array([[True, True]]), "EventWeight": np.array([0.25], F4)}
    return branches | {"MET_px": np.array([20], F4), "MET_py": np.array([0], F4)}


def ttbar(path, branches, tree="Events"):
    return TTbar().reader.read(write_root(path, tree, branches))


def test_nanoaod_becomes_the_objects_of_the_task(tmp_path):
    read = ttbar(tmp_path / "ttbar.root", nanoaod())
    table = read.table
    assert table.label.tolist() == [0, 0, 0]
    assert read.dropped == {"not selected": 2}  # an electron in the crack, and a muon that is not isolated
    kinds = [[KINDS[kind] for kind in event] for event in table.objects.kind.tolist()]
    assert kinds == [["bjet", "muon", "jet", "met"], ["electron", "met"], ["muon", "jet", "met"]]
    assert table.objects.pt.tolist() == [[80, 50, 40, 20], [30, 30], [60, 35, 15]]
    assert table.objects.charge.tolist()[0] == [0, 1, 0, 0]
    assert table.weight.tolist() == [1, 1, 1]
    assert table.candidate.ht.tolist() == [120, 0, 35]
    assert table.candidate.n_bjets.tolist() == [1, 0, 0]
    assert table.event_id.tolist() == [0, 1, 4]


def test_hep_tutorial_gives_the_same_objects(tmp_path):
    nano = ttbar(tmp_path / "ttbar.root", nanoaod()).table.objects[0]
    table = ttbar(tmp_path / "tt.root", hep_tutorial(), "events").table
    for name in ("pt", "eta", "phi", "mass", "charge"):
        assert table.objects[0][name].tolist() == pytest.approx(nano[name].tolist(), abs=2e-3)
    assert table.objects[0].kind.tolist() == nano.kind.tolist()
    assert table.weight.tolist() == [0.25]


def test_files_have_no_hits_to_draw(tmp_path):
    info = info_of(TTbar(), "detector", from_files=True)
    events = Events(ttbar(tmp_path / "ttbar.root", nanoaod()).table, info)
    with pytest.raises(Skip, match="ttbar: no calorimeter hits in these events, the files hold reconstructed leptons"):
        Calorimeter().represent(events)


def test_identification_counts_where_it_is_there(tmp_path):
    flags = {"Muon_tightId": ak.Array([[False, True], [], [], [True], [True]])}
    flags |= {"Electron_cutBased": lists([], [2], [4], [], [], dtype=np.int32)}
    flags |= {"Jet_jetId": lists([6, 6, 6], [], [6], [], [6, 0], dtype=np.int32)}
    table = ttbar(tmp_path / "ttbar.root", nanoaod(**flags)).table
    assert table.event_id.tolist() == [4]
    assert table.candidate.n_jets.tolist() == [0]


def test_an_identification_that_is_never_filled_is_not_required(tmp_path):
    """As in NanoAOD of 2015: false for every muon and every quality."""
    never = {
        f"Muon_{quality}Id": ak.Array([[False, False], [], [], [False], [False]]) for quality in ("tight", "loose")
    }
    read = ttbar(tmp_path / "ttbar.root", nanoaod(**never))
    plain = ttbar(tmp_path / "tt.root", nanoaod())
    assert ak.array_equal(read.table.objects, plain.table.objects)
    assert read.notes == ["ttbar.root never fills Muon_tightId: muons are selected without it"]
    assert plain.notes == []
    some = {**never, "Muon_looseId": ak.Array([[False, True], [], [], [False], [False]])}
    read = ttbar(tmp_path / "some_tt.root", nanoaod(**some))
    assert read.notes == []
    assert not ak.any(read.table.objects.kind == KINDS.index("muon"), axis=None)


def test_an_rntuple_is_read_as_a_tree(tmp_path):
    branches = nanoaod()
    with uproot.recreate(tmp_path / "ttbar.root") as file:
        file.mkrntuple("Events", branches)
    read, tree = TTbar().reader.read(tmp_path / "ttbar.root").table, ttbar(tmp_path / "tt.root", branches).table
    assert len(read) > 0
    assert ak.array_equal(read, tree)


def test_a_discriminator_that_was_not_computed_is_passed_over(tmp_path):
    never = lists([-1, -1, -1], [], [-1], [], [-1, -1])
    csv = {"Jet_btagDeepFlavB": never, "Jet_btagCSVV2": lists([0.1, 0.9, 0], [], [0], [], [0, 0])}
    table = ttbar(tmp_path / "ttbar.root", nanoaod(**csv)).table
    assert table.candidate.n_bjets.tolist() == [1, 0, 0]
    assert KINDS[table.objects.kind[0, 2]] == "bjet"


def test_reduced_files_of_run_1_have_csv(tmp_path):
    """CMS Open Data of 2012: NanoAOD names, few branches, one discriminator in [0, 1] and not that of the tutorial."""
    csv = lists([0.7, 0.6, 0], [], [0], [], [0, 0])
    reduced = nanoaod(Jet_btagDeepFlavB=None, genWeight=None, Jet_btag=csv, run=np.ones(5, np.int32))
    table = ttbar(tmp_path / "TTbar.root", reduced).table
    assert table.candidate.n_bjets.tolist() == [1, 0, 0]
    assert KINDS[table.objects.kind[0, 0]] == "bjet"


def test_variants_select_as_in_generated_events(tmp_path):
    path = write_root(tmp_path / "ttbar.root", "Events", nanoaod())
    assert TTbar(min_jets=2).reader.read(path).table.event_id.tolist() == [0]
    assert len(TTbar(leptons="exactly_one").reader.read(path).table) == 3


def test_classes_come_from_files_and_sub_folders(tmp_path):
    (tmp_path / "TTJets").mkdir()
    write_root(tmp_path / "TTJets" / "1.root", "Events", nanoaod())
    write_root(tmp_path / "DYJetsToLL.root", "Events", nanoaod())
    write_root(tmp_path / "WJetsToLNu.root", "Events", nanoaod(MET_pt=np.arange(5).astype(F4)))
    table = TTbar().reader.read(tmp_path).table
    assert np.bincount(table.label).tolist() == [3, 3, 3]
    assert len(set(table.event_id.tolist())) == 9
    # the same simulated collisions in two files: one group, and so in one split
    by_label = [table[table.label == label] for label in range(3)]
    assert by_label[0].group.tolist() == by_label[2].group.tolist()
    assert not set(by_label[0].group.tolist()) & set(by_label[1].group.tolist())
    assert split_of(by_label[0]).tolist() == split_of(by_label[2]).tolist()


def test_recorded_collisions_are_known_by_their_numbers(tmp_path):
    one = ttbar(tmp_path / "ttbar.root", nanoaod(run=np.full(5, 190000, np.uint32))).table
    moved = nanoaod(run=np.full(5, 190000, np.uint32), MET_pt=np.full(5, 9, F4))
    assert ttbar(tmp_path / "ttbar_2.root", moved).table.group.tolist() == one.group.tolist()


def test_the_store_keeps_them_and_sees_sub_folders(tmp_path):
    source = tmp_path / "files"
    for name in ("ttbar", "wjets", "dy"):
        (source / name).mkdir(parents=True)
        write_root(source / name / "1.root", "Events", nanoaod())
    data = DataSet("ttbar", TTbar.resolve("smoke"), "detector", source)
    manifest = prepare(data, tmp_path / "data", 1, quiet)
    assert sorted(manifest.files) == ["dy/1.root", "ttbar/1.root", "wjets/1.root"]
    assert [path.parent.name for path in files_of(source)] == ["dy", "ttbar", "wjets"]
    assert len(load(data, tmp_path / "data")) == 9
    assert manifest.fast_simulation is False


def photons(**changed):
    branches = {
        "Photon_pt": lists([50, 30, 25], [70, 60], [45, 45], [60, 10]),
        "Photon_eta": lists([0, 0.5, 0], [1.0, 1.5], [0, 0], [0, 0]),
        "Photon_phi": lists([0, 3, 1], [0, 3], [0, 1], [0, 3]),
    }
    return branches | changed


def test_two_photons_and_their_mass(tmp_path):
    read = DiphotonReader().read(
        write_root(tmp_path / "higgs.root", "Events", photons(Photon_eta=lists(*[[0, 0, 0]], [1, 1.6], [0, 0], [0, 0])))
    )
    # the first event alone: 77.3 GeV. Nothing is left
    assert "m_yy > 90 GeV" in refused(lambda path: read, tmp_path / "higgs.root")
    pt = lists([60, 50, 25], [70, 60], [45, 45], [60, 10])
    path = write_root(tmp_path / "GJet.root", "Events", photons(Photon_pt=pt))
    central = DiphotonReader().read(path)
    table = central.table
    assert table.event_id.tolist() == [0]  # the second has a photon at 1.5, the third 43 GeV, the fourth one photon
    assert table.label.tolist() == [2]
    expected = np.sqrt(2 * 60 * 50 * (np.cosh(0.5) - np.cos(3)))
    assert table.mass.tolist() == pytest.approx([expected], rel=1e-5)
    assert table.objects.pt.tolist() == [[60, 50]]
    assert {KINDS[kind] for kind in table.objects.kind[0]} == {"photon"}
    assert "mass" not in table.candidate.fields
    assert table.candidate.pt1_over_m.tolist() == pytest.approx([60 / expected], rel=1e-5)
    assert central.dropped == {"not selected": 3}
    assert len(DiphotonReader(forward=True).read(path).table) == 1  # 1.5 lies in the gap
    assert diphoton_mass(table.objects).astype(F4).tolist() == table.mass.tolist()


def test_photons_of_the_hep_tutorial(tmp_path):
    table = DiphotonReader().read(write_root(tmp_path / "higgs.root", "events", hep_tutorial())).table
    assert table.mass.tolist() == pytest.approx([100], rel=1e-4)


def test_an_error_of_the_task_is_not_blamed_on_the_file(tmp_path):
    class Broken(DiphotonReader):
        def build(self, parts):
            raise ValueError("mine")

    path = write_root(tmp_path / "higgs.root", "events", hep_tutorial())
    with pytest.raises(ValueError, match="mine"):
        list(Broken().read(path).chunks)


BAD = {
    "no branch": (nanoaod(MET_pt=None), ("no tree with electrons, muons, jets, missing", "MET_pt")),
    "NaN": (nanoaod(Jet_eta=lists([0, 1, 3], [], [np.nan], [], [0, 0])), ("entry 2", "Jet_eta")),
    "flat": (nanoaod(Muon_pt=np.ones(5, F4)), ("branch Muon_pt holds", "expected a list of numbers")),
    "lists": (nanoaod(MET_pt=lists([1], [1], [1], [1], [1])), ("branch MET_pt holds", "expected one number")),
    "lengths": (nanoaod(Muon_eta=lists([0.5], [], [], [1], [-1])), ("muons have lists of eta",)),
    "empty": ({name: values[:0] for name, values in nanoaod().items()}, ("no event left",)),
}


@pytest.mark.parametrize("name", BAD)
def test_root_files_that_are_not_what_is_needed(tmp_path, name):
    branches, words = BAD[name]
    text = refused(TTbar().reader.read, write_root(tmp_path / "ttbar.root", "Events", branches))
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"root" + bytes(1000)])
def test_what_is_no_root_file(tmp_path, content):
    path = tmp_path / "ttbar.root"
    path.write_bytes(content)
    text = refused(TTbar().reader.read, path)
    assert "truncated or no ROOT file" in text or "holds no tree" in text


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_file_and_a_file_with_a_hole(tmp_path, share):
    whole = write_root(tmp_path / "whole.root", "Events", nanoaod()).read_bytes()
    path = tmp_path / "ttbar.root"
    path.write_bytes(whole[: int(share * len(whole))])
    assert "truncated or no ROOT file" in refused(TTbar().reader.read, path)
    with path.open("r+b") as file:  # sparse: takes no space on the disk
        file.truncate(2**30)
    refused(TTbar().reader.read, path)
