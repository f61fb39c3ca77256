"""Which collision the photons are taken to come from."""

import numpy as np
import pytest

from tasks.detector.vertex import SPREAD, mistaken, vertices


def test_the_beam_spot():
    z = vertices(20_000, np.random.default_rng(1))
    assert z.mean() == pytest.approx(0.0, abs=4 * SPREAD / np.sqrt(20_000))
    assert z.std() == pytest.approx(0.05, rel=0.02)


@pytest.mark.parametrize(("others", "right"), [(0, 1.0), (10, 0.9), (20, 0.8), (200, 0.0)])
def test_one_in_five_is_wrong_among_twenty_others(others, right):
    taken = mistaken(np.full(20_000, others), np.random.default_rng(2))
    assert (taken < 0).mean() == pytest.approx(right, abs=0.012)
    assert set(np.unique(taken)) <= set(range(-1, max(others, 1)))
    if 0 < right < 1:  # each of the others as often
        counts = np.bincount(taken[taken >= 0], minlength=others)
        assert np.abs(counts - counts.mean()).max() < 5 * np.sqrt(counts.mean())
