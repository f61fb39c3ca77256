"""Photon pairs: the Higgs at its mass, no column that reveals the mass, and jets that look like photons."""

import math
from contextlib import contextmanager
from functools import partial

import awkward as ak
import numpy as np
import pytest

from benchmark.core.errors import UserError
from tasks.detector import pileup
from tasks.diphoton.diphoton import Diphoton, decorrelated, thresholds
from tasks.diphoton.pairs import pair_masses
from tasks.events import KINDS
from tasks.generator import rehadronised as rehadronisation
from tasks.generator.rehadronised import rehadronised

EVENTS = {"higgs": 120, "diphoton": 120, "photon_jet": 12}
TASK = Diphoton(multiparton=False)


@pytest.fixture(scope="module")
def small_pool():
    """Forty collisions to draw pile-up from, where two thousand take half a minute."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pileup, "SIZE", 40)
        yield


@contextmanager
def batches(size):
    """A jet that looks like a photon is rare, and a hundred of them are made at once."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rehadronisation, "rehadronised", partial(rehadronised, batch=size))
        yield


@pytest.fixture(scope="module")
def made(small_pool):
    with batches(EVENTS["photon_jet"]):
        return {process: TASK.generate(process, "detector", count, seed=7) for process, count in EVENTS.items()}


@pytest.fixture(scope="module")
def forward(small_pool):
    task = Diphoton(region="forward", box=True, multiparton=False)
    return {process: task.generate(process, "detector", 60, seed=8) for process in ("higgs", "diphoton")}


def spearman(a, b):
    """Correlation of ranks."""
    ranks = [np.argsort(np.argsort(ak.to_numpy(column))) for column in (a, b)]
    return np.corrcoef(*ranks)[0, 1]


def test_selection(made):
    for process, table in made.items():
        photons = table.objects
        assert len(table) == EVENTS[process]
        assert ak.all(ak.num(photons) == 2)
        assert ak.all(photons.kind == KINDS.index("photon"))
        assert ak.all(photons.pt > 20)
        assert ak.all(abs(photons.eta) < 1.44 + 0.15)  # the cut is on the detector's eta, before the vertex moves it
        assert ak.all(photons.pt[:, 0] >= photons.pt[:, 1])
        assert ak.all(table.mass > 90)


def test_the_mass_is_that_of_the_photons(made):
    for table in made.values():
        mass = ak.to_numpy(ak.flatten(pair_masses(table.objects)))
        np.testing.assert_allclose(mass, table.mass, rtol=1e-5)


def test_the_higgs_is_at_its_mass(made):
    mass = ak.to_numpy(made["higgs"].mass)
    assert abs(np.median(mass) - 125) < 1.0
    low, high = np.quantile(mass, [0.16, 0.84])
    # 1 to 2.5% of 125 GeV; 2,000 events have 0.98%, and 120 of them tell a width to a tenth
    assert 0.7 * 1.25 < (high - low) / 2 < 3.125


def test_the_continuum_is_broad(made):
    mass = ak.to_numpy(made["diphoton"].mass)
    assert np.quantile(mass, 0.84) - np.quantile(mass, 0.16) > 20


def test_jets_are_wider_than_photons(made):
    """The second candidate of photon + jet is more often the jet: its cluster is less compact."""
    true, fake = (ak.to_numpy(made[process].candidate.r92) for process in ("higgs", "photon_jet"))
    assert np.mean(fake) < np.mean(true)


def test_photons_point_to_where_the_hits_are(made):
    from tasks.detector.geometry import barrel_direction

    for event in made["higgs"][:20]:
        hottest = int(ak.argmax(event.ecal.energy))
        eta, phi = barrel_direction(*(int(event.ecal[axis][hottest]) for axis in ("row", "column")))
        away = np.hypot(
            ak.to_numpy(event.objects.eta) - eta, (ak.to_numpy(event.objects.phi) - phi + np.pi) % (2 * np.pi) - np.pi
        )
        # the vertex moves eta by up to 0.1
        assert away.min() < 0.15


def test_nothing_tells_the_mass(made):
    table = decorrelated(made["diphoton"])
    mass = ak.to_numpy(ak.flatten(pair_masses(table.objects)))
    np.testing.assert_allclose(mass, 125.0, rtol=1e-5)
    np.testing.assert_array_equal(table.mass, made["diphoton"].mass)
    factor = 125.0 / ak.to_numpy(table.mass)
    for name, (field, threshold) in thresholds().items():
        scaled = made["diphoton"][name, field] * factor
        kept = ak.sum(scaled[scaled > threshold * 125 / 90], axis=1)
        np.testing.assert_allclose(ak.sum(table[name, field], axis=1), kept, rtol=1e-4)
    assert not any("mass" in name and "over" not in name for name in table.candidate.fields)


