"""SplitMix64 gives the published numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.core.hashing import splitmix64, uniform


def exact(seed: int) -> int:
    """First output of SplitMix64, as in the public-domain C of Vigna (prng.di.unimi.it), in exact integers."""
    z = (seed + 0x9E3779B97F4A7C15) % 2**64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
    return z ^ (z >> 31)


def test_words_are_those_of_the_reference_implementation() -> None:
    """The first numbers of the generator with seed 1234567."""
    gamma = 0x9E3779B97F4A7C15
    states = np.array([(1234567 + k * gamma) % 2**64 for k in range(3)], np.uint64)
    assert splitmix64(states).tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@pytest.mark.parametrize(("seed", "output"), [(0, 0xE220A8397B1DCDAF), (1234567, 6457827717110365317)])
def test_hash_gives_the_published_values(seed, output):
    assert exact(seed) == output
    assert uniform(np.array([seed])) == (output >> 11) / 2**53


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=20))
@settings(deadline=None, max_examples=50)
def test_hash_is_exact_and_below_one(ids):
    found = uniform(np.array(ids, dtype=np.int64))
    assert found.tolist() == [(exact(i % 2**64) >> 11) / 2**53 for i in ids]
    assert ((found >= 0) & (found < 1)).all()
