from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from scipy.special import ndtr, ndtri
from sklearn import metrics as sklearn_metrics

from benchmark.core.errors import UserError
from benchmark.metrics.auc import roc_auc
from benchmark.metrics.compute import compute
from benchmark.metrics.metric import Scored
from benchmark.metrics.rejection import Rejection, background_efficiency, background_rejection, roc_curve

from .reference import gaussians, multiclass, samples

SIGNAL = np.array([True, True, True, True, False, False, False, False])
SCORES = np.array([0.9, 0.6, 0.5, 0.3, 0.6, 0.6, 0.4, 0.1])


def test_small_table():
    eps_b, eps_s, thresholds = roc_curve(SIGNAL, SCORES)
    assert thresholds.tolist() == [np.inf, 0.9, 0.6, 0.5, 0.4, 0.3, 0.1]
    assert eps_s.tolist() == [0, 1 / 4, 2 / 4, 3 / 4, 3 / 4, 1, 1]
    assert eps_b.tolist() == [0, 0, 2 / 4, 2 / 4, 3 / 4, 3 / 4, 1]


@pytest.mark.parametrize(
    ("signal_efficiency", "eps_b"),
    [
        (0.25, 0),
        (0.3, 0.1),  # a fifth of the way from (1/4, 0) to (1/2, 1/2); inverting first would give no number
        (0.5, 0.5),
        (0.7, 0.5),
        (0.75, 0.5),  # the curve stands at 3/4 from 1/2 to 3/4: the tightest cut counts
        (0.875, 0.75),
        (1, 0.75),
    ],
)
def test_interpolation(signal_efficiency, eps_b):
    assert background_efficiency(*roc_curve(SIGNAL, SCORES)[:2], signal_efficiency) == pytest.approx(eps_b)


def test_rejection_of_the_small_table():
    assert background_rejection(SIGNAL, SCORES, signal_efficiency=0.3).value == pytest.approx(10)
    assert background_rejection(SIGNAL, SCORES, signal_efficiency=0.5).value == pytest.approx(2)


def test_rounding_of_weights_does_not_move_the_working_point():
    # three of ten weights of 0.7, added up, are 0.29999999999999993 of all
    is_signal = np.arange(20) < 10
    scores = np.concatenate([np.linspace(0.9, 0.1, 10), np.linspace(0.85, 0.05, 10)])
    plain = background_rejection(is_signal, scores, signal_efficiency=0.3)
    weighted = background_rejection(is_signal, scores, np.full(20, 0.7), signal_efficiency=0.3)
    assert plain.value == pytest.approx(5)
    assert weighted.value == pytest.approx(5)
    assert (weighted.low, weighted.high) == pytest.approx((plain.low, plain.high))


@pytest.mark.parametrize("decimals", [1, 2, 12])
def test_same_as_scikit_learn(decimals):
    rng = np.random.default_rng(decimals)
    is_signal, scores = gaussians(rng, 150, 250, 0.8)
    scores, weights = scores.round(decimals), rng.uniform(0.1, 3, len(scores))
    fpr, tpr, thresholds = sklearn_metrics.roc_curve(is_signal, scores, sample_weight=weights, drop_intermediate=False)
    for ours, theirs in zip(roc_curve(is_signal, scores, weights), (fpr, tpr, thresholds), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(samples())
def test_curve_rises_and_encloses_the_area(sample):
    eps_b, eps_s, thresholds = roc_curve(*sample)
    assert (np.diff(eps_b) >= 0).all()
    assert (np.diff(eps_s) >= 0).all()
    assert (np.diff(thresholds) < 0).all()
    assert (eps_b[0], eps_s[0], eps_b[-1], eps_s[-1]) == (0, 0, 1, 1)
    trapezoids = np.diff(eps_b) * (eps_s[1:] + eps_s[:-1]) / 2
    assert trapezoids.sum() == pytest.approx(roc_auc(*sample).value)


@settings(deadline=None, max_examples=60)
@given(samples())
def test_invariants(sample):
    is_signal, scores, weights = sample
    for point in (0.3, 0.5, 0.7):
        first = background_rejection(is_signal, scores, weights, signal_efficiency=point)
        transformed = background_rejection(is_signal, np.exp(scores), weights, signal_efficiency=point)
        backwards = background_rejection(is_signal[::-1], scores[::-1], 3 * weights[::-1], signal_efficiency=point)
        assert first == transformed
        assert backwards.value == pytest.approx(first.value)
        if first.value is None:
            assert first.reason
            assert first.high is None
            assert first.low > 1
        else:
            assert 1 <= first.low <= first.value <= first.high


def test_chance():
    estimate = background_rejection(SIGNAL, np.full(8, 0.5), signal_efficiency=0.5)
    assert estimate.value == pytest.approx(2)


def test_no_background_passes():
    is_signal = np.arange(200) < 100
    estimate = background_rejection(is_signal, is_signal.astype(float), signal_efficiency=0.3)
    assert estimate.value is None
    assert estimate.high is None
    assert estimate.reason == "no background event passes at a signal efficiency of 30%"
    # Clopper and Pearson's upper bound u for none of 100 has (1 - u)^100 = 0.025
    assert estimate.low == pytest.approx(1 / (1 - 0.025 ** (1 / 100)))


@pytest.mark.parametrize(("distance", "point"), [(0.3, 0.5), (1.5, 0.5), (1.5, 0.3)])
def test_interval_covers_the_truth(distance, point):
    rng = np.random.default_rng(21)
    truth = 1 / ndtr(ndtri(point) - distance)
    estimates = [background_rejection(*gaussians(rng, 300, 300, distance), signal_efficiency=point) for _ in range(300)]
    covered = np.mean([e.low <= truth <= (math.inf if e.high is None else e.high) for e in estimates])
    assert 0.91 <= covered <= 0.985


class TestMetric:
    def test_names(self):
        scored = multiclass()
        estimates = compute([Rejection()], scored)
        assert list(estimates) == ["rejection_30", "rejection_50", "rejection_70"]
        is_signal, scores = scored.labels == 0, scored.scores[:, 0]
        expected = background_rejection(is_signal, scores, scored.weights, signal_efficiency=0.7)
        assert estimates["rejection_70"] == expected
        assert estimates["rejection_30"].value > estimates["rejection_50"].value > estimates["rejection_70"].value

    def test_nothing_without_a_signal(self):
        assert compute([Rejection()], replace(multiclass(), signal=False)) == {}

    def test_absent_signal(self):
        scored = Scored(np.ones(4, int), np.full((4, 2), 0.5), ("s", "b"))
        assert compute([Rejection()], scored)["rejection_50"].reason == "no test events of s"


def test_refused_input():
    with pytest.raises(UserError, match="no test events of background"):
        roc_curve(np.ones(3, bool), np.ones(3))
    for point in (0, -0.1, 1.1, math.nan):
        with pytest.raises(UserError, match="above 0 and at most 1"):
            background_rejection(SIGNAL, SCORES, signal_efficiency=point)
