"""The tracker: particles against straight lines, circles in closed form, and the formulas of radiation."""

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.detector.geometry import BARREL_ETA, HALF_LENGTH, RADIUS
from tasks.detector.particles import final
from tasks.detector.tracker import (
    BARREL_HALF,
    BUDGET,
    BUDGET_ETA,
    CHARGE,
    LAYERS,
    PATH,
    PHI,
    PT,
    PZ,
    SHARES,
    SOFTEST,
    STACK,
    STATE,
    X,
    Y,
    Z,
    _radiate,
    cascade,
    new_stack,
    pair_share,
    reconstruct_tracks,
    to_calorimeter,
)
from tests.tasks.detector.states import at_vertex
from tests.tasks.hand_made import collisions, particle

STACKS = new_stack(), np.zeros((STACK, STATE))


def arrived(first, rng):
    """The particles that one electron or photon becomes, (n, 8)."""
    return STACKS[1][: cascade(first, rng, *STACKS)].copy()


def energies(states):
    return np.hypot(states[..., PT], states[..., PZ])


def wrapped(phi):
    return (phi + np.pi) % (2 * np.pi) - np.pi


@given(
    st.floats(0.5, 200.0), st.floats(-3.2, 3.2), st.floats(-7.0, 7.0), st.sampled_from((-1, 0, 1)), st.floats(-0.3, 0.3)
)
@settings(max_examples=150, deadline=None)
def test_particles_that_arrive_are_on_the_face(pt, eta, phi, charge, z):
    state = at_vertex(pt, eta, phi, charge, z)
    there = to_calorimeter(state)
    if charge == 0 or pt > 0.74:
        assert there
    if not there:
        return
    radius, path = np.hypot(state[X], state[Y]), state[PATH]
    if abs(state[Z]) <= BARREL_HALF * (1 + 1e-9):
        assert radius == pytest.approx(RADIUS)
    else:
        assert abs(state[Z]) == pytest.approx(HALF_LENGTH)
    assert path >= np.sqrt(radius**2 + (state[Z] - z) ** 2) * (1 - 1e-9)
    # a helix climbs evenly
    assert state[Z] == pytest.approx(z + path * np.tanh(eta), abs=1e-9)
    assert (state[PT], state[PZ], state[CHARGE]) == (pt, pt * np.sinh(eta), charge)


@pytest.mark.parametrize("z", [0.0, 0.1, -0.2])
@pytest.mark.parametrize("eta", [0.0, 0.7, -1.35])
def test_straight_lines_in_the_barrel(eta, z):
    state = at_vertex(20.0, eta, 2.5, 0.0, z)
    assert to_calorimeter(state)
    expected = RADIUS * np.array([np.cos(2.5), np.sin(2.5), np.sinh(eta)]) + [0, 0, z]
    np.testing.assert_allclose(state[[X, Y, Z]], expected, atol=1e-12)
    assert state[PATH] == pytest.approx(RADIUS * np.cosh(eta))
    assert state[PHI] == 2.5


@pytest.mark.parametrize("eta", [1.6, -2.4])
def test_straight_lines_to_the_endcaps(eta):
    state = at_vertex(20.0, eta, -1.0, 0.0, 0.05)
    assert to_calorimeter(state)
    assert state[Z] == pytest.approx(np.sign(eta) * HALF_LENGTH)
    assert np.hypot(state[X], state[Y]) == pytest.approx((HALF_LENGTH - np.sign(eta) * 0.05) / np.sinh(abs(eta)))


@pytest.mark.parametrize("charge", [-1.0, 1.0])
@pytest.mark.parametrize("pt", [0.8, 3.0, 40.0])
def test_circles_in_closed_form(pt, charge):
    bending = pt / (0.299792458 * 3.8)  # metres
    turn = np.arcsin(RADIUS / (2 * bending))
    state = at_vertex(pt, 0.3, 3.0, charge)
    assert to_calorimeter(state)
    # with the field along +z, positive particles turn clockwise
    assert wrapped(np.arctan2(state[Y], state[X]) - 3.0) == pytest.approx(wrapped(-charge * turn))
    assert wrapped(state[PHI] - 3.0) == pytest.approx(wrapped(-charge * 2 * turn))
    assert state[PATH] == pytest.approx(2 * bending * turn * np.cosh(0.3))


