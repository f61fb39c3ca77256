"""Whatever is registered is run, with no list to keep in step."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING

import pytest

from benchmark.engine.progress import Display
from benchmark.engine.request import Request, Settings
from benchmark.engine.runner import run
from benchmark.records.environment import default_workers
from benchmark.records.result import Result
from benchmark.records.scoring import score
from benchmark.records.store import ResultStore
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS

if TYPE_CHECKING:
    from pathlib import Path

GRID = list(product(TASKS.core(), REPRESENTATIONS.names(), MODELS.core()))
Finished = tuple[ResultStore, dict[tuple[str, str, str], Result]]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, smoke_data: Path) -> Finished:
    folder = tmp_path_factory.mktemp("smoke-results")
    results = run(Request(preset="smoke"), Settings(folder, smoke_data, default_workers()), Display(quiet=True))
    return ResultStore(folder), {(result.task, result.representation, result.model): result for result in results}


def test_every_cell_has_a_result_and_nothing_else_does(finished: Finished):
    store, results = finished
    assert list(results) == GRID
    assert {result.key for result in store.all()} == {result.key for result in results.values()}


@pytest.mark.parametrize("names", GRID, ids="-".join)
def test_cell(finished: Finished, names: tuple[str, str, str]):
    store, results = finished
    result = results[names]
    assert result.status == "done", result.reason
    assert store.find(result.task, result.key) == result
    assert {name.partition("_")[0] for name in result.metrics} >= {"auc", "accuracy"}
    for name, metric in result.metrics.items():
        numbers = [metric.value, metric.low, metric.high]
        assert all(number is None or math.isfinite(number) for number in numbers), name
        assert metric.value is not None or metric.reason, name
        if None not in numbers:
            assert metric.low <= metric.value <= metric.high, name
    scores = store.scores(result)
    evaluation = score(scores, result.classes, result.has_signal)
    assert (evaluation.metrics, evaluation.confusion_matrix) == (result.metrics, result.confusion_matrix)
    assert len(scores.labels) == len(set(scores.event_ids.tolist())) == result.events["test"]
    assert result.parameters_count is None or result.parameters_count > 0
    assert all(value is not None and value > 0 for _, value in result.throughput)


def test_cells_of_a_task_are_tested_on_the_same_events(finished: Finished):
    store, results = finished
    for task in TASKS.core():
        done = [result for result in results.values() if result.task == task and result.status == "done"]
        tested = [store.scores(result) for result in done]
        assert len(tested) >= len(MODELS.core())
        assert all((one.event_ids == tested[0].event_ids).all() for one in tested)
        assert all((one.labels == tested[0].labels).all() for one in tested)
        examples = store.examples(task, next(r.fingerprint for r in results.values() if r.task == task))
        drawn = {name for name in examples if not name.startswith("_")}
        assert not drawn or {"_kinds", "_span"} < set(examples)
        assert drawn == set(tested and results[next(n for n in results if n[0] == task)].classes)
