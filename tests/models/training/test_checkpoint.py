"""A killed training resumes, and ends as it would have without the kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from benchmark.core.files import warn_once
from models.cnn import CNN
from models.model import Context, Report, silent
from models.training.checkpoint import PROGRESS, SCHEMA, Checkpoint, _digest
from tests.models.conftest import particles, rings

if TYPE_CHECKING:
    from representations.samples import Samples

TRAIN = """
import os, signal, sys
from pathlib import Path
import torch
from tests.models.training.test_checkpoint import SAMPLES, context, model

torch.set_num_threads(1)
case, path = sys.argv[1:]

def report(stage, done, total):
    if stage == "train" and done > 2:  # somewhere in the third epoch
        os.kill(os.getpid(), signal.SIGKILL)

model().fit(SAMPLES[case][:90], SAMPLES[case][90:], context(Path(path), report))
"""
ROOT = Path(__file__).parents[3]
SAMPLES: dict[str, Samples] = {"pictures": rings(130, channels=2), "particles": particles(130, classes=3, features=2)}


def model(**changes: object) -> CNN:
    """With everything that has a state: dropout, a falling learning rate, augmentation, clones."""
    made = CNN(depth=7, width=4, epochs=5, batch_size=16, dropout=0.3, augment="mirror", balance="clone")
    return replace(made, **changes)


def context(checkpoint: Path | None = None, report: Report = silent) -> Context:
    return Context(seed=3, checkpoint=checkpoint, report=report)


def fitted(case: str, checkpoint: Path | None = None, **changes: object) -> CNN:
    made = model(**changes)
    made.fit(SAMPLES[case][:90], SAMPLES[case][90:], context(checkpoint))
    return made


@pytest.mark.parametrize("case", list(SAMPLES))
def test_scores_after_a_kill_are_bit_identical(case: str, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "checkpoint"
    run = [sys.executable, "-c", TRAIN, case, str(path)]
    killed = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [child.name for child in path.parent.iterdir()] == ["checkpoint"]
    resumed, whole = fitted(case, path), fitted(case)
    np.testing.assert_array_equal(resumed.predict_proba(SAMPLES[case]), whole.predict_proba(SAMPLES[case]))
    assert resumed.training() == whole.training()
    details = resumed.details()
    assert (details.pop("resumed"), details.pop("resumed_s") > 0) == (2, True)
    assert details == whole.details()


class StoppedError(Exception):
    pass


def stopped(path: Path, after: float, **changes: object) -> None:
    """A training on pictures that is stopped after a number of epochs."""

    def report(stage: str, done: float, total: float) -> None:
        if done > after:
            raise StoppedError

    with pytest.raises(StoppedError):
        model(**changes).fit(SAMPLES["pictures"][:90], SAMPLES["pictures"][90:], context(path, report))


def test_a_finished_training_is_not_continued(tmp_path: Path) -> None:
    """Killed between its last epoch and its result; also after early stopping."""
    for changes in ({}, {"epochs": 50, "patience": 1, "learning_rate": 0.05, "recipe": "paper"}):
        path = tmp_path / f"checkpoint{len(changes)}"
        first = fitted("pictures", path, **changes)
        seen: list[tuple[str, float]] = []
        again = model(**changes)

        def report(stage: str, done: float, total: float, seen: list[tuple[str, float]] = seen) -> None:
            seen.append((stage, done))

        again.fit(SAMPLES["pictures"][:90], SAMPLES["pictures"][90:], context(path, report))
        course = first.training()
        assert course is not None
        assert course.converged == bool(changes)
        assert course == again.training()
        assert seen == [("resume", course.epochs), ("train", again.epochs)]
        assert again.details()["resumed"] == course.epochs
        np.testing.assert_array_equal(
            again.predict_proba(SAMPLES["pictures"]), first.predict_proba(SAMPLES["pictures"])
        )


def test_a_damaged_checkpoint_is_ignored_with_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "checkpoint"
    stopped(path, 1)
    whole = path.read_bytes()

    def ignored(reason: str) -> None:
        warn_once.cache_clear()
        assert "resumed" not in fitted("pictures", path).details()
        error = capsys.readouterr().err
        assert f"warning: {path}: not a checkpoint of this training ({reason}" in error
        assert error.count("\n") == 1
        assert "Training starts from the beginning." in error

    path.write_bytes(whole[:1000])
    ignored("")
    save_file({"a": torch.zeros(1)}, path)
    ignored("'training'")
    place = len(whole) // 2
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    ignored("changed since it was written")
    path.write_bytes(whole.replace(b'batch_size\\": 16', b'batch_size\\": 61'))
    ignored("changed since it was written")


def test_every_flipped_bit_of_a_checkpoint_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, device = tmp_path / "checkpoint", torch.device("cpu")
    network = fitted("pictures", path).fitted()[0]
    assert Checkpoint(path).read(network, device) is not None
    whole = path.read_bytes()
    for place in np.linspace(0, len(whole) - 1, 60, dtype=int):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        assert Checkpoint(path).read(network, device) is None


def test_checkpoints_of_other_trainings_are_ignored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a hash that is right."""
    path, device = tmp_path / "checkpoint", torch.device("cpu")
    network = fitted("pictures", path).fitted()[0]
    tensors, progress = Checkpoint(path).read(network, device) or pytest.fail("no checkpoint")

    def read(changed: dict[str, torch.Tensor], **changes: object) -> object:
        fields = {**PROGRESS.dump_python(progress, mode="json"), **changes}
        header = {"schema": SCHEMA, "progress": fields, "sha256": _digest(changed, fields)}
        save_file(changed, path, {"training": json.dumps(header)})
        return Checkpoint(path).read(network, device)

    assert read(tensors) is not None
    assert read({name: value for name, value in tensors.items() if not name.startswith("optimiser.3.")}) is not None
    weight = next(name.removeprefix("best.") for name in tensors if name.startswith("best."))
    for name in (f"network.{weight}", f"best.{weight}", "optimiser.0.step", "optimiser.0.exp_avg", "random.cpu"):
        assert name in tensors
        assert read({key: value for key, value in tensors.items() if key != name}) is None
        assert read({**tensors, name: torch.zeros(3, 1)}) is None
    assert read({**tensors, "optimiser.999999999.step": torch.zeros(())}) is None
    assert read(tensors, history="much") is None
    for make in (Path.mkdir, os.mkfifo):
        path.unlink()
        make(path)
        assert Checkpoint(path).read(network, device) is None
        path.rename(tmp_path / make.__name__)
        path.touch()
    assert "is a folder, expected a file with a checkpoint" in capsys.readouterr().err


def test_training_continues_if_the_checkpoint_cannot_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    assert fitted("pictures", tmp_path / "file" / "checkpoint").training().epochs == 5
    assert capsys.readouterr().err.count("the checkpoint can't be written") == 1


def test_contents_of_the_file(tmp_path: Path) -> None:
    """Two moments and a step for each weight; no pickle."""
    path = tmp_path / "checkpoint"
    made = fitted("pictures", path)
    tensors = load_file(path)
    weights = [name for name in tensors if name.startswith("network.") and "scale" not in name and "mean" not in name]
    assert len([name for name in tensors if name.startswith("optimiser.")]) == 3 * len(weights)
    assert {name.partition(".")[0] for name in tensors} == {"network", "average", "best", "optimiser", "random"}
    assert made.parameters_count() == sum(tensors[name].numel() for name in weights)
    with safe_open(path, "pt") as file:
        assert list(file.metadata()) == ["training"]
