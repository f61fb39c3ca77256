"""Fitted models on shifted simulations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmark.engine.job import build
from benchmark.engine.request import cells
from benchmark.records.store import ResultStore
from tasks.data.store import load
from tests.benchmark.toys import PLUGINS, request, run_toy

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.engine.job import Job

WANTED = request(tasks=(f"{PLUGINS / 'toy_task.py'}:Shifted",), models=("bdt",), test_events=150)


@pytest.fixture(scope="module")
def job() -> Job:
    return build(cells(WANTED)[0])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results and data of a run without shifts, and of the same with them."""
    place = tmp_path_factory.mktemp("shifts")
    for shifts in (False, True):
        run_toy(WANTED, place / str(shifts), place / "data", shifts=shifts)
    return place


def test_a_fit_is_tested_on_shifted_events(place: Path, job: Job):
    store = ResultStore(place / "True")
    (result,), (plain,) = store.all(), ResultStore(place / "False").all()
    assert (result.status, result.key, result.metrics) == ("done", plain.key, plain.metrics)
    assert plain.shifted == {}
    softer, scores = result.shifted["softer"], store.scores(result)
    # the hard spectrum is nearly that of the soft muons now
    assert softer.metrics["auc"].value < result.metrics["auc"].value - 0.05
    assert result.events["test"] == 300
    assert (softer.events, softer.reason) == (200, None), "no more than smoke tests on by default"
    assert scores.shifted["softer"].log_ratios.shape == (200, 1)
    events, nominal = (load(data, place / "data") for data in (job.shifts()["softer"], job.test))
    assert set(events.column("event_id")) < set(nominal.column("event_id")), "of the same collisions"
    assert store.problems(result) == ()


def test_fewer_test_events_are_fewer_of_a_shift():
    (few,) = cells(replace(WANTED, test_events=60))
    assert build(few).shifts()["softer"].test_events == 60


def test_a_shift_that_can_not_be_made_has_a_reason(place: Path):
    (result,) = ResultStore(place / "True").all()
    assert result.status == "done"
    assert "parameter 'slope' is 5000.0, expected 1 to 1000" in result.shifted["impossible"].reason
    assert "the shower is broken" in result.shifted["broken"].reason
    assert {name: shift.metrics for name, shift in result.shifted.items() if name != "softer"} == {
        "impossible": {},
        "broken": {},
    }


def test_a_result_without_them_is_made_again_once(place: Path):
    before = {path.name: path.read_bytes() for path in (place / "True" / "shifted").iterdir()}
    for shifts in (True, False):
        run_toy(WANTED, place / "True", place / "data", shifts=shifts)
    assert {path.name: path.read_bytes() for path in (place / "True" / "shifted").iterdir()} == before
    (result,) = run_toy(WANTED, place / "False", place / "data", shifts=True)
    assert set(result.shifted) == {"softer", "impossible", "broken"}
