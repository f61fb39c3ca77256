"""Metrics with their intervals against scikit-learn, hep_ml and a bootstrap, and what all of them take together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from benchmark.metrics.auc import overall
from benchmark.metrics.compute import compute
from benchmark.metrics.cramer_von_mises import cvm
from benchmark.metrics.cvm import estimate, nearest, windows
from benchmark.metrics.metric import Scored
from benchmark.metrics.registry import METRICS
from benchmark.records.scoring import metrics
from tests.peers import peer
from tests.performance.sizes import MEASURED

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from tests.performance.conftest import SideBySide

REPLICAS = 20 if MEASURED else 3
"""Replicas of a bootstrap: a tenth of those with which the width of an interval is known to 5%."""
CLASSES = ("higgs", "diphoton", "photon_jet")


def spectrum(events: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores that depend a little on a falling mass."""
    rng = np.random.default_rng(1)
    mass = 90 + rng.exponential(30.0, events)
    return 0.2 * (mass - 120) / 30 + rng.normal(size=events), mass


def scored(events: int) -> Scored:
    """Events of three classes, in half precision as they are stored."""
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, events)
    logits = (rng.normal(size=(events, 3)) + 1.5 * np.eye(3)[labels]).astype(np.float16).astype(np.float64)
    weights = np.exp(logits)
    mass = 90 + rng.exponential(30.0, events)
    valid = Scored(labels[:2000], weights[:2000] / weights[:2000].sum(axis=1, keepdims=True), CLASSES)
    return Scored(labels, weights / weights.sum(axis=1, keepdims=True), CLASSES, None, mass, valid=valid)


def test_auc_against_scikit_learn(side_by_side: SideBySide) -> None:
    """scikit-learn has no interval: a bootstrap of 200 replicas takes 200 times as long as its area."""
    events = 1_000_000 if MEASURED else 2000
    given = scored(events)
    labels, score = given.labels == 0, given.scores[:, 0]
    assert overall(given.labels, given.scores).value == pytest.approx(roc_auc_score(labels, score), abs=1e-12)
    side_by_side(
        f"AUC with interval, {events:,} events",
        lambda: overall(given.labels, given.scores).estimate(),
        "scikit-learn, without interval",
        lambda: roc_auc_score(labels, score),
        at_least=1,
        rounds=5,
    )


def test_cvm_against_hep_ml(side_by_side: SideBySide) -> None:
    """The value alone: hep_ml has no interval."""
    pandas, theirs = pytest.importorskip("pandas"), peer("hep_ml.metrics")
    events = 20_000 if MEASURED else 500
    scores, mass = spectrum(events)
    judge = theirs.KnnBasedCvM(uniform_features=["mass"], uniform_label=0)
    labels, ones = np.zeros(events, int), np.ones(events)
    judge.fit(pandas.DataFrame({"mass": mass}), labels, ones)
    columns = np.stack([scores, -scores], axis=1)
    assert cvm(scores, nearest(mass)) == pytest.approx(judge(labels, columns, ones), rel=1e-9)
    side_by_side(
        f"CVM of 50 neighbours, {events:,} events",
        lambda: cvm(scores, nearest(mass)),
        "hep_ml",
        lambda: judge(labels, columns, ones),
        at_least=145,
        rounds=1,
    )


def test_interval_of_the_cvm_against_a_bootstrap(side_by_side: SideBySide) -> None:
    """The bootstrap is of our own CVM, which is far faster than that of others."""
    events = 20_000 if MEASURED else 500
    scores, mass = spectrum(events)
    rng = np.random.default_rng(3)

    def bootstrap() -> list[float]:
        drawn = (rng.integers(events, size=events) for _ in range(REPLICAS))
        return [cvm(scores[index], windows(mass[index])) for index in drawn]

    side_by_side(
        f"interval of the CVM in windows, {events:,} events",
        lambda: estimate(scores, mass, windows),
        f"bootstrap of {REPLICAS} replicas",
        bootstrap,
        at_least=10,
        rounds=3,
    )


@pytest.mark.benchmark(group="metrics")
def test_all_metrics(benchmark: BenchmarkFixture) -> None:
    given = scored(100_000 if MEASURED else 2000)
    known = metrics(tuple(METRICS.core()))
    found = benchmark(compute, known, given)
    assert found["cvm_knn"].low is not None


@pytest.mark.benchmark(group="metrics")
def test_cvm_of_many_events(benchmark: BenchmarkFixture) -> None:
    found = benchmark(estimate, *spectrum(1_000_000 if MEASURED else 2000), windows)
    assert found.low < found.value < found.high
