from __future__ import annotations

import dataclasses
import math
import re
import shutil
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from benchmark.core.errors import UserError
from benchmark.engine.sample_store import represent
from benchmark.records.result import to_store
from benchmark.records.scoring import score
from models.model import Context
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from representations.samples import Ragged
from tasks.data.inventory import SAMPLES
from tasks.data.store import load
from tasks.registry import TASKS
from tests.benchmark.cells import EXTRA, TASK_OF, every_event, every_shard, job, run_cell, toy_job
from tests.benchmark.toys import LONELY, PLUGINS, metric

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmark.records.scores import ScoredEvents, Scores
    from representations.samples import Samples

# parameters that a model needs in addition to its smoke preset for its seed to matter
RANDOM = {"bdt": "[subsample=0.5]"}


def run(job_, data):
    return run_cell(job_, data)


OF_NETWORKS_TREES_AND_GPUS = {
    *("train_step_flops", "train_step_events", "predict_flops"),
    *("comparisons", "device_memory_mb"),
}
"""Costs that the toy model on a CPU does not have."""


def test_from_events_to_result(toy_data: Path, tmp_path: Path):
    stages = []
    made = toy_job()
    for data in (made.data, made.test):
        shutil.copytree(data.folder(toy_data), data.folder(tmp_path), ignore=shutil.ignore_patterns(SAMPLES))
    result, scores = run_cell(made, tmp_path, lambda *step: stages.append(step[0]))
    assert (result.status, result.reason) == ("done", None)
    assert list(dict.fromkeys(stages)) == ["represent", "train", "predict", "score"]
    assert 0.6 < result.metrics["auc"].low < result.metrics["auc"].value < result.metrics["auc"].high < 1
    assert result.events["test"] == len(scores.log_ratios)
    assert result.events == {"train": 192, "valid": 48, "test": 200}
    evaluation = score(scores, result.classes, result.has_signal)
    assert (evaluation.metrics, evaluation.confusion_matrix) == (result.metrics, result.confusion_matrix)
    assert (result.throughput.fit_energy_j or 1.0) > 0, "None where the machine does not count it"
    for name, value in result.throughput.model_copy(update={"fit_energy_j": 1.0}):
        if name in OF_NETWORKS_TREES_AND_GPUS:
            assert not value, name
        else:
            assert math.isfinite(value), name
            assert value > 0, name
    assert result.environment["gpu"] is None
    assert result.variant["slope"] == 60
    assert result.variant_given == ()
    assert result.representation_parameters == made.representation.parameters()
    assert (result.representation_given, result.parameters_given) == ((), ())


def _part(scores: Scores, name: str) -> ScoredEvents:
    return (scores if name == "test" else scores.valid).events


def test_what_is_scored_is_no_models_to_change(toy_data: Path):
    (honest, truth), (result, scores) = run(toy_job(), toy_data), run(toy_job("Rewrites"), toy_data)
    for (mine, name), column in {
        (part, name): column for part in ("test", "valid") for name, column in vars(_part(truth, part)).items()
    }.items():
        np.testing.assert_array_equal(vars(_part(scores, mine))[name], column)
    np.testing.assert_array_equal(scores.log_ratios, truth.log_ratios)
    assert (result.metrics, result.confusion_matrix) == (honest.metrics, honest.confusion_matrix)
    assert result.events == honest.events
    assert 0 < result.timings["fit"] < 60


def test_metrics_of_ones_own_are_in_the_record(toy_data: Path):
    wanted = toy_job()
    wanted = dataclasses.replace(wanted, cell=dataclasses.replace(wanted.cell, metrics=(metric("Mine"),)))
    result, _ = run(wanted, toy_data)
    assert 0 < result.metrics["mine"].value < 1
    assert result.metrics["mine_nan"].reason == "the metric gave nan"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Raises", r"RuntimeError: the loss became a butterfly \(toy_models.py, line \d+\)"),
        ("Nan", "nan: predict_proba returned .* of .* numbers that are not probabilities .*, expected 0 to 1"),
    ],
)
def test_a_model_that_fails_is_a_result(toy_data: Path, name, reason):
    result, scores = run(toy_job(name), toy_data)
    assert (result.status, scores, result.metrics) == ("failed", None, {})
    assert re.match(reason, result.reason)
    assert "\n" not in result.reason


def test_the_traceback_of_a_failure_is_kept(toy_data: Path):
    result, _ = run(toy_job("Raises"), toy_data)
    assert "toy_models.py" in result.environment["traceback"]


def test_a_traceback_is_text_that_can_be_stored(toy_data: Path):
    result, _ = run(toy_job("Half"), toy_data)
    assert r"RuntimeError: half \ud83d" in result.environment["traceback"]
    assert to_store(result)[1].reason == result.reason


def test_one_class_alone_is_skipped(toy_data: Path):
    result, scores = run(toy_job(task=LONELY), toy_data)
    assert (result.status, scores) == ("skipped", None)
    assert result.reason == "only events of class hard among the training events; at least two classes are needed"


@pytest.mark.parametrize(
    ("task", "bounds"),
    [
        ("diphoton", {"cvm": 0.002}),
        ("diphoton[region=forward]", {"cvm": 0.004}),
        ("diphoton[mass_aware=true]", {}),
        ("wprime", {}),
    ],
)
def test_a_record_knows_the_bounds_of_its_task(task: str, bounds: dict[str, float]):
    made = job(task, "fourvectors", "bdt")
    assert made.record(None, made.identity(None)).bounds == bounds


def test_a_level_that_makes_no_sense_is_skipped(toy_data: Path):
    result, scores = run(toy_job(level="generator"), toy_data)
    assert (result.status, result.reason, scores) == ("skipped", "partons have no spectrum here", None)
    assert (result.source, result.fingerprint, result.events) == ("none", "", {})


