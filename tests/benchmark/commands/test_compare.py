"""`compare`: its output, its exit codes, and wrong requests."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from benchmark import cli
from benchmark.records.store import ResultStore
from tests.leaderboard.factory import scores_of
from tests.leaderboard.ranking.test_protocol import stored

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two models of which one is better, and two representations on which they are alike."""
    store = ResultStore(tmp_path / "results")
    for seed, (model, strength) in enumerate({"bdt": 1.0, "mpnn": 1.5}.items()):
        for representation in ("circles", "graph"):
            stored(store, scores_of(2, strength, seed=seed), model=model, representation=representation)
    return store.folder


def run(*words: object) -> int:
    return cli.exit_code(["compare", *map(str, words)])


def test_better_and_worse(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert run("bdt", "mpnn", "--results", folder) == 0
    out = capsys.readouterr().out
    assert out.count("better") == 3, "two lines and the verdict"
    assert out.splitlines()[-1].startswith("Of 2 pairs, mpnn is better in 2 and worse in 0 than bdt. ")
    assert run("mpnn", "bdt", "--results", folder) == 1
    assert (
        capsys.readouterr().out.splitlines()[-1].startswith("Of 2 pairs, bdt is better in 0 and worse in 2 than mpnn. ")
    )


def test_json_and_markdown(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert run("circles", "graph", "--results", folder, "--json", "--events", "2") == 0
    found = json.loads(capsys.readouterr().out)
    assert "In 2 there is no significant difference" in found["verdict"]
    assert {pair["outcome"] for pair in found["pairs"]} == {"no significant difference"}
    assert [len(pair["events"]) for pair in found["pairs"]] == [2, 2]
    assert run("circles/bdt", "circles/mpnn", "--results", folder, "--markdown", "--events", "1") == 0
    out = capsys.readouterr().out
    assert out.startswith("| Board | Trained on | A | B |")
    assert out.count("| --- |") >= 2


def test_two_folders(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    other = shutil.copytree(folder, tmp_path / "other")
    assert run(folder, other) == 0
    assert "In 4 there is no significant difference: it is at most 0 (" in capsys.readouterr().out
    assert run(folder, f"{folder}/.") == 2
    assert "are the same folder" in capsys.readouterr().err
    assert run(folder, other, "--results", folder) == 2
    assert "Leave it out" in capsys.readouterr().err
    assert run(folder, "bdt") == 2
    assert "is a folder, and 'bdt' is not" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bdt", "xyz"], "no result is of 'xyz'"),
        (["bdt", "circles"], "expected two of a kind"),
        (["bdt", "mpnn", "--task", "dimuonn"], "no results of the task 'dimuonn'"),
        (["bdt", "mpnn", "--events", "0"], "option '--events': 0, expected a whole number, 1 to"),
        (["bdt", "mpnn", "--json", "--markdown"], "exclude each other"),
        (["circles/bdt", "graph/xyz"], "no result is of 'graph/xyz'"),
        (["bdt", "bdt"], "expected two different names"),
        (["", "bdt"], "expected two different names"),
        (["bdt", "x" * 300], "no result is of 'xxx"),
    ],
)
def test_wrong_requests(folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str):
    assert run(*words, "--results", folder) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert message in line


def test_a_cell_that_failed_in_b_ends_with_1(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    other = ResultStore(shutil.copytree(folder, tmp_path / "other"))
    result = min(other.all(), key=lambda result: result.stem)
    (other.folder / result.task / f"{result.stem}.json").unlink()
    other.add(
        result.model_copy(update={"status": "failed", "reason": "no memory", "metrics": {}, "scores_sha256": None})
    )
    assert run(folder, other.folder) == 1
    assert "B is failed: no memory" in capsys.readouterr().out


def test_folders_without_results(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "empty").mkdir()
    for words in ((tmp_path / "empty", folder), ("bdt", "mpnn", "--results", tmp_path / "empty")):
        assert run(*words) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "no results in" in line


def test_a_folder_with_the_name_of_a_model(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder.parent)
    (folder.parent / "bdt").mkdir()
    assert run("bdt", "mpnn", "--results", folder) == 0


def test_nothing_in_common(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    other = ResultStore(tmp_path / "other")
    stored(other, scores_of(2, 1.0, seed=1), model="cnn")
    assert run(folder, other.folder) == 2
    assert "have no cell in common" in capsys.readouterr().err
