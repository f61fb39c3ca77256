"""What makes a result untrusted: its seal, its scores, and numbers that its scores do not give."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmark.core.files import sha256
from benchmark.core.seal import sealed
from benchmark.records.result import MetricValue, Result, read_result
from benchmark.records.scores import Scores
from benchmark.records.store import ResultStore
from benchmark.records.verification import TOLERANCE, verify
from tests.benchmark.records.test_store import record, scores

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def stored(tmp_path: Path) -> tuple[ResultStore, Path]:
    store = ResultStore(tmp_path / "results")
    store.add(record(), scores())
    (path,) = store.paths()
    return store, path


def change(path: Path, *, seal: str, **fields: Any) -> Result:
    """Change a record by hand; seal : what becomes of the seal, "kept", "removed" or "made" again."""
    content = {**json.loads(path.read_text()), **fields}
    if seal != "kept":
        del content["seal"]
    path.write_text(json.dumps(content))
    if seal == "made":
        path.write_bytes(sealed(read_result(path)))
    return read_result(path)


def auc(value: float, low: float | None, high: float | None) -> dict[str, Any]:
    return {"auc": MetricValue(value=value, low=low, high=high).model_dump()}


def test_a_stored_result_has_no_problem(stored: tuple[ResultStore, Path]):
    store, path = stored
    result = read_result(path)
    assert (result.seal, store.problems(result)) == ("right", ())
    assert verify(result, store.scores(result)) == ()


@pytest.mark.parametrize(
    "field", ["source", "level", "task_version", "fast_simulation", "fingerprint", "preset", "device", "created"]
)
def test_every_field_is_covered_by_the_seal(stored: tuple[ResultStore, Path], field: str):
    store, path = stored
    changed = change(path, seal="kept", **{field: False if field == "fast_simulation" else "another"})
    (problem,) = store.problems(changed)
    assert problem.kind == "seal"
    assert problem.text == "the record was changed after it was written (wrong seal); run the cell again"
    assert store.find("ttbar", changed.key) is None, "so the cell runs again"


def test_a_record_without_a_seal(stored: tuple[ResultStore, Path]):
    store, path = stored
    result = change(path, seal="removed")
    (problem,) = store.problems(result)
    assert problem.kind == "unsealed"
    assert "no seal" in problem.text
    assert store.find("ttbar", result.key) == result, "it may be of an earlier version"
    assert store.add(result).seal == "right"


@pytest.mark.parametrize("numbers", [(0.999, 0.99, 0.9999), (0.999, None, None)])
def test_an_auc_that_its_scores_do_not_give(stored: tuple[ResultStore, Path], numbers: tuple[float, Any, Any]):
    store, path = stored
    result = change(path, seal="made", metrics=auc(*numbers))
    assert result.seal == "right"
    (problem,) = store.problems(result)
    assert problem.kind == "numbers"
    assert problem.text.startswith("the record has an AUC of 0.9990 [")
    assert problem.text.endswith("; run the cell again")
    assert store.find("ttbar", result.key) is None


def test_an_interval_that_its_scores_do_not_give(stored: tuple[ResultStore, Path]):
    store, path = stored
    value = read_result(path).metrics["auc"]
    assert value.value is not None
    changed = change(path, seal="made", metrics=auc(value.value, value.value - TOLERANCE, value.high))
    assert [problem.kind for problem in store.problems(changed)] == ["numbers"]


def test_numbers_of_another_processor_are_the_same(stored: tuple[ResultStore, Path]):
    store, path = stored
    value = read_result(path).metrics["auc"]
    assert value.value is not None
    near = change(path, seal="made", metrics=auc(value.value + 1e-12, value.low, value.high))
    assert store.problems(near) == ()


def test_another_number_of_test_events(stored: tuple[ResultStore, Path]):
    store, path = stored
    result = change(path, seal="made", events={"test": 19})
    assert [p.text for p in store.problems(result)] == [
        "the record has 19 test events, but scores of 20; run the cell again"
    ]


def test_scores_that_give_no_auc(stored: tuple[ResultStore, Path]):
    store, path = stored
    some = scores()
    one_class = Scores.of(some.events.event_ids, np.zeros(20, int), some.probabilities)
    result = store.add(read_result(path), one_class)
    (problem,) = store.problems(result)
    assert "but its scores give none" in problem.text


@pytest.mark.parametrize("how", ["missing", "changed", "malformed", "unknown"])
def test_scores_that_cannot_be_used(stored: tuple[ResultStore, Path], how: str):
    store, path = stored
    result, file = read_result(path), path.with_suffix(".npz")
    if how == "missing":
        file.unlink()
    elif how == "changed":
        file.write_bytes(file.read_bytes() + b"x")
    elif how == "malformed":
        np.savez(file, log_ratios=np.zeros(3), events=np.array("f" * 64))
        result = store.add(result.model_copy(update={"scores_sha256": sha256(file)}))
    else:
        result = store.add(result.model_copy(update={"scores_sha256": None}))
    (problem,) = store.problems(result)
    assert problem.kind == "scores"
    assert problem.text.startswith("scores: ")
    assert "Run the cell again." in problem.text
    assert str(path.parent) not in problem.text, "boards do not show folders of this machine"
    assert store.find("ttbar", result.key) is None


def test_a_result_without_numbers_needs_no_scores(stored: tuple[ResultStore, Path]):
    store, _ = stored
    failed = store.add(record(status="failed", reason="no luck", metrics={}))
    assert store.problems(failed) == ()
