import io
import math

import awkward as ak
import fastjet
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.core.errors import UserError
from representations.fourvectors.fourvectors import FourVectors
from tasks import events
from tasks.detector.particle_flow import IDEAL_FLOW, particle_flow
from tasks.detector.particles import final
from tasks.detector.substructure import total, trim
from tasks.events import Events
from tasks.task import LEVELS
from tasks.validation.statistics import fit_peak
from tasks.wprime.wprime import ETA_SHARES, FIELDS, PT_SHARES, WPrime, cell_of, jet_table
from tests.tasks.hand_made import collisions, particle

COUNT = 120
SEED = 5
CODES = {22, 130, 11, -11, 13, -13, 211, -211}


def made(process, level="detector", count=COUNT, seed=SEED, **variant):
    return WPrime(multiparton=False, **variant).generate(process, level, count, seed)


@pytest.fixture(scope="module")
def detector():
    return {process: made(process) for process in WPrime.processes}


def sums(table):
    """Four-vector sums of the stored constituents: pt, eta, mass, (jets,) each."""
    c = table.constituents
    pt, eta, phi, mass = (ak.values_astype(c[name], np.float64) for name in FIELDS[:4])
    x, y, z = (ak.to_numpy(ak.sum(part, axis=1)) for part in (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)))
    e = ak.to_numpy(ak.sum(np.sqrt((pt * np.cosh(eta)) ** 2 + mass**2), axis=1))
    return np.hypot(x, y), np.arcsinh(z / np.hypot(x, y)), np.sqrt(np.maximum(e**2 - x**2 - y**2 - z**2, 0))


def area(signal, background):
    """Probability that a signal value is above a background one."""
    return np.mean(np.asarray(signal)[:, None] > np.asarray(background)[None])


# --- generated jets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("process", WPrime.processes)
def test_selection_holds_for_what_is_stored(detector, process):
    table = detector[process]
    pt, eta, mass = sums(table)
    assert len(table) == COUNT
    assert pt.min() > 250 - 1e-3
    assert pt.max() < 300 + 1e-3
    assert np.abs(eta).max() < 2.0 + 1e-5
    assert ak.to_numpy(table.mass) == pytest.approx(mass, abs=0.05)
    assert ak.to_numpy(table.candidate.mass).tolist() == ak.to_numpy(table.mass).tolist()
    assert ak.to_numpy(table.axes.eta) == pytest.approx(eta, abs=1e-4)
    assert set(ak.to_list(ak.flatten(table.constituents.pdg_id))) <= CODES
    assert ak.all(np.sign(table.constituents.charge) == table.constituents.charge)
    assert ak.all(table.constituents.pt[:, :-1] >= table.constituents.pt[:, 1:])


def test_pt_and_eta_tell_nothing(detector):
    (w_pt, w_eta, _), (qcd_pt, qcd_eta, _) = (sums(detector[process]) for process in WPrime.processes)
    inside = [np.clip(pt, 250.001, 299.999) for pt in (w_pt, qcd_pt)]
    w, qcd = (
        np.bincount(cell_of(pt, np.abs(eta)), minlength=40) for pt, eta in zip(inside, (w_eta, qcd_eta), strict=True)
    )
    assert np.abs(w - qcd).max() <= 1, "rounding to float32 moves a jet across an edge at most"
    assert area(w_pt, qcd_pt) == pytest.approx(0.5, abs=0.01)
    assert area(np.abs(w_eta), np.abs(qcd_eta)) == pytest.approx(0.5, abs=0.03)


def test_jets_of_the_w_have_its_mass_and_two_prongs(detector):
    w, qcd = (detector[process].candidate for process in WPrime.processes)
    mass = ak.to_numpy(w.mass)
    peak = fit_peak(mass, np.linspace(60.0, 100.0, 21), 7.0, core=1.5)
    assert peak.place == pytest.approx(80.4, abs=3)
    assert peak.width < 10
    assert np.mean(np.abs(mass - 80.4) < 20) > 0.6
    assert np.median(qcd.mass) < 50
    assert area(qcd.tau21, w.tau21) > 0.75
    assert area(qcd.d2_beta1, w.d2_beta1) > 0.7
    # m = 2 sqrt(z (1 - z)) pt / 2 R: about 2 m / pt apart for equal prongs, not much more than that
    assert 0.4 < np.median(w.dr_subjets) < 0.8
    assert all(20 < np.mean(table.n_constituents) < 60 for table in (w, qcd))


