"""`predict`: the same scores as a run gave to its test events, and scores of files."""

from __future__ import annotations

import csv
import shutil
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np
import pyarrow.parquet
import pytest

from benchmark import cli
from benchmark.core.errors import UserError
from benchmark.engine.model_store import folder_of
from benchmark.engine.prediction import predict
from benchmark.records.scores import to_log_ratios
from benchmark.records.store import ResultStore
from models.model import silent
from tasks.data.dataset import DataSet
from tasks.data.inventory import SAMPLES
from tasks.registry import TASKS
from tests.benchmark.cells import toy_job
from tests.benchmark.toys import LONELY, TOY, request, run_toy
from tests.tasks.data_sets import unseal
from tests.tasks.sources.files import write_root
from tests.tasks.sources.test_cms import nanoaod

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.records.scores import Scores


def toy_events(data: Path) -> Path:
    return DataSet(TOY, TASKS.load(TOY).resolve("smoke"), "detector").folder(data)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, toy_data: Path) -> dict[str, tuple[Path, Scores]]:
    """Folders of models on the toy task, with the scores of the test events."""
    root = tmp_path_factory.mktemp("trained")
    wanted = request(tasks=(TOY,), models=("bdt", "cnn"))
    found = run_toy(wanted, root / "results", toy_data, models=root / "models")
    return {
        result.model: (folder_of(root / "models", result), ResultStore(root / "results").scores(result))
        for result in found
    }


def assert_rounded(probabilities: np.ndarray, expected: Scores) -> None:
    """The stored scores are these in half precision; another batch may change the last digit."""
    ratios = to_log_ratios(probabilities.astype(np.float64))
    np.testing.assert_allclose(ratios.astype(float), expected.log_ratios.astype(float), rtol=2**-10, atol=1e-4)


@pytest.mark.parametrize("name", ["bdt", "cnn"])
@pytest.mark.parametrize("batch", [7, 1024])
def test_the_scores_of_a_run_again(trained, toy_data: Path, name: str, batch: int):
    folder, expected = trained[name]
    known = predict(folder, toy_events(toy_data), "cpu", batch, silent, trust_code=True)
    assert (known.fitted_on, len(known.event_ids)) == (True, 240)
    found = predict(folder, toy_job().test.folder(toy_data), "cpu", batch, silent, trust_code=True)
    assert not found.fitted_on
    assert len(found.event_ids) == 200 == len(expected.events.event_ids)
    place = {event: row for row, event in enumerate(found.event_ids.tolist())}
    rows = [place[event] for event in expected.events.event_ids.tolist()]
    assert_rounded(found.scores[rows], expected)


def test_files_of_each_kind(trained, toy_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder, _ = trained["cnn"]
    expected = predict(folder, toy_events(toy_data), "cpu", 1024, silent, trust_code=True)
    for ending in ("parquet", "csv", "npz"):
        path = tmp_path / f"scores.{ending}"
        words = [
            "predict",
            str(folder),
            str(toy_events(toy_data)),
            "--output",
            str(path),
            "--device",
            "cpu",
            "--trust-code",
        ]
        assert cli.exit_code([*words, "--trust-code"]) == 0
        captured = capsys.readouterr()
        assert captured.out == f"240 events: scores of hard, soft in {path}\n"
        assert "fitted on" in captured.err
    table = pyarrow.parquet.read_table(tmp_path / "scores.parquet")
    assert table.column_names == ["event_id", "hard", "soft"]
    assert table["event_id"].to_numpy().tobytes() == expected.event_ids.tobytes()
    assert table["soft"].to_numpy().tobytes() == expected.scores[:, 1].tobytes()
    with (tmp_path / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["event_id"]) for row in rows] == expected.event_ids.tolist()
    assert [float(row["hard"]) for row in rows] == pytest.approx(expected.scores[:, 0].tolist(), rel=1e-6)
    with np.load(tmp_path / "scores.npz", allow_pickle=False) as arrays:
        assert arrays["classes"].tolist() == ["hard", "soft"]
        np.testing.assert_array_equal(arrays["scores"], expected.scores)
        np.testing.assert_array_equal(arrays["event_ids"], expected.event_ids)


