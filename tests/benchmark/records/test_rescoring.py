"""Numbers that are computed again: what differs, what is new, and what is left alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmark.metrics.metric import MetricColumn
from benchmark.records.rescoring import MATRIX, Number, Rescored, rescore
from benchmark.records.result import MetricValue, Result
from benchmark.records.scoring import score
from benchmark.records.store import ResultStore
from tests.benchmark.records.test_store import record, scores

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("ttbar", "wjets")


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore(tmp_path / "results")


def stored(store: ResultStore, **changes: object) -> Result:
    """A record with all numbers of its scores and of those of one shift, but for the changes."""
    given = replace(scores(), shifted={"shower": scores(30)})
    return store.add(score(given, CLASSES, has_signal=True).added_to(record()).model_copy(update=changes), given)


def again(store: ResultStore) -> Rescored:
    (result,) = store.all()
    return rescore(result, store)


def test_nothing_differs_in_what_was_just_stored(store: ResultStore):
    result = stored(store)
    found = again(store)
    assert (found.new, found.different, found.problems) == ((), (), ())
    assert found.extended == found.replaced == result


def test_a_number_that_its_scores_do_not_give(store: ResultStore):
    right = stored(store)
    wrong = {**right.metrics, "auc": right.metrics["auc"].model_copy(update={"low": 0.123})}
    store.add(right.model_copy(update={"metrics": wrong}))
    found = again(store)
    assert [str(change.number) for change in found.different] == ["auc"]
    assert "0.123" in str(found.different[0])
    assert found.extended.metrics["auc"].low == 0.123
    assert found.replaced == right
    assert found.new == ()


def test_a_difference_of_rounding_is_none(store: ResultStore):
    right = stored(store)
    near = right.metrics["auc"].model_copy(update={"value": right.metrics["auc"].value + 1e-8})
    store.add(right.model_copy(update={"metrics": {**right.metrics, "auc": near}}))
    assert again(store).different == ()


def test_numbers_of_shifted_events_and_the_matrix(store: ResultStore):
    right = stored(store)
    shower = right.shifted["shower"]
    less = {name: value for name, value in shower.metrics.items() if name != "accuracy"}
    less["auc"] = MetricValue(value=None, reason="lost")
    changes = {
        "shifted": {"shower": shower.model_copy(update={"metrics": less})},
        "confusion_matrix": [[1, 2], [3, 4]],
    }
    store.add(right.model_copy(update=changes))
    found = again(store)
    assert [change.number for change in found.new] == [Number("shower", "accuracy")]
    assert [change.number for change in found.different] == [Number("shower", "auc"), MATRIX]
    assert str(found.different[0].number) == "shower: auc"
    assert found.extended.shifted["shower"].metrics["accuracy"] == shower.metrics["accuracy"]
    assert found.extended.shifted["shower"].metrics["auc"].value is None
    assert found.extended.confusion_matrix == [[1, 2], [3, 4]]
    assert found.replaced == right


def test_what_a_record_lacks_is_new(store: ResultStore):
    right = stored(store)
    store.add(right.model_copy(update={"metrics": {}, "confusion_matrix": None}))
    found = again(store)
    assert {change.number.name for change in found.new} == {*right.metrics, "confusion_matrix"}
    assert found.different == ()
    assert found.extended == found.replaced == right


def test_a_number_that_no_metric_gives_any_more(store: ResultStore):
    right = stored(store)
    store.add(right.model_copy(update={"metrics": {**right.metrics, "gini": MetricValue(value=0.3)}}))
    found = again(store)
    assert [(change.number.name, change.computed) for change in found.different] == [("gini", None)]
    assert found.replaced == right


def test_numbers_of_metrics_from_files_stay(store: ResultStore):
    right = stored(store)
    column = MetricColumn("mine_<class>", "Mine", "A number of a file")
    changes = {"metrics": {**right.metrics, "mine_ttbar": MetricValue(value=0.3)}, "metric_columns": (column,)}
    kept = store.add(right.model_copy(update=changes))
    found = again(store)
    assert (found.new, found.different) == ((), ())
    assert found.replaced == found.extended == kept


def test_changed_scores_are_a_problem_and_nothing_is_computed(store: ResultStore):
    right = stored(store)
    (path,) = (path for path in (store.folder / "ttbar").glob("*.npz") if "-seed" in path.name)
    path.write_bytes(path.read_bytes() + b"more")
    found = again(store)
    assert "changed" in found.problems[0]
    assert found.extended == found.replaced == right


def test_a_failed_result_has_nothing_to_compute(store: ResultStore):
    store.add(record(status="failed", reason="the model raised", metrics={}))
    found = again(store)
    assert (found.new, found.different, found.problems) == ((), (), ())


def test_scores_that_no_metric_takes_are_a_problem(store: ResultStore):
    alone = replace(scores(), log_ratios=scores().log_ratios[:, :0])
    alone = replace(alone, events=replace(alone.events, labels=alone.events.labels * 0))
    store.add(record(classes=("ttbar",)), alone)
    found = again(store)
    assert found.problems == ("classes: found 1, expected two or more. A classifier needs at least two.",)
