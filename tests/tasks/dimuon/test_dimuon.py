from collections import Counter

import awkward as ak
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmark.core.errors import UserError
from tasks.detector.geometry import FIELD, RADIUS, hcal_direction
from tasks.detector.muons import MuonResponse, in_acceptance
from tasks.dimuon.classes import WINDOWS, label_of
from tasks.dimuon.dimuon import Dimuon, leading_two
from tasks.dimuon.pairs import MuonPairs
from tasks.events import check


def mass_of(table):
    return MuonPairs(*(ak.to_numpy(table.objects[name]) for name in ("pt", "eta", "phi", "charge"))).mass()


@pytest.mark.parametrize(
    ("mass", "label"),
    [(2.93, 4), (2.94, 0), (3.24, 0), (3.25, 4), (3.65, 1), (9.46, 2), (12.47, 4), (91.2, 3), (98.7, 4)],
)
def test_windows(mass, label):
    assert label_of(np.array([mass]))[0] == label


def test_unknown_parameter_is_refused():
    with pytest.raises(UserError, match="Did you mean 'mass_feature'"):
        Dimuon.resolve("quick", {"massfeature": "yes"})


def test_mass_is_a_feature_only_in_its_variant():
    table = MuonPairs.from_pt_eta_phi([[5, 5]], [[0, 0]], [[0, 3]], [[1, -1]]).table()
    assert "mass" not in Dimuon().apply_variant(table).candidate.fields
    shown = Dimuon(mass_feature=True).apply_variant(table)
    assert ak.to_numpy(shown.candidate.mass) == pytest.approx(mass_of(table), rel=1e-6)
    assert [Dimuon(mass_feature=given).info("detector").pair_masses for given in (True, False)] == [True, False]
    assert Dimuon(mass_feature=True).data_parameters() == Dimuon().data_parameters()


@pytest.mark.parametrize("process", Dimuon.processes)
@pytest.mark.parametrize("continuum", [True, False])
def test_components_share_the_class_and_the_multi_parton_switch(process, continuum):
    task = Dimuon(continuum=continuum)
    components = task.components(process)
    assert sum(component.share for component in components) == pytest.approx(1)
    assert len({component.name for component in components}) == len(components)
    assert all("PartonLevel:MPI=off" in line for line in task.settings(process, "detector"))


# the recoil and the two components make J/psi and None the slowest; a few events of each tell whether they are right
EVENTS = {"jpsi": 40, "psi2s": 60, "upsilon": 100, "z": 200, "none": 100}


@pytest.fixture(scope="module")
def shards():
    return {process: Dimuon().generate(process, "detector", count, 1) for process, count in EVENTS.items()}


@pytest.mark.parametrize("process", Dimuon.processes)
def test_generated_labels_follow_from_the_mass(shards, process):
    table = shards[process]
    check(table, process)
    assert len(table) == EVENTS[process]
    assert set(label_of(mass_of(table)).tolist()) == {Dimuon.processes.index(process)}
    assert ak.all(ak.num(table.objects) == 2)
    assert ak.all(ak.prod(table.objects.charge, axis=1) == -1)
    assert ak.all(in_acceptance(ak.flatten(table.objects.pt).to_numpy(), ak.flatten(table.objects.eta).to_numpy()))


@pytest.mark.parametrize(
    ("process", "peak", "width", "share"),
    # Particle Data Group masses in GeV; the widths hold the resolution (and the natural width of the Z)
    [("jpsi", 3.0969, 0.1, 0.6), ("psi2s", 3.6861, 0.06, 0.4), ("upsilon", 9.460, 0.25, 0.25), ("z", 91.19, 5, 0.7)],
)
def test_generated_peaks(shards, process, peak, width, share):
    assert np.mean(np.abs(mass_of(shards[process]) - peak) < width) > share


def test_components_have_their_shares_of_what_is_kept(monkeypatch):
    def generous(batches, select, count, what):
        """More than was asked for, each event with the name of its component."""
        return ak.Array({"component": [what.partition("(")[2].rstrip(")")] * (count + 70)})

    monkeypatch.setattr("tasks.dimuon.dimuon.accepted", generous)
    for process in Dimuon.processes:
        found = Counter(Dimuon().generate(process, "hadron", 400, 1).component.to_list())
        shares = {component.name: component.share for component in Dimuon().components(process)}
        assert {name: number / 400 for name, number in found.items()} == pytest.approx(shares, abs=1 / 400)


def test_none_lies_on_both_sides_of_the_upsilon_window(shards):
    mass = mass_of(shards["none"])
    assert 0.25 < np.mean(mass < WINDOWS[2][0]) < 0.75


def test_generation_is_deterministic_and_follows_the_seed(shards):
    again, other = (Dimuon().generate("z", "detector", EVENTS["z"], seed) for seed in (1, 2))
    assert ak.array_equal(again, shards["z"], dtype_exact=True)
    assert not ak.array_equal(other, shards["z"])


# --- hits and tracks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("process", Dimuon.processes)
def test_tracks_are_the_muons_of_objects(shards, process):
    table = shards[process]
    for name in ("pt", "eta", "phi"):
        assert ak.array_equal(table.tracks[name], table.objects[name], dtype_exact=True)
    assert table.tracks.fields == ["pt", "eta", "phi"]


