"""Commands that print existing results, data and plug-ins: `results`, `leaderboard`, `info`, `list`, `data show`."""

from __future__ import annotations

import csv
import io
import json
import shutil
from typing import TYPE_CHECKING

import pytest

from benchmark import cli
from benchmark.core.plugin import PRESETS
from benchmark.metrics.registry import METRICS
from benchmark.records.result import Result
from benchmark.records.store import PAGES_MARK, ResultStore
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS
from tests.benchmark.toys import TOY

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]):
    """Run a command line that must succeed, and return its output."""

    def run(*words: str) -> str:
        assert cli.exit_code(words) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        return captured.out

    return run


def test_results_as_json_are_the_records(said, toy_results: Path, toy_store: ResultStore):
    records = json.loads(said("results", "--json", "--results", str(toy_results)))
    assert {tuple(record.pop("problems")) for record in records} == {()}
    assert {Result(**record).key: Result(**record) for record in records} == {r.key: r for r in toy_store.all()}


def test_results_as_csv(said, toy_results: Path):
    rows = list(csv.DictReader(io.StringIO(said("results", "--csv", "--results", str(toy_results)))))
    assert {row["task"] for row in rows} == {"toy"}
    assert len(rows) == 2


def test_results_as_markdown_and_latex(said, toy_results: Path):
    markdown = said("results", "--markdown", "--results", str(toy_results))
    assert any(line.startswith("|") and "nearest" in line for line in markdown.splitlines())
    latex = said("results", "--latex", "--results", str(toy_results))
    assert latex.count(r"\begin{table") == latex.count(r"\end{table") == 1


def test_results_as_boards(said, toy_results: Path):
    board = said("results", "--results", str(toy_results))
    assert board.splitlines()[0].startswith("toy (toy_task.py ")
    (row,) = (line for line in board.splitlines() if "nearest" in line)
    assert row.split()[:2] == ["fourvectors", "nearest"]


@pytest.mark.parametrize("words", ["results", "results --markdown", "results --csv", "results --latex", "leaderboard"])
@pytest.mark.parametrize("begun", [False, True])
def test_no_results_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, begun: bool):
    if begun:  # what a run leaves that was interrupted before its first result
        (tmp_path / "toy").mkdir()
        (tmp_path / "toy" / "examples-0f1e2d3c4b5a.npz").write_bytes(b"")
    assert cli.exit_code([*words.split(), "--results", str(tmp_path)]) == 0
    assert capsys.readouterr().err.startswith(f"no results in {tmp_path} yet. First: ")


