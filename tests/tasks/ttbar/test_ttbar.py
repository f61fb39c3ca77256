import io
import math
from itertools import islice

import awkward as ak
import numpy as np
import pytest

from benchmark.core.errors import UserError
from tasks import events
from tasks.detector import pileup
from tasks.detector.geometry import hcal_direction
from tasks.detector.reconstruction import FIELDS, Cuts, Reconstructed, reconstruct
from tasks.events import KINDS
from tasks.generator import progress
from tasks.generator.pythia import BATCH, collisions
from tasks.ttbar.cross_sections import measured
from tasks.ttbar.selection import high_level
from tasks.ttbar.settings import STREAMS, W_JETS, WITH_PARTON, streams
from tasks.ttbar.ttbar import GENERATION_SHARE, TTbar
from tasks.ttbar.validation import recoil
from tasks.ttbar.yields import CROSS_SECTIONS

COUNT = 100
SEED = 11


def made(process, level="detector", count=COUNT, **variant):
    return TTbar(multiparton=False, **variant).generate(process, level, count, SEED)


@pytest.fixture(scope="module")
def detector():
    return {process: made(process) for process in TTbar.processes}


def of_kind(table, *kinds):
    objects = table.objects
    mask = objects.kind == KINDS.index(kinds[0])
    for kind in kinds[1:]:
        mask = mask | (objects.kind == KINDS.index(kind))
    return objects[mask]


# --- generated events ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("process", TTbar.processes)
def test_selection_holds(detector, process):
    table = detector[process]
    leptons, jets, met = of_kind(table, "electron", "muon"), of_kind(table, "jet", "bjet"), of_kind(table, "met")
    assert len(table) == COUNT
    assert ak.all(ak.num(leptons.pt) >= 1)
    assert ak.all(leptons.pt > 20)
    assert ak.all(abs(leptons.eta) < 2.5)
    assert ak.all(jets.pt > 30)
    assert ak.all(abs(jets.eta) < 2.4)
    assert ak.all(ak.num(met.pt) == 1)
    scalars = table.candidate
    assert ak.to_list(scalars.n_leptons) == ak.to_list(ak.num(leptons.pt))
    assert ak.to_list(scalars.n_jets) == ak.to_list(ak.num(jets.pt))
    assert ak.to_list(scalars.n_bjets) == ak.to_list(ak.num(of_kind(table, "bjet").pt))
    assert ak.to_numpy(scalars.ht) == pytest.approx(ak.to_numpy(ak.sum(jets.pt, axis=1)), rel=1e-5)


def test_the_same_seed_gives_the_same_bytes(detector):
    def written(table):
        file = io.BytesIO()
        events.write(table, file)
        return file.getvalue()

    assert written(made("ttbar")) == written(detector["ttbar"])


def test_top_pairs_have_more_jets_and_bottom(detector):
    means = {
        name: [np.mean(table.candidate[x]) for x in ("n_jets", "n_bjets", "ht")] for name, table in detector.items()
    }
    assert means["ttbar"][0] > 2.5 > 1 > max(means["wjets"][0], means["drellyan"][0])
    assert means["ttbar"][1] > 0.8 > 0.2 > max(means["wjets"][1], means["drellyan"][1])
    assert means["ttbar"][2] > 3 * max(means["wjets"][2], means["drellyan"][2])


def test_two_leptons_of_drell_yan_have_the_mass_of_the_z(detector):
    two = detector["drellyan"]
    two = two[two.candidate.n_leptons >= 2]
    assert len(two) > 20
    assert np.median(two.candidate.mll) == pytest.approx(91.2, abs=4)
    leptons = of_kind(two, "electron", "muon")[:, :2]
    assert ak.all(ak.sum(leptons.charge, axis=1) == 0)