def separation(tables, column, field):
    """How well the faintest hit separates Higgs and continuum: AUC of its distance from the Higgs' median."""
    values = [ak.to_numpy(ak.drop_none(ak.min(table[column, field], axis=1))) for table in tables]
    assert min(map(len, values)) > 100
    away = [-np.abs(value - np.median(values[0])) for value in values]
    return np.mean(np.sign(away[0][:, np.newaxis] - away[1])) / 2 + 0.5


@pytest.mark.parametrize("column", ["tracks", "ecal", "ecal_endcap", "hcal"])
def test_the_faintest_hit_does_not_tell_the_mass(made, column):
    """Thresholds are fixed in GeV: without another cut, scaled hits would reveal the mass as well as the photons do."""
    field, threshold = thresholds()[column]
    raw = [made[name] for name in ("higgs", "diphoton")]
    tables = [decorrelated(table) for table in raw]
    assert all(ak.min(table[column, field]) >= threshold * 125 / 90 for table in tables)
    assert separation(tables, column, field) < 0.65
    scaled = [ak.with_field(table, table[column, field] * 125 / table.mass, [column, field]) for table in raw]
    assert separation(scaled, column, field) > 0.8  # what it is for


@pytest.mark.parametrize("name", ["ecal_isolation1", "track_isolation1", "r91", "sigma_ieta_ieta1"])
def test_shapes_hardly_tell_the_mass(made, name):
    table = made["diphoton"]
    assert abs(spearman(table.candidate[name], table.mass)) < 3.5 / np.sqrt(len(table))


def test_classes_share_pile_up_enrichment_and_multi_parton_interactions(made):
    means = [np.mean(ak.to_numpy(table.pileup)) for table in made.values()]
    for mean, count in zip(means, EVENTS.values(), strict=True):
        assert mean == pytest.approx(19.83, abs=4 * np.sqrt(21.0 / count))
    for task, there in ((TASK, True), (Diphoton(), False)):
        lines = [task.settings(process, "detector") for process in task.processes]
        assert {("PartonLevel:MPI=off" in line[0]) for line in lines} == {there}
        assert len({line[1] for line in lines}) == 1
    assert {preset: Diphoton.resolve(preset).multiparton for preset in ("smoke", "quick", "standard", "paper")} == {
        "smoke": False,
        "quick": False,
        "standard": True,
        "paper": True,
    }


def test_forward_leaves_the_gap_out(forward):
    for process, table in forward.items():
        assert len(table) == 60
        eta = abs(table.objects.eta)
        # of the vertex; the gap is one of the detector, 0.1 to either side of it
        assert ak.max(eta) < 2.3 + 0.15
        assert ak.any(eta > 1.6), process
        assert abs(np.median(ak.to_numpy(forward["higgs"].mass)) - 125) < 1.5
        assert ak.any(ak.num(table.ecal_endcap.energy) > 0)
    box = Diphoton(box=True).settings("diphoton", "detector")[0]
    assert "gg2gammagamma=on" in box
    assert "gg2gammagamma" not in Diphoton().settings("diphoton", "detector")[0]


def test_the_view_follows_the_parameter(made):
    table = made["higgs"]
    assert ak.array_equal(Diphoton(mass_aware=True).apply_variant(table), table)
    np.testing.assert_allclose(ak.flatten(pair_masses(Diphoton().apply_variant(table).objects)), 125.0, rtol=1e-5)


@pytest.mark.parametrize(("process", "count"), [("higgs", 5), ("photon_jet", 1)])
def test_same_seed_same_events(process, count):
    """A jet that looks like a photon is rare: its search uses so many random numbers that one event of them does."""
    task = Diphoton(pileup=0.0, multiparton=False)
    with batches(1):
        one, two, other = (task.generate(process, "hadron", count, seed) for seed in (11, 11, 12))
    assert ak.array_equal(one, two)
    assert not ak.array_equal(one, other)


def test_hadron_level_has_no_hits():
    table = TASK.generate("higgs", "hadron", 20, seed=5)
    assert set(table.fields) == {"mass", "objects", "candidate"}
    assert abs(np.median(ak.to_numpy(table.mass)) - 125) < 0.5


def test_the_generator_level_is_skipped():
    assert "one photon" in Diphoton.skipped_levels["generator"]


def test_pile_up_has_a_range():
    with pytest.raises(UserError, match="pileup"):
        Diphoton(pileup=-1)


def test_pair_masses_against_four_vectors():
    photons = ak.Array([[{"pt": 50.0, "eta": 0.3, "phi": 3.0}, {"pt": 30.0, "eta": -0.9, "phi": -3.0}]])
    p = [
        np.array([x.pt * math.cosh(x.eta), x.pt * math.cos(x.phi), x.pt * math.sin(x.phi), x.pt * math.sinh(x.eta)])
        for x in photons[0]
    ]
    total = p[0] + p[1]
    assert pair_masses(photons)[0, 0] == pytest.approx(math.sqrt(total[0] ** 2 - (total[1:] ** 2).sum()), rel=1e-9)
