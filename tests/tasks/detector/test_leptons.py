import math

import awkward as ak
import numpy as np
import pytest

from tasks.detector.leptons import isolated_leptons, lose_muons
from tasks.detector.particles import final
from tasks.detector.response import CMS, IDEAL
from tasks.events import KINDS
from tests.tasks.hand_made import collisions, particle


def leptons_of(*events, response=IDEAL, seed=0):
    rng = np.random.default_rng(seed)
    return isolated_leptons(lose_muons(final(collisions(*events)), response, rng), response, 20.0, rng)


def kinds(leptons):
    return [[KINDS[kind] for kind in event] for event in ak.to_list(leptons.kind)]


def test_an_isolated_pair_in_falling_pt():
    found = leptons_of([particle(211, 90, 1.5), particle(-13, 25, -1.0, 2.0), particle(11, 40, 0.5, 1.0)], [])
    assert kinds(found) == [["electron", "muon"], []]
    assert ak.to_list(found.pt[0]) == pytest.approx([40, 25])
    assert ak.to_list(found.charge[0]) == [-1, 1]  # an electron is 11, a positive muon -13
    assert ak.to_list(found["index"][0]) == [2, 1]
    assert ak.to_list(found.mass[0]) == pytest.approx([0.000511, 0.10566])


@pytest.mark.parametrize(
    ("lepton", "neighbour", "isolated"),
    [
        # muon: 15% of its pt within 0.3; electron: 10%
        (particle(13, 50), particle(211, 7.4, 0.2), True),
        (particle(13, 50), particle(211, 7.6, 0.2), False),
        (particle(13, 50), particle(211, 40, 0.31), True),
        (particle(11, 50), particle(211, 4.9, 0.0, 0.2), True),
        (particle(11, 50), particle(211, 5.1, 0.0, 0.2), False),
        # neutrinos are not seen
        (particle(13, 50), particle(14, 40, 0.1), True),
        # photons near an electron are its shower; not those further away, and not those of a muon
        (particle(11, 50), particle(22, 30, 0.05), True),
        (particle(11, 50), particle(22, 30, 0.2), False),
        (particle(13, 50), particle(22, 30, 0.05), False),
        # the cone goes round the seam in phi
        (particle(13, 50, 0.0, math.pi - 0.05), particle(211, 10, 0.0, -math.pi + 0.05), False),
    ],
)
def test_isolation(lepton, neighbour, isolated):
    found = leptons_of([lepton, neighbour], [neighbour, lepton])
    assert ak.to_list(ak.num(found.pt)) == [int(isolated)] * 2


def test_leptons_in_a_jet_are_not_isolated():
    jet = [particle(211, 10, 0.1 * x, 0.1 * y) for x in (-1, 0, 1) for y in (-1, 0, 1)]
    assert ak.to_list(ak.num(leptons_of([*jet, particle(13, 25)], [*jet, particle(11, 25)]).pt)) == [0, 0]


def test_two_leptons_side_by_side_spoil_each_other():
    assert kinds(
        leptons_of([particle(13, 40), particle(-13, 40, 0.2)], [particle(13, 40), particle(-13, 40, 0.4)])
    ) == [
        [],
        ["muon", "muon"],
    ]


def test_an_electron_is_dressed_with_its_photons_and_a_muon_is_not():
    found = leptons_of([particle(11, 18), particle(22, 4, 0.05), particle(22, 1, 0.0, -0.09)], [particle(13, 19)])
    assert ak.to_list(found.pt) == [pytest.approx([23]), []]
    assert ak.to_list(found.true_pt[0]) == pytest.approx([23])


@pytest.mark.parametrize(
    ("code", "eta", "found"),
    [(11, 2.49, 1), (11, 2.51, 0), (13, 2.39, 1), (-13, -2.41, 0), (15, 0.0, 0), (211, 0.0, 0)],
)
def test_acceptance(code, eta, found):
    assert ak.to_list(ak.num(leptons_of([particle(code, 21, eta)], [particle(code, 19.9, eta)]).pt)) == [found, 0]


def test_decayed_leptons_do_not_count():
    assert len(ak.flatten(leptons_of([particle(13, 50, status=-23)]).pt)) == 0


# --- the detector ----------------------------------------------------------------------------------------------------

MANY = 4000


@pytest.mark.parametrize(
    ("code", "eta", "efficiency", "width"),
    [(11, 1.0, 0.85, 0.017), (-11, -2.0, 0.75, 0.045), (13, 0.5, 0.95, 0.016), (-13, 2.0, 0.95, 0.040)],
)
def test_efficiency_and_resolution(code, eta, efficiency, width):
    found = leptons_of(*[[particle(code, 50, eta)]] * MANY, response=CMS)
    pt = ak.to_numpy(ak.flatten(found.pt))
    assert len(pt) / MANY == pytest.approx(efficiency, abs=4 * math.sqrt(efficiency * (1 - efficiency) / MANY))
    assert pt.mean() / 50 == pytest.approx(1, abs=4 * width / math.sqrt(len(pt)))
    assert pt.std() / 50 == pytest.approx(width, rel=4 / math.sqrt(2 * len(pt)))
    assert ak.to_numpy(ak.flatten(found.true_pt)) == pytest.approx(50)


@pytest.mark.parametrize("eta", [1.5, -1.5])
def test_no_electrons_in_the_crack_but_muons(eta):
    assert len(ak.flatten(leptons_of(*[[particle(11, 50, eta)]] * 100, response=CMS).pt)) == 0
    assert len(ak.flatten(leptons_of(*[[particle(13, 50, eta)]] * 100, response=CMS).pt)) > 80
    assert len(ak.flatten(leptons_of(*[[particle(11, 50, eta)]] * 100).pt)) == 100


def test_the_threshold_is_on_the_measured_pt():
    low = ak.flatten(leptons_of(*[[particle(11, 19.5, 2.0)]] * MANY, response=CMS).pt)
    assert ak.min(low) > 20
    # 19.5 GeV must come out 0.57 sigma high (of 4.5%) to pass: 28.4% of the 75% that are found
    chance = 0.75 * 0.5 * math.erfc(0.5 / (19.5 * 0.045) / math.sqrt(2))
    assert len(low) / MANY == pytest.approx(chance, abs=4 * math.sqrt(chance * (1 - chance) / MANY))


@pytest.mark.parametrize(
    ("code", "pt", "eta", "seen"),
    [
        (13, 50, 2.0, 0.95),
        (-13, 50, -2.41, 0.0),  # beyond the chambers
        (13, 3.1, 0.0, 0.95),
        (13, 2.9, 0.0, 1.0),  # stops in the calorimeters
        (11, 50, 3.0, 1.0),
        (211, 50, 2.0, 1.0),
        (14, 50, 0.0, 0.0),
    ],
)
def test_only_muons_can_become_invisible(code, pt, eta, seen):
    particles = final(collisions(*[[particle(code, pt, eta), particle(22, 5)]] * MANY))
    found = ak.to_numpy(lose_muons(particles, CMS, np.random.default_rng(2)).visible)
    assert found[:, 0].mean() == pytest.approx(seen, abs=4 * math.sqrt(seen * (1 - seen) / MANY))
    assert found[:, 1].all()
    assert ak.all(lose_muons(particles, IDEAL, np.random.default_rng(2)).visible == particles.visible)