def test_missing_energy_of_w_jets_is_the_neutrino():
    settings = (*W_JETS, "24:onMode=off", "24:onIfAny=11 13", "PartonLevel:MPI=off")
    batch = next(collisions(settings, SEED, "w", 100))
    found = reconstruct(batch, "hadron", Cuts(), np.random.default_rng(0))
    final = batch.prt[batch.prt.status > 0]
    neutrinos = final[(abs(final.id) == 12) | (abs(final.id) == 14) | (abs(final.id) == 16)]
    x, y = (ak.to_numpy(ak.sum(neutrinos.p[axis], axis=1)) for axis in ("px", "py"))
    met = found.met[:, 0]
    away = np.hypot(ak.to_numpy(met.pt * np.cos(met.phi)) - x, ak.to_numpy(met.pt * np.sin(met.phi)) - y)
    # what is left is what flies beyond abs(eta) = 5
    assert np.median(away) < 3
    assert np.median(np.hypot(x, y)) > 25


def test_a_stricter_variant_holds():
    table = made("wjets", "hadron", 10, leptons="exactly_one", min_jets=1)
    assert set(ak.to_list(table.candidate.n_leptons)) == {1}
    assert ak.min(table.candidate.n_jets) >= 1


# --- two jets: a boson and a parton ----------------------------------------------------------------------------------


@pytest.mark.parametrize("process", ["wjets", "drellyan"])
def test_with_two_jets_both_bosons_recoil_against_a_parton(process):
    hard = {
        jets: {s for s in TTbar(min_jets=jets).settings(process, "detector")[0].split("; ") if "Weak" in s}
        for jets in (0, 1, 2, 4)
    }
    assert all("WeakSingleBoson" in setting for setting in hard[0])
    assert hard[0] == hard[1]
    assert all("WeakBosonAndParton" in setting for setting in hard[2])
    assert hard[2] == hard[4]
    assert TTbar(min_jets=2).settings("ttbar", "hadron") == TTbar().settings("ttbar", "hadron")
    table = made(process, "hadron", 12, min_jets=2)
    assert ak.min(table.candidate.n_jets) >= 2
    assert ak.min(table.candidate.n_leptons) >= 1


def test_a_parton_does_not_bound_the_mass_of_the_z():
    """The lower tail of its mass is there, from 50 GeV on, as in events from the Z alone."""
    off = ("PartonLevel:MPI", "PartonLevel:ISR", "PartonLevel:FSR", "HadronLevel:all", "BeamRemnants:primordialKT")
    bare = tuple(f"{name}=off" for name in off)
    shares, recoil = [], []
    for min_jets in (0, 2):
        ((settings, _),) = streams("drellyan", "hadron", min_jets=min_jets, multiparton=True)
        prt = next(collisions((*settings, *bare), SEED, "z", 4000)).prt
        boson = ak.firsts(prt[prt.id == 23])
        mass = ak.to_numpy(boson.m)
        assert 50 <= mass.min() < 52
        shares.append((mass < 80).mean())
        recoil.append(np.hypot(ak.to_numpy(boson.p.px), ak.to_numpy(boson.p.py)))
    assert shares[1] == pytest.approx(shares[0], rel=0.35)
    assert recoil[0].max() < 1e-6
    assert 14.5 < recoil[1].min() < 15.5  # pTHat, far below the jets' 30 GeV


# --- hits and tracks -------------------------------------------------------------------------------------------------


HIT = {"row": np.int16, "column": np.int16, "energy": np.float32}
COLUMNS = {"ecal": HIT, "ecal_endcap": HIT, "hcal": HIT, "tracks": dict.fromkeys(("pt", "eta", "phi"), np.float32)}


@pytest.mark.parametrize("process", TTbar.processes)
def test_hits_and_tracks_are_as_documented(detector, process):
    table = detector[process]
    assert table.fields == ["objects", "candidate", *COLUMNS]
    for name, fields in COLUMNS.items():
        rows = ak.flatten(table[name])
        assert {field: ak.to_numpy(rows[field]).dtype for field in rows.fields} == fields
        assert len(rows) > COUNT
    for name, rows, columns in (("ecal", 170, 360), ("ecal_endcap", 200, 100), ("hcal", 56, 72)):
        assert 0 <= ak.min(table[name].row) < rows / 4 < 3 * rows / 4 < ak.max(table[name].row) < rows
        assert 0 <= ak.min(table[name].column) < columns / 4 < 3 * columns / 4 < ak.max(table[name].column) < columns
        assert ak.min(table[name].energy) > 0


