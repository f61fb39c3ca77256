from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from benchmark.core.errors import UserError
from benchmark.metrics.accuracy import Accuracy
from benchmark.metrics.auc import Auc
from benchmark.metrics.compute import check, compute
from benchmark.metrics.metric import Estimate, Metric, MetricColumn, Scored, find_column, mean
from benchmark.metrics.registry import METRICS
from benchmark.metrics.rejection import Rejection

from .reference import multiclass


def test_registry_knows_the_metrics():
    entries = METRICS.entries()
    assert {"accuracy", "auc", "rejection"} <= set(entries)
    assert all(entry.summary for entry in entries.values())


@pytest.mark.parametrize("signal", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("name", METRICS.names())
def test_every_metric_keeps_the_contract(name, weighted, signal):
    scored = replace(multiclass(), signal=signal)
    if not weighted:
        scored = replace(scored, weights=None)
    for estimate in compute([METRICS.load(name)()], scored).values():
        if estimate.value is None:
            assert estimate.reason
        else:
            assert type(estimate.value) is float
            assert estimate.low is None or estimate.low <= estimate.value
            assert estimate.high is None or estimate.value <= estimate.high


@pytest.mark.parametrize("metric", [Auc(), Rejection(), Accuracy()])
def test_more_confidence_is_wider(metric):
    scored = replace(multiclass(), valid=multiclass(seed=2))
    narrow, wide = compute([metric], scored, 0.68), compute([metric], scored, 0.99)
    for name in narrow:
        assert wide[name].low < narrow[name].low <= narrow[name].high < wide[name].high


def test_narrow_numbers_give_the_same():
    scored = multiclass()
    narrow = replace(scored, labels=scored.labels.astype(np.int8), scores=scored.scores.astype(np.float32))
    wide = replace(narrow, scores=narrow.scores.astype(np.float64))
    metrics = [Auc(), Rejection(), Accuracy()]
    assert compute(metrics, narrow) == compute(metrics, wide)


def test_no_metric_gives_nothing():
    assert compute([], multiclass()) == {}


def test_two_metrics_of_one_name():
    class Other(Metric):
        """Always one."""

        name = "other"
        columns = (MetricColumn("auc", "AUC"),)

        def __call__(self, scored: Scored, confidence: float = 0.95) -> dict[str, Estimate]:
            return {"auc": Estimate(1.0)}

    with pytest.raises(UserError, match="'other': gives 'auc', and so does 'auc'"):
        compute([Auc(), Other()], multiclass())


@pytest.mark.parametrize("confidence", [0, 1, 95, float("nan")])
def test_confidence(confidence):
    with pytest.raises(UserError, match="between 0 and 1"):
        compute([Auc()], multiclass(), confidence)


GOOD = Scored(np.array([0, 1, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7]]), ("s", "b"))


def spoiled(value: float) -> np.ndarray:
    scores = GOOD.scores.copy()
    scores[1, 1] = value
    return scores


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": ("s",)}, "found 1, expected two or more"),
        ({"labels": np.array([0.0, 1.0, 1.0])}, "integers"),
        ({"labels": np.array([[0, 1, 1]])}, "integers"),
        ({"labels": np.array([0, 1, 2])}, "found 0 to 2, expected 0 to 1"),
        ({"labels": np.array([0, -1, 1])}, "found -1 to 1"),
        ({"labels": np.zeros(0, int), "scores": np.zeros((0, 2))}, "no test events"),
        ({"scores": GOOD.scores[:2]}, r"shape \(2, 2\), expected \(3, 2\)"),
        ({"scores": GOOD.scores[:, 0]}, r"shape \(3,\), expected \(3, 2\)"),
        ({"classes": ("s", "b", "c")}, r"shape \(3, 2\), expected \(3, 3\)"),
        ({"scores": spoiled(np.nan)}, "1 of 6 are not probabilities .first: nan in row 1, class b"),
        ({"scores": spoiled(np.inf)}, "first: inf"),
        ({"scores": spoiled(-0.2)}, "first: -0.2"),
        ({"scores": spoiled(3.0)}, "first: 3.0"),
        ({"weights": np.ones(2)}, r"weights: shape \(2,\)"),
        ({"weights": np.array([1, np.nan, 1])}, "1 of 3 are negative or not finite .first: nan in row 1"),
        ({"weights": np.array([1, -1, 1])}, "first: -1.0"),
        ({"weights": np.array([1, np.inf, 1])}, "first: inf"),
        ({"weights": np.zeros(3)}, "all 3 are 0"),
        ({"mass": np.ones(4)}, r"mass: shape \(4,\)"),
    ],
)
def test_refused_input(change, message):
    with pytest.raises(UserError, match=message) as error:
        compute([Auc()], replace(GOOD, **change))
    assert "\n" not in str(error.value)


