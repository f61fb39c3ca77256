from __future__ import annotations

import numpy as np
import pytest

from benchmark.core.errors import UserError
from benchmark.core.registry import METRICS
from benchmark.records.result import Scores
from benchmark.records.scoring import metrics, score
from tests.benchmark.toys import metric

CLASSES = ("signal", "background")


def scores(signal: list[float], labels: list[int]) -> Scores:
    first = np.array(signal, np.float32)
    return Scores(
        event_ids=np.arange(len(labels)),
        labels=np.array(labels),
        scores=np.stack([first, 1 - first], axis=1),
        weights=np.ones(len(labels), np.float32),
    )


FOUR = scores([0.9, 0.4, 0.6, 0.2], [0, 0, 1, 1])


def test_all_registered_metrics_of_a_table_made_by_hand():
    values, confusion = score(FOUR, CLASSES, has_signal=True)
    assert values["auc"].value == 0.75
    assert values["accuracy"].value == 0.5
    assert confusion == [[1, 1], [1, 1]]
    assert {name.partition("_")[0] for name in values} >= set(METRICS.names())


def test_confusion_has_true_rows():
    _, confusion = score(scores([0.9, 0.8, 0.7], [0, 1, 1]), CLASSES, has_signal=True)
    assert confusion == [[1, 0], [2, 0]]


def test_undefined_values_are_null_with_a_reason():
    values, _ = score(scores([0.9, 0.8], [0, 0]), CLASSES, has_signal=True)
    assert values["auc"].value is None
    assert values["auc"].reason
    assert all(value.value is not None or value.reason for value in values.values())


def test_a_metric_of_ones_own_comes_on_top_and_nan_is_cleaned():
    plain, _ = score(FOUR, CLASSES, has_signal=True)
    values, _ = score(FOUR, CLASSES, has_signal=True, extra=[metric("Mine"), "auc"])
    assert {name: values[name] for name in plain} == plain
    assert values["mine"].value == pytest.approx(0.525)
    assert values["mine_nan"].value is None
    assert values["mine_nan"].reason == "the metric gave nan"


def test_each_metric_once_and_unknown_ones_refused():
    assert len(metrics(("auc", "auc"))) == 1
    with pytest.raises(UserError, match=r"unknown metric 'auk'. Did you mean 'auc'"):
        metrics(("auk",))


@pytest.mark.parametrize("bad", [float("nan"), -0.5, 1.5])
def test_scores_that_are_no_probabilities(bad: float):
    with pytest.raises(UserError, match="are not probabilities"):
        score(scores([bad, 0.5], [0, 1]), CLASSES, has_signal=True)
