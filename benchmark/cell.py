"""One cell, from events to result.

job = build(cell)                            what the names and parameters mean
blank = describe(job, manifest)              the record with its key, before anything is run
result, scores = run(job, data, report)      read and represent -> fit -> predict -> score
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark import environment
from benchmark.errors import Skip, UserError
from benchmark.registry import MODELS, REPRESENTATIONS, TASKS, Registry
from benchmark.results import Result, Scores, Throughput, make_key
from benchmark.scoring import score
from benchmark.throughput import (
    clock,
    control_workload,
    events_per_second,
    latency_ms,
    peak_memory_mb,
    reset_peak_memory,
)
from models.model import silent
from tasks.dataset import DataSet
from tasks.events import SPLITS
from tasks.store import shards

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.grid import Cell, Choice
    from models.model import Model
    from representations.representation import Representation
    from representations.samples import Samples
    from tasks.events import Events
    from tasks.manifest import Manifest

Report = Callable[[str, float, float], None]
WARM_UP_EVENTS = 32
SHARED_VERSION = "1"
"""Part of every key. Raise it when what all models share (`models/inputs.py`, the training loop, the residual layers)
gives other numbers than before; a plug-in's own changes are in its `version`."""
REASON_LENGTH = 300


@dataclass(frozen=True)
class Job:
    """A cell with its plug-ins imported and their parameters resolved."""

    cell: Cell
    data: DataSet
    representation: Representation
    model: Model


@dataclass(frozen=True)
class Represented:
    """The samples of each split, and how fast they were made."""

    splits: Mapping[str, Samples]
    has_signal: bool
    events_per_s: float


def build(cell: Cell) -> Job:
    """Import what a cell names and resolve its parameters. Raises UserError for whatever is wrong with them."""
    data = DataSet(cell.task.target, cell.task.build(TASKS, cell.preset), cell.level, cell.source)
    return Job(
        cell, data, cell.representation.build(REPRESENTATIONS, cell.preset), cell.model.build(MODELS, cell.preset)
    )


def describe(job: Job, manifest: Manifest | None) -> Result:
    """The record of a cell before it is run, with the key that covers all that can change its outcome.

    Without a manifest (a level at which the task makes no sense) the key is of a cell without events.
    """
    cell, task = job.cell, job.data.task
    device = cell.device.partition(":")[0]
    key = make_key(
        {
            "task": _identity(TASKS, cell.task, task),
            "representation": _identity(REPRESENTATIONS, cell.representation, job.representation),
            "model": _identity(MODELS, cell.model, job.model),
            "shared": SHARED_VERSION,
            "level": cell.level,
            "content": manifest.content if manifest else None,
            "fingerprint": manifest.fingerprint if manifest else None,
            "train": manifest.events("train") if manifest else 0,
            "preset": cell.preset,
            "seed": cell.seed,
            "device": device,
        }
    )
    return Result(
        key=key,
        status="interrupted",
        task=task.name,
        variant=task.parameters(),
        variant_given=task.changed(cell.preset),
        task_version=task.version,
        classes=task.classes,
        source=manifest.source if manifest else "none",
        fingerprint=manifest.fingerprint if manifest else "",
        level=cell.level,
        fast_simulation=manifest.fast_simulation if manifest else False,
        preset=cell.preset,
        device=device,
        representation=job.representation.name,
        representation_parameters=job.representation.parameters(),
        model=job.model.name,
        parameters=job.model.parameters(),
        seed=cell.seed,
        events={split: manifest.events(split) for split in ("train", "valid", "test")} if manifest else {},
        code=environment.code(),
    )


def run(job: Job, data_root: Path, report: Report) -> tuple[Result, Scores | None]:
    """The result of a cell and the scores of its test events.

    Never raises for what goes wrong inside the cell: that is a result too, `skipped` or `failed` with its reason.
    """
    blank = describe(job, job.data.manifest(data_root))
    blank.environment = {**environment.describe(), "gpu": environment.gpu_name(job.cell.device)}
    try:
        return evaluate(blank, _represented(job, data_root, report), job, report)
    except Skip as skip:
        return blank.model_copy(update={"status": "skipped", "reason": str(skip)}), None
    except UserError as error:
        return blank.model_copy(update={"status": "failed", "reason": str(error)}), None
    except Exception as error:  # a model may fail in any way; the other cells go on, and the traceback is kept
        where = traceback.format_exc(limit=-8)
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        reason = reason if len(reason) <= REASON_LENGTH else reason[:REASON_LENGTH] + " ..."
        traced = {**blank.environment, "traceback": where}
        return blank.model_copy(update={"status": "failed", "reason": reason, "environment": traced}), None


