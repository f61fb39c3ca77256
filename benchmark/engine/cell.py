"""One cell, from events to result.

job = build(cell)                            what the names and parameters mean (benchmark/engine/job.py)
blank = describe(job, manifest)              the record with its key, before anything is run
result, scores = run(job, data, context)     read and represent -> fit -> predict -> score
"""

from __future__ import annotations

import math
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.core.blame import reason_of
from benchmark.core.errors import Skip, UserError
from benchmark.core.memory import peak_memory_mb, reset_peak_memory
from benchmark.core.process import rank_and_size
from benchmark.engine.model_store import NOTHING, Keeping, keep
from benchmark.engine.sample_store import represented
from benchmark.engine.throughput import clock, control_workload, events_per_second, latency_ms
from benchmark.records import environment
from benchmark.records.result import Result, Scores, Throughput, make_key
from benchmark.records.scoring import score
from benchmark.records.store import ResultStore
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmark.engine.job import Job
    from benchmark.engine.sample_store import Represented
    from models.model import Context
    from representations.samples import Samples
    from tasks.data.manifest import Manifest

SHARED_VERSION = "1"
"""Part of every key. Raise it when what all models share (`models/inputs.py`, the training loop, the residual layers)
gives other numbers than before; a plug-in's own changes are in its `version`."""


def describe(job: Job, manifest: Manifest | None) -> Result:
    """The record of a cell before it is run, with the key that covers all that can change its outcome.

    Without a manifest (a level at which the task makes no sense) the key is of a cell without events.
    """
    cell, task = job.cell, job.data.task
    device = cell.device.partition(":")[0]
    _, processes = rank_and_size()
    key = make_key(
        {
            "task": cell.task.identity(TASKS, task),
            "representation": cell.representation.identity(REPRESENTATIONS, job.representation),
            "model": cell.model.identity(MODELS, job.model),
            "shared": SHARED_VERSION,
            "level": cell.level,
            "content": manifest.content if manifest else None,
            "fingerprint": manifest.fingerprint if manifest else None,
            "train": manifest.events("train") if manifest else 0,
            "preset": cell.preset,
            "seed": cell.seed,
            "device": device,
            **({"processes": processes} if processes > 1 else {}),  # which draw their dropout on their own
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
        bounds=dict(task.info(cell.level).bounds),
        preset=cell.preset,
        device=device,
        representation=job.representation.name,
        representation_parameters=job.representation.parameters(),
        representation_given=job.representation.changed(cell.preset),
        model=job.model.name,
        parameters=job.model.parameters(),
        parameters_given=job.model.changed(cell.preset),
        seed=cell.seed,
        events={split: manifest.events(split) for split in ("train", "valid", "test")} if manifest else {},
        code=environment.code(),
    )


def run(job: Job, data_root: Path, context: Context, keeping: Keeping = NOTHING) -> tuple[Result, Scores | None]:
    """The result of a cell and the scores of its test events.

    Never raises for what goes wrong inside the cell: that is a result too, `skipped` or `failed` with its reason.
    """
    manifest = job.data.manifest(data_root)
    blank = describe(job, manifest)
    blank.environment = {**environment.describe(), "gpu": environment.gpu_name(job.cell.device)}
    _, processes = rank_and_size()
    together = {"processes": processes, "jobs": context.sharing}
    blank.environment |= {name: number for name, number in together.items() if number > 1}
    if keeping.checkpoints is not None:
        context = replace(context, checkpoint=ResultStore(keeping.checkpoints).checkpoint(blank))
    try:
        if job.data.level in job.data.task.skipped_levels and job.data.source is None:
            raise Skip(job.data.task.skipped_levels[job.data.level])
        result, scores = evaluate(blank, represented(job, data_root, context), job, context)
        if keeping.models is not None:
            keep(job, result, manifest, keeping.models)
        return result, scores
    except Skip as skip:
        return blank.model_copy(update={"status": "skipped", "reason": str(skip)}), None
    except UserError as error:
        return blank.model_copy(update={"status": "failed", "reason": str(error)}), None
    except Exception as error:  # a model may fail in any way; the other cells go on, and the traceback is kept
        where = traceback.format_exc(limit=-8)
        traced = {**blank.environment, "traceback": where}
        return blank.model_copy(update={"status": "failed", "reason": reason_of(error), "environment": traced}), None


def evaluate(blank: Result, shown: Represented, job: Job, context: Context) -> tuple[Result, Scores]:
    """Fit on the training samples, predict the test samples, score: the record `blank`, filled in."""
    model, device = job.model, context.device
    splits = {name: samples.to(device) for name, samples in shown.splits.items()}
    train, valid, test = (splits[name] for name in ("train", "valid", "test"))
    _check_classes(train, test)

    timing = False

    def report(stage: str, done: float, total: float) -> None:
        if not timing:  # predictions are repeated to time them
            context.report(stage, done, total)

    reset_peak_memory(device)
    report("train", 0, 1)
    with clock() as fitting:
        model.fit(train, valid, replace(context, report=report))
    report("predict", 0, len(test))
    with clock() as predicting:
        probabilities = model.predict_proba(test)
    report("predict", len(test), len(test))
    scores = _scores(test, probabilities)
    report("score", 0, 1)
    with clock() as scoring:
        evaluation = score(scores, blank.classes, shown.pace.has_signal, job.cell.metrics)
    details = {name: value for name, value in model.details().items() if math.isfinite(value)}
    fit_s = fitting.seconds + details.get("resumed_s", 0.0)  # and those of the epochs before a kill
    timings: dict[str, float] = {}
    speeds: dict[str, float | None] = {}
    if context.sharing == 1:  # how fast a cell was beside others says nothing of it
        timings = {"fit": fit_s, "predict": predicting.seconds, "score": scoring.seconds}
        timing = True
        speeds = {
            "train_events_per_s": len(train) / max(fit_s, 1e-9),
            "predict_events_per_s": events_per_second(lambda: model.predict_proba(test), len(test)),
            "represent_events_per_s": shown.pace.events_per_s,
            "latency_ms": latency_ms(lambda: model.predict_proba(test[:1])),
            "control": control_workload(),
        }
        timing = False
    throughput = Throughput(**speeds, peak_memory_mb=peak_memory_mb(device))
    report("score", 1, 1)
    filled = {
        "status": "done",
        "has_signal": shown.pace.has_signal,
        "events": {name: len(samples) for name, samples in splits.items()},
        **evaluation._asdict(),
        "throughput": throughput,
        "parameters_count": model.parameters_count(),
        "details": details,
        "timings": timings,
        "environment": {**blank.environment, "represented": shown.pace.made},
    }
    return blank.model_copy(update=filled), scores


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
