"""One cell, from events to result: represent, fit, predict, score."""

from __future__ import annotations

import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from benchmark.core.blame import reason_of
from benchmark.core.errors import Skip, UserError
from benchmark.core.machine import gpu_name
from benchmark.core.memory import peak_memory_mb, reset_peak_memory
from benchmark.core.process import leave_if_forked, rank_and_size
from benchmark.engine import returned, training_events
from benchmark.engine.sample_store import represented
from benchmark.engine.skip import why_skipped
from benchmark.engine.throughput import clock, control_workload, events_per_second, latency_ms
from benchmark.records import environment
from benchmark.records.fields import cleaned
from benchmark.records.result import Result, Throughput
from benchmark.records.scores import Scores
from benchmark.records.scoring import score

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmark.engine.plan import Planned
    from benchmark.engine.sample_store import Represented
    from models.model import Context, Model
    from representations.samples import Samples

TRACEBACK_LENGTH = 10_000


def run(item: Planned, data_root: Path, context: Context) -> tuple[Result, Scores | None]:
    """The result of a cell and the scores of its test events.

    Never raises for an error inside the cell: that is a result too, `skipped` or `failed` with its reason.
    """
    record = item.record.model_copy(update={"environment": _environment(context)})
    try:
        if reason := why_skipped(item.job, item.manifests, data_root):
            raise Skip(reason)
        return evaluate(item, record, represented(item, data_root, context), context)
    except Skip as skip:
        return record.model_copy(update={"status": "skipped", "reason": reason_of(skip)}), None
    except UserError as error:
        return record.model_copy(update={"status": "failed", "reason": reason_of(error)}), None
    except BaseException as error:  # a model may fail in any way; the other cells go on
        text = cleaned(traceback.format_exc(limit=-8)[-TRACEBACK_LENGTH:], TRACEBACK_LENGTH)
        where = {**record.environment, "traceback": text}
        changes = {"status": "failed", "reason": reason_of(error), "environment": where}
        return record.model_copy(update=changes), None


def _environment(context: Context) -> dict[str, Any]:
    """The machine, and how many processes and cells shared it."""
    shared = {"processes": rank_and_size()[1], "jobs": context.sharing}
    return {
        **environment.describe(),
        "gpu": gpu_name(context.device),
        **{name: number for name, number in shared.items() if number > 1},
    }


def evaluate(item: Planned, record: Result, samples: Represented, context: Context) -> tuple[Result, Scores]:
    """Fit on the training samples, predict and score the test samples. Returns the filled-in record, and the scores."""
    model, device = item.job.model, context.device
    splits = {name: part.to(device) for name, part in _used(samples.splits, item.cell.train_events).items()}
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
    leave_if_forked()
    report("predict", 0, len(test))
    with clock() as predicting:
        scores = _scores(model, test)
    report("predict", len(test), len(test))
    scores = replace(scores, valid=_scores(model, valid) if len(valid) else None)
    details, parameters_count = returned.details(model), returned.count(model)
    report("score", 0, 1)
    with clock() as scoring:
        evaluation = score(scores, record.classes, samples.provenance.has_signal, item.cell.metrics, record.yields)
    fit_s = fitting.seconds + details.get("resumed_s", 0.0)  # with the epochs before a kill
    timings: dict[str, float] = {}
    speeds: dict[str, float | None] = {}
    if context.sharing == 1:  # the speed of a cell that shares its device means nothing
        timings = {"fit": fit_s, "predict": predicting.seconds, "score": scoring.seconds}
        timing = True
        speeds = _speeds(model, test)
        speeds["train_events_per_s"] = len(train) / max(fit_s, 1e-9)
        speeds["represent_events_per_s"] = samples.provenance.events_per_s
        timing = False
    throughput = Throughput(**speeds, peak_memory_mb=peak_memory_mb(device))
    report("score", 1, 1)
    filled = {
        "status": "done",
        "has_signal": samples.provenance.has_signal,
        "events": {name: len(part) for name, part in splits.items()},
        **evaluation._asdict(),
        "throughput": throughput,
        "parameters_count": parameters_count,
        "details": details,
        "training": returned.training(model),
        "timings": timings,
        "environment": {**record.environment, "represented": samples.provenance.made},
    }
    return record.model_copy(update=filled), scores


def _used(splits: Mapping[str, Samples], train_events: int | None) -> Mapping[str, Samples]:
    """The samples, with so many training events, or all of them."""
    train = splits["train"]
    if train_events is None:
        return splits
    places = training_events.chosen(train.labels.numpy(), train.event_ids.numpy(), train_events)
    return {**splits, "train": train[torch.from_numpy(places)]}


def _check_classes(train: Samples, test: Samples) -> None:
    """Raise Skip when there is only one class."""
    for name, samples in (("training", train), ("test", test)):
        present = sorted({samples.classes[label] for label in set(samples.labels.tolist())})
        if len(present) < 2:
            found = f"only events of class {present[0]}" if present else "no events"
            raise Skip(f"{found} among the {name} events; at least two classes are needed")


def _speeds(model: Model, test: Samples) -> dict[str, float | None]:
    """Speeds of prediction, and of a fixed workload by which machines can be compared."""
    return {
        "predict_events_per_s": events_per_second(lambda: model.predict_proba(test), len(test)),
        "latency_ms": latency_ms(lambda: model.predict_proba(test[:1])),
        "control": control_workload(),
    }


def _scores(model: Model, samples: Samples) -> Scores:
    """The scores that a fitted model gives samples, rounded as they are stored."""
    probabilities = model.predict_proba(samples)
    leave_if_forked()
    host = samples.to("cpu")
    return Scores.of(
        event_ids=host.event_ids.numpy(),
        labels=host.labels.numpy(),
        probabilities=returned.probabilities(model, probabilities, len(samples), samples.classes),
        weights=host.weights.numpy(),
        mass=None if host.mass is None else host.mass.numpy(),
    )
