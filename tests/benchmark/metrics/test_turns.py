"""Ratios of times that were measured in turn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from benchmark.core.errors import UserError
from benchmark.metrics.turns import time_ratios

RNG = np.random.default_rng(3)


def test_one_thing_has_the_t_test_of_its_logarithms():
    turns = [(1.0, 1.1), (2.0, 2.3), (1.5, 1.6), (1.0, 1.2)]
    found = time_ratios({"x": turns})["x"]
    logs = [math.log(b / a) for a, b in turns]
    theirs = ttest_1samp(logs, 0.0)
    assert found.value == pytest.approx(math.exp(np.mean(logs)))
    assert found.p_value == found.p_value_holm == pytest.approx(theirs.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(np.exp(theirs.confidence_interval())))


def measured(slower: dict[str, float], turns: int = 4, noise: float = 0.02) -> dict[str, list[tuple[float, float]]]:
    """Times of twenty things on a machine that is up to twice as slow from turn to turn."""
    found: dict[str, list[tuple[float, float]]] = {}
    for number in range(20):
        for _ in range(turns):
            speed = RNG.uniform(1, 2)
            a, b = speed * np.exp(RNG.normal(0, noise, 2))
            found.setdefault(f"x{number}", []).append((a, b * slower.get(f"x{number}", 1.0)))
    return found


def test_ten_percent_are_found_among_twenty_things():
    """In nineteen of twenty programs or more, and only what is slower."""
    found = [
        {name for name, ratio in time_ratios(measured({"x3": 1.1})).items() if ratio.p_value_holm < 0.05}
        for _ in range(60)
    ]
    assert np.mean(["x3" in each for each in found]) >= 0.95
    assert np.mean([bool(each - {"x3"}) for each in found]) <= 0.12


def test_equal_times_differ_by_nothing():
    found = time_ratios({"x": [(1.0, 1.0), (2.0, 2.0)]})["x"]
    assert found == (1.0, 1.0, 1.0, 1.0, 1.0)


@pytest.mark.parametrize("turns", [[(1.0, 1.0)], [(1.0, 0.0), (1.0, 1.0)], [(1.0, math.inf), (1.0, 1.0)]])
def test_wrong_turns_are_refused(turns: list[tuple[float, float]]):
    with pytest.raises(UserError, match="times of x"):
        time_ratios({"x": turns})
