"""`data generate` and `data import`: made once, and found again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmark import cli
from benchmark.core.seal import unsealed
from benchmark.engine.job import build
from benchmark.engine.request import cells
from tests.benchmark.cells import toy_job
from tests.benchmark.toys import LONELY, TOY, request
from tests.tasks.sources.files import HEADER, back_to_back

if TYPE_CHECKING:
    from pathlib import Path


TWO_SHIFTS = """
from dataclasses import dataclass
from tests.benchmark.plugins import toy_task

@dataclass(frozen=True, kw_only=True)
class Two(toy_task.Shifted):
    \"\"\"The toy with two shifted simulations.\"\"\"

    name = "two"
    shifts = {name: toy_task.Shifted.shifts[name] for name in ("softer", "impossible")}
"""


def data(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert cli.exit_code(("data", *words)) == 0
    return capsys.readouterr().out


def test_made_once_and_found_again_by_run_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    words = ("generate", f"{TOY},{LONELY}", "--preset", "smoke", "--workers", "1", "--data", str(tmp_path))
    rows = json.loads(data(capsys, *words, "--json"))
    made = [(row["task"], row["made"], row["manifest"]["test_events"]) for row in rows]
    assert made == [("toy", True, None), ("toy", True, 100), ("lonely", True, None), ("lonely", True, 100)]
    folder = toy_job().data.folder(tmp_path)
    assert rows[0]["folder"] == str(folder)
    assert rows[0]["manifest"] == unsealed(json.loads((folder / "manifest.json").read_text()))[0]
    times = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    lines = data(capsys, *words).splitlines()
    assert lines[0] == f"toy: 240 events already made, in {folder}"
    assert data(capsys, *words, "--quiet") == ""
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == times


def test_a_variant_and_a_level_have_data_of_their_own(
    tmp_path: Path, toy_data: Path, capsys: pytest.CaptureFixture[str]
):
    words = ("--preset", "smoke", "--level", "hadron", "--workers", "1", "--data", str(tmp_path), "--json")
    row, test = json.loads(data(capsys, "generate", f"{TOY}[slope=50,shard_events=120]", *words))
    assert row["manifest"]["parameters"] == {"events_per_class": 120, "shard_events": 120, "slope": 50.0}
    assert test["manifest"]["parameters"] == {"slope": 50.0}
    assert row["manifest"]["level"] == test["manifest"]["level"] == "hadron"


def test_more_test_events_are_added_to_those_that_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    words = ("generate", TOY, "--preset", "smoke", "--workers", "1", "--data", str(tmp_path))
    data(capsys, *words, "--test-events", "150")
    train, test = json.loads(data(capsys, *words, "--test-events", "250", "--json"))
    assert (train["made"], test["made"]) == (False, True)
    assert test["manifest"]["counts"]["hard"] == {"train": 0, "valid": 0, "test": 250}
    assert cli.exit_code(("data", *words, "--test-events", "many")) == 2
    assert capsys.readouterr().err == "error: --test-events many: expected a whole number of events, 1 or more.\n"


def test_shifted_test_sets_are_those_of_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "two.py"
    file.write_text(TWO_SHIFTS)
    task = f"{file}:Two"
    words = ("generate", task, "--preset", "smoke", "--workers", "1", "--data", str(tmp_path), "--shifts")
    rows = json.loads(data(capsys, *words, "--json"))
    job = build(cells(request(tasks=(task,), models=("bdt",)))[0])
    softer = job.shifts()["softer"]
    assert [row["folder"] for row in rows] == [str(part.folder(tmp_path)) for part in (job.data, job.test, softer)]
    first = data(capsys, *words).splitlines()[0]
    assert first.startswith("two: no shift 'impossible': ")
    assert "parameter 'slope' is 5000.0, expected 1 to 1000" in first


def test_a_skipped_level_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.exit_code(("data", "generate", TOY, "--level", "generator", "--data", str(tmp_path))) == 2
    captured = capsys.readouterr()
    assert captured.err == (
        "error: level 'generator' is skipped (toy: partons have no spectrum here). Choose another --level.\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def muons(tmp_path: Path) -> Path:
    path = tmp_path / "muons.csv"
    rows = [back_to_back(mass, 1, event) for event, mass in enumerate((3.0, 9.5, 91.0, 500.0))]
    path.write_text("\n".join([HEADER, *rows]) + "\n")
    return path


def test_files_are_imported_once(muons: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    words = ("import", "dimuon", "--source", str(muons), "--data", str(tmp_path / "data"))
    lines = data(capsys, *words).splitlines()
    assert lines[0].startswith("dimuon: 3 events made, in ")
    assert lines[1] == "  dropped: 1 mass outside 2 to 110 GeV"
    row = json.loads(data(capsys, *words, "--json"))
    assert row["made"] is False
    assert row["manifest"]["files"].keys() == {"muons.csv"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("generate", "Missing argument 'TASK'"),
        ("generate tbar", "unknown task 'tbar'. Did you mean 'ttbar'?"),
        ("generate ttbar --preset quik", "unknown preset 'quik'"),
        ("generate ttbar --level hadrons", "unknown level 'hadrons'"),
        ("generate ttbar[min_jets=9]", "ttbar: parameter 'min_jets' is '9'"),
        ("generate ttbar --workers 0", "option 'workers': 0, expected a whole number, 1 or more."),
        ("import dimuon", "Missing option '--source'"),
        ("import dimuon --source nowhere.csv", "dimuon: no file or folder nowhere.csv"),
        ("import dimuon,ttbar --source .", "files belong to one task, but 2 were named"),
        ("import ttbar --source . --quiet", "has no .root file"),
        ("show ttbar,dimuon", "'ttbar,dimuon' names more than one task"),
        ("show ttbar[min_jet=2]", "unknown parameter 'min_jet'"),
        ("verify tbar", "unknown task 'tbar'"),
        ("verify ttbar[min_jets=two]", "parameter 'min_jets' is 'two'"),
        ("clean tbar", "unknown task 'tbar'"),
        ("clean --all --incomplete", "--all, --incomplete and --samples exclude each other"),
    ],
)
def test_wrong_words(words: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.exit_code(("data", *words.split(), "--data", str(tmp_path / "data"))) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    assert line.startswith("error: ")
    assert message in line
    assert not list(tmp_path.rglob("files-*")), "a refused import leaves no folder"
    assert not list(tmp_path.rglob("manifest.json"))
