"""Photon pairs: the Higgs at its mass, nothing that gives the mass away, and jets that look like photons."""

import math

import awkward as ak
import numpy as np
import pytest

from benchmark.errors import UserError
from tasks.diphoton import Diphoton, decorrelated, pair_masses
from tasks.events import KINDS

EVENTS = {"higgs": 60, "diphoton": 60, "photon_jet": 12}


@pytest.fixture(scope="module")
def made():
    task = Diphoton(pileup=0.0)
    return {process: task.generate(process, "detector", count, seed=7) for process, count in EVENTS.items()}


def test_selection(made):
    for process, table in made.items():
        photons = table.objects
        assert len(table) == EVENTS[process]
        assert ak.all(ak.num(photons) == 2)
        assert ak.all(photons.kind == KINDS.index("photon"))
        assert ak.all(photons.pt > 20)
        assert ak.all(abs(photons.eta) < 1.44)
        assert ak.all(photons.pt[:, 0] >= photons.pt[:, 1])
        assert ak.all(table.mass > 90)


def test_the_mass_is_that_of_the_photons(made):
    for table in made.values():
        mass = ak.to_numpy(ak.flatten(pair_masses(table.objects)))
        np.testing.assert_allclose(mass, table.mass, rtol=1e-5)


def test_the_higgs_is_at_its_mass(made):
    mass = ak.to_numpy(made["higgs"].mass)
    assert abs(np.median(mass) - 125) < 1.5
    low, high = np.quantile(mass, [0.16, 0.84])
    assert 0.5 < (high - low) / 2 < 3.5


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
    for name in ("ecal", "ecal_endcap", "hcal"):
        before, after = (ak.to_numpy(ak.sum(rows[name].energy, axis=1)) for rows in (made["diphoton"], table))
        np.testing.assert_allclose(after, before * factor, rtol=1e-4)
    assert not any("mass" in name and "over" not in name for name in table.candidate.fields)


def test_the_view_follows_the_parameter(made):
    table = made["higgs"]
    assert ak.array_equal(Diphoton(mass_aware=True).view(table), table)
    np.testing.assert_allclose(ak.flatten(pair_masses(Diphoton().view(table).objects)), 125.0, rtol=1e-5)


def test_same_seed_same_events():
    task = Diphoton(pileup=0.0)
    one, two = (task.generate("photon_jet", "hadron", 3, seed=11) for _ in range(2))
    assert ak.array_equal(one, two)
    assert not ak.array_equal(one, task.generate("photon_jet", "hadron", 3, seed=12))


def test_hadron_level_has_no_hits():
    table = Diphoton().generate("higgs", "hadron", 20, seed=5)
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
