"""Electrons against photons: the variables in which the classes may differ, and those in which they may not."""

import hashlib
import io
import subprocess
import sys
from pathlib import Path

import awkward as ak
import numpy as np
import pytest

from benchmark.core.errors import UserError
from tasks import events
from tasks.detector import pileup
from tasks.detector.digis import FIELDS
from tasks.detector.tracker import CHARGE, PHI, PT, PZ, Z
from tasks.egamma.egamma import SAMPLES, EGamma
from tasks.egamma.gun import ETA_MAX, PION_MASS, gun

COUNT = 400
ROOT = Path(__file__).parents[3]


def made(process, sample="electrons", count=COUNT, seed=3, **options):
    return EGamma(sample=sample, **({"pileup": 0.0} | options)).generate(process, "detector", count, seed)


@pytest.fixture(scope="module")
def showers():
    """The same seed, so the same pt, eta and phi, for all three."""
    return {process: made(process) for process in ("electron", "photon", "pion")}


def written(table):
    file = io.BytesIO()
    events.write(table, file)
    return file.getvalue()


def auc(signal, background):
    """Mann and Whitney's statistic, ties counted half."""
    background = np.sort(background)
    below, above = (np.searchsorted(background, signal, side) for side in ("left", "right"))
    return (below + above).mean() / 2 / len(background)


def p4(incoming):
    """(E, px, py, pz) of massless particles, (4, events, particles an event)."""
    pt, phi, pz = incoming.states[:, PT], incoming.states[:, PHI], incoming.states[:, PZ]
    each = incoming.offsets[1] - incoming.offsets[0]
    return np.array([np.hypot(pt, pz), pt * np.cos(phi), pt * np.sin(phi), pz]).reshape(4, -1, each)


def true(process, seed, count=20_000):
    """(pt, eta, phi) of the particles of the gun, (3, count)."""
    _, x, y, z = p4(gun(process, count, np.random.default_rng(seed))).sum(axis=2)
    pt = np.hypot(x, y)
    return np.array([pt, np.arcsinh(z / pt), np.arctan2(y, x)])


# --- the gun ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("process", ["electron", "photon", "pion"])
def test_the_gun_is_flat(process):
    pt, eta, phi = true(process, 1)
    for values, low, high in ((pt, 20, 60), (eta, -ETA_MAX, ETA_MAX), (phi, -np.pi, np.pi)):
        assert values.min() >= low - 1e-9
        assert values.max() <= high + 1e-9
        counts = np.histogram(values, 10, (low, high))[0]
        assert ((counts - 2000) ** 2 / 2000).sum() < 28  # chi squared of 9, one in a thousand


@pytest.mark.parametrize("processes", [("electron", "photon"), ("pion", "photon")])
def test_truth_tells_nothing(processes):
    for signal, background in zip(*(true(process, seed) for seed, process in enumerate(processes)), strict=True):
        # the deviation of an AUC without information is 1 / sqrt(6 n)
        assert auc(signal, background) == pytest.approx(0.5, abs=2.6 / np.sqrt(6 * 20_000))


def test_charges_and_vertices():
    electrons = gun("electron", 4000, np.random.default_rng(1))
    assert abs(electrons.states[:, CHARGE].mean()) < 0.06
    assert set(electrons.states[:, CHARGE]) == {-1.0, 1.0}
    pairs = gun("electron_pair", 500, np.random.default_rng(1)).states.reshape(500, 2, -1)
    assert not pairs[:, :, CHARGE].sum(axis=1).any()
    assert np.ptp(pairs[:, :, Z], axis=1).max() == 0.0
    assert np.abs(np.corrcoef(pairs[:, 0, PHI], pairs[:, 1, PHI])[0, 1]) < 0.15
    for process in ("photon", "photon_pair", "pion"):
        assert not gun(process, 50, np.random.default_rng(1)).states[:, CHARGE].any()


@pytest.mark.parametrize("process", SAMPLES["pairs"])
def test_pairs_back_to_back(process):
    pairs = gun(process, 500, np.random.default_rng(1), back_to_back=True)
    _, *momentum = p4(pairs)
    np.testing.assert_allclose(np.sum(momentum, axis=2), 0, atol=1e-9)
    assert np.abs(pairs.states[:, PHI]).max() <= np.pi
    # the first of each pair is the one that it is among independent pairs
    alone = gun(process, 500, np.random.default_rng(1)).states[::2]
    np.testing.assert_array_equal(pairs.states[::2], alone)


def test_only_pairs_are_back_to_back():
    task = EGamma(sample="pairs", pairs="back_to_back")
    assert "no collision" in task.info("detector").unranked
    assert not EGamma(sample="pairs").info("detector").unranked
    assert task.settings("photon_pair", "detector")[0].endswith("back to back")
    with pytest.raises(UserError, match="parameter 'pairs' is 'back_to_back' with sample=electrons"):
        EGamma(pairs="back_to_back")


