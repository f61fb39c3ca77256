"""Records of strangers: each is read in bounds, or left out with one line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from benchmark.core.errors import UserError
from benchmark.metrics.metric import MetricColumn
from benchmark.records.fields import MOST_CLASSES, cleaned
from benchmark.records.result import new_result, read_result, to_store
from benchmark.records.store import ResultStore
from tests.benchmark.records.test_store import record, scores

if TYPE_CHECKING:
    from pathlib import Path

MANY = {f"m{number}": {"value": 1.0} for number in range(2001)}
COLUMN = {"name": "x", "header": "X"}


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("model", "x" * 10_000, "at most 100 characters"),
        ("model", "../../cnn", "can be part of a file's name"),
        ("task", "..", "can be part of a file's name"),
        ("fingerprint", "/etc/x", "can be part of a file's name"),
        ("model", "", "at least 1 character"),
        ("model", "cnn\x1b[2J", "printable characters alone"),
        ("source", "a\nb", "printable characters alone"),
        ("level", "\u202edetector", "printable characters alone"),
        ("classes", [f"c{number}" for number in range(5000)], "at most 100 items"),
        ("classes", ["x" * 1001, "b"], "at most 1000 characters"),
        ("confusion_matrix", [[1] * (MOST_CLASSES + 1)], "at most 100 items"),
        ("confusion_matrix", [[-1]], "greater than or equal to 0"),
        ("confusion_matrix", [[0.5]], "valid integer"),
        ("metrics", MANY, "at most 2000 items"),
        ("metrics", {"x\x07": {"value": 1.0}}, "printable characters alone"),
        ("events", {f"e{number}": 1 for number in range(301)}, "at most 300 items"),
        ("events", {"test": -1}, "greater than or equal to 0"),
        ("parameters_count", 3.5, "valid integer"),
        ("parameters_count", 10**16, "less than or equal to"),
        ("seed", 10**400, "a whole number of 1,329 bits"),
        ("timings", {"fit": "soon"}, "valid number"),
        ("bounds", {"cvm": float("nan")}, "finite number"),
        ("bounds", {"cvm": 1e101}, "expected at most 1e+100"),
        ("details", {"loss": -1e101}, "expected at most 1e+100"),
        ("timings", {"fit": 1e308}, "expected at most 1e+100"),
        ("throughput", {"latency_ms": 1e308}, "expected at most 1e+100"),
        ("metrics", {"auc": {"value": 1e308}}, "expected at most 1e+100"),
        ("metric_columns", [COLUMN] * 101, "101 columns, expected at most 100"),
        ("metric_columns", [{**COLUMN, "header": "x" * 501}], "a text of 501 characters"),
        ("metric_columns", [{**COLUMN, "unit": "\x1b"}], "printable characters alone"),
        ("parameters", {"a": "x" * 100_001}, "a text of 100,001 characters"),
        ("parameters", {"a": [[[]]] * 60_000}, "more than 100,000 values"),
        ("environment", {"a": "\ud83d"}, "surrogates not allowed"),
        ("luck", 1, "Extra inputs are not permitted"),
    ],
)
def test_out_of_bounds(tmp_path: Path, capsys: pytest.CaptureFixture[str], field: str, value: Any, reason: str):
    store = ResultStore(tmp_path)
    store.add(record(), scores())
    (path,) = store.paths()
    path.write_text(json.dumps({**json.loads(path.read_text()), field: value}))
    with pytest.raises(UserError, match="not a readable result") as error:
        read_result(path)
    assert reason in str(error.value)
    assert len(str(error.value)) < 500
    assert list(store.all()) == []
    (line,) = capsys.readouterr().err.splitlines()
    assert line.isprintable()


def test_words_of_others_are_cleaned():
    result = record(status="failed", reason="\x1b[31mno\nluck" + "x" * 5000, environment={"traceback": "a\n\x1bb"})
    assert result.reason is not None
    assert result.reason.startswith("\\x1b[31mno\nluck")
    assert len(result.reason) == 2000
    assert result.environment == {"traceback": "a\n\\x1bb"}
    assert cleaned("plain", 10) == "plain"


def test_what_could_not_be_read_again_is_not_stored(tmp_path: Path):
    store = ResultStore(tmp_path)
    half = record().model_copy(update={"parameters_count": 3.5})
    endless = record().model_copy(update={"details": {"loss": float("inf")}})
    for broken in (half, endless):
        with pytest.raises(UserError, match="result of circles · cnn: field") as error:
            store.add(broken, scores())
        assert "Correct the plug-in." in str(error.value)
    assert not list(tmp_path.rglob("*"))


def test_fields_of_plugins_are_checked_before_a_run():
    fields = {**record().model_dump(), "model": "x" * 300}
    with pytest.raises(UserError, match=r"field 'model': String should have at most 100 characters"):
        new_result(**fields)


def test_a_record_is_read_as_it_is_written():
    columns = (MetricColumn("x", "X"),)
    content, read = to_store(record(metric_columns=columns, parameters={"names": ["η", "φ"]}))
    assert read == record(metric_columns=columns, parameters={"names": ["η", "φ"]}, created=read.created)
    assert read.seal == "right"
    assert "η" in content.decode()