@pytest.mark.parametrize("level", ["detector", "generator"])
def test_the_key_is_the_same_every_time(toy_data: Path, level: str):
    keys = set()
    for _ in range(2):
        made = toy_job(level=level)
        keys.add(made.identity(made.manifests(toy_data)).result_key())
    assert len(keys) == 1


def test_the_key_covers_all_that_can_change_the_outcome(toy_data: Path, tmp_path: Path, monkeypatch):
    made = toy_job()
    manifests = made.manifests(toy_data)
    edited = tmp_path / "toy_models.py"
    edited.write_text((PLUGINS / "toy_models.py").read_text() + "\n# edited\n")
    cell = made.cell
    task = str(cell.task)
    jobs = {
        "nothing": made,
        "seed": toy_job(seed=1),
        "model": toy_job("Raises"),
        "parameter": job(task, "fourvectors", f"{cell.model}[noise=1]"),
        "plug-in file": job(task, "fourvectors", f"{edited}:Nearest"),
        "representation": job(task, "circles", str(cell.model)),
        "representation's parameter": job(task, "fourvectors[features=raw]", str(cell.model)),
        "variant": job(f"{task}[slope=50]", "fourvectors", str(cell.model)),
        "level": toy_job(level="hadron"),
        "preset": dataclasses.replace(made, cell=dataclasses.replace(cell, preset="quick")),
        "device": dataclasses.replace(made, cell=dataclasses.replace(cell, device="cuda")),
    }
    keys = {name: job_.identity(manifests).result_key() for name, job_ in jobs.items()}
    for part, field, value in (
        ("data", "content", "x"),
        ("data", "counts", {"hard": {"train": 1}}),
        ("test", "fingerprint", "x"),
    ):
        changed = getattr(manifests, part).model_copy(update={field: value})
        keys[field] = made.identity(dataclasses.replace(manifests, **{part: changed})).result_key()
    for plugin in ("representation", "model"):
        with monkeypatch.context() as patch:
            patch.setattr(type(getattr(made, plugin)), "version", "next")
            keys[f"version of the {plugin}"] = made.identity(manifests).result_key()
    assert len(set(keys.values())) == len(keys)
    gpu = dataclasses.replace(made, cell=dataclasses.replace(cell, device="cuda:1"))
    assert gpu.identity(manifests).result_key() == keys["device"], "which of two GPUs changes nothing"
    metrics = dataclasses.replace(made, cell=dataclasses.replace(cell, metrics=("auc",)))
    assert metrics.identity(manifests).result_key() == keys["nothing"], "metrics come from the scores, later too"


@pytest.fixture(scope="module", params=REPRESENTATIONS.core())
def represented(request: pytest.FixtureRequest, smoke_data: Path) -> tuple[str, Mapping[str, Samples]]:
    """The name of a representation, and half of the events of a task as it shows them."""
    made = job(TASK_OF.get(request.param, "ttbar"), request.param, "bdt")
    events = every_event(made, smoke_data)[::2]
    return request.param, represent([events], made.representation).splits


@pytest.mark.parametrize(
    ("task", "name"), [*product(TASKS.core(), REPRESENTATIONS.core()), *product(["wprime"], EXTRA)]
)
def test_shard_by_shard_with_the_columns_asked_for_is_as_all_at_once(smoke_data: Path, task: str, name: str):
    made = job(task, name, "bdt")
    events = every_event(made, smoke_data)
    columns = made.representation.columns(events.info)
    stages = []
    streamed = represent(
        every_shard(made, smoke_data, columns), made.representation, lambda *step: stages.append(step), len(events)
    )
    assert stages[0] == ("represent", 0, len(events))
    assert stages[-1] == ("represent", len(events), len(events))
    assert (streamed.provenance.has_signal, list(streamed.splits)) == (
        events.info.has_signal,
        ["train", "valid", "test"],
    )
    for split, part in events.splits().items():
        whole = made.representation.represent(part)
        for field in dataclasses.fields(whole):
            one, other = getattr(whole, field.name), getattr(streamed.splits[split], field.name)
            for tensor, found in zip(tensors(one), tensors(other), strict=True):
                assert tensor.dtype == found.dtype
                assert tensor.numpy().tobytes() == found.numpy().tobytes(), (split, field.name)
            assert tensors(one) or one == other


def tensors(part: object) -> list[torch.Tensor]:
    if isinstance(part, Ragged):
        return [part.values, part.offsets]
    return [part] if isinstance(part, torch.Tensor) else []


def test_splits_without_events_have_samples_too(toy_data: Path):
    made = toy_job()
    events = load(made.data, toy_data)
    train = events.splits()["train"]
    found = represent([train[:50], train[50:]], made.representation)
    assert {name: len(samples) for name, samples in found.splits.items()} == {
        "train": len(train),
        "valid": 0,
        "test": 0,
    }
    with pytest.raises(UserError, match="no events to represent, expected one shard"):
        represent([], made.representation)


@pytest.mark.parametrize("name", MODELS.core())
def test_the_seed_is_all_that_training_depends_on(represented: tuple[str, Mapping[str, Samples]], name: str):
    representation, splits = represented

    def predicted(seed: int) -> np.ndarray:
        model = job("ttbar", representation, name + RANDOM.get(name, "")).model
        model.fit(splits["train"], splits["valid"], Context(seed=seed))
        return model.predict_proba(splits["test"])

    first = predicted(0)
    assert first.tobytes() == predicted(0).tobytes()
    assert first.tobytes() != predicted(1).tobytes()
