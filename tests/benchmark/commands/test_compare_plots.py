"""`compare --events N --plots DIR`: the events on which two cells disagree, drawn in each representation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from benchmark import cli
from benchmark.records.scores import Scores
from benchmark.records.store import ResultStore
from representations.registry import REPRESENTATIONS
from tasks.data.dataset import DataSet
from tasks.data.manifest import read_manifest
from tasks.registry import TASKS
from tasks.task import TEST_EVENTS
from tasks.validation.sample import sample
from tests.leaderboard.ranking.test_protocol import stored

if TYPE_CHECKING:
    from pathlib import Path

TASK = "egamma"


@pytest.fixture
def results(tmp_path: Path, smoke_data: Path) -> Path:
    """Two cells that were tested on the smoke events: one knows the classes, the other guesses."""
    task = TASKS.load(TASK).resolve("smoke")
    folder = DataSet(TASK, task, "detector").test_set(TEST_EVENTS["smoke"]).folder(smoke_data)
    manifest = read_manifest(folder)
    events = sample(folder, manifest, task)
    ids, labels = events.column("event_id").astype(np.int64), events.column("label").astype(np.int64)
    rng = np.random.default_rng(0)
    for model, right in (("bdt", 2.0), ("ffnn", 0.0)):
        logit = right * (labels == 0) + rng.normal(size=len(ids))
        signal = 1 / (1 + np.exp(-logit))
        about = {"task": TASK, "preset": "smoke", "fingerprint": manifest.fingerprint, "classes": events.info.classes}
        scores = Scores.of(ids, labels, np.stack([signal, 1 - signal], axis=1).astype(np.float32))
        stored(ResultStore(tmp_path / "results"), scores, representation="graph", model=model, **about)
    return tmp_path / "results"


def compare(results: Path, *words: object) -> int:
    return cli.exit_code(["compare", "graph/bdt", "graph/ffnn", "--results", str(results), *map(str, words)])


def test_pictures_of_each_representation(
    results: Path, smoke_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert compare(results, "--events", 3, "--plots", tmp_path / "plots", "--data", smoke_data, "--json") == 1
    said = json.loads(capsys.readouterr().out)
    assert len(said["pairs"][0]["events"]) == 3
    files = sorted((tmp_path / "plots").iterdir())
    assert sorted(said["plots"]) == [str(path) for path in files]
    for name in REPRESENTATIONS.core():
        assert any(path.name.startswith(f"{TASK}-graph-bdt-graph-ffnn-{name}") for path in files)
    for path in files:
        with Image.open(path) as image:
            assert min(image.size) > 200


def test_events_that_are_not_there(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert compare(results, "--events", 3, "--plots", tmp_path / "plots", "--data", tmp_path / "none") == 2
    err = capsys.readouterr().err
    assert "its test events are not in" in err
    assert err.count("\n") == 1
    assert compare(results, "--plots", tmp_path / "plots") == 2
    assert "Give --events." in capsys.readouterr().err
