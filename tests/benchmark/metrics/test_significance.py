"""The gain in significance in closed form, tables worked out by hand, and the coverage of intervals."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from benchmark.metrics.compute import compute
from benchmark.metrics.metric import Estimate, Scored
from benchmark.metrics.significance import LEAST_BACKGROUND, Significance

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

YIELDS = {"s": 100.0, "b": 10_000.0}


def powers(rng: np.random.Generator, events: int, power: int = 3) -> Scored:
    """Scores that are uniform for the background, and the largest of `power` such numbers for the signal."""
    signal, background = rng.uniform(size=(events, power)).max(axis=1), rng.uniform(size=events)
    return table(signal, background)


def table(signal: ArrayLike, background: ArrayLike) -> Scored:
    scores = np.concatenate([signal, background])
    labels = np.repeat([0, 1], [len(scores) - len(np.asarray(background)), len(np.asarray(background))])
    return Scored(labels, np.stack([scores, 1 - scores], axis=1), ("s", "b"))


def gain(threshold: float) -> float:
    """eps_S / sqrt(eps_B) = (1 - t^3) / sqrt(1 - t)."""
    return (1 - threshold**3) / np.sqrt(1 - threshold)


def scored(rng: np.random.Generator, events: int, valid: int) -> Scored:
    return replace(powers(rng, events), valid=powers(rng, valid), yields=YIELDS)


def estimates(found: Scored) -> dict[str, Estimate]:
    return compute([Significance()], found)


def test_the_largest_gain_is_that_of_the_formula():
    """The derivative vanishes at t = (1 + sqrt(21)) / 10; S / sqrt(S + B) has its largest value where B is small."""
    found = estimates(scored(np.random.default_rng(1), 200_000, 200_000))
    assert found["significance_gain"].value == pytest.approx(gain((1 + np.sqrt(21)) / 10), rel=0.01)

    def discovery(threshold: float) -> float:
        signal, background = YIELDS["s"] * (1 - threshold**3), YIELDS["b"] * (1 - threshold)
        return signal / np.sqrt(signal + background)

    best = minimize_scalar(lambda t: -discovery(t), bounds=(0, 1), method="bounded")
    assert found["significance"].value == pytest.approx(-best.fun, rel=0.01)


def test_a_table_made_by_hand():
    """Validation: 40 signal and 40 background events. At 0.8 there are 30 and 20 of them: 0.75 / sqrt(0.5) = 1.06."""
    signal, background = [0.9] * 10 + [0.8] * 20 + [0.3] * 10, [0.9] * 5 + [0.8] * 15 + [0.3] * 20
    valid = table(signal, background)
    test = table([0.9] * 3 + [0.85] * 3 + [0.2] * 4, [0.8] * 4 + [0.79] * 12)
    found = estimates(replace(test, valid=valid, yields={"s": 50.0, "b": 64.0}))
    assert found["significance_gain"].value == pytest.approx(0.6 / np.sqrt(0.25))
    # of validation events 50 * 0.75 / sqrt(37.5 + 32) = 4.50 at 0.8, and 50 / sqrt(50 + 64) = 4.68 at 0.3
    assert found["significance"].value == pytest.approx(30 / np.sqrt(30 + 64))


def test_a_threshold_leaves_enough_background_events():
    """A score of 1 for signal alone: without the rule, the gain would be infinite."""
    rng = np.random.default_rng(2)
    test, valid = (table([0.99] * 500, rng.uniform(0, 0.5, 500).tolist()) for _ in range(2))
    found = estimates(replace(test, valid=valid))["significance_gain"]
    above = np.sort(valid.scores[valid.labels == 1, 0])[-LEAST_BACKGROUND]
    assert found.value == pytest.approx(1 / np.sqrt((test.scores[test.labels == 1, 0] >= above).mean()))


def test_nothing_passes():
    test, valid = table([0.9] * 50, [0.1] * 50), table([0.9] * 50, [0.8] * 30 + [0.1] * 50)
    found = estimates(replace(test, valid=valid))["significance_gain"]
    assert found.value is None
    assert found.reason == "no background event passes the threshold"
    assert found.low == pytest.approx(np.sqrt(1 + 3.8415 / 50) / np.sqrt(3.8415 / 50) / (1 + 3.8415 / 50), rel=0.01)


def test_undefined_numbers_have_reasons():
    test = table([0.9] * 5, [0.1] * 5)
    assert "no scores of validation events" in (estimates(test)["significance_gain"].reason or "")
    assert "no threshold has 20 background" in (estimates(replace(test, valid=test))["significance_gain"].reason or "")
    some = table([0.9] * 5, [0.1] * 30)
    alone = replace(table([0.9] * 5, []), valid=some)
    assert estimates(alone)["significance_gain"].reason == "a class has no test events"
    assert estimates(replace(test, signal=False, valid=some)) == {}
    assert "significance" not in estimates(replace(test, valid=some, yields={"s": 1.0}))


def test_intervals_cover_the_true_number():
    """The gain at the threshold that each set of validation events gives, of 1,000 experiments."""
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(1000):
        found = scored(rng, 400, 400)
        estimate = Significance()(found)["significance_gain"]
        scores, labels = found.valid.scores[:, 0], found.valid.labels
        candidates = np.sort(scores)
        candidates = candidates[candidates <= np.sort(scores[labels == 1])[-LEAST_BACKGROUND]]
        shares = [(scores[labels == k] >= candidates[:, None]).mean(axis=1) for k in (0, 1)]
        inside += estimate.low <= gain(candidates[np.argmax(shares[0] / np.sqrt(shares[1]))]) <= estimate.high
    assert 0.93 <= inside / 1000 <= 0.97


def test_a_threshold_of_test_events_would_flatter():
    """Scores without any information gain nothing; chosen on test events, the best threshold always seems to."""
    rng = np.random.default_rng(4)
    own, other = [], []
    for _ in range(100):
        test, valid = powers(rng, 200, 1), powers(rng, 200, 1)
        own.append(estimates(replace(test, valid=test))["significance_gain"].value)
        other.append(estimates(replace(test, valid=valid))["significance_gain"].value)
    assert np.mean(other) < 1 < np.mean(own), "the true gain is sqrt(1 - t) at a threshold t"


def test_weights_count():
    rng = np.random.default_rng(5)
    found = scored(rng, 300, 300)
    twice = replace(
        found,
        labels=np.tile(found.labels, 2),
        scores=np.tile(found.scores, (2, 1)),
        weights=None,
    )
    heavy = replace(found, weights=np.full(600, 2.0))
    assert estimates(heavy)["significance_gain"] == estimates(found)["significance_gain"]
    assert estimates(twice)["significance_gain"].value == pytest.approx(estimates(found)["significance_gain"].value)
