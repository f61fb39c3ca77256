from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from sklearn.metrics import roc_auc_score

from benchmark.core.errors import UserError
from benchmark.metrics.auc import Auc, area, overall, roc_auc
from benchmark.metrics.comparison import auc_difference
from benchmark.metrics.compute import compute
from benchmark.metrics.metric import Scored

from .reference import delong, delong_covariance, gaussians, multiclass, samples

SIGNAL = np.array([True, True, True, False, False, False, False])
SCORES = np.array([0.9, 0.6, 0.5, 0.6, 0.4, 0.1, 0.1])


def test_small_table():
    # share of background below 0.9: 4/4; below 0.6: (1/2 + 3)/4 = 7/8; below 0.5: 3/4; mean 7/8
    # S10 = ((1/8)^2 + 0 + (1/8)^2)/2 = 1/64
    # share of signal above 0.6: (1 + 1/2)/3 = 1/2; above 0.4, 0.1, 0.1: 1; mean 7/8
    # S01 = ((3/8)^2 + 3 (1/8)^2)/3 = 1/16; variance = 1/64/3 + 1/16/4 = 1/48
    area = roc_auc(SIGNAL, SCORES)
    assert area.value == pytest.approx(7 / 8)
    assert area.standard_error**2 == pytest.approx(1 / 48)
    assert area.count == 3


def test_small_table_with_weights():
    # signal 0.8 (weight 2), 0.5 (1), 0.2 (1); background 0.5 (1), 0.1 (3)
    # background below: 1, (1/2 + 3)/4 = 7/8, 3/4; area (2 + 7/8 + 3/4)/4 = 29/32
    # w/W (V - A) = 6/128, -1/128, -5/128, squares 62/128^2; effective count 16/6, correction (8/3)/(5/3) = 8/5
    # signal above: (2 + 1/2)/4 = 5/8, 1; -9/128, 9/128, squares 162/128^2; effective count 16/10, correction 8/3
    area = roc_auc(
        np.array([True, True, True, False, False]),
        np.array([0.8, 0.5, 0.2, 0.5, 0.1]),
        np.array([2.0, 1.0, 1.0, 1.0, 3.0]),
    )
    assert area.value == pytest.approx(29 / 32)
    assert area.standard_error**2 == pytest.approx((62 * 8 / 5 + 162 * 8 / 3) / 128**2)
    assert area.count == pytest.approx(8 / 5)


@pytest.mark.parametrize("decimals", [1, 2, 12])
def test_same_as_scikit_learn(decimals):
    rng = np.random.default_rng(decimals)
    is_signal, scores = gaussians(rng, 150, 250, 0.8)
    scores, weights = scores.round(decimals), rng.uniform(0, 3, len(scores))
    assert roc_auc(is_signal, scores).value == pytest.approx(roc_auc_score(is_signal, scores))
    expected = roc_auc_score(is_signal, scores, sample_weight=weights)
    assert roc_auc(is_signal, scores, weights).value == pytest.approx(expected)