def test_events_of_another_variant_are_new(trained, tmp_path: Path):
    from tasks.data.store import prepare

    folder, _ = trained["cnn"]
    data = DataSet(TOY, TASKS.load(TOY).resolve("smoke", {"slope": "40"}), "detector")
    prepare(data, tmp_path, 1, silent)
    found = predict(folder, data.folder(tmp_path), "cpu", 1024, silent, trust_code=True)
    assert (found.fitted_on, found.scores.shape) == (False, (240, 2))
    np.testing.assert_allclose(found.scores.sum(1), 1, atol=1e-5)


def test_a_manifest_without_a_seal_is_verified_first(
    trained, toy_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def refuse(path: Path, write: object) -> None:
        raise UserError(f"{path}: can't be written (Read-only file system).")

    folder, _ = trained["cnn"]
    data = shutil.copytree(toy_events(toy_data), tmp_path / "events")
    unseal(data)
    monkeypatch.setattr("tasks.data.manifest.write_atomically", refuse)
    assert predict(folder, data, "cpu", 1024, silent, trust_code=True).fitted_on
    assert "the manifest has no seal; its events are as it says" in capsys.readouterr().err


def test_files_that_a_task_reads(tmp_path: Path, toy_data: Path):
    """Dimuon CSV files, as CMS publishes them; the classes follow from their masses."""
    header = "Run,Event,E1,px1,py1,pz1,pt1,eta1,phi1,Q1,E2,px2,py2,pz2,pt2,eta2,phi2,Q2,M\n"
    rng = np.random.default_rng(0)
    rows = []
    for event in range(400):
        half = (3.1 if event % 2 else 91.0) / 2
        phi = rng.uniform(-3, 0)
        angles = [(phi, 1), (phi + np.pi, -1)]
        parts = [f"{half},{half * np.cos(a)},{half * np.sin(a)},0,{half},0,{a},{charge}" for a, charge in angles]
        rows.append(f"1,{event},{parts[0]},{parts[1]},{2 * half}\n")
    file = tmp_path / "MuRun2010B.csv"
    file.write_text(header + "".join(rows))
    wanted = request(tasks=("dimuon",), models=("bdt",), source=file)
    (result,) = run_toy(wanted, tmp_path / "results", tmp_path / "data", models=tmp_path / "models")
    assert result.status == "done", result.reason
    found = predict(folder_of(tmp_path / "models", result), file, "cpu", 64, silent)
    expected = ResultStore(tmp_path / "results").scores(result)
    place = {event: row for row, event in enumerate(found.event_ids.tolist())}
    assert_rounded(found.scores[[place[event] for event in expected.events.event_ids.tolist()]], expected)


def test_events_without_truth(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A model of files whose names contain the class, applied to the same events in files without class names."""
    for folder, names in (("known", ("DYJets", "TTbar", "WJets")), ("new", ("part0", "part1", "part2"))):
        (tmp_path / folder).mkdir()
        for name, harder in zip(names, (2.0, 4.0, 1.0), strict=True):
            write_root(tmp_path / folder / f"{name}.root", "Events", collisions(harder))
    wanted = request(tasks=("ttbar",), models=("bdt",), source=tmp_path / "known")
    (result,) = run_toy(wanted, tmp_path / "results", tmp_path / "data", models=tmp_path / "models")
    assert result.status == "done", result.reason
    words = ["predict", str(folder_of(tmp_path / "models", result)), "--device", "cpu", "--output"]
    tables = {}
    for folder in ("known", "new"):
        path = tmp_path / f"{folder}.npz"
        assert cli.exit_code([*words, str(path), str(tmp_path / folder)]) == 0
        out = capsys.readouterr().out
        assert out == (f"180 events: scores of ttbar, wjets, drellyan in {path}; left out, not selected: 120\n")
        with np.load(path) as arrays:
            assert sorted(arrays) == ["classes", "event_ids", "scores"]
            tables[folder] = dict(arrays)
    np.testing.assert_array_equal(tables["known"]["event_ids"], tables["new"]["event_ids"])
    np.testing.assert_array_equal(tables["known"]["scores"], tables["new"]["scores"])


def collisions(harder: float) -> dict[str, object]:
    """Twenty times the five events of `nanoaod`, of which the selection keeps three, each time a little harder."""
    five = nanoaod()
    copies = [
        {name: values * (harder + copy / 200) if name.endswith("_pt") else values for name, values in five.items()}
        for copy in range(20)
    ]
    return {name: ak.concatenate([copy[name] for copy in copies]) for name in copies[0]}


def test_what_cannot_be_predicted(trained, toy_data: Path, tmp_path: Path):
    folder, _ = trained["bdt"]
    lonely = DataSet(LONELY, TASKS.load(LONELY).resolve("smoke"), "detector").folder(toy_data)
    damaged = tmp_path / "damaged"
    shutil.copytree(toy_events(toy_data), damaged, ignore=shutil.ignore_patterns(SAMPLES))
    next(damaged.glob("*.parquet")).write_bytes(b"nothing")
    for events, reason in [
        (tmp_path / "nowhere", "no such file or folder"),
        (tmp_path, r"no manifest\.json\), and the task toy reads no files"),
        (lonely, "events of the task lonely, but the model was fitted for toy"),
        (damaged, "changed since it was written"),
    ]:
        with pytest.raises(UserError, match=reason):
            predict(folder, events, "cpu", 1024, silent, trust_code=True)


def test_a_pattern_that_no_shell_expanded(trained, toy_data: Path, tmp_path: Path, capsys, monkeypatch):
    folder, _ = trained["bdt"]
    events, output = str(toy_events(toy_data)), str(tmp_path / "scores.csv")
    monkeypatch.chdir(tmp_path)
    assert cli.exit_code(["predict", f"{folder.parent}/*-bdt-*", events, "--output", output, "-q", "--trust-code"]) == 0
    names = sorted(path.name for path in folder.parent.iterdir())
    for words, reason in [
        (
            [f"{folder.parent}/*-mpnn-*", events],
            f"expected one folder of a model. In {folder.parent} there is: '{names[0]}'",
        ),
        (
            [f"{folder.parent}/*", events],
            f"matches 2 paths ('{names[0]}', '{names[1]}'), expected one folder of a model",
        ),
        ([str(folder), "no*.root"], f"expected one file or folder of events. In {tmp_path} there is: 'scores.csv'."),
        (
            [str(folder), str(folder), events],
            f"3 paths, expected two: the folder of a model, and events ({events} is one",
        ),
    ]:
        assert cli.exit_code(["predict", *words, "--output", output]) == 2
        captured = capsys.readouterr()
        assert reason in captured.err
        assert captured.err.count("\n") == 1
    assert cli.exit_code(["export", f"{folder.parent}/*-mpnn-*", "--onnx", "x.onnx"]) == 2
    assert "no path matches this pattern" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--output", "scores.txt"], "ends in '.txt', expected .parquet, .csv, .npz"),
        (["--output", "nowhere/scores.csv"], "there is no folder"),
        (["--batch", "0"], "batch"),
        (["--device", "tpu"], "unknown device 'tpu'"),
    ],
)
def test_bad_requests_are_one_line(trained, toy_data: Path, capsys: pytest.CaptureFixture[str], words, reason):
    folder, _ = trained["bdt"]
    assert cli.exit_code(["predict", str(folder), str(toy_events(toy_data)), *words]) == 2
    captured = capsys.readouterr()
    assert reason in captured.err
    assert captured.err.count("\n") == 1
