"""`rescore`: what it says, what it writes, and how it ends."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from benchmark import cli
from benchmark.records.store import ResultStore

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(toy_results: Path, tmp_path: Path) -> Path:
    """A copy of finished results, to change."""
    return shutil.copytree(toy_results, tmp_path / "results")


def changed(folder: Path, **metrics: float | None) -> str:
    """Change the values of numbers of one result, or drop them; returns its name."""
    store = ResultStore(folder)
    result = min(store.all(), key=lambda result: result.stem)
    kept = {name: number for name, number in result.metrics.items() if metrics.get(name, 0) is not None}
    new = {n: kept[n].model_copy(update={"value": value}) for n, value in metrics.items() if value is not None}
    store.add(result.model_copy(update={"metrics": {**kept, **new}}))
    return f"{result.task}/{result.stem}"


def run(folder: Path, *words: str) -> int:
    return cli.exit_code(["rescore", str(folder), *words])


def test_stored_numbers_are_those_of_their_scores(folder: Path, capsys: pytest.CaptureFixture[str]):
    before = {path.name: path.read_bytes() for path in folder.rglob("*.json")}
    assert run(folder) == 0
    assert capsys.readouterr().out == "2 of 2 results have the numbers of their scores\n"
    assert {path.name: path.read_bytes() for path in folder.rglob("*.json")} == before


def test_a_changed_number_is_named_and_not_written(folder: Path, capsys: pytest.CaptureFixture[str]):
    name = changed(folder, auc=0.25)
    for _ in range(2):
        assert run(folder, "--quiet") == 1
        first, second = capsys.readouterr().out.splitlines()
        assert first.startswith(f"auc of {name}: 0.25 [")
        assert second == "auc: differs in 1 of 2 results"


def test_replaced_on_request(folder: Path, toy_store: ResultStore, capsys: pytest.CaptureFixture[str]):
    changed(folder, auc=0.25)
    assert run(folder, "--replace") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-2:] == ["auc: replaced in 1 of 2 results", "2 of 2 results have the numbers of their scores"]
    key = lambda result: result.key  # noqa: E731
    assert sorted(ResultStore(folder).all(), key=key) == sorted(toy_store.all(), key=key)


def test_a_number_that_is_missing_is_added(folder: Path, toy_store: ResultStore, capsys: pytest.CaptureFixture[str]):
    changed(folder, accuracy=None)
    assert run(folder) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == ["accuracy: added to 1 of 2 results", "2 of 2 results have the numbers of their scores"]
    assert {r.key: r.metrics.get("accuracy") for r in ResultStore(folder).all()} == {
        r.key: r.metrics.get("accuracy") for r in toy_store.all()
    }


def test_as_json(folder: Path, capsys: pytest.CaptureFixture[str]):
    name = changed(folder, auc=0.25)
    assert run(folder, "--json", "--quiet") == 1
    records = {record["result"]: record for record in json.loads(capsys.readouterr().out)}
    (difference,) = records.pop(name)["different"]
    assert (difference["number"], difference["shift"], difference["recorded"]["value"]) == ("auc", "", 0.25)
    assert all((r["different"], r["added"], r["problems"]) == ([], [], []) for r in records.values())


def test_a_result_without_scores(folder: Path, capsys: pytest.CaptureFixture[str]):
    missing = min(path for path in folder.rglob("*.npz") if "-seed" in path.name)
    missing.unlink()
    assert run(folder) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"toy/{missing.stem}: scores: ")
    assert said[-1] == "1 of 2 results have the numbers of their scores"


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_no_such_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]):
    assert run(tmp_path / "nowhere", *words) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith(f"error: RESULTS {tmp_path / 'nowhere'}: nothing there, expected a folder of results.")