def test_rounding_above_one_is_let_through():
    assert check(replace(GOOD, scores=spoiled(1 + 1e-7))).scores[1, 1] > 1


def test_starts_without_heavy_libraries():
    code = (
        "import sys; import benchmark.metrics.auc, benchmark.metrics.rejection, benchmark.metrics.accuracy;"
        "print([m for m in ('scipy', 'sklearn', 'pandas', 'torch') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("name", METRICS.names())
def test_every_number_of_a_metric_is_declared(name):
    metric = METRICS.load(name)
    assert all(column.header and column.description and column.undefined for column in metric.declared())
    assert all(column.interval or column.order is None for column in metric.declared() if not column.common)
    for signal in (True, False):
        for number in metric()(
            check(replace(multiclass(), signal=signal, mass=np.linspace(1, 2, len(multiclass().labels))))
        ):
            column = find_column(number, metric.declared())
            assert column is not None
            assert "<" not in column.header + column.description


def test_columns_of_families():
    columns = Auc.declared()
    pair = find_column("auc_ttbar_vs_wjets", columns)
    assert (pair.name, pair.header) == ("auc_ttbar_vs_wjets", "AUC, ttbar against wjets")
    assert find_column("auc_drell_yan", columns).header == "AUC, drell_yan against the rest"
    assert find_column("auc", columns).header == "AUC"
    assert find_column("rejection_50", columns) is None


@pytest.mark.parametrize(
    ("better", "low", "high", "inverted"),
    [
        ("higher", 0.29, 0.47, True),
        ("higher", 0.40, 0.52, False),
        ("higher", None, None, False),
        ("lower", 0.52, 0.60, True),
        ("lower", 0.29, 0.47, False),
        (None, 0.29, 0.47, False),
    ],
)
def test_inverted_is_worse_than_chance_by_more_than_the_interval(better, low, high, inverted):
    assert MetricColumn("x", "X", better=better, chance=0.5).is_inverted(Estimate(0.5, low, high)) == inverted
    assert not MetricColumn("x", "X", better=better).is_inverted(Estimate(0.5, low, high))


def test_mean_by_hand():
    # 1, 2, 3, 6: mean 3, sample variance 14 / 3, standard error sqrt(14 / 12)
    found = mean(np.array([1.0, 2.0, 3.0, 6.0]))
    assert found.value == 3.0
    assert found.high - 3.0 == pytest.approx(1.959964 * (14 / 12) ** 0.5)
    assert 3.0 - found.low == pytest.approx(found.high - 3.0)


def test_mean_with_weights():
    values, weights = np.array([1.0, 2.0, 4.0, 9.0]), np.array([1.0, 2.0, 1.0, 0.0])
    assert mean(values, weights).value == 9 / 4
    assert mean(values, 10 * weights) == mean(values, weights)
    assert mean(values[:3], weights[:3]) == mean(values, weights)
    assert mean(values[:1]) == Estimate(1.0)
    assert mean(values, 0 * weights).reason == "no test events"


@pytest.mark.parametrize(("name", "header"), [("<a>_<a>", "A"), ("<a>_<b>_<c>", "A"), ("a", " ")])
def test_columns_that_are_refused(name, header):
    with pytest.raises(ValueError, match=f"column {name}: "):
        MetricColumn(name, header)
