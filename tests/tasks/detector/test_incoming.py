"""Particles on their way to the calorimeters."""

import numpy as np
import pytest

from tasks.detector.incoming import GAMMA, HADRON, MUON, NEUTRAL, incoming_of
from tasks.detector.particles import final
from tasks.detector.transport import CHARGE, PHI, PT, PZ, Z
from tests.tasks.hand_made import collisions, particle

PROTON = 0.938272


def of(*events):
    return incoming_of(final(collisions(*events)), 0.01 * np.arange(len(events)))


@pytest.mark.parametrize(
    ("pdg_id", "mass", "seen", "charge", "more"),
    [
        (22, 0.0, GAMMA, 0, 0.0),
        (11, 0.0, GAMMA, -1, 0.0),
        (-11, 0.0, GAMMA, 1, 0.0),
        (13, 0.1057, MUON, -1, 0.1057),
        (211, 0.1396, HADRON, 1, 0.1396),
        (-321, 0.4937, HADRON, -1, 0.4937),
        (2212, PROTON, HADRON, 1, 0.0),
        (-2212, PROTON, HADRON, -1, 2 * PROTON),
        (2112, 0.9396, NEUTRAL, 0, 0.0),
        (130, 0.4976, NEUTRAL, 0, 0.4976),
    ],
)
def test_what_the_calorimeters_see(pdg_id, mass, seen, charge, more):
    found = of([particle(pdg_id, 3.0, 1.0, 0.5, mass=mass)])
    assert (found.seen[0], found.states[0, CHARGE]) == (seen, charge)
    assert found.states[0, [PHI, PT, PZ]] == pytest.approx((0.5, 3.0, 3.0 * np.sinh(1.0)))
    kinetic = np.hypot(3.0 * np.cosh(1.0), mass) - mass
    assert found.kinetic[0] == pytest.approx(kinetic + more, abs=1e-6)


def test_who_is_not_seen():
    found = of([particle(14, 9.0), particle(211, 9.0, 4.0), particle(22, 9.0, 0.1)], [], [particle(12, 5.0)])
    assert found.offsets.tolist() == [0, 1, 1, 1]
    assert found.seen.tolist() == [GAMMA]


def test_an_event_has_one_vertex():
    found = of([particle(22, 9.0), particle(12, 9.0), particle(211, 9.0)], [], [particle(22, 9.0)] * 3)
    assert found.states[:, Z].tolist() == [0.0, 0.0, 0.02, 0.02, 0.02]


def test_no_particles_at_all():
    assert of([], []).offsets.tolist() == [0, 0, 0]
    assert len(of([], []).states) == 0
