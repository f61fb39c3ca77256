"""The particles of events: crystals as massless particles."""

import math

import numpy as np
import pytest

from benchmark.errors import UserError
from representations.particles import FULL_SPAN, JET_SPAN, SHOWER_SPAN, particles_of, principal
from tasks.detector.geometry import barrel_direction
from tests.representations.collisions import events_of, jets_of, showers_of

SHOWER = [(80, 359, 8.0), (81, 0, 2.0), (80, 1, 1.0)]


def test_crystals_are_massless_particles():
    found = particles_of(showers_of([SHOWER, [], [(169, 10, 3.0)]]))
    assert found.offsets.tolist() == [0, 3, 3, 4]
    assert found.names == ("crystal",)
    eta, phi = barrel_direction(np.array([80, 81, 80, 169]), np.array([359, 0, 1, 10]))
    np.testing.assert_allclose(found.eta, eta)
    np.testing.assert_allclose(found.phi, phi)
    np.testing.assert_allclose(found.pt * np.cosh(found.eta), [8, 2, 1, 3], rtol=1e-6)
    np.testing.assert_allclose(np.exp(found.log_energy()), [8, 2, 1, 3], rtol=1e-6)
    assert not found.mass.any()
    assert not found.charge.any()
    assert found.slot().tolist() == [0, 0, 0, 0]


def test_an_energy_below_zero_is_none():
    found = particles_of(showers_of([[(80, 10, -0.5), (80, 11, 1.0)]]))
    assert found.pt[0] == 0.0


def test_directions_are_from_the_hottest_crystal_across_the_seam():
    found = particles_of(showers_of([SHOWER, []]))
    eta, phi = found.directions()
    np.testing.assert_allclose(eta, [0, 2 * 1.479 / 170, 0], atol=1e-9)
    np.testing.assert_allclose(phi, [0, math.pi / 180, 2 * math.pi / 180], atol=1e-9)
    assert [axis.tolist()[1] for axis in found.hardest()] == [0.0, 0.0]


def test_spans():
    assert particles_of(showers_of([SHOWER])).span == SHOWER_SPAN
    assert particles_of(showers_of([SHOWER], picture="barrel")).span == FULL_SPAN
    assert particles_of(jets_of([[(22, 1.0, 0.0, 0.0)]])).span == JET_SPAN
    assert particles_of(events_of([[("jet", 9.0, 0.0, 0.0)]])).span == FULL_SPAN
    assert pytest.approx((0.27840, 0.27925), abs=1e-5) == SHOWER_SPAN


def test_the_whole_barrel_is_not_moved():
    eta, phi = particles_of(showers_of([SHOWER], picture="barrel")).directions()
    np.testing.assert_allclose(phi, principal(barrel_direction(np.zeros(3), np.array([359, 0, 1]))[1]))
    assert eta[0] == pytest.approx(-4.5 * 2 * 1.479 / 170)


def test_principal_angles():
    np.testing.assert_allclose(
        principal(np.array([0.0, math.pi, -math.pi, 7.0])), [0, -math.pi, -math.pi, 7 - 2 * math.pi]
    )


def test_broken_energies_are_named():
    with pytest.raises(UserError, match=r"toy: event 1001, ecal\[0\] has pt nan"):
        particles_of(showers_of([SHOWER, [(3, 4, math.nan)]]))