def test_qcd_mass_falls_beyond_its_peak():
    mass = ak.to_numpy(made("qcd", "generator", 400).mass)
    counts, _ = np.histogram(mass, [30, 60, 90, 120, 200])
    assert (counts[:-1] > counts[1:]).all()


def test_the_same_seed_gives_the_same_bytes(detector):
    def written(table):
        file = io.BytesIO()
        events.write(table, file)
        return file.getvalue()

    assert written(made("w")) == written(detector["w"])
    assert written(made("w", seed=SEED + 1)) != written(detector["w"])


@pytest.mark.parametrize("level", ["generator", "hadron"])
def test_levels_without_a_detector(level):
    w, qcd = (made(process, level, 60) for process in WPrime.processes)
    assert np.median(w.mass) == pytest.approx(80, abs=5)
    assert np.median(qcd.mass) < 50
    codes = set(ak.to_list(ak.flatten(w.constituents.pdg_id)))
    # partons of the shower have no name, but for photons and leptons
    assert ({211, -211, 22, 130} <= codes) if level == "hadron" else (130 in codes and not {211, -211} & codes)
    number = [np.mean(ak.num(table.constituents)) for table in (w, qcd)]
    assert (min(number) > 25) if level == "hadron" else (max(number) < 20)


def test_mass_window_and_whole_jets():
    windowed = made("w", "generator", 60, mass_window=True)
    assert ak.min(windowed.mass) > 65
    assert ak.max(windowed.mass) < 95
    whole = made("w", "generator", 60, grooming="none")
    pt, _, mass = sums(whole)
    assert pt.min() > 250 - 1e-3
    assert pt.max() < 300 + 1e-3
    # the stored mass is that of the trimmed jet
    assert (mass >= ak.to_numpy(whole.mass) - 0.01).all()
    assert np.mean(mass - ak.to_numpy(whole.mass)) > 1


def test_engineered_features_are_no_axes(detector):
    table = detector["qcd"]
    assert table.candidate.fields[0] == "mass"
    assert not {"pt", "eta", "phi"} & set(table.candidate.fields)
    columns = {"event_id": np.arange(COUNT), "group": np.arange(COUNT), "label": np.ones(COUNT, np.int8)}
    columns |= {"weight": np.ones(COUNT, np.float32), **{name: table[name] for name in table.fields}}
    whole = ak.zip(columns, depth_limit=1)
    samples = FourVectors(features="complete").represent(Events(whole, WPrime().info("detector")))
    assert samples.feature_names == tuple(table.candidate.fields)
    assert not any("subjet1" in name or "subjet2" in name for name in samples.feature_names)


# --- columns by hand -------------------------------------------------------------------------------------------------


def listed(*rows):
    return particle_flow(final(collisions(*rows)), IDEAL_FLOW, np.random.default_rng(0))