def test_soft_particles_curl_or_reach_the_endcaps():
    assert not to_calorimeter(at_vertex(0.73, 0.0, 0.0, 1.0))
    assert to_calorimeter(at_vertex(0.74, 0.0, 0.0, 1.0))
    state = at_vertex(0.5, 2.5, 1.0, -1.0)
    assert to_calorimeter(state)
    away = HALF_LENGTH / np.sinh(2.5)
    assert state[PHI] - 1.0 == pytest.approx(0.299792458 * 3.8 / 0.5 * away)
    chord = 2 * 0.5 / (0.299792458 * 3.8) * np.sin((state[PHI] - 1.0) / 2)
    assert np.hypot(state[X], state[Y]) == pytest.approx(chord)


def test_all_material_is_in_the_layers():
    assert sum(SHARES) == pytest.approx(1.0)
    assert np.all(np.diff(LAYERS) > 0)
    assert LAYERS[-1] < 1
    assert BUDGET.min() >= 0.40


@pytest.mark.parametrize(("eta", "material"), [(0.1, 1.0), (-1.0, 1.0), (1.3, 1.0), (2.2, 1.0), (0.1, 2.0), (1.3, 0.3)])
def test_photons_convert_as_often_as_the_material_says(eta, material):
    rng, tries, stack = np.random.default_rng(5), 1200, new_stack(material)
    whole = 0
    for _ in range(tries):
        found = STACKS[1][: cascade(at_vertex(30.0, eta, 1.0, 0.0, rng.normal(0, 0.05)), rng, stack, STACKS[1])]
        whole += len(found) == 1 and found[0, CHARGE] == 0.0
    expected = np.exp(-7 / 9 * material * np.interp(abs(eta), BUDGET_ETA, BUDGET))
    assert whole / tries == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / tries))


@pytest.mark.parametrize(("charge", "eta"), [(1.0, 0.2), (-1.0, -1.3), (0.0, 0.8), (1.0, 2.0)])
def test_cascades_make_no_energy_and_lose_what_is_soft(charge, eta):
    rng = np.random.default_rng(6)
    first = at_vertex(40.0, eta, 0.5, charge)
    found = [arrived(first, rng) for _ in range(300)]
    share = np.array([energies(states).sum() for states in found]) / energies(first)
    assert share.max() <= 1 + 1e-9
    assert share.mean() > 0.99
    assert np.median(share) > 0.985
    for states in found:
        assert np.isfinite(states).all()
        assert set(np.unique(states[:, CHARGE])) <= {-1.0, 0.0, 1.0}
        assert energies(states).min() > 0
    if not charge:
        assert all(abs(states[:, CHARGE].sum()) <= 2 for states in found)


@pytest.mark.parametrize("z", [-0.2, -0.12, 0.09, 0.15])
@pytest.mark.parametrize("eta", [-1.2, 0.0, 0.05, 1.2])
def test_no_vertex_loses_its_particle(eta, z):
    rng = np.random.default_rng(7)
    for charge in (0.0, -1.0):
        for _ in range(5):
            found = arrived(at_vertex(40.0, eta, 0.5, charge, z), rng)
            assert energies(found).sum() > 0.8 * 40 * np.cosh(eta)
            hardest = found[energies(found).argmax()]
            assert np.hypot(hardest[X], hardest[Y]) == pytest.approx(RADIUS)
            assert hardest[Z] == pytest.approx(z + RADIUS * np.sinh(eta), abs=0.02)


