from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sklearn_metrics

from benchmark.core.errors import UserError
from benchmark.metrics.accuracy import Accuracy, confusion_matrix, predict, proportion
from benchmark.metrics.compute import compute
from benchmark.metrics.intervals import wilson
from benchmark.metrics.metric import Scored

from .reference import multiclass

# true s: predicted s s s b; true b: s b b c; true c: b c
LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2])
PREDICTED = np.array([0, 0, 0, 1, 0, 1, 1, 2, 1, 2])
SMALL = Scored(LABELS, np.eye(3)[PREDICTED], ("s", "b", "c"))


def test_small_table():
    estimates = compute([Accuracy()], SMALL)
    values = {name: estimate.value for name, estimate in estimates.items()}
    assert values.pop("signal_accuracy_best") is None
    assert values == pytest.approx(
        {
            "accuracy": 6 / 10,
            "recall_s": 3 / 4,
            "recall_b": 2 / 4,
            "recall_c": 1 / 2,
            # signal tagged 3/4, background left untagged 5/6: half of each, and 8 of 10 together
            "signal_accuracy": (3 / 4 + 5 / 6) / 2,
            "signal_accuracy_mixture": 8 / 10,
        }
    )
    assert (estimates["recall_c"].low, estimates["recall_c"].high) == wilson(0.5, 2, 0.95)


def test_small_table_with_weights():
    # weight 3 on the event of b that is taken for s: b is right in 2 of 6, all in 6 of 12
    weights = np.ones(10)
    weights[4] = 3
    estimates = compute([Accuracy()], replace(SMALL, weights=weights))
    assert estimates["accuracy"].value == pytest.approx(6 / 12)
    assert estimates["recall_b"].value == pytest.approx(2 / 6)
    assert estimates["signal_accuracy"].value == pytest.approx((3 / 4 + 5 / 8) / 2)
    # effective count of 1, 1, 1, 3: 36/12 = 3
    assert (estimates["recall_b"].low, estimates["recall_b"].high) == pytest.approx(wilson(1 / 3, 3, 0.95))


def test_same_as_scikit_learn():
    scored = multiclass()
    predicted = predict(scored.scores)
    np.testing.assert_array_equal(
        confusion_matrix(scored.labels, predicted, 3), sklearn_metrics.confusion_matrix(scored.labels, predicted)
    )
    expected = sklearn_metrics.accuracy_score(scored.labels, predicted, sample_weight=scored.weights)
    assert compute([Accuracy()], scored)["accuracy"].value == pytest.approx(expected)
    recalls = sklearn_metrics.recall_score(scored.labels, predicted, average=None, sample_weight=scored.weights)
    ours = [compute([Accuracy()], scored)[f"recall_{name}"].value for name in scored.classes]
    assert ours == pytest.approx(list(recalls))


def test_confusion_matrix_of_the_small_table():
    assert confusion_matrix(LABELS, PREDICTED, 3).tolist() == [[3, 1, 0], [1, 2, 1], [0, 1, 1]]


def test_confusion_matrix_of_narrow_integers():
    labels = np.full(3, 99, dtype=np.int8)
    assert confusion_matrix(labels, labels, 100)[99, 99] == 3


def test_confusion_matrix_without_events():
    assert confusion_matrix(np.zeros(0, int), np.zeros(0, int), 2).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("labels", "predicted", "message"),
    [([0, 1], [0], "differ in shape"), ([0, 2], [0, 1], "labels 0 to 2"), ([0, 1], [-1, 1], "predictions -1 to 1")],
)
def test_confusion_matrix_refuses(labels, predicted, message):
    with pytest.raises(UserError, match=message):
        confusion_matrix(np.array(labels), np.array(predicted), 2)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=40))
def test_matrix_and_scores_agree(pairs):
    labels, predicted = np.array(pairs).T
    matrix = confusion_matrix(labels, predicted, 3)
    assert matrix.sum() == len(labels)
    estimates = compute([Accuracy()], Scored(labels, np.eye(3)[predicted], ("s", "b", "c")))
    assert estimates["accuracy"].value == pytest.approx(np.trace(matrix) / len(labels))
    for label, name in enumerate("sbc"):
        recall = estimates[f"recall_{name}"]
        if matrix[label].sum() == 0:
            assert recall.value is None
            assert recall.reason == f"no test events of {name}"
        else:
            assert recall.value == pytest.approx(matrix[label, label] / matrix[label].sum())
            assert 0 <= recall.low <= recall.value <= recall.high <= 1


