"""Ten seeds of one cell, of which one is broken: ten are run, nine have numbers, and every table says so."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from benchmark import cli
from benchmark.records.store import ResultStore
from tests.benchmark.toys import arguments

if TYPE_CHECKING:
    from pathlib import Path

REASON = "the fourth seed never works"


@pytest.fixture
def results(tmp_path: Path, toy_data: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    words = arguments(tmp_path / "results", toy_data, "FailsOnce")
    assert cli.exit_code([*words, "--seeds", "10"]) == 1
    said = capsys.readouterr()
    assert "9 of 10, one failed" in " ".join(said.out.split())
    assert said.err.count(REASON) == 1
    return tmp_path / "results"


def shown(results: Path, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert cli.exit_code(["results", "--results", str(results), *words]) == 0
    return capsys.readouterr().out


def test_every_table_has_nine_of_ten(results: Path, capsys: pytest.CaptureFixture[str]):
    stored = {result.seed: result for result in ResultStore(results).all()}
    assert sorted(stored) == list(range(10))
    assert [seed for seed, result in stored.items() if result.status != "done"] == [3]
    for words in ((), ("--markdown",), ("--latex",)):
        table = " ".join(shown(results, capsys, *words).split())
        assert "9 of 10, one failed" in table, words
        assert REASON in table, words
    (line,) = csv.DictReader(io.StringIO(shown(results, capsys, "--csv")))
    assert line["seeds"] == "9 of 10, one failed"
    assert REASON in line["status"]
    records = json.loads(shown(results, capsys, "--json"))
    assert [record["seed"] for record in records if record["status"] == "failed"] == [3]
    assert [record["reason"] for record in records if record["seed"] == 3] == [stored[3].reason]
    page = next((results / "leaderboard").glob("*.html")).parent
    text = " ".join(" ".join(path.read_text() for path in page.glob("*.html")).split())
    assert "9 of 10, one failed" in text
    assert REASON in text
