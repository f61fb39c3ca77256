"""`compare main..HEAD`: scores, counted costs and times of two revisions, with a small program in place of this one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from benchmark import cli
from tests.benchmark.repositories import PROJECT, commit, prepare, program

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program(tmp_path, monkeypatch)
    return tmp_path


def compare(folder: Path, *words: str) -> int:
    return cli.exit_code(["compare", "old..HEAD", "--results", str(folder / "results"), *words])


def found(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code = compare(folder, "--json")
    return code, json.loads(capsys.readouterr().out)


def test_equal_programs(clone: Path, capsys: pytest.CaptureFixture[str]):
    prepare(clone, "a")
    prepare(clone, "b")
    code, said = found(clone, capsys)
    assert (code, said["findings"]) == (0, [])
    assert said["pairs"][0]["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert said["times"]["training: wprime fourvectors/ffnn"]["value"] == pytest.approx(1, abs=0.002)
    assert "it is at most 0 (95% intervals)" in said["verdict"]
    assert "measured in turn, times are 1.00 to 1.00 times as long" in said["verdict"]


def test_a_program_that_got_worse_in_all_ways(clone: Path, capsys: pytest.CaptureFixture[str]):
    prepare(clone, "a", strength=1.2)
    prepare(clone, "b", strength=1.0, speed=0.9, flops=1.1e6)
    code, said = found(clone, capsys)
    assert code == 1
    assert {finding["kind"] for finding in said["findings"]} == {"score", "cost", "time"}
    assert all(finding["worse"] for finding in said["findings"])
    assert [f["words"] for f in said["findings"] if f["kind"] == "cost"] == [
        "operations of a prediction: 1,000,000 to 1,100,000"
    ]
    assert compare(clone, "--markdown") == 1
    out = capsys.readouterr().out
    assert "| Measured in turn | B / A |" in out
    assert "| wprime fourvectors/ffnn | operations of a prediction" in out


def test_a_program_that_got_faster_is_not_worse(clone: Path, capsys: pytest.CaptureFixture[str]):
    prepare(clone, "a")
    prepare(clone, "b", speed=2.0, flops=0.5e6)
    code, said = found(clone, capsys)
    assert code == 0
    assert [(each["kind"], each["worse"]) for each in said["findings"]] == [("cost", False), *[("time", False)] * 2]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("old..HEAD", "--cell", "ttbar/bdt"), "expected a task, a representation and a model"),
        (("old..HEAD", "--seeds", "none"), "--seeds 'none'"),
        (("older..HEAD",), "revision older: no such commit"),
        (("bdt",), "one name 'bdt', expected two"),
        (("old..HEAD",), "ended with exit code 2"),
    ],
)
def test_wrong_requests(clone: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str):
    assert cli.exit_code(["compare", *words, "--results", str(clone / "results")]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_other_packages(clone: Path, capsys: pytest.CaptureFixture[str]):
    prepare(clone, "a")
    prepare(clone, "b")
    commit(clone / "clone", {"pyproject.toml": PROJECT.format("2.1")}, "newer")
    assert compare(clone) == 2
    assert "or give --same-packages" in capsys.readouterr().err
    assert compare(clone, "--same-packages") == 0