def test_first_of_equal_scores():
    assert predict(np.array([[0.5, 0.5], [0.2, 0.8]])).tolist() == [0, 1]


def test_two_classes_mixture_is_the_accuracy():
    estimates = compute([Accuracy()], multiclass(classes=("s", "b")))
    assert estimates["signal_accuracy_mixture"] == estimates["accuracy"]


def test_the_best_threshold_is_that_of_the_validation_events():
    # validation: from 0.3 on all of the signal and a third of the background pass, from 0.4 on half and none
    valid = Scored(
        np.array([1, 1, 1, 0, 0]), np.array([0.1, 0.2, 0.35, 0.3, 0.4])[:, None] * [1, -1] + [0, 1], ("s", "b")
    )
    test = Scored(np.array([0, 0, 1, 1]), np.array([0.3, 0.29, 0.2, 0.31])[:, None] * [1, -1] + [0, 1], ("s", "b"))
    estimates = compute([Accuracy()], replace(test, valid=valid))
    assert estimates["signal_accuracy"].value == 1 / 2  # none is above one half
    assert estimates["signal_accuracy_best"].value == 1 / 2  # one of two and one of two
    assert compute([Accuracy()], replace(valid, valid=valid))["signal_accuracy_best"].value == (1 + 2 / 3) / 2


def test_the_best_threshold_gains_what_the_formula_says():
    # odds too low by a factor of three; for normal scores apart by 1 the best cut is where the densities meet
    rng = np.random.default_rng(5)

    def sample(events: int) -> Scored:
        labels = np.repeat([0, 1], events)
        scores = rng.normal(size=2 * events) + (labels == 0)
        signal = 1 / (1 + 3 * np.exp(0.5 - scores))
        return Scored(labels, np.stack([signal, 1 - signal], axis=1), ("s", "b"))

    estimates = compute([Accuracy()], replace(sample(100_000), valid=sample(100_000)))
    assert estimates["signal_accuracy_best"].value == pytest.approx(stats.norm.cdf(0.5), abs=0.003)
    shift = np.log(3)
    expected = (stats.norm.sf(shift - 0.5) + stats.norm.cdf(shift + 0.5)) / 2
    assert estimates["signal_accuracy"].value == pytest.approx(expected, abs=0.003)


def test_a_best_threshold_needs_validation_events_of_both_kinds():
    estimate = compute([Accuracy()], SMALL)["signal_accuracy_best"]
    assert "no scores of validation events" in estimate.reason
    alone = replace(SMALL, labels=np.zeros(10, int))
    estimate = compute([Accuracy()], replace(SMALL, valid=alone))["signal_accuracy_best"]
    assert estimate.reason == "a class has no validation events"


def test_no_signal_metrics_without_a_signal():
    estimates = compute([Accuracy()], replace(multiclass(), signal=False))
    assert list(estimates) == ["accuracy", "recall_ttbar", "recall_wjets", "recall_zjets"]


def test_absent_background():
    scored = Scored(np.zeros(4, int), np.full((4, 2), 0.5), ("s", "b"))
    estimates = compute([Accuracy()], scored)
    assert estimates["signal_accuracy"].reason == "no test events of classes other than s"
    assert estimates["signal_accuracy_mixture"].value == 1
    assert estimates["recall_s"].high == 1
    assert estimates["recall_s"].low < 0.6


def test_all_hits_are_exactly_one():
    weights = np.random.default_rng(0).uniform(0, 1, 1001)
    assert proportion(np.ones(1001, bool), weights).value == 1


def test_balanced_interval_covers_the_truth():
    rng = np.random.default_rng(4)
    labels = np.repeat([0, 1], [40, 120])
    covered = []
    for _ in range(400):
        right = rng.random(160) < np.where(labels == 0, 0.9, 0.7)
        predicted = np.where(right, labels, 1 - labels)
        estimate = compute([Accuracy()], Scored(labels, np.eye(2)[predicted], ("s", "b")))["signal_accuracy"]
        covered.append(estimate.low <= 0.8 <= estimate.high)
    assert 0.92 <= np.mean(covered) <= 0.985
