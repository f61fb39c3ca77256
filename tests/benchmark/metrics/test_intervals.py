from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmark.metrics.intervals import (
    clopper_pearson,
    effective_count,
    logit_normal,
    mean_of_two,
    normal_quantile,
    scaled_chi_squared,
    wilson,
)


def test_normal_quantile():
    assert normal_quantile(0.95) == pytest.approx(1.959964, abs=1e-6)
    assert normal_quantile(math.erf(1 / math.sqrt(2))) == pytest.approx(1)


@pytest.mark.parametrize("confidence", [0.68, 0.95])
@pytest.mark.parametrize(("hits", "count"), [(0, 7), (1, 7), (5, 20), (20, 20), (999, 1000)])
def test_same_as_scipy(hits, count, confidence):
    result = stats.binomtest(hits, count)
    for method, ours in (("exact", clopper_pearson), ("wilson", wilson)):
        theirs = result.proportion_ci(confidence, method)
        assert ours(hits / count, count, confidence) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_no_events_give_the_widest_interval():
    assert wilson(0.5, 0, 0.95) == (0, 1)
    assert clopper_pearson(0.5, 0, 0.95) == (0, 1)


def test_no_hits():
    # (1 - high)^n = (1 - confidence) / 2
    low, high = clopper_pearson(0, 10, 0.95)
    assert low == 0
    assert (1 - high) ** 10 == pytest.approx(0.025)


@settings(deadline=None, max_examples=60)
@given(st.floats(0, 1), st.floats(0.5, 1e6), st.floats(0.5, 0.99))
def test_bounds_enclose_the_value(value, count, confidence):
    for interval in (wilson, clopper_pearson):
        low, high = interval(value, count, confidence)
        assert 0 <= low <= value <= high <= 1
        assert low < high


@given(st.floats(1e-6, 1 - 1e-6), st.floats(0, 10))
def test_logit_bounds_enclose_the_value(value, error):
    low, high = logit_normal(value, error, 0.95)
    assert 0 <= low <= value <= high <= 1


def test_logit_of_a_half_is_symmetric():
    # at 1/2 the logit is 0 with slope 4: tanh(1.96 * 4 * 0.01 / 2) / 2 to either side
    low, high = logit_normal(0.5, 0.01, 0.95)
    assert high - 0.5 == pytest.approx(0.5 - low)
    assert high - 0.5 == pytest.approx(math.tanh(normal_quantile(0.95) * 0.02) / 2)


def test_mean_of_two_adds_distances_in_quadrature():
    # distances below 0.3 and 0.4, together 0.5, halved 0.25; above 0.03 and 0.04, so 0.025
    low, high = mean_of_two(0.5, (0.2, 0.53), 0.7, (0.3, 0.74))
    assert (low, high) == pytest.approx((0.6 - 0.25, 0.6 + 0.025))


def test_effective_count():
    assert effective_count(np.ones(7)) == 7
    assert effective_count(np.full(7, 1e-200)) == pytest.approx(7)
    assert effective_count(np.array([1.0, 1.0, 0.0])) == 2
    # (1 + 3)^2 / (1 + 9) = 8/5
    assert effective_count(np.array([1.0, 3.0])) == pytest.approx(8 / 5)
    assert effective_count(np.zeros(3)) == 0
    assert effective_count(np.zeros(0)) == 0


@pytest.mark.parametrize("interval", [wilson, clopper_pearson])
def test_coverage(interval):
    rng = np.random.default_rng(3)
    hits = rng.binomial(80, 0.9, size=600)
    bounds = {k: interval(k / 80, 80, 0.95) for k in np.unique(hits)}
    covered = np.mean([bounds[k][0] <= 0.9 <= bounds[k][1] for k in hits])
    assert 0.92 <= covered <= 0.99


@pytest.mark.parametrize("freedom", [0.5, 3, 40])
def test_the_mean_of_a_scaled_chi_squared_number(freedom):
    # value / mean is chi^2 / freedom, of which 95% lie between the quantiles
    variance = 2 * 0.1**2 / freedom
    low, high = scaled_chi_squared(0.1, variance, 0.1, 0.95)
    below, above = stats.chi2.ppf([0.025, 0.975], freedom)
    assert (low, high) == pytest.approx((0.1 * freedom / above, 0.1 * freedom / below))
    values = stats.chi2.rvs(freedom, size=4000, random_state=1) * 0.1 / freedom
    bounds = [scaled_chi_squared(value, variance, 0.1, 0.95) for value in values]
    assert np.mean([low <= 0.1 <= high for low, high in bounds]) == pytest.approx(0.95, abs=0.014)


def test_a_fraction_of_a_degree_of_freedom_bounds_nothing():
    low, high = scaled_chi_squared(0.1, 1e4, 0.1, 0.95)
    assert 0 <= low <= 0.1
    assert high == math.inf


def test_a_number_without_variance_has_no_width():
    assert scaled_chi_squared(0.3, 0.0, 0.3, 0.95) == (0.3, 0.3)
    assert scaled_chi_squared(0.0, 0.0, 0.0, 0.95) == (0.0, 0.0)