def evaluate(blank: Result, represented: Represented, job: Job, report: Report) -> tuple[Result, Scores]:
    """Fit on the training samples, predict the test samples, score: the record `blank`, filled in."""
    model, device = job.model, job.cell.device
    splits = {name: samples.to(device) for name, samples in represented.splits.items()}
    train, valid, test = (splits[name] for name in ("train", "valid", "test"))
    _check_classes(train, test)
    model.runtime.device, model.runtime.seed, model.runtime.report = device, job.cell.seed, report

    reset_peak_memory(device)
    report("train", 0, 1)
    with clock() as fitting:
        model.fit(train, valid)
    report("predict", 0, len(test))
    with clock() as predicting:
        probabilities = model.predict_proba(test)
    report("predict", len(test), len(test))
    model.runtime.report = silent  # what follows repeats predictions to time them
    scores = _scores(test, probabilities)
    report("score", 0, 1)
    with clock() as scoring:
        metrics, confusion = score(scores, blank.classes, represented.has_signal, job.cell.metrics)
    throughput = Throughput(
        train_events_per_s=len(train) / max(fitting.seconds, 1e-9),
        predict_events_per_s=events_per_second(lambda: model.predict_proba(test), len(test)),
        represent_events_per_s=represented.events_per_s,
        latency_ms=latency_ms(lambda: model.predict_proba(test[:1])),
        peak_memory_mb=peak_memory_mb(device),
        control=control_workload(),
    )
    report("score", 1, 1)
    filled = {
        "status": "done",
        "has_signal": represented.has_signal,
        "events": {name: len(samples) for name, samples in splits.items()},
        "metrics": metrics,
        "confusion_matrix": confusion,
        "throughput": throughput,
        "parameters_count": model.parameters_count(),
        "details": {name: value for name, value in model.details().items() if math.isfinite(value)},
        "timings": {"fit": fitting.seconds, "predict": predicting.seconds, "score": scoring.seconds},
    }
    return blank.model_copy(update=filled), scores


def represent(
    shards: Iterable[Events], representation: Representation, report: Report = silent, total: int = 0
) -> Represented:
    """Samples of all events by split, in the order of the shards, of which one is in memory at a time.

    Of `total` events it is reported how many are done. The rate is without reading, and without the first call, which
    compiles and warms up. Raises UserError when there is no shard at all.
    """
    parts: dict[str, list[Samples]] = {name: [] for name in SPLITS}
    events, done, seconds = None, 0, 0.0
    report("represent", 0, total)
    for events in shards:
        if done == 0:
            representation.represent(events[:WARM_UP_EVENTS])
        with clock() as reading:
            for name, part in events.splits().items():
                if len(part):
                    parts[name].append(representation.represent(part))
        done, seconds = done + len(events), seconds + reading.seconds
        report("represent", done, total)
    if events is None:
        raise UserError("no events to represent, expected one shard at least. Make the data again.")
    for some in parts.values():
        if not some:
            some.append(representation.represent(events[:0]))
    splits = {name: type(parts[name][0]).join(parts.pop(name)) for name in SPLITS}  # the parts go as they are joined
    return Represented(splits, events.info.has_signal, done / max(seconds, 1e-9))


_kept: dict[tuple[DataSet, Path, Representation], Represented] = {}
"""A worker runs the cells of one task and representation one after the other: the last samples are kept."""


def _represented(job: Job, root: Path, report: Report) -> Represented:
    data = job.data
    if data.level in data.task.skipped_levels and data.source is None:
        raise Skip(data.task.skipped_levels[data.level])
    key = (data, root, job.representation)
    if key not in _kept:
        _kept.clear()  # before the next are made, so that two are never in memory
        columns = job.representation.columns(data.task.info(data.level))
        manifest = data.manifest(root)
        total = manifest.events() if manifest else 0
        _kept[key] = represent(shards(data, root, columns), job.representation, report, total)
    return _kept[key]


def _identity(registry: Registry[Any], choice: Choice, plugin: Any) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "version": plugin.version,
        "file": registry.find(choice.target).file_hash(),
        "parameters": plugin.parameters(),
    }


def _check_classes(train: Samples, test: Samples) -> None:
    """There is nothing to tell apart in one class."""
    for name, samples in (("training", train), ("test", test)):
        present = sorted({samples.classes[label] for label in set(samples.labels.tolist())})
        if len(present) < 2:
            found = f"only events of class {present[0]}" if present else "no events"
            raise Skip(f"{found} among the {name} events; at least two classes are needed")


def _scores(test: Samples, probabilities: Iterable[Any]) -> Scores:
    host = test.to("cpu")
    return Scores(
        event_ids=host.event_ids.numpy(),
        labels=host.labels.numpy(),
        scores=np.asarray(probabilities, dtype=np.float32),
        weights=host.weights.numpy(),
        mass=None if host.mass is None else host.mass.numpy(),
    )