def test_two_photons_have_the_mass_of_the_pion():
    photons = p4(gun("pion", 3000, np.random.default_rng(2)))
    e, x, y, z = photons.sum(axis=2)
    mass2 = e**2 - x**2 - y**2 - z**2
    np.testing.assert_allclose(np.sqrt(np.maximum(mass2, 0)), PION_MASS, rtol=1e-3)
    # isotropic at rest: the photons' share of the energy is flat
    share = photons[0, :, 0] / e
    assert share.mean() == pytest.approx(0.5, abs=0.025)
    assert share.var() == pytest.approx(1 / 12, rel=0.08)


# --- showers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("process", ["electron", "photon", "pion"])
def test_every_event_has_its_shower(showers, process):
    table = showers[process]
    assert len(table) == COUNT
    assert set(table.fields) == {"ecal", "candidate"}
    assert ak.min(ak.num(table.ecal.energy)) >= 5
    assert 0 <= ak.min(table.ecal.row) < ak.max(table.ecal.row) < 170
    assert 0 <= ak.min(table.ecal.column) < ak.max(table.ecal.column) < 360
    assert ak.min(table.ecal.energy) > 0.08
    pt, eta, _ = np.array(true(process, 3, COUNT))
    share = ak.to_numpy(table.candidate.energy) / (pt * np.cosh(eta))
    # no energy is lost; early radiation, or an impact at the barrel's edge, leaves some outside the crop
    assert share.min() > 0.3
    assert np.median(share) == pytest.approx(1.0, abs=0.03)
    events.check(ak.with_field(table, np.arange(COUNT), "event_id"), "egamma")


def test_energy_tells_next_to_nothing(showers):
    energies = [ak.to_numpy(showers[process].candidate.energy) for process in ("electron", "photon")]
    assert abs(auc(*energies) - 0.5) < 0.02


def test_shapes_are_those_of_cms(showers):
    medians = {
        process: {name: float(np.median(table.candidate[name])) for name in table.candidate.fields}
        for process, table in showers.items()
    }
    assert 0.9 < medians["electron"]["r9"] < medians["photon"]["r9"] < 0.98
    assert medians["pion"]["r9"] < medians["photon"]["r9"]
    for shapes in medians.values():
        assert shapes["sigma_ieta_ieta"] == pytest.approx(0.009, abs=0.001)
        assert shapes["e1"] < shapes["e4"] < shapes["e9"] < shapes["e25"] < 1
    # electrons spread in phi
    assert medians["electron"]["sigma_iphi_iphi"] > medians["photon"]["sigma_iphi_iphi"] > 0.009


def test_the_same_seed_gives_the_same_bytes(showers):
    first = made("electron", count=20)
    assert written(first) == written(made("electron", count=20))
    assert written(first) != written(made("electron", count=20, seed=4))


def small_with_pileup():
    pileup.SIZE = 20
    return hashlib.sha256(written(made("electron", count=4, pileup=5.0))).hexdigest()


def test_another_process_gives_the_same_bytes_with_pileup(monkeypatch):
    monkeypatch.setattr(pileup, "SIZE", 20)
    code = "from tests.tasks.egamma.test_egamma import small_with_pileup; print(small_with_pileup())"
    other = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == small_with_pileup()


def test_pileup_adds_hits(monkeypatch):
    monkeypatch.setattr(pileup, "SIZE", 20)
    means = [np.mean(made("photon", count=20, pileup=mean).candidate.hits) for mean in (0.0, 100.0)]
    assert means[1] > means[0] + 5


def test_digis_are_samples_of_the_same_hits():
    plain, sampled = made("photon", count=20), made("photon", count=20, digis=True)
    for name in ("row", "column", "energy", "time"):
        assert plain.ecal[name].tolist() == sampled.ecal[name].tolist()
    assert set(sampled.ecal.fields) - set(plain.ecal.fields) == set(FIELDS)
    peak, energy = (np.asarray(ak.flatten(sampled.ecal[name])) for name in ("sample5", "energy"))
    hot = energy > 2.0
    assert np.abs(peak[hot] / energy[hot] - 1.0).max() < 0.15


def test_pileup_as_in_a_year_or_by_number():
    assert EGamma.resolve("quick", {"pileup": "2011"}).pileup == "2011"
    assert EGamma.resolve("quick", {"pileup": "7"}).pileup == 7.0
    with pytest.raises(UserError, match="pileup"):
        EGamma.resolve("quick", {"pileup": "2013"})
    with pytest.raises(UserError, match="pileup"):
        EGamma.resolve("quick", {"pileup": "many"})


# --- the ladder ------------------------------------------------------------------------------------------------------