def test_columns_by_hand():
    two = [particle(22, 160, 0.1, math.pi - 0.1), particle(130, 100, 0.1, -math.pi + 0.3)]
    one = [particle(-211, 260, -1.0, 2.0)]
    jets = listed(two, one)
    kept, subjets = trim(jets)
    jet = total(kept)
    table = jet_table(kept, jet, ak.to_numpy(jet.mass), subjets)
    assert ak.to_list(table.constituents.pdg_id) == [[22, 130], [-211]]
    scalars = {name: ak.to_list(table.candidate[name]) for name in table.candidate.fields}
    assert scalars["n_constituents"] == [2, 1]
    # axis on the harder: tau_1 = 100 0.4 / 260; e_2 = 160 100 0.4 / 260^2, and no triplets
    assert scalars["tau1"] == pytest.approx([100 * 0.4 / 260, 0], abs=1e-6)
    assert scalars["dr_subjets"] == pytest.approx([0.4, 0], abs=1e-6)
    for name in ("tau2", "tau21", "c2_beta1", "d2_beta1", "c2_beta2", "d2_beta2"):
        assert scalars[name] == pytest.approx([0, 0], abs=1e-6)
    # massless, at one eta: m^2 = 2 pt1 pt2 (1 - cos 0.4)
    mass = math.sqrt(2 * 160 * 100 * (1 - math.cos(0.4)))
    assert ak.to_list(table.mass) == pytest.approx([mass, 0.13957], abs=1e-3)
    axes = {name: ak.to_list(table.axes[name]) for name in table.axes.fields}
    assert axes["subjet2_phi"][0] - axes["subjet1_phi"][0] == pytest.approx(0.4, abs=1e-5)
    assert axes["subjet1_phi"][0] < 0 < axes["subjet2_phi"][0], "the axis lies between, across the seam"
    assert [axes[f"subjet{n}_{x}"][1] for n in (1, 2) for x in ("eta", "phi")] == pytest.approx([0] * 4, abs=1e-6)


def test_subjets_are_those_of_fastjet(detector):
    """From the stored constituents again, jet by jet, with fastjet's own objects."""
    for row in detector["w"][:20]:
        parts = [
            fastjet.PtYPhiM(
                c["pt"], math.asinh(c["pt"] / math.hypot(c["pt"], c["mass"]) * math.sinh(c["eta"])), c["phi"], c["mass"]
            )
            for c in ak.to_list(row.constituents)
        ]
        sequence = fastjet.ClusterSequence(parts, fastjet.JetDefinition(fastjet.kt_algorithm, 0.3))
        leading = fastjet.sorted_by_pt(sequence.inclusive_jets())
        for number, subjet in enumerate(leading[:2], 1):
            assert row.axes.eta + row.axes[f"subjet{number}_eta"] == pytest.approx(subjet.eta(), abs=2e-3)
            turn = row.axes.phi + row.axes[f"subjet{number}_phi"] - subjet.phi()
            assert math.cos(turn) == pytest.approx(1, abs=1e-5)


@settings(deadline=None)
@given(st.floats(250.0, 299.999), st.floats(0.0, 1.9999))
def test_cells(pt, eta):
    (cell,) = cell_of(np.array([pt]), np.array([eta])).tolist()
    assert (cell // 4, cell % 4) == (math.floor((pt - 250) / 5 + 1e-12), math.floor(eta / 0.5))


def test_shares_add_up():
    assert PT_SHARES.sum() == pytest.approx(1)
    assert ETA_SHARES.sum() == pytest.approx(1)


# --- variants --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("multiparton", [True, False])
def test_classes_share_energy_and_multi_parton_settings(level, multiparton):
    task = WPrime(multiparton=multiparton)
    shared = {
        tuple(s for s in task.settings(process, level) if s.startswith(("Beams", "PartonLevel", "HadronLevel")))
        for process in task.processes
    }
    assert len(shared) == 1
    assert ("PartonLevel:MPI=off" in shared.pop()) == (not multiparton)


def test_only_smoke_goes_without_multi_parton_interactions():
    assert [WPrime.resolve(preset).multiparton for preset in ("smoke", "quick", "standard", "paper")] == [False] + [
        True
    ] * 3


def test_softer_scatterings_on_request():
    assert "PhaseSpace:pTHatMin=160" in WPrime(pthat_min=160).settings("qcd", "detector")
    assert not [line for line in WPrime(pthat_min=160).settings("w", "detector") if "pTHat" in line]
    with pytest.raises(UserError, match=r"wprime: parameter 'pthat_min' is 300, expected 50 to 250"):
        WPrime(pthat_min=300)


@pytest.mark.parametrize(
    ("parameter", "value"), [("grooming", "pruned"), ("mass_window", "70-90"), ("pthat_min", "low")]
)
def test_unknown_variants_are_refused(parameter, value):
    with pytest.raises(UserError, match=rf"wprime: parameter '{parameter}' is '{value}'"):
        WPrime.resolve("smoke", {parameter: value})
