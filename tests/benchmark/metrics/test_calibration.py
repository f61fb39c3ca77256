"""Log loss and calibration error: tables by hand, scikit-learn, a slow form, and the coverage of intervals."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn_metrics

from benchmark.metrics.calibration import BINS, Calibration, calibration_error, folded_normal, log_loss
from benchmark.metrics.compute import compute
from benchmark.metrics.metric import Scored

from .reference import multiclass

if TYPE_CHECKING:
    from numpy.typing import NDArray


def test_small_table():
    # assigned with 0.9, 0.9, 0.7 and 0.6; the second and the last wrongly. The bin of 0.9 has (0.1 - 0.9) / 4
    scores = np.array([[0.9, 0.1], [0.1, 0.9], [0.7, 0.3], [0.4, 0.6]])
    found = compute([Calibration()], Scored(np.array([0, 0, 0, 0]), scores, ("s", "b")))
    assert found["log_loss"].value == pytest.approx(-np.log([0.9, 0.1, 0.7, 0.4]).mean())
    assert found["ece"].value == pytest.approx(0.8 / 4 + 0.3 / 4 + 0.6 / 4)
    # right probabilities: |sum of two events| has the deviation of 2 x 0.09, the others of 0.21 and 0.24
    expected = np.sqrt(2 / np.pi) * (np.sqrt(2 * 0.09) + np.sqrt(0.21) + np.sqrt(0.24)) / 4
    assert found["ece_calibrated"].value == pytest.approx(expected)


def test_log_loss_is_that_of_scikit_learn():
    scored = multiclass()
    scored = replace(scored, scores=scored.scores / scored.scores.sum(axis=1, keepdims=True))
    found = compute([Calibration()], scored)["log_loss"]
    expected = sklearn_metrics.log_loss(scored.labels, scored.scores, sample_weight=scored.weights)
    assert found.value == pytest.approx(expected)
    assert 0 <= found.low < found.value < found.high


def test_an_event_of_probability_zero_costs_a_finite_number():
    found = log_loss(np.array([0.0, 1.0]))
    assert found.value == pytest.approx(-np.log(2.0**-52) / 2)
    assert found.low == 0
    assert log_loss(np.ones(4)).value == 0


def slow(probabilities: NDArray[np.float64], hits: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    """By the definition: a loop over bins, which hold their upper edge."""
    total = 0.0
    for number in range(BINS):
        inside = (probabilities > number / BINS) & (probabilities <= (number + 1) / BINS)
        if inside.any():
            share = weights[inside] / weights[inside].sum()
            total += weights[inside].sum() / weights.sum() * abs(share @ hits[inside] - share @ probabilities[inside])
    return total


@pytest.mark.parametrize("weighted", [True, False])
def test_same_as_the_definition(weighted: bool):
    rng = np.random.default_rng(1)
    probabilities, hits = rng.uniform(0.3, 1, 500), rng.integers(0, 2, 500).astype(float)
    weights = rng.uniform(0, 3, 500) if weighted else np.ones(500)
    found, _ = calibration_error(probabilities, hits, weights if weighted else None)
    assert found.value == pytest.approx(slow(probabilities, hits, weights))


def test_folded_numbers_have_the_moments_of_scipy():
    centre, spread = np.array([0.0, -0.3, 2.0, 1.5]), np.array([1.0, 0.5, 0.1, 0.0])
    mean, variance = folded_normal(centre, spread)
    for place in range(3):
        known = stats.foldnorm(abs(centre[place]) / spread[place], scale=spread[place])
        assert (mean[place], variance[place]) == pytest.approx((known.mean(), known.var()))
    assert (mean[3], variance[3]) == (1.5, 0)


def test_right_probabilities_have_the_error_of_chance():
    rng = np.random.default_rng(2)
    errors, chances = [], []
    for _ in range(300):
        probabilities = rng.uniform(0.5, 1, 400)
        found, chance = calibration_error(probabilities, (rng.uniform(size=400) < probabilities).astype(float))
        errors.append(found.value)
        chances.append(chance.value)
    assert np.mean(errors) == pytest.approx(np.mean(chances), rel=0.03)


@pytest.mark.parametrize("excess", [0.0, 0.05, 0.2])
def test_the_interval_holds_the_mean_of_other_samples(excess: float):
    """An event that is said to be signal with probability p is one with p - excess."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(1000):
        probabilities = rng.uniform(0.5, 1, 500)
        hits = rng.uniform(size=500) < probabilities - excess
        found.append(calibration_error(probabilities, hits.astype(float))[0])
    mean = np.mean([each.value for each in found])
    assert 0.93 <= np.mean([each.low <= mean <= each.high for each in found]) <= 0.995


@pytest.mark.parametrize("events", [50, 300])
def test_few_mistakes_are_no_certainty(events: int):
    """Probabilities of 0.98 to 1 that are right: most samples of 50 events have no mistake."""
    rng, found = np.random.default_rng(4), []
    for _ in range(1000):
        probabilities = rng.uniform(0.98, 1, events)
        found.append(calibration_error(probabilities, (rng.uniform(size=events) < probabilities).astype(float))[0])
    mean = np.mean([each.value for each in found])
    assert np.mean([each.low <= mean <= each.high for each in found]) >= 0.93
    assert calibration_error(np.array([0.9]), np.array([1.0]))[0].low is None


def test_no_weight_at_all():
    found, chance = calibration_error(np.ones(2), np.ones(2), np.zeros(2))
    assert found.reason == chance.reason == "no test events"
