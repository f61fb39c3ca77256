"""`regressions record` and `check`, with a small program in place of this one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from benchmark import cli
from leaderboard.regressions import history
from tests.benchmark.repositories import PROJECT, commit, git, prepare, program

if TYPE_CHECKING:
    from pathlib import Path

LIMITS = "\n[tool.collision-benchmark.regressions]\n"


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return program(tmp_path, monkeypatch)


def regressions(clone: Path, command: str, *words: str) -> int:
    folders = ["--results", str(clone.parent / "results"), "--history", str(clone.parent / "history")]
    return cli.exit_code(["regressions", command, *folders, *words])


def version(clone: Path, name: str, **changes: Any) -> str:
    """Commit a version whose results are prepared."""
    prepare(clone.parent, name, **changes)
    return commit(clone, {"version.txt": name}, name)


def checked(clone: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[tuple[str, bool]]]:
    capsys.readouterr()
    code = regressions(clone, "check", "--json", *words)
    said = json.loads(capsys.readouterr().out)
    assert said["worse"] == (code == 1)
    return code, [(finding["kind"], finding["worse"]) for finding in said["findings"]]


def test_what_is_recorded(clone: Path, capsys: pytest.CaptureFixture[str]):
    commit_id = version(clone, "c")
    assert regressions(clone, "record") == 0
    assert "Commit it to accept these numbers." in capsys.readouterr().out
    points = history.read(clone.parent / "history")
    assert {(point.kind, point.number) for point in points} == {
        ("score", "auc"),
        ("cost", "operations of a prediction"),
    }
    assert {(point.revision, len(point.values), point.begins) for point in points} == {(commit_id, 3, False)}
    assert regressions(clone, "record", "--begin") == 0
    assert all(point.begins for point in history.read(clone.parent / "history")[2:])


def test_an_equal_revision_and_a_worse_one(clone: Path, capsys: pytest.CaptureFixture[str]):
    version(clone, "c")
    assert regressions(clone, "record") == 0
    assert checked(clone, capsys) == (0, [])
    version(clone, "d")
    assert checked(clone, capsys) == (0, [])
    version(clone, "e", strength=0.8, speed=0.85, flops=2e6)
    code, found = checked(clone, capsys)
    assert (code, sorted(set(found))) == (1, [("cost", True), ("score", True), ("time", True)])
    assert regressions(clone, "check") == 1
    assert "4 of 4 changes are for the worse." in capsys.readouterr().out
    assert checked(clone, capsys, "--since", "HEAD~1")[0] == 1
    version(clone, "f", strength=0.8, speed=0.85, flops=2e6)
    assert checked(clone, capsys, "--since", "HEAD~1") == (0, [])


def test_scores_that_drift(clone: Path, capsys: pytest.CaptureFixture[str]):
    """Each revision is within the error of the one before; the history says that they fall."""
    for number, strength in enumerate([1.0] * 6 + [0.97, 0.94, 0.91, 0.88, 0.88, 0.88]):
        name = f"v{number}-"
        prepare(clone.parent, name, strength=strength + 1e-4 * (-1) ** number)
        commit(clone, {"version.txt": name}, name)
        assert regressions(clone, "record") == 0
    code, found = checked(clone, capsys)
    assert (code, found) == (1, [("drift", True)])


def test_thresholds_of_the_project(clone: Path, capsys: pytest.CaptureFixture[str]):
    version(clone, "c")
    assert regressions(clone, "record") == 0
    project = PROJECT.format("2.0") + LIMITS
    commit(clone, {"pyproject.toml": project + "slower-by = 0.3\n"}, "limits")
    version(clone, "d", speed=0.85)
    assert checked(clone, capsys) == (0, [])
    commit(clone, {"pyproject.toml": project + "slower = 0.3\n"}, "wrong")
    assert regressions(clone, "check") == 2
    assert "[tool.collision-benchmark.regressions]" in capsys.readouterr().err


def test_wrong_requests(clone: Path, capsys: pytest.CaptureFixture[str]):
    assert regressions(clone, "check") == 2
    assert "First: python -m benchmark regressions record" in capsys.readouterr().err
    assert regressions(clone, "check", "--since", "older") == 2
    assert "revision older: no such commit" in capsys.readouterr().err
    assert regressions(clone, "record", "--cell", "ttbar") == 2
    assert "--cell 'ttbar'" in capsys.readouterr().err
    version(clone, "c")
    assert regressions(clone, "record") == 0
    (clone / "version.txt").write_text("d")
    for command in ("record", "check"):
        capsys.readouterr()
        assert regressions(clone, command) == 2
        err = capsys.readouterr().err
        assert "changes that are in no revision" in err
        assert err.count("\n") == 1
    git(clone, "checkout", "-q", ".")
    (clone.parent / "history" / "20990101T000000Z-x.jsonl").write_text("{}")
    assert regressions(clone, "check") == 2
    assert "a history of results" in capsys.readouterr().err