@pytest.mark.parametrize("level", ["generator", "hadron"])
def test_without_a_detector_there_are_no_hits(level):
    assert made("wjets", level, 10).fields == ["objects", "candidate"]


def near(table, objects, reach, eta, phi):
    """For each event, which of the places (lists over events) are near its one object."""
    across = (phi - objects.phi + math.pi) % (2 * math.pi) - math.pi
    return np.hypot(eta - objects.eta, across) < reach


def leading(table, *kinds):
    """Events with an object of these kinds, and the leading one of each."""
    found = of_kind(table, *kinds)
    there = ak.num(found.pt) > 0
    return table[there], found[there][:, 0]


def transverse(table):
    """Transverse energy, eta and phi of the towers of the HCAL."""
    hits = table.hcal
    eta, phi = (
        ak.unflatten(axis, ak.num(hits.row))
        for axis in hcal_direction(*(ak.to_numpy(ak.flatten(hits[name])).astype(int) for name in ("row", "column")))
    )
    return hits.energy / np.cosh(eta), eta, phi


@pytest.mark.parametrize("process", TTbar.processes)
def test_tracks_start_along_the_muons(detector, process):
    table, muons = leading(detector[process], "muon")
    tracks = table.tracks
    own = tracks[near(table, muons, 0.01, tracks.eta, tracks.phi)]
    found = ak.num(own.pt) > 0
    assert ak.mean(found) > 0.93  # 99% are found
    ratio = ak.to_numpy(ak.max(own.pt, axis=1)[found] / muons.pt[found], allow_missing=False)
    assert np.median(ratio) == pytest.approx(1.0, abs=0.01)


def test_muons_ionise_and_jets_shower(detector):
    table, muons = leading(ak.concatenate([detector["wjets"], detector["drellyan"]]), "muon")
    energy, eta, phi = transverse(table)
    behind = ak.to_numpy(ak.sum(energy[near(table, muons, 0.2, eta, phi)], axis=1) * np.cosh(muons.eta))
    # Moyal's median for a most probable 2 GeV, 10% wide: 2 (1 - 0.1 ln(0.4549)), where 0.4549 is that of chi square
    assert np.median(behind) == pytest.approx(2.157, abs=0.2)
    table, jets = leading(detector["ttbar"], "jet", "bjet")
    energy, eta, phi = transverse(table)
    share = ak.to_numpy(ak.sum(energy[near(table, jets, 0.4, eta, phi)], axis=1) / jets.pt)
    # a quarter of a jet is photons, and a hadron leaves a quarter of its energy in the ECAL: about half
    assert 0.3 < np.median(share) < 0.6


def test_pileup_lies_over_hits_and_tracks_alone(detector, monkeypatch):
    monkeypatch.setattr(pileup, "SIZE", 40)  # two thousand collisions take half a minute
    bare, over = detector["wjets"], made("wjets", pileup=5.0)
    assert over.fields == [*bare.fields, "pileup"]
    assert ak.to_numpy(over.pileup).dtype == np.int16
    assert ak.mean(over.pileup) == pytest.approx(5.0, abs=4 * math.sqrt(5.0 / COUNT))
    for name in ("objects", "candidate"):
        assert ak.array_equal(over[name], bare[name], dtype_exact=True)
    for name in COLUMNS:
        assert len(ak.flatten(over[name])) > 1.5 * len(ak.flatten(bare[name]))


def test_pileup_is_in_the_settings_at_the_level_of_the_detector():
    task = TTbar(pileup="2011")
    assert task.settings("wjets", "detector")[-1].startswith("pile-up of mean 9 in 100.0% from 2000 collisions: ")
    assert task.settings("wjets", "hadron") == TTbar().settings("wjets", "hadron")
    with pytest.raises(UserError, match="parameter 'pileup' is 201"):
        TTbar(pileup=201)