def test_hits_are_kept_at_the_level_of_the_detector_alone(shards):
    assert shards["z"].fields == ["objects", "candidate", "ecal", "ecal_endcap", "hcal", "tracks"]
    for name in ("ecal", "ecal_endcap", "hcal"):
        hits = ak.flatten(shards["z"][name])
        types = {field: ak.to_numpy(hits[field]).dtype for field in hits.fields}
        assert types == {"row": np.int16, "column": np.int16, "energy": np.float32}
    assert Dimuon().generate("z", "hadron", 10, 1).fields == ["objects", "candidate"]


def test_two_muons_are_minimum_ionising(shards):
    behind = ak.to_numpy(ak.sum(shards["z"].hcal.energy, axis=1))
    # Moyal's mean for a most probable 2 GeV, 10% wide, twice: E[-ln x^2] is Euler's constant + ln 2 for a normal x
    assert behind.mean() == pytest.approx(2 * 2.0 * (1 + 0.1 * (np.euler_gamma + np.log(2))), abs=0.2)
    assert ak.all(ak.num(shards["z"].hcal) <= 4)  # a tower each, and hardly ever another by noise
    crystals = ak.flatten(shards["z"].ecal.energy)
    assert 0.16 < np.median(crystals) < 0.35  # a quarter GeV, in one crystal or two, of which each needs 0.16
    assert ak.max(crystals) < 1.5
    assert np.median(ak.num(shards["z"].ecal)) in (1, 2)


def test_hits_of_soft_muons_lie_where_the_field_bends_them(shards):
    table = ak.concatenate([shards["jpsi"], shards["psi2s"]])
    muons = table.objects
    bend = np.arcsin(0.299792458 * FIELD * RADIUS / (2 * muons.pt))
    expected = ak.zip({"eta": muons.eta, "phi": muons.phi - muons.charge * bend})[abs(muons.eta) < 1.2]
    eta, phi = (
        ak.unflatten(axis, ak.num(table.hcal.row))
        for axis in hcal_direction(*(ak.to_numpy(ak.flatten(table.hcal[name])) for name in ("row", "column")))
    )
    place, tower = ak.unzip(ak.cartesian([expected, ak.zip({"eta": eta, "phi": phi})], nested=True))
    across = (tower.phi - place.phi + np.pi) % (2 * np.pi) - np.pi
    # half a tower, and in eta the vertex, 5 cm of 1.3 m
    reached = ak.any((abs(across) < 0.06) & (abs(tower.eta - place.eta) < 0.2), axis=-1)
    assert ak.count(reached) > 40
    assert ak.mean(reached) > 0.9
    assert ak.mean(abs(bend[abs(muons.eta) < 1.2])) > 0.1  # twice what is allowed: no hit lies there unbent


def test_without_detector_a_bare_onium_peak_is_narrow_but_for_photons():
    task = Dimuon(continuum=False)
    born, radiated = (mass_of(task.generate("upsilon", level, 60, 3)) for level in ("generator", "hadron"))
    assert born.min() > 9.4
    assert radiated.min() < 9.4
    assert np.mean(np.abs(born - 9.4603) < 1e-3) > 0.4


@given(arrays(np.int64, 30, elements=st.integers(0, 8)), arrays(float, 30, elements=st.floats(0, 100), unique=True))
def test_leading_two_agrees_with_a_loop(event, pt):
    event = np.sort(event)
    expected = []
    for number in np.unique(event):
        muons = np.flatnonzero(event == number)
        if len(muons) >= 2:
            expected.append(tuple(muons[np.argsort(-pt[muons])][:2]))
    assert list(zip(*leading_two(event, pt), strict=True)) == expected


def test_muon_resolution_at_the_quoted_points():
    resolution = MuonResponse().pt_resolution(np.array([5.0, 100, 5, 100]), np.array([0.0, 0, 2.4, -2.4]))
    assert resolution == pytest.approx([0.008, 0.017, 0.0202, 0.063], rel=0.02)


def test_smearing_has_the_width_it_says():
    rng = np.random.default_rng(0)
    pt, eta, phi = np.full(20_000, 40.0), np.full(20_000, 1.0), np.full(20_000, 3.14159)
    measured = MuonResponse().smear(pt, eta, phi, rng)
    assert np.std(40.0 / measured[0]) == pytest.approx(MuonResponse().pt_resolution(pt, eta)[0], rel=0.03)
    assert np.std(measured[1]) == pytest.approx(1e-3, rel=0.03)
    assert np.all((measured[2] >= -np.pi) & (measured[2] < np.pi))


def test_acceptance_by_hand():
    eta = np.array([0.0, 0.0, 1.5, 1.5, -2.3, 2.3, 2.5])
    pt = np.array([3.2, 3.4, 1.2, 1.3, 0.9, 0.7, 50.0])  # 2.9 / cosh(1.5) = 1.23
    assert in_acceptance(pt, eta).tolist() == [False, True, False, True, True, False, False]