@settings(deadline=None, max_examples=60)
@given(samples())
def test_same_as_every_pair(sample):
    is_signal, scores, _ = sample
    area = roc_auc(is_signal, scores)
    assert (area.value, area.standard_error**2) == pytest.approx(delong(is_signal, scores), abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(samples(), st.randoms(use_true_random=False))
def test_invariants(sample, random):
    is_signal, scores, weights = sample
    area = roc_auc(is_signal, scores, weights)

    def same(other, value=area.value):
        assert other.value == pytest.approx(value, abs=1e-12)
        assert other.standard_error == pytest.approx(area.standard_error, abs=1e-9)

    same(roc_auc(is_signal, np.exp(scores) / 30, weights))
    same(roc_auc(~is_signal, scores, weights), 1 - area.value)
    same(roc_auc(is_signal, -scores, weights), 1 - area.value)
    same(roc_auc(is_signal, scores, 7 * weights))
    order = np.array(random.sample(range(len(scores)), len(scores)))
    same(roc_auc(is_signal[order], scores[order], weights[order]))
    # events of weight 0 do not count
    same(roc_auc(np.append(is_signal, [True, False]), np.append(scores, [-9, 9]), np.append(weights, [0, 0])))


@settings(deadline=None, max_examples=40)
@given(samples())
def test_weight_is_the_value_of_repeated_events(sample):
    is_signal, scores, weights = sample
    times = weights.astype(int)
    repeated = roc_auc(np.repeat(is_signal, times), np.repeat(scores, times))
    assert roc_auc(is_signal, scores, weights).value == pytest.approx(repeated.value, abs=1e-12)


def test_constant_scores():
    area = roc_auc(SIGNAL, np.full(7, 0.3))
    assert area.value == 0.5
    assert area.standard_error == 0
    estimate = area.estimate()
    assert 0 < estimate.low < 0.5 < estimate.high < 1


@pytest.mark.parametrize("weights", [None, np.random.default_rng(0).uniform(0.1, 2, 47)])
def test_perfect_separation_has_a_lower_bound(weights):
    is_signal = np.arange(47) < 20
    area = roc_auc(is_signal, np.where(is_signal, 0.7, 0.2) + 0.001 * np.arange(47), weights)
    assert (area.value, area.standard_error) == (1, 0)
    estimate = area.estimate()
    assert estimate.high == 1
    # as if each of the n signal events were a trial: low^n = 2.5%
    assert estimate.low**area.count == pytest.approx(0.025)
    reverse = roc_auc(~is_signal, np.where(is_signal, 0.7, 0.2), weights).estimate()
    assert (reverse.value, reverse.low) == (0, 0)
    assert reverse.high > 0.1


def test_one_signal_event_has_a_wide_interval():
    estimate = roc_auc(np.arange(50) == 0, np.linspace(1, 0, 50).round(1)).estimate()
    assert estimate.low < 0.1


def test_gaussians_have_the_closed_form():
    is_signal, scores = gaussians(np.random.default_rng(5), 20_000, 20_000, 1.0)
    assert roc_auc(is_signal, scores).value == pytest.approx(ndtr(1 / math.sqrt(2)), abs=0.01)


def test_interval_covers_the_truth():
    rng, truth = np.random.default_rng(11), ndtr(1 / math.sqrt(2))
    estimates = [roc_auc(*gaussians(rng, 40, 60, 1.0)).estimate() for _ in range(500)]
    covered = np.mean([e.low <= truth <= e.high for e in estimates])
    assert 0.92 <= covered <= 0.98


def test_standard_error_with_weights_is_the_spread():
    rng = np.random.default_rng(12)
    areas = []
    for _ in range(500):
        is_signal, scores = gaussians(rng, 60, 60, 1.0)
        areas.append(roc_auc(is_signal, scores, rng.exponential(size=120)))
    spread = np.std([area.value for area in areas])
    assert np.mean([area.standard_error for area in areas]) == pytest.approx(spread, rel=0.1)


@pytest.mark.parametrize(
    ("is_signal", "scores", "weights", "message"),
    [
        (SIGNAL, SCORES[:-1], None, "differ in shape"),
        (SIGNAL, SCORES, np.ones(3), "differ in shape"),
        (SIGNAL, np.where(SIGNAL, np.nan, SCORES), None, "NaN"),
        (np.zeros(7, bool), SCORES, None, "no test events of signal"),
        (np.ones(7, bool), SCORES, None, "no test events of background"),
        (SIGNAL, SCORES, SIGNAL.astype(float), "no test events of background"),
        (np.zeros(0, bool), np.zeros(0), None, "no test events of signal"),
    ],
)
def test_refused_input(is_signal, scores, weights, message):
    with pytest.raises(UserError, match=message):
        roc_auc(is_signal, scores, weights)


class TestDifference:
    def test_same_as_every_pair(self):
        rng = np.random.default_rng(2)
        is_signal, a = gaussians(rng, 40, 70, 1.0)
        a, b = a.round(1), (a + rng.normal(size=110)).round(1)
        labels = np.where(is_signal, 0, 1)
        (area_a, variance_a), (area_b, variance_b) = delong(is_signal, a), delong(is_signal, b)
        difference = auc_difference(labels, a, b)
        assert difference.value == pytest.approx(area_a - area_b)
        variance = variance_a + variance_b - 2 * delong_covariance(is_signal, a, b)
        assert difference.standard_error == pytest.approx(math.sqrt(variance))
        assert difference.p_value == pytest.approx(2 * ndtr(-abs(difference.value) / math.sqrt(variance)))
        back = auc_difference(labels, b, a)
        assert (back.value, back.low) == pytest.approx((-difference.value, -difference.high))

    def test_same_order_is_exactly_zero(self):
        labels = np.where(SIGNAL, 0, 1)
        difference = auc_difference(labels, SCORES, SCORES**3)
        assert (difference.value, difference.low, difference.high, difference.p_value) == (0, 0, 0, 1)

    def test_two_perfect_models_may_still_differ(self):
        labels = np.repeat([0, 1], 30)
        a = np.concatenate([np.linspace(0.6, 0.9, 30), np.linspace(0.1, 0.4, 30)])
        difference = auc_difference(labels, a, np.where(labels == 0, 0.8, 0.2))
        assert (difference.value, difference.p_value) == (0, 1)
        assert (1 - difference.high) ** 30 == pytest.approx(0.025)
        assert difference.low == -difference.high

    def test_perfect_against_constant(self):
        labels = np.repeat([0, 1], 30)
        difference = auc_difference(labels, np.where(labels == 0, 0.8, 0.2), np.full(60, 0.5))
        assert difference.value == 0.5
        assert 0 < difference.p_value < 1e-6
        assert 0 < difference.low < 0.5 < difference.high <= 1

    def test_macro(self):
        first, second = multiclass(1), multiclass(2)
        difference = auc_difference(first.labels, first.scores, second.scores, first.weights, signal=False)
        a = overall(first.labels, first.scores, first.weights, signal=False)
        b = overall(first.labels, second.scores, first.weights, signal=False)
        assert difference.value == a.value - b.value
        assert difference.low < difference.value < difference.high

    def test_noise_raises_no_alarm(self):
        rng = np.random.default_rng(8)
        p_values = []
        for _ in range(400):
            is_signal, truth = gaussians(rng, 50, 50, 1.0)
            a, b = truth + rng.normal(size=100), truth + rng.normal(size=100)
            p_values.append(auc_difference(np.where(is_signal, 0, 1), a, b).p_value)
        assert 0.02 <= np.mean(np.array(p_values) < 0.05) <= 0.09

    def test_pairing_is_more_sensitive_than_single_intervals(self):
        rng = np.random.default_rng(9)
        is_signal, truth = gaussians(rng, 500, 500, 1.0)
        labels = np.where(is_signal, 0, 1)
        better, worse = truth + 0.1 * rng.normal(size=1000), truth + 0.6 * rng.normal(size=1000)
        assert overall(labels, worse).estimate().high > overall(labels, better).estimate().low
        assert auc_difference(labels, better, worse).p_value < 0.01

    def test_shapes(self):
        with pytest.raises(UserError, match="same events"):
            auc_difference(np.where(SIGNAL, 0, 1), SCORES, SCORES[:-1])


class TestMetric:
    def test_two_classes(self):
        scored = multiclass(classes=("signal", "background"))
        estimates = compute([Auc()], scored)
        assert list(estimates) == ["auc", "auc_macro"]
        expected = roc_auc_score(scored.labels == 0, scored.scores[:, 0], sample_weight=scored.weights)
        assert estimates["auc"].value == pytest.approx(expected)

    def test_three_classes(self):
        scored = multiclass()
        estimates = compute([Auc()], scored)
        assert list(estimates) == [
            "auc",
            "auc_macro",
            "auc_ttbar",
            "auc_wjets",
            "auc_zjets",
            "auc_ttbar_vs_wjets",
            "auc_ttbar_vs_wjets_ratio",
            "auc_ttbar_vs_zjets",
            "auc_ttbar_vs_zjets_ratio",
        ]
        assert estimates["auc"] == estimates["auc_ttbar"]
        for label, name in enumerate(scored.classes):
            expected = roc_auc_score(scored.labels == label, scored.scores[:, label], sample_weight=scored.weights)
            assert estimates[f"auc_{name}"].value == pytest.approx(expected)
        singles = [estimates[f"auc_{name}"].value for name in scored.classes]
        assert estimates["auc_macro"].value == pytest.approx(np.mean(singles))

    def test_pair_ignores_the_third_class(self):
        scored = multiclass()
        pair = scored.labels != 1
        p = scored.scores[pair]
        expected = roc_auc_score(
            scored.labels[pair] == 0, p[:, 0] / (p[:, 0] + p[:, 2]), sample_weight=scored.weights[pair]
        )
        estimates = compute([Auc()], scored)
        assert estimates["auc_ttbar_vs_zjets_ratio"].value == pytest.approx(expected)
        expected = roc_auc_score(scored.labels[pair] == 0, p[:, 0], sample_weight=scored.weights[pair])
        assert estimates["auc_ttbar_vs_zjets"].value == pytest.approx(expected)

    def test_pair_that_the_model_rules_out(self):
        # 0/0 counts as 1/2, which is below the signal's 0.9 and above the background's 0.2
        scores = np.array([[0.9, 0.1, 0], [0, 0, 1], [0.2, 0.8, 0], [0, 0, 1]])
        scored = Scored(np.array([0, 1, 1, 2]), scores, ("s", "b", "c"))
        assert compute([Auc()], scored)["auc_s_vs_b_ratio"].value == 1

    def test_macro_keeps_correlations(self):
        # the columns add up to 1, so their areas don't fluctuate independently
        spread, errors = [], []
        for seed in range(200):
            scored = multiclass(seed, 150)
            area = overall(scored.labels, scored.scores, scored.weights, signal=False)
            spread.append(area.value)
            errors.append(area.standard_error)
        assert np.mean(errors) == pytest.approx(np.std(spread), rel=0.15)

    def test_equal_partners(self):
        estimates = compute([Auc()], replace(multiclass(), signal=False))
        assert list(estimates) == ["auc", "auc_macro", "auc_ttbar", "auc_wjets", "auc_zjets"]
        assert estimates["auc"] == estimates["auc_macro"]

    def test_every_number_is_an_area_with_influences_of_all_events(self):
        scored = multiclass()
        for name, estimate in compute([Auc()], scored).items():
            found = area(name, scored)
            assert found.estimate() == estimate
            assert found.influence.shape == scored.labels.shape
            # each class's influences add up to 0, as those of a weighted mean do
            assert found.influence.sum() == pytest.approx(0, abs=1e-12)
        assert area("accuracy", scored) is None
        alone = area("auc_ttbar_vs_zjets", scored)
        assert (alone.influence[scored.labels == 1] == 0).all()

    def test_absent_class(self):
        scored = multiclass()
        keep = scored.labels != 2
        scored = Scored(scored.labels[keep], scored.scores[keep], scored.classes)
        estimates = compute([Auc()], scored)
        for name in ("auc_zjets", "auc_macro", "auc_ttbar_vs_zjets"):
            assert estimates[name].value is None
            assert "zjets" in estimates[name].reason
        assert estimates["auc"].value is not None
        assert estimates["auc_ttbar_vs_wjets"].value is not None

    def test_signal_alone(self):
        scored = Scored(np.zeros(4, int), np.full((4, 2), 0.5), ("s", "b"))
        assert compute([Auc()], scored)["auc"].reason == "no test events of classes other than s"