def test_no_results_as_json_are_an_empty_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.exit_code(["results", "--json", "--results", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == []
    assert captured.err.startswith("no results in")


def test_a_broken_file_of_any_name_is_reported_and_the_rest_printed(
    toy_results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "results"
    shutil.copytree(toy_results, folder)
    (folder / "toy" / "x.json").write_text("{")
    (record,) = (path for path in (folder / "toy").glob("*nearest*.json"))
    shutil.copy(record, folder / "toy" / "copy.json")
    assert cli.exit_code(["results", "--results", str(folder)]) == 0
    captured = capsys.readouterr()
    copied, broken = captured.err.splitlines()
    assert broken.startswith(f"warning: {folder / 'toy' / 'x.json'}: not a readable result")
    assert copied.startswith(f"warning: {folder / 'toy' / 'copy.json'}: holds the result toy/{record.stem}")
    assert captured.out.count("nearest") == 1


def test_a_broken_record_is_left_out_with_one_warning(
    toy_store: ResultStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    store = ResultStore(tmp_path)
    for result in toy_store.all():
        store.add(result.model_copy(update={"status": "failed", "metrics": {}}))
    path = store.paths()[0]
    path.write_text(path.read_text()[:100])
    assert cli.exit_code(["results", "--results", str(tmp_path), "--json"]) == 0
    captured = capsys.readouterr()
    assert len(json.loads(captured.out)) == 1
    (line,) = captured.err.splitlines()
    assert line.startswith(f"warning: {path}: not a readable result")


def test_leaderboard(said, toy_results: Path, tmp_path: Path):
    page = said("leaderboard", "--results", str(toy_results), "--output", str(tmp_path / "site")).strip()
    assert page == (tmp_path / "site" / "index.html").as_uri()
    assert "toy" in (tmp_path / "site" / "index.html").read_text()


def test_leaderboard_knows_its_own_folder_and_leaves_those_of_others_alone(
    said, toy_results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    site = tmp_path / "site"
    words = ("leaderboard", "--results", str(toy_results), "--output", str(site))
    site.mkdir()
    said(*words)
    assert said(*words).strip() == (site / "index.html").as_uri()
    (site / PAGES_MARK).unlink()
    assert cli.exit_code(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"--output {site}: contains other files" in line
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    assert cli.exit_code([*words[:-1], str(other)]) == 2
    assert [path.name for path in other.iterdir()] == ["mine.txt"]
    capsys.readouterr()
    said(*words[:-1], str(other), "--force")
    assert (other / "mine.txt").read_text() == "mine"


def test_info(said, tmp_path: Path):
    facts = json.loads(said("info", "--json", "--results", str(tmp_path), "--data", str(tmp_path / "d")))
    assert facts["results"] == str(tmp_path)
    assert facts["data"] == str(tmp_path / "d")
    assert {"benchmark", "revision", "python", "processor", "cores", "device", "gpu", "torch"} <= set(facts)
    text = said("info", "--results", str(tmp_path))
    assert [line.split()[0] for line in text.splitlines()] == list(facts)


def test_info_takes_the_data_folder_from_the_environment(said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BENCHMARK_DATA", str(tmp_path))
    assert json.loads(said("info", "--json"))["data"] == str(tmp_path)
    monkeypatch.delenv("BENCHMARK_DATA")
    assert "collision-benchmark" in json.loads(said("info", "--json"))["data"]


def test_list(said):
    found = json.loads(said("list", "--json"))
    wanted = {registry.group: registry.names() for registry in (TASKS, REPRESENTATIONS, MODELS, METRICS)}
    wanted["presets"] = [preset.name for preset in PRESETS]
    assert {group: [row["name"] for row in rows] for group, rows in found.items()} == wanted
    assert all(row["summary"] and row["origin"] == "package" for rows in found.values() for row in rows)
    lines = [line.split(maxsplit=1) for line in said("list").splitlines() if line.startswith("  ")]
    assert [name for name, _ in lines] == [name for names in wanted.values() for name in names], "a line each"


def test_list_tells_the_parameters_of_what_is_named(said):
    text = said("list", "cnn")
    assert "depth = 15, smoke: 7  (whole number)\n      number of convolutions of a resnet. 7, 11, 15" in text
    assert "epochs = 60, smoke: 2  (whole number, 1 to 10000)" in text, "inherited ones too"
    assert "learning_rate = 0.001, recipe=paper: 0.0005  (number" in text, "and values of recipes"
    assert "units = 256, smoke: 32, paper: 500, recipe=paper: 500" in said("list", "ffnn")
    assert "psi2s     3.65 to 3.95" in said("list", "dimuon")
    assert "one of at_least_one, exactly_one" in (ttbar := said("list", "ttbar"))
    assert "pileup = 0.0  (one of 2010, 2011, 2012, or number, 0 to 200)" in ttbar
    assert "size = 224, smoke: 56, quick: 56  (whole number, 8 to 1024)" in said("list", "circles")
    assert said("list", "jet_image").count(" = True  (true or false)") == 4
    assert "slope = 60.0" in said("list", TOY)
    assert "  auc: AUC, higher is better\n      " in said("list", "auc"), "the columns that a metric declares"
    both = said("list", "circles", "accuracy")
    assert both.index("circles (package)") < both.index("accuracy (package)")
    assert "\n\nColumns:\n\n" in both
    assert "No parameters." in said("list", "constant")
    (found,) = json.loads(said("list", "cnn", "--json"))
    assert found in json.loads(said("list", "--json"))["models"]
    assert {"name": "depth", "type": "int", "default": "15", "presets": {"smoke": 7}}.items() <= next(
        parameter for parameter in found["parameters"] if parameter["name"] == "depth"
    ).items()


def test_data_show(said, toy_data: Path):
    folder, test = sorted((toy_data / "toy").iterdir())
    found = json.loads(said("data", "show", TOY, "--json", "--data", str(toy_data)))
    assert found["levels"]["generator"] == "skipped: partons have no spectrum here"
    manifest, of_test = found["data"].values()
    assert list(found["data"]) == [str(folder), str(test)]
    assert sum(manifest["counts"]["hard"].values()) == 120
    assert of_test["counts"]["hard"] == {"train": 0, "valid": 0, "test": 100}
    text = said("data", "show", TOY, "--data", str(toy_data))
    assert f"fingerprint {of_test['fingerprint']}" in text
    row, _ = (line.split() for line in text.splitlines() if line.startswith("  hard"))
    assert row == ["hard", *(str(manifest["counts"]["hard"][split]) for split in ("train", "valid", "test")), "120"]


def test_data_show_before_there_are_any(said, tmp_path: Path):
    text = said("data", "show", "ttbar", "--data", str(tmp_path))
    assert "To make them: python -m benchmark data generate ttbar\n" in text
    assert list(tmp_path.iterdir()) == []


def test_advice_names_what_was_typed_and_how_the_task_gets_its_events(said, tmp_path: Path):
    typed = f"{TOY}[slope=61]"
    text = said("data", "show", typed, "--data", str(tmp_path))
    assert f"python -m benchmark data generate '{typed}'\n" in text
    text = said("data", "show", "quark_gluon", "--data", str(tmp_path))
    assert "python -m benchmark data import quark_gluon --source PATH\n" in text


def test_data_show_lists_no_empty_folder(said, tmp_path: Path):
    folder = tmp_path / "ttbar" / "files-0123456789"
    folder.mkdir(parents=True)
    (folder / ".lock").touch()
    text = said("data", "show", "ttbar", "--data", str(tmp_path))
    assert "no data in" in text
    assert str(folder) not in text


def test_data_show_of_a_broken_manifest(toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "toy" / "detector-1-0123456789").mkdir(parents=True)
    (tmp_path / "toy" / "detector-1-0123456789" / "manifest.json").write_text("{")
    assert cli.exit_code(["data", "show", TOY, "--data", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "manifest.json: not a valid manifest" in line
