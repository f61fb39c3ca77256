"""Which collision the photons are taken to come from."""

import numpy as np
import pytest

from tasks.detector.vertex import SPREAD, chosen, vertices


def test_the_beam_spot():
    z = vertices(20_000, np.random.default_rng(1))
    assert z.mean() == pytest.approx(0.0, abs=4 * SPREAD / np.sqrt(20_000))
    assert z.std() == pytest.approx(0.05, rel=0.02)


@pytest.mark.parametrize(("others", "right"), [(0, 1.0), (10, 0.9), (20, 0.8)])
def test_one_in_five_is_wrong_among_twenty_others(others, right):
    rng = np.random.default_rng(2)
    true = vertices(20_000, rng)
    taken = chosen(true, np.full(20_000, others), rng)
    assert (taken == true).mean() == pytest.approx(right, abs=0.012)
    wrong = taken != true
    if wrong.any():  # a wrong one knows nothing of the right one
        assert np.corrcoef(true[wrong], taken[wrong])[0, 1] == pytest.approx(0.0, abs=4 / np.sqrt(wrong.sum()))
        assert taken.std() == pytest.approx(SPREAD, rel=0.03)