# --- decays of the two W ---------------------------------------------------------------------------------------------


def test_the_two_streams_give_final_states_their_branching_fractions():
    bare = ("PartonLevel:MPI=off", "PartonLevel:ISR=off", "PartonLevel:FSR=off", "HadronLevel:all=off")
    plus, minus = [], []
    for number, (settings, share) in enumerate(STREAMS["ttbar"]):
        for batch in islice(collisions((*settings, *bare), SEED + number, "top", int(BATCH * share)), 4):
            final = batch.prt[batch.prt.status > 0].id
            for found, sign in ((plus, -1), (minus, 1)):  # a W+ gives a positive lepton: -11, -13, -15
                leptons = sum(ak.sum(final == sign * code, axis=1) for code in (11, 13, 15))
                found.append(ak.to_numpy(leptons) > 0)
    plus, minus = np.concatenate(plus), np.concatenate(minus)
    assert (plus | minus).all()  # none is wasted
    leptonic = 3 * 0.1086  # W to one lepton flavour, Review of Particle Physics 2024
    one = leptonic * (1 - leptonic)
    total = 2 * one + leptonic**2
    for found, wanted in ((plus & minus, leptonic**2), (plus & ~minus, one), (minus & ~plus, one)):
        p = wanted / total
        assert found.mean() == pytest.approx(p, abs=4 * math.sqrt(p * (1 - p) / len(plus)))


# --- scalars ---------------------------------------------------------------------------------------------------------


def lists(*events):
    """Lists of objects from rows of (pt, eta, phi, mass, kind)."""
    rows = np.array([row[:4] for event in events for row in event], dtype=np.float64).reshape(-1, 4)
    kinds = np.array([KINDS.index(row[4]) for event in events for row in event], dtype=np.int64)
    columns = {**dict(zip(FIELDS, rows.T, strict=False)), "charge": np.zeros(len(rows)), "kind": kinds}
    return ak.unflatten(ak.zip(columns), [len(event) for event in events])


def test_scalars_by_hand():
    found = Reconstructed(
        leptons=lists([(40, 0, 0, 0, "electron"), (30, 0, math.pi / 2, 0, "muon")], [(50, 0, 0, 0, "muon")], []),
        jets=lists([(100, 0, 0, 0, "bjet"), (60, 0, math.pi, 0, "jet")], [(80, 1.0, 0.3, 12.0, "jet")], []),
        met=lists([(30, 0, math.pi, 0, "met")], [(50, 0, math.pi / 2, 0, "met")], [(10, 0, 0, 0, "met")]),
    )
    scalars = high_level(found)
    wanted = {
        "ht": [160, 80, 0],
        "st": [160 + 30 + 70, 80 + 50 + 50, 10],
        "met": [30, 50, 10],
        # 2 sqrt(40 30) back to back; sqrt(2) 50 at a right angle
        "mt": [2 * math.sqrt(1200), 50 * math.sqrt(2), 0],
        # massless at a right angle: m^2 = 2 pt1 pt2
        "mll": [math.sqrt(2400), 0, 0],
        # massless back to back: m^2 = 4 pt1 pt2; one jet has its own mass
        "mjets": [2 * math.sqrt(6000), 12, 0],
        "n_leptons": [2, 1, 0],
        "n_jets": [2, 1, 0],
        "n_bjets": [1, 0, 0],
    }
    assert scalars.fields == list(wanted)
    for name, values in wanted.items():
        assert ak.to_numpy(scalars[name]).dtype == np.float32
        assert ak.to_list(scalars[name]) == pytest.approx(values, rel=1e-5)


# --- expected events -------------------------------------------------------------------------------------------------


