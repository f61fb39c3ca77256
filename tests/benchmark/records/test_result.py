from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from benchmark.core.errors import UserError
from benchmark.records import result as module
from benchmark.records.identity import make_key
from benchmark.records.result import SCHEMA_VERSION, MetricValue, read_result, upgrade

HISTORIC = Path(__file__).parent / "historic_results"


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_nan_is_no_metric(number: float):
    with pytest.raises(ValidationError):
        MetricValue(value=number)


def test_key_changes_with_its_parts_and_not_with_their_order():
    parts = {"task": {"name": "a", "parameters": {"x": 1, "y": 2.0}}, "classes": ("a", "b"), "none": None}
    assert make_key(parts) == make_key(dict(reversed(parts.items())))
    assert make_key(parts) != make_key({**parts, "none": 0})
    for wrong in (float("nan"), object()):
        with pytest.raises(UserError, match="plain JSON values"):
            make_key({"parameter": wrong})


@pytest.mark.parametrize("path", sorted(HISTORIC.glob("v*.json")), ids=lambda path: path.stem)
def test_records_of_every_schema_version_are_readable(path: Path):
    found = read_result(path)
    assert found.schema_version == SCHEMA_VERSION
    assert found.status == "done"
    assert 0.9 < found.metrics["auc"].value < 1
    assert found.metrics["example_undefined"].reason == "no event of this class"
    assert found.classes == ("ttbar", "wjets", "drellyan")


def test_every_schema_version_has_its_archived_record():
    versions = [json.loads(path.read_text())["schema_version"] for path in HISTORIC.glob("v*.json")]
    assert sorted(versions) == list(range(1, SCHEMA_VERSION + 1))


def test_upgrades_are_applied_in_turn(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "SCHEMA_VERSION", 3)
    steps = {n: lambda old, n=n: {**old, "schema_version": n + 1, "trail": [*old.get("trail", []), n]} for n in (1, 2)}
    monkeypatch.setattr(module, "UPGRADES", steps)
    assert upgrade({"schema_version": 1}) == {"schema_version": 3, "trail": [1, 2]}
    assert upgrade({"schema_version": 2})["trail"] == [2]
    assert upgrade({"schema_version": 3}) == {"schema_version": 3}
    with pytest.raises(UserError, match="schema version 4, expected 1 to 3"):
        upgrade({"schema_version": 4})
    with pytest.raises(UserError, match=r"schema version .{30,80} \.\.\., expected"):  # whatever a stranger wrote there
        upgrade({"schema_version": ["a\n"] * 1000})
    with pytest.raises(UserError, match="no result of this program"):
        upgrade({"a": 1})