def test_no_particle_is_lost_between_barrel_and_endcap():
    rng = np.random.default_rng(8)
    for eta in np.linspace(BARREL_ETA - 0.02, BARREL_ETA + 0.02, 41):
        found = arrived(at_vertex(40.0, eta, 0.5, 1.0, 0.03), rng)
        assert energies(found).sum() > 0.7 * 40 * np.cosh(eta)
        radius, z = np.hypot(found[:, X], found[:, Y]), np.abs(found[:, Z])
        on_barrel = np.isclose(radius, RADIUS) & (z <= BARREL_HALF * (1 + 1e-9))
        assert (on_barrel | np.isclose(z, HALF_LENGTH)).all()


def radiated(energy, depth, rng):
    """(energy left, energies of the photons) of an electron at eta 0."""
    stack, electron = new_stack(), at_vertex(energy, 0.0, 0.0, -1.0)
    size = _radiate(electron, depth, 1, rng, stack, 0)
    return energies(electron), energies(stack.states[:size])


def test_an_electron_has_exp_minus_x_of_its_energy_left():
    rng = np.random.default_rng(9)
    runs = [radiated(1000.0, 0.5, rng) for _ in range(3000)]
    left = np.array([left for left, _ in runs]) / 1000
    # up to the photons that are too soft to be followed
    assert left.mean() == pytest.approx(np.exp(-0.5), abs=4 * left.std() / np.sqrt(len(left)))
    np.testing.assert_allclose([photons.sum() / 1000 for _, photons in runs], 1 - left, atol=1e-9)


def test_hard_photons_in_a_thin_layer():
    rng, tries = np.random.default_rng(10), 5000
    hard = sum((radiated(100.0, 0.05, rng)[1] > 10.0).sum() for _ in range(tries))
    # the integral of 4/3y - 4/3 + y from 0.1 to 1; a second photon in the layer is 3% of it
    expected = 0.05 * tries * (4 / 3 * np.log(10) - 4 / 3 * 0.9 + 0.99 / 2)
    assert hard == pytest.approx(expected, abs=4 * np.sqrt(expected) + 0.03 * expected)


def test_no_radiation_below_the_threshold():
    left, photons = radiated(SOFTEST, 1.0, np.random.default_rng(0))
    assert left == SOFTEST
    assert len(photons) == 0


def test_pairs_share_as_bethe_and_heitler_have_it():
    rng = np.random.default_rng(11)
    share = np.array([pair_share(rng) for _ in range(5000)])
    assert share.mean() == pytest.approx(0.5, abs=0.02)
    # E[x^2] = 9/7 (1/3 - 1/15) of 9/7 (1 - 4/3 x (1 - x))
    assert (share**2).mean() == pytest.approx(12 / 35, abs=0.02)
    assert share.var() > 1 / 12 * 1.05  # not flat


def made(*rows, seed=1):
    return reconstruct_tracks(final(collisions([particle(*row) for row in rows])), np.random.default_rng(seed))


def test_neutral_soft_and_forward_particles_leave_none():
    found = made((22, 50.0, 0.0, 0.0), (2112, 50.0, 0.0, 1.0), (211, 0.2, 0.0, 2.0), (211, 5.0, 2.8, 0.0))
    assert ak.num(found.pt).tolist() == [0]


def test_efficiency_by_kind():
    count = 4000
    for code, efficiency in ((13, 0.99), (-211, 0.92), (11, 0.90)):
        found = made(*[(code, 10.0, 0.5, 1.0)] * count)
        expected = 4 * np.sqrt(efficiency * (1 - efficiency) / count)
        assert abs(len(found.pt[0]) / count - efficiency) < expected, code


def test_resolution():
    found = made(*[(211, 10.0, 0.0, 1.0)] * 3000)
    pt = ak.to_numpy(found.pt[0])
    assert abs(pt.mean() / 10 - 1) < 0.002
    assert 0.005 < pt.std() / 10 < 0.012  # 0.8% from scattering at the centre
    assert abs(np.median(ak.to_numpy(found.phi[0])) - 1) < 0.001
