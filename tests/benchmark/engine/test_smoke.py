"""Every cell of the core runs, with no list to keep in step.

The cells of a task run together, once for all tests and processes of a test run.
"""

from __future__ import annotations

import json
import math
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

import pytest

from benchmark.core.machine import usable_cores
from benchmark.engine.progress import Display
from benchmark.engine.request import Request, Settings
from benchmark.engine.runner import run
from benchmark.records.result import Result, Throughput
from benchmark.records.scoring import score
from benchmark.records.store import ResultStore
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS
from tests.sharing import once

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GRID = list(product(TASKS.core(), REPRESENTATIONS.core(), MODELS.core()))
RETURNED = "returned.jsonl"
Finished = tuple[ResultStore, dict[tuple[str, str, str], Result]]


def run_task(task: str, data: Path, folder: Path) -> None:
    """Run the cells of a task into a folder; a file has the results that `run` returns."""
    results = run(
        Request(tasks=(task,), preset="smoke"), Settings(folder / "results", data, usable_cores()), Display(quiet=True)
    )
    (folder / RETURNED).write_text("".join(f"{result.model_dump_json()}\n" for result in results))


@pytest.fixture
def finished(shared: Path) -> Callable[[str], Finished]:
    """The results of a task's cells."""

    def of(task: str) -> Finished:
        folder = once(shared / f"smoke-{task}", partial(run_task, task, shared / "smoke-data"))
        results = [Result.model_validate(json.loads(line)) for line in (folder / RETURNED).read_text().splitlines()]
        by_names = {(result.task, result.representation, result.model): result for result in results}
        return ResultStore(folder / "results"), by_names

    return of


@pytest.mark.parametrize("task", TASKS.core())
def test_every_cell_has_a_result_and_nothing_else_does(finished: Callable[[str], Finished], task: str):
    store, results = finished(task)
    line = [(task, "expert", "bdt")] if TASKS.load(task).expert else []
    assert sorted(results) == sorted([*(names for names in GRID if names[0] == task), *line])
    assert {result.key for result in store.all()} == {result.key for result in results.values()}


@pytest.mark.parametrize("names", GRID, ids="-".join)
def test_cell(finished: Callable[[str], Finished], names: tuple[str, str, str]):
    store, results = finished(names[0])
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
    evaluation = score(scores, result.classes, result.has_signal, yields=result.yields)
    assert (evaluation.metrics, evaluation.confusion_matrix) == (result.metrics, result.confusion_matrix)
    ids = scores.events.event_ids
    assert len(scores.log_ratios) == len(set(ids.tolist())) == result.events["test"]
    assert result.parameters_count is None or result.parameters_count > 0
    network = result.throughput.predict_flops is not None
    of_networks, on_gpus = {"train_step_flops", "train_step_events", "predict_flops"}, {"device_memory_mb"}
    known = {name for name, value in result.throughput if value is not None and value > 0} - {"fit_energy_j"}
    none = on_gpus | {"fit_energy_j"} | ({"comparisons"} if network else of_networks)
    assert known == set(Throughput.model_fields) - none


@pytest.mark.parametrize("task", TASKS.core())
def test_cells_of_a_task_are_tested_on_the_same_events(finished: Callable[[str], Finished], task: str):
    store, results = finished(task)
    done = [result for result in results.values() if result.status == "done"]
    tested = [store.scores(result).events for result in done]
    assert len(tested) >= len(MODELS.core())
    assert all((one.event_ids == tested[0].event_ids).all() for one in tested)
    assert all((one.labels == tested[0].labels).all() for one in tested)
    examples = store.examples(task, done[0].fingerprint)
    drawn = {name for name in examples if not name.startswith("_")}
    assert not drawn or {"_kinds", "_span"} < set(examples)
    assert drawn == set(done[0].classes)
