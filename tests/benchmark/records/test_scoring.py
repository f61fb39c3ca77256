from __future__ import annotations

import numpy as np
import pytest

from benchmark.core.errors import UserError
from benchmark.metrics.registry import METRICS
from benchmark.records.result import Result
from benchmark.records.scores import Scores
from benchmark.records.scoring import built_in_metric, metrics, score
from tests.benchmark.toys import metric
from tests.leaderboard.factory import make_result

CLASSES = ("signal", "background")


def scores(signal: list[float], labels: list[int]) -> Scores:
    first = np.array(signal, np.float32)
    return Scores.of(
        event_ids=np.arange(len(labels)),
        labels=np.array(labels),
        probabilities=np.stack([first, 1 - first], axis=1),
        weights=np.ones(len(labels), np.float32),
    )


FOUR = scores([0.9, 0.4, 0.6, 0.2], [0, 0, 1, 1])


def test_all_registered_metrics_of_a_table_made_by_hand():
    values, columns, confusion, _ = score(FOUR, CLASSES, has_signal=True)
    assert columns == ()
    assert values["auc"].value == 0.75
    assert values["accuracy"].value == 0.5
    assert confusion == [[1, 1], [1, 1]]
    assert {metric.name for name in values if (metric := built_in_metric(name))} == set(METRICS.names())


def test_confusion_has_true_rows():
    confusion = score(scores([0.9, 0.8, 0.7], [0, 1, 1]), CLASSES, has_signal=True).confusion_matrix
    assert confusion == [[1, 0], [2, 0]]


def test_undefined_values_are_null_with_a_reason():
    values = score(scores([0.9, 0.8], [0, 0]), CLASSES, has_signal=True).metrics
    assert values["auc"].value is None
    assert values["auc"].reason
    assert all(value.value is not None or value.reason for value in values.values())


def test_a_metric_from_a_file_is_added_and_nan_is_undefined():
    plain = score(FOUR, CLASSES, has_signal=True).metrics
    values, columns, *_ = score(FOUR, CLASSES, has_signal=True, extra=[metric("Mine"), "auc"])
    assert {name: values[name] for name in plain} == plain
    assert values["mine"].value == pytest.approx(0.525, abs=1e-4)
    assert values["mine_nan"].value is None
    assert values["mine_nan"].reason == "the metric gave nan"
    assert [column.name for column in columns] == ["mine", "mine_nan"]
    assert columns[0].description == "Mean score of the first class, and something that is not defined."


def test_what_is_scored_is_no_metrics_to_change():
    plain, (labels, weights) = (
        score(FOUR, CLASSES, has_signal=True),
        (FOUR.events.labels.copy(), FOUR.events.weights.copy()),
    )
    values, _, confusion, _ = score(FOUR, CLASSES, has_signal=True, extra=[metric("Rewrites"), metric("Mine")])
    assert {name: values[name] for name in plain.metrics} == plain.metrics
    assert confusion == plain.confusion_matrix
    assert (values["rewrites"].value, values["mine"].value) == (3.0, pytest.approx(0.525, abs=1e-4))
    np.testing.assert_array_equal(FOUR.events.labels, labels)
    np.testing.assert_array_equal(FOUR.events.weights, weights)


def test_each_metric_once_and_unknown_ones_refused():
    assert len(metrics(("auc", "auc"))) == 1
    with pytest.raises(UserError, match=r"unknown metric 'auk'. Did you mean 'auc'"):
        metrics(("auk",))


@pytest.mark.parametrize("bad", [float("nan"), -0.5, 1.5])
def test_scores_that_are_not_probabilities(bad: float):
    with pytest.raises(UserError, match="are not probabilities"):
        score(scores([bad, 0.5], [0, 1]), CLASSES, has_signal=True)


def test_a_metric_from_a_file_takes_no_number_of_another():
    plain = score(FOUR, CLASSES, has_signal=True).metrics
    values = score(FOUR, CLASSES, has_signal=True, extra=[metric("Thief")]).metrics
    assert {name: values[name] for name in plain} == plain
    assert values["thief"].reason == "metric 'thief': gives 'auc', a number of another metric. Rename it."


def test_a_number_that_is_not_declared_is_undefined():
    values = score(FOUR, CLASSES, has_signal=True, extra=[metric("Silent")]).metrics
    assert "which none of its columns declares" in (values["silent"].reason or "")


def test_a_metric_without_columns_is_refused_before_anything_runs():
    with pytest.raises(UserError, match=r"'Bare' declares no columns.*Write: columns = \(MetricColumn\('bare'"):
        metrics((metric("Bare"),))


def test_scoring_again_keeps_the_numbers_and_columns_of_other_metrics():
    record = make_result(auc=0.8)
    first = score(FOUR, record.classes[:2], has_signal=True, extra=[metric("Mine")]).added_to(record)
    second = score(FOUR, record.classes[:2], has_signal=True, extra=[metric("Other")]).added_to(first)
    assert {"mine", "other", "auc"} <= second.metrics.keys()
    assert [column.name for column in second.metric_columns] == ["mine", "mine_nan", "other"]
    assert Result.model_validate_json(second.model_dump_json()) == second
