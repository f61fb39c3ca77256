"""Tracks: who gets one, how often, and how well measured."""

import awkward as ak
import numpy as np

from tasks.detector import tracks
from tasks.detector.particles import final
from tests.tasks.hand_made import collisions, particle


def made(*rows, seed=1):
    return tracks.reconstruct(final(collisions([particle(*row) for row in rows])), np.random.default_rng(seed))


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