def test_rungs_of_the_ladder_have_the_same_showers(monkeypatch):
    """Pile-up, noise and thresholds lie over the same particles and deposits, crystal by crystal."""
    monkeypatch.setattr(pileup, "SIZE", 20)
    rungs = [
        {"pileup": 3.0},
        {"pileup": 0.0},
        {"pileup": 0.0, "noise": False},
        {"pileup": 0.0, "noise": False, "suppression": False},
    ]
    over, quiet, noiseless, bare = (made("electron", count=12, area="barrel", **rung) for rung in rungs)
    for event in range(12):
        true = energies_of(bare, event)
        # 4 standard deviations of light, of calibration (0.5%, 1% at the edge) and constant term
        for rung, noise in ((noiseless, 0.0), (quiet, 0.040), (over, 0.040)):
            read = energies_of(rung, event)
            hot = [cell for cell, energy in true.items() if energy > 1.0]
            assert hot
            for cell in hot:
                error = np.sqrt(2 * 0.028**2 * true[cell] + 2 * (0.003 * true[cell]) ** 2 + noise**2)
                # a collision of pile-up may add energy, never remove it
                assert read[cell] > true[cell] - 4.5 * error
                assert rung is over or read[cell] < true[cell] + 4.5 * error
        assert len(energies_of(noiseless, event)) < len(energies_of(quiet, event)) <= len(energies_of(over, event))
        assert set(energies_of(noiseless, event)) <= set(true)


def energies_of(table, event):
    """{(row, column): GeV} of the crystals of an event."""
    hits = table.ecal[event]
    return dict(zip(zip(hits.row.tolist(), hits.column.tolist(), strict=True), hits.energy.tolist(), strict=True))


def test_more_material_widens_showers():
    """Twice the material, twice the radiation: R9 falls, and nothing of the gun changes."""
    nominal, heavy = (made("electron", material=factor) for factor in (1.0, 2.0))
    assert np.median(heavy.candidate.r9) < np.median(nominal.candidate.r9) - 0.05
    assert np.median(heavy.candidate.energy) == pytest.approx(np.median(nominal.candidate.energy), rel=0.05)


# --- samples, areas, levels ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample", SAMPLES)
def test_samples(sample):
    task = EGamma(sample=sample, pileup=0.0)
    assert task.processes == SAMPLES[sample]
    info = task.info("detector")
    assert info.classes == SAMPLES[sample]
    assert (info.particles, info.magnitude) == ("ecal", "energy")
    assert info.picture == ("barrel" if sample == "pairs" else "crop")
    assert [task.settings(process, "detector")[0].split(",")[0] for process in task.processes] == [
        f"gun: {process}" for process in SAMPLES[sample]
    ]


@pytest.mark.parametrize("process", SAMPLES["pairs"])
def test_a_pair_is_two_showers_in_the_barrel(process):
    table = made(process, "pairs", count=40)
    energy = ak.to_numpy(ak.sum(table.ecal.energy, axis=1))
    _, _, _, pz = momenta = p4(gun(process, 40, np.random.default_rng(3)))
    assert energy == pytest.approx(momenta[0].sum(axis=1), rel=0.25)
    assert pz.shape == (40, 2)
    crop = made(process, "pairs", count=40, area="crop")
    assert written(crop) == written(table)  # a pair is never cropped
    # the shapes are one shower's
    assert np.median(ak.to_numpy(table.candidate.energy) / energy) < 0.85


def test_the_barrel_holds_the_crop():
    crop, barrel = made("electron", count=10), made("electron", count=10, area="barrel")
    assert EGamma(area="barrel").info("detector").picture == "barrel"
    assert crop.candidate.to_list() == barrel.candidate.to_list()
    assert ak.all(ak.sum(barrel.ecal.energy, axis=1) >= ak.sum(crop.ecal.energy, axis=1) * (1 - 1e-5))
    assert ak.max(crop.ecal.row, axis=None) - ak.min(crop.ecal.row, axis=None) > 32  # of all events together
    assert ak.max(ak.max(crop.ecal.row, axis=1) - ak.min(crop.ecal.row, axis=1)) < 32


def test_levels_without_a_detector_are_skipped_with_the_reason():
    assert set(EGamma.skipped_levels) == {"generator", "hadron"}
    assert all("charge" in reason for reason in EGamma.skipped_levels.values())


def test_settings_name_the_pile_up():
    assert len(EGamma(pileup=0.0).settings("photon", "detector")) == 1
    assert "mean 18 in 25.9%, 20 in 38.9%, 21 in 35.2%" in EGamma().settings("photon", "detector")[1]
    assert "mean 5 in 100.0%" in EGamma(pileup=5.0).settings("photon", "detector")[1]
    with pytest.raises(UserError, match="pileup"):
        EGamma(pileup=-1.0)
