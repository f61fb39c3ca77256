from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING

import pytest

from benchmark import cli
from benchmark.engine.plan import jobs_of
from benchmark.records.store import ResultStore
from tests.benchmark.toys import LONELY, TOY, arguments, contents, metric, request, run_toy

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.engine.job import Job
    from benchmark.engine.request import Request
    from tasks.data.dataset import DataSet


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("benchmark.engine.executor.Worker", None)


def test_dry_run_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    words = [*arguments(tmp_path / "results", tmp_path / "data", "Nearest", "Raises"), "--seeds", "2", "--dry-run"]
    assert cli.exit_code(words) == 0
    output = capsys.readouterr().out
    assert output.count("to run") == 5
    assert "4 of 4 cells to run" in output
    assert "data to make" in output
    assert cli.exit_code([*words, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert [cell["seed"] for cell in plan["cells"]] == [0, 1, 0, 1]
    assert list(tmp_path.iterdir()) == []


def test_a_failed_cell_is_exit_code_1_and_the_page_is_there(
    tmp_path: Path, toy_data: Path, capsys: pytest.CaptureFixture[str]
):
    assert cli.exit_code(arguments(tmp_path, toy_data, "Raises", "Nearest")) == 1
    captured = capsys.readouterr()
    assert "raises" in captured.out
    assert "AUC" in captured.out
    assert (tmp_path / "leaderboard" / "index.html").as_uri() in captured.out
    assert (tmp_path / "leaderboard" / "index.html").is_file()
    assert "failed RuntimeError: the loss became a butterfly" in captured.err
    assert "Traceback" not in captured.err


def test_the_table_at_the_end_has_what_was_asked_for(
    tmp_path: Path, toy_data: Path, capsys: pytest.CaptureFixture[str]
):
    """Another command had a cell that failed."""
    assert cli.exit_code(arguments(tmp_path, toy_data, "Raises")) == 1
    assert re.search(r"raises \(toy_models\.py \w{8}\): failed", capsys.readouterr().out)
    assert cli.exit_code(arguments(tmp_path, toy_data, "Nearest")) == 0
    out = capsys.readouterr().out
    assert "nearest" in out
    assert "raises" not in out
    assert "Ranks are among all rows of each board; the page has 1 more, published or your own." in out
    assert "raises" in "".join(path.read_text() for path in (tmp_path / "leaderboard").rglob("*.html"))


def test_the_same_command_again_trains_nothing(
    tmp_path: Path, toy_data: Path, no_training: None, toy_results: Path, capsys: pytest.CaptureFixture[str]
):
    before = contents(toy_results / "toy")
    words = [*arguments(toy_results, toy_data, "Nearest", "Raises"), "--overwrite", "never"]
    assert cli.exit_code([*words, "--quiet"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("error: toy · fourvectors · raises")
    assert "seed 0: failed: RuntimeError: the loss became a butterfly" in line
    assert contents(toy_results / "toy") == before
    assert cli.exit_code([*words, "--quiet", "--json"]) == 1
    assert [record["status"] for record in json.loads(capsys.readouterr().out)] == ["done", "failed"]
    assert cli.exit_code([*words, "--dry-run"]) == 0
    output = capsys.readouterr().out
    assert "done already" in output
    assert "0 of 2 cells to run" in output
    assert contents(toy_results / "toy") == before


def test_skipped_cells_are_no_failure(tmp_path: Path, toy_data: Path):
    levels = run_toy(request("Nearest", level="generator"), tmp_path, toy_data)
    lonely = run_toy(request("Nearest", tasks=(LONELY,)), tmp_path, toy_data)
    assert [result.status for result in (*levels, *lonely)] == ["skipped", "skipped"]
    words = arguments(tmp_path, toy_data, "Nearest")
    assert cli.exit_code([*words, "--level", "generator", "--quiet"]) == 0


def test_cells_that_mean_the_same_run_once(tmp_path: Path, toy_data: Path):
    found = run_toy(request("Nearest", "Nearest[noise=0]", "Nearest[noise=0.0]"), tmp_path, toy_data)
    assert [result.status for result in found] == ["done"]
    assert len(list(ResultStore(tmp_path).all())) == 1


def test_overwrite_always_gives_the_same_numbers(tmp_path: Path, toy_data: Path):
    wanted = request("Nearest[noise=1]", seeds="2")
    first = run_toy(wanted, tmp_path, toy_data)
    again = run_toy(wanted, tmp_path, toy_data, overwrite="always")
    assert [one.metrics for one in first] == [one.metrics for one in again]
    assert [one.scores_sha256 for one in first] == [one.scores_sha256 for one in again]
    assert first[0].metrics != first[1].metrics


def test_metrics_asked_for_later_come_from_the_kept_scores(
    tmp_path: Path, toy_data: Path, monkeypatch: pytest.MonkeyPatch
):
    (first,) = run_toy(request("Nearest"), tmp_path, toy_data)
    monkeypatch.setattr("benchmark.engine.executor.Worker", None)
    (second,) = run_toy(request("Nearest", metrics=(metric("Mine"),)), tmp_path, toy_data)
    scores = ResultStore(tmp_path).scores(first)
    assert second.metrics["mine"].value == pytest.approx(float(scores.probabilities[:, 0].mean()))
    (third,) = run_toy(request("Nearest", metrics=(metric("Other"),)), tmp_path, toy_data)
    assert third.metrics["other"].value == len(scores.events.labels)
    assert third.metrics["mine"] == second.metrics["mine"], "what was computed before is kept"
    assert list(ResultStore(tmp_path).all()) == [third]
    before = contents(tmp_path / "toy")
    run_toy(request("Nearest", metrics=(metric("Other"),)), tmp_path, toy_data)
    assert contents(tmp_path / "toy") == before


@pytest.mark.parametrize(
    ("name", "limit", "message"),
    [("Steering", None, "expected printable characters alone"), ("Endless", 1, "took longer than 1 s")],
)
def test_metrics_asked_for_later_that_fail_leave_the_stored_result(
    tmp_path: Path, toy_data: Path, capsys: pytest.CaptureFixture[str], name: str, limit: float | None, message: str
):
    (first,) = run_toy(request("Nearest"), tmp_path, toy_data)
    assert run_toy(request("Nearest", metrics=(metric(name),)), tmp_path, toy_data, timeout=limit) == [first]
    assert message in capsys.readouterr().err
    assert list(ResultStore(tmp_path).all()) == [first]


def test_missing_scores_are_made_again(tmp_path: Path, toy_data: Path):
    (first,) = run_toy(request("Nearest"), tmp_path, toy_data)
    (tmp_path / "toy" / f"{first.stem}.npz").unlink()
    (second,) = run_toy(request("Nearest"), tmp_path, toy_data)
    assert (second.key, second.metrics, second.scores_sha256) == (first.key, first.metrics, first.scores_sha256)
    assert ResultStore(tmp_path).find("toy", first.key) == second


def test_a_record_of_an_earlier_version_gets_its_seal(tmp_path: Path, toy_data: Path, monkeypatch: pytest.MonkeyPatch):
    (first,) = run_toy(request("Nearest"), tmp_path, toy_data)
    path = tmp_path / "toy" / f"{first.stem}.json"
    fields = json.loads(path.read_text())
    del fields["seal"], fields["model_origin"]
    path.write_text(json.dumps({**fields, "source": "another", "fast_simulation": True}))
    monkeypatch.setattr("benchmark.engine.executor.Worker", None)  # nothing is trained
    (second,) = run_toy(request("Nearest"), tmp_path, toy_data)
    assert second == first == ResultStore(tmp_path).find("toy", first.key)
    assert second.seal == "right"


def test_a_record_without_a_seal_gets_the_numbers_of_its_scores(
    tmp_path: Path, toy_data: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its AUC alone is compared with its scores when it is found."""
    (first,) = run_toy(request("Nearest"), tmp_path, toy_data)
    path = tmp_path / "toy" / f"{first.stem}.json"
    fields = json.loads(path.read_text())
    del fields["seal"]
    fields["metrics"] |= {"accuracy": {"value": 1.0}, "invented": {"value": 99.0}}
    fields["metric_columns"] = [{"name": "invented", "header": "Invented"}]
    fields["confusion_matrix"] = [[1000, 0], [0, 1000]]
    path.write_text(json.dumps(fields))
    monkeypatch.setattr("benchmark.engine.executor.Worker", None)  # nothing is trained
    (second,) = run_toy(request("Nearest"), tmp_path, toy_data)
    assert second == first == ResultStore(tmp_path).find("toy", first.key)
    assert second.seal == "right"


def test_a_record_that_was_changed_is_made_again(tmp_path: Path, toy_data: Path):
    (first,) = run_toy(request("Nearest"), tmp_path, toy_data)
    path = tmp_path / "toy" / f"{first.stem}.json"
    fields = json.loads(path.read_text())
    fields["metrics"]["auc"]["value"] = 0.9999
    del fields["seal"]
    path.write_text(json.dumps(fields))
    (second,) = run_toy(request("Nearest"), tmp_path, toy_data)
    assert second.metrics == first.metrics
    assert ResultStore(tmp_path).problems(second) == ()


def test_a_run_without_a_task_prints_its_plan_first(
    tmp_path: Path, toy_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """And continues without asking, since there may be no one to answer."""

    def two_tasks(wanted: Request) -> dict[DataSet, list[Job]]:
        return jobs_of(dataclasses.replace(wanted, tasks=wanted.tasks or (TOY, LONELY)))

    monkeypatch.setattr("benchmark.engine.runner.jobs_of", two_tasks)
    words = arguments(tmp_path, toy_data, "Nearest")
    named = [word for word in words if word not in ("--task", TOY)]
    assert cli.exit_code(named) == 0
    first, *others = capsys.readouterr().err.splitlines()
    assert first.startswith(
        "no task was named, so this runs 2 of them: 1 of toy, 1 of lonely cells. To run one: --task"
    )
    assert any("done AUC" in line for line in others)
    assert cli.exit_code([*words, "--overwrite", "always"]) == 0
    assert "no task was named" not in capsys.readouterr().err
