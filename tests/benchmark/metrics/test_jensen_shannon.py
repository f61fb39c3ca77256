"""The divergence of masses: scipy's, tables worked out by hand, what chance gives, and the coverage of intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from benchmark.metrics.compute import compute
from benchmark.metrics.jensen_shannon import BINS, JensenShannon, jensen_shannon, threshold_at
from benchmark.metrics.metric import Estimate, Scored


def estimates(scores: np.ndarray, labels: np.ndarray, mass: np.ndarray | None) -> dict[str, Estimate]:
    rest = (1 - scores) / 2
    scored = Scored(labels, np.stack([scores, rest, rest], axis=1), ("s", "b", "c"), None, mass)
    return compute([JensenShannon()], scored)


def test_same_as_scipy():
    rng = np.random.default_rng(1)
    mass = rng.exponential(50, 3000)
    passed = rng.uniform(size=3000) < mass / 300
    found, _ = jensen_shannon(passed, mass)
    edges = np.quantile(mass, np.linspace(0, 1, BINS + 1))
    edges[0], edges[-1] = -np.inf, np.inf
    spectra = [np.histogram(mass[side], edges)[0] for side in (passed, ~passed)]
    assert found.value == pytest.approx(jensenshannon(*spectra, base=2) ** 2)
    weighted, _ = jensen_shannon(passed, mass, np.full(3000, 2.5))
    assert weighted == found


def test_nothing_in_common_is_one_and_the_same_is_zero():
    mass = np.arange(400.0)
    apart, _ = jensen_shannon(mass >= 200, mass)
    assert (apart.value, apart.high) == pytest.approx((1, 1))
    alike, chance = jensen_shannon(np.arange(400) % 2 == 0, mass)
    assert alike.value == pytest.approx(0)
    assert chance.value == pytest.approx((1 / 200 + 1 / 200) * (BINS - 1) / (8 * np.log(2)))
    constant, none = jensen_shannon(mass >= 200, np.ones(400))
    assert (constant.value, constant.high, none.value) == (0, 0, 0), "one bin"


def test_equal_spectra_have_the_divergence_of_chance():
    rng = np.random.default_rng(2)
    found = []
    for _ in range(300):
        mass = rng.exponential(50, 1000)
        found.append(jensen_shannon(rng.uniform(size=1000) < 0.2, mass))
    assert np.mean([each.value for each, _ in found]) == pytest.approx(np.mean([c.value for _, c in found]), rel=0.05)


@pytest.mark.parametrize("events", [2000, 5000])
@pytest.mark.parametrize("slope", [0.0, 0.2, 0.6, 2.0])
def test_the_interval_holds_the_mean_of_other_samples(events: int, slope: float):
    """The cut comes from as many signal events, which adds little."""
    rng = np.random.default_rng(3)
    found = []
    for _ in range(400):
        mass, signal = rng.exponential(1.0, events), rng.normal(1.5, 1, events)
        scores = rng.normal(size=events) + slope * (1 - np.exp(-mass))
        found.append(jensen_shannon(scores >= threshold_at(0.5, signal), mass)[0])
    mean = np.mean([each.value for each in found])
    assert 0.905 <= np.mean([each.low <= mean <= each.high for each in found]) <= 0.99


def test_the_cut_is_at_half_of_the_signal():
    assert threshold_at(0.5, np.array([0.1, 0.2, 0.3, 0.4])) == 0.3
    assert threshold_at(0.5, np.array([0.1, 0.2, 0.3])) == 0.2
    assert threshold_at(0.5, np.array([0.1, 0.2, 0.3]), np.array([1.0, 1, 5])) == 0.3
    assert threshold_at(0.5, np.full(4, 0.7)) == 0.7


def test_the_metric_takes_the_first_background():
    rng = np.random.default_rng(4)
    labels, scores, mass = rng.integers(0, 3, 900), rng.uniform(size=900), rng.exponential(50, 900)
    mass[labels == 2] = np.nan
    found = estimates(scores, labels, mass)
    background, cut = labels == 1, threshold_at(0.5, scores[labels == 0])
    assert found["jsd_50"] == jensen_shannon(scores[background] >= cut, mass[background])[0]


def test_undefined_numbers_have_reasons():
    scores, labels, mass = np.linspace(0, 1, 60), np.repeat([1, 0], 30), np.arange(60.0)
    assert estimates(scores, labels, None)["jsd_50"].reason == "the background has no mass column"
    assert estimates(scores, labels, mass)["jsd_50"].reason == "b: 0 events pass, expected 50"
    assert estimates(scores, np.ones(60, int), mass)["jsd_50"].reason == "no test events of s"
    plain = Scored(labels, np.stack([scores, 1 - scores], axis=1), ("s", "b"), mass=mass, signal=False)
    assert compute([JensenShannon()], plain) == {}
