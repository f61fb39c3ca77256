import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.detector.muons import MUON_MASS
from tasks.dimuon.pairs import MuonPairs


def pair(pt, eta, phi, charge=(1, -1)):
    return MuonPairs.from_pt_eta_phi([pt], [eta], [phi], [charge])


def test_mass_of_back_to_back_muons_is_twice_their_energy():
    assert pair((5, 5), (0, 0), (0, np.pi)).mass()[0] == pytest.approx(2 * np.hypot(5, MUON_MASS), rel=1e-6)


def test_mass_by_hand_from_transverse_momenta_and_angles():
    # massless: 2 * 20 * 30 * (cosh(1.5) - cos(2)), circle-images paper, equation 3
    expected = np.sqrt(2 * 20 * 30 * (np.cosh(1.5) - np.cos(2.0)))
    assert pair((20, 30), (1.0, -0.5), (0.5, 2.5)).mass()[0] == pytest.approx(expected, rel=1e-4)


def test_mass_of_a_recorded_j_psi_candidate():
    momenta = ([5.12579, 4.78984], [-3.98369, -6.26222], [-11.1973, -8.86434])
    pairs = MuonPairs.from_momenta(*([column] for column in momenta), [[-1, 1]])
    assert pairs.mass()[0] == pytest.approx(3.10256, abs=2e-4)
    assert pairs.pt[0] == pytest.approx([7.88403, 6.4918], rel=1e-4)
    assert pairs.eta[0] == pytest.approx([-0.966622, -1.31335], rel=1e-4)
    assert pairs.charge[0].tolist() == [1, -1]  # the harder muon comes first, with its charge


def test_eta_of_45_degrees():
    pairs = MuonPairs.from_momenta([[3.0, 3.0]], [[0.0, 4.0]], [[3.0, 5.0]], [[1, 1]])
    assert pairs.eta[0] == pytest.approx([np.log(1 + np.sqrt(2))] * 2, rel=1e-6)


def test_a_muon_along_the_beam_is_not_measurable():
    pairs = MuonPairs.from_momenta([[3.0, 0.0], [3.0, 1.0]], [[0.0, 0.0]] * 2, [[1.0, 5.0]] * 2, [[1, -1]] * 2)
    assert pairs.measurable.tolist() == [False, True]


def test_scalars_by_hand():
    scalars = pair((4, 3), (0.5, -0.5), (0, np.pi / 2)).scalars()
    assert scalars["pt_dimuon"][0] == pytest.approx(5, rel=1e-6)
    assert scalars["delta_eta"][0] == pytest.approx(1)
    assert scalars["delta_phi"][0] == pytest.approx(np.pi / 2, rel=1e-6)
    assert scalars["delta_r"][0] == pytest.approx(np.hypot(1, np.pi / 2), rel=1e-6)
    assert scalars["charge_product"][0] == -1
    assert not any("mass" in name for name in scalars)


muons = st.tuples(st.floats(1, 200), st.floats(-2.4, 2.4), st.floats(-np.pi, np.pi))


@given(muons, muons, st.floats(-3, 3))
def test_mass_knows_neither_the_order_nor_the_azimuth(first, second, turn):
    mass = pair(*zip(first, second, strict=True)).mass()
    swapped = pair(*zip(second, first, strict=True)).mass()
    turned = pair(*zip((*first[:2], first[2] + turn), (*second[:2], second[2] + turn), strict=True)).mass()
    assert np.array_equal(mass, swapped)
    assert mass == pytest.approx(turned, rel=1e-3, abs=1e-2)


@given(muons, muons)
def test_momenta_and_angles_give_the_same_pair(first, second):
    pairs = pair(*zip(first, second, strict=True))
    _, px, py, pz = pairs.momenta()
    again = MuonPairs.from_momenta(px, py, pz, pairs.charge)
    assert again.pt == pytest.approx(pairs.pt, rel=1e-5)
    assert again.eta == pytest.approx(pairs.eta, rel=1e-5, abs=1e-6)