def test_yields_are_declared_for_what_was_measured():
    three, two = TTbar().info("detector").yields, TTbar(classes_count=2).info("detector").yields
    assert set(three) == set(TTbar.processes)
    assert two == {"ttbar": three["ttbar"], "background": three["wjets"] + three["drellyan"]}
    tops = {jets: TTbar(min_jets=jets).info("detector").yields for jets in (0, 1, 2)}
    assert tops[1] == {}
    for name in TTbar.processes:
        assert 0 < tops[2][name] < tops[0][name]
    # single bosons seldom have two jets, pairs of tops nearly always
    assert tops[2]["ttbar"] > 0.7 * tops[0]["ttbar"]
    assert tops[2]["wjets"] < 0.06 * tops[0]["wjets"]
    assert not TTbar(leptons="exactly_one").info("detector").yields
    assert not TTbar().info("hadron").yields


@pytest.mark.slow
@pytest.mark.parametrize("process", TTbar.processes)
def test_yields_follow_from_cross_sections(process):
    found, error = measured(process, 0, 500, seed=SEED)
    assert found == pytest.approx(CROSS_SECTIONS[0][process], abs=4 * error + 0.05 * found)


# --- variants --------------------------------------------------------------------------------------------------------


def test_two_classes_are_the_same_events_with_one_background():
    three, two = TTbar(), TTbar(classes_count=2)
    table = ak.Array({"label": np.array([0, 1, 2, 1, 0], np.int8), "x": np.arange(5)})
    assert three.apply_variant(table) is table
    seen = two.apply_variant(table)
    assert ak.to_list(seen.label) == [0, 1, 1, 1, 0]
    assert ak.to_numpy(seen.label).dtype == np.int8
    assert ak.to_list(seen.x) == list(range(5))
    assert two.classes == ("ttbar", "background") == two.info("detector").classes
    assert two.data_parameters() == three.data_parameters()


@pytest.mark.parametrize(
    ("parameter", "value"), [("classes_count", "4"), ("leptons", "two"), ("min_jets", "5"), ("multiparton", "perhaps")]
)
def test_unknown_variants_are_refused(parameter, value):
    with pytest.raises(UserError, match=rf"ttbar: parameter '{parameter}' is '{value}'"):
        TTbar.resolve("smoke", {parameter: value})


@pytest.mark.parametrize("level", ["generator", "hadron", "detector"])
@pytest.mark.parametrize("multiparton", [True, False])
def test_classes_share_energy_and_multi_parton_settings(level, multiparton):
    task = TTbar(multiparton=multiparton)
    shared = {
        tuple(s for s in line.partition(": ")[2].split("; ") if s.startswith(("Beams", "PartonLevel", "HadronLevel")))
        for process in task.processes
        for line in task.settings(process, level)
    }
    assert len(shared) == 1
    assert ("PartonLevel:MPI=off" in shared.pop()) == (not multiparton)


def test_recorded_settings_tell_the_streams_apart():
    first, second = TTbar().settings("ttbar", "detector")
    assert first.startswith("ttbar (1): Beams:eCM=7000; ")
    assert second.startswith("ttbar (0.6758): Beams:eCM=7000; ")


@pytest.mark.parametrize("level", ["hadron", "detector"])
def test_hits_are_part_of_the_progress(monkeypatch, level):
    """The bar goes on while hits are made, and ends at the number of events."""
    reported = []
    monkeypatch.setattr(progress, "report", reported.append)
    made("wjets", level, count=8)
    assert sum(reported) == pytest.approx(8)
    if level == "detector":
        assert reported[-8:] == [pytest.approx(1 - GENERATION_SHARE)] * 8
        assert sum(reported[:-8]) == pytest.approx(8 * GENERATION_SHARE)


@pytest.mark.slow
@pytest.mark.parametrize("process", list(WITH_PARTON))
def test_jets_with_a_parton_are_those_of_single_bosons(process):
    """Where both are valid, that is for leading jets of more than 30 GeV."""
    figure = recoil(process, 2000)
    assert [panel.title for panel in figure.panels] == ["leading jet", "second jet"]
    assert {check.name: check.verdict for check in figure.checks} == dict.fromkeys(
        ("mean pt of the leading jet", "share with a second jet"), "ok"
    )
