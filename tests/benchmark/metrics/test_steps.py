"""Steps in series: against the definition, a simulation and planted ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from benchmark.core.errors import UserError
from benchmark.metrics.steps import LEAST, LargestStep, largest_step, p_of_largest, steps

RNG = np.random.default_rng(7)


def step(values: object, errors: object = None) -> LargestStep:
    found = largest_step(values, np.ones(len(values)) if errors is None else errors)  # type: ignore[arg-type]
    assert found is not None
    return found


@given(st.lists(st.tuples(st.floats(-10, 10), st.floats(0.1, 5)), min_size=6, max_size=20))
def test_each_step_is_the_difference_of_two_weighted_means(points: list[tuple[float, float]]):
    x, error = np.array(points).T
    w = error**-2
    expected = [
        (np.average(x[k:], weights=w[k:]) - np.average(x[:k], weights=w[:k]))
        / np.sqrt(1 / w[:k].sum() + 1 / w[k:].sum())
        for k in range(LEAST, len(x) - LEAST + 1)
    ]
    np.testing.assert_allclose(steps(x, w), expected, rtol=1e-9, atol=1e-9)


def test_six_points_have_the_one_step_in_their_middle():
    found = step([1.0, 1.0, 1.0, 3.0, 3.0, 3.0])
    assert (found.at, found.size) == (3, pytest.approx(2.0))
    assert found.error == pytest.approx(np.sqrt(2 / 3))
    assert largest_step([1.0] * 5, [1.0] * 5) is None


def test_two_steps_have_the_probability_of_two_correlated_numbers():
    """Of seven points: P(|Z_3| > z or |Z_4| > z), whose correlation is that of sums with weights 3/7 and 4/7."""
    z, correlation = 1.7, np.sqrt((3 / 4) / (4 / 3))
    within = multivariate_normal([0, 0], [[1, correlation], [correlation, 1]])
    inside = within.cdf([z, z]) - within.cdf([-z, z]) - within.cdf([z, -z]) + within.cdf([-z, -z])
    assert p_of_largest(z, np.ones(7)) == pytest.approx(1 - inside, abs=1e-6)


@pytest.mark.parametrize("count", [8, 30, 60])
@pytest.mark.parametrize("equal", [True, False])
def test_the_bound_is_hardly_above_what_is_simulated(count: int, equal: bool):
    errors = np.ones(count) if equal else RNG.uniform(0.5, 2, count)
    series = RNG.normal(size=(40_000, count)) * errors
    weights = np.broadcast_to(errors**-2.0, series.shape)
    largest = np.max(np.abs(steps(series, weights)), axis=1)
    for share in (0.05, 0.01, 0.002):
        bound = p_of_largest(float(np.quantile(largest, 1 - share)), errors**-2.0)
        assert 0.8 * share <= bound <= 1.7 * share


def test_a_step_is_found_where_it_is():
    values = RNG.normal(size=40) - 3.0 * (np.arange(40) >= 25)
    found = step(values)
    assert abs(found.at - 25) <= 2
    assert found.p_value < 1e-3
    assert -4 < found.size < -2


def test_points_without_a_step_are_seldom_suspected():
    p_values = [step(RNG.normal(size=20)).p_value for _ in range(400)]
    assert np.mean(np.array(p_values) < 0.05) <= 0.07


@pytest.mark.parametrize("place", [0, 3, 20, 56, 59])
def test_one_outlier_is_no_step(place: int):
    for _ in range(20):
        values = RNG.normal(size=60)
        values[place] -= 5
        assert step(values).p_value > 1e-4


def test_the_step_of_a_distribution_with_long_tails_has_to_beat_its_permutations():
    """Student's t with two degrees of freedom, whose errors are said to be 1."""
    p_values = [step(RNG.standard_t(2, size=40)).p_value for _ in range(200)]
    assert np.mean(np.array(p_values) < 0.01) <= 0.03


def test_the_same_series_has_the_same_p_value():
    values = RNG.normal(size=40) - 1.5 * (np.arange(40) >= 20)
    assert step(values) == step(values)


@pytest.mark.parametrize(
    ("values", "errors", "words"),
    [
        ([1.0, 2.0], [1.0], "expected one of each a point"),
        ([1.0, float("nan")], [1.0, 1.0], "not finite"),
        ([1.0, 2.0], [1.0, 0.0], "expected errors above 0"),
    ],
)
def test_wrong_series_are_refused(values: list[float], errors: list[float], words: str):
    with pytest.raises(UserError, match=words):
        largest_step(values, errors)
