"""One cell, from events to result: represent, fit, predict, score."""

from __future__ import annotations

import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from benchmark.core.blame import reason_of
from benchmark.core.energy import EnergyMeter
from benchmark.core.errors import Skip, UserError
from benchmark.core.machine import gpu_name
from benchmark.core.memory import peak_memory_mb, reset_peak_memory
from benchmark.core.process import leave_if_forked, rank_and_size
from benchmark.engine import returned, training_events
from benchmark.engine.costs import Fit, measured
from benchmark.engine.sample_store import represented
from benchmark.engine.skip import why_skipped
from benchmark.engine.throughput import clock
from benchmark.records import environment
from benchmark.records.fields import cleaned
from benchmark.records.result import Result, ShiftedTest, Throughput
from benchmark.records.scores import Scores
from benchmark.records.scoring import score
from models.model import silent

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
    splits = _moved(samples.splits, item, device)
    train, valid, test = (splits[name] for name in ("train", "valid", "test"))
    _check_classes(train, test)
    # the truth first, since a model may change the samples
    truths = {name: _truth(splits[name]) for name in ("valid", "test")}
    shifted = {name: part if isinstance(part, str) else (part, _truth(part)) for name, part in samples.shifted.items()}
    events = {name: len(part) for name, part in splits.items()}
    report, earlier_s = _Muted(context), 0.0

    def resumed(seconds: float) -> None:
        nonlocal earlier_s
        earlier_s = returned.seconds(model, seconds)

    reset_peak_memory(device)
    report("train", 0, 1)
    meter = EnergyMeter()
    with clock() as fitting:
        model.fit(train, valid, replace(context, report=report, resumed=resumed))
    energy = None if context.sharing > 1 or earlier_s or device != "cpu" else meter.joules()
    leave_if_forked()
    report("predict", 0, events["test"])
    with clock() as predicting:
        scores = _scores(model, test, truths["test"])
    report("predict", events["test"], events["test"])
    scores = replace(scores, valid=_scores(model, valid, truths["valid"]) if events["valid"] else None)
    scores, unshifted = _with_shifts(scores, model, shifted, device)
    details, course = returned.details(model), returned.training(model)
    report("score", 0, 1)
    with clock() as scoring:
        evaluation = score(scores, record.classes, samples.provenance.has_signal, item.cell.metrics, record.yields)
    host, gpu = peak_memory_mb(device)
    fit_s = fitting.seconds + earlier_s
    costs: dict[str, Any] = {
        "threads": torch.get_num_threads(),
        "fit_cpu_s": fitting.cpu_seconds,
        "fit_energy_j": energy,
        "predict_cpu_s": predicting.cpu_seconds,
        "represent_events_per_s": samples.provenance.events_per_s,
        "peak_memory_mb": host + gpu,
        "host_memory_mb": host,
        "device_memory_mb": gpu,
    }
    if context.sharing == 1:  # else it is measured when the other cells have ended
        report.silent = True  # predictions are repeated
        costs |= measured(model, splits, Fit(fit_s), device)
    report.silent = False
    report("score", 1, 1)
    filled = {
        "status": "done",
        "has_signal": samples.provenance.has_signal,
        "events": events,
        **evaluation._asdict(),
        "shifted": {**evaluation.shifted, **unshifted},
        "throughput": Throughput(**costs),
        "parameters_count": returned.count(model),
        "details": details,
        "training": course,
        "timings": {"fit": fit_s, "predict": predicting.seconds, "score": scoring.seconds},
        "environment": {**record.environment, "represented": samples.provenance.made},
    }
    return record.model_copy(update=filled), scores


def measure(item: Planned, result: Result, folder: Path, data_root: Path, context: Context) -> Result:
    """A finished result with the costs of its model, which was saved to a folder, on this machine now."""
    model = item.job.model
    model.load(folder, replace(context, report=silent))
    splits = _moved(represented(item, data_root, context).splits, item, context.device)
    course = result.training
    fit = Fit(result.timings["fit"], alone=False, epochs=course.epochs if course else None)
    throughput = {**dict(result.throughput), **measured(model, splits, fit, context.device)}
    return result.model_copy(update={"throughput": Throughput(**throughput)})


class _Muted:
    """Passes reports on, unless it is to be silent."""

    def __init__(self, context: Context) -> None:
        self.context, self.silent = context, False

    def __call__(self, stage: str, done: float, total: float) -> None:
        if not self.silent:
            self.context.report(stage, done, total)


def _moved(splits: Mapping[str, Samples], item: Planned, device: str) -> dict[str, Samples]:
    """The samples on a device, with as many training events as the cell has."""
    return {name: part.to(device) for name, part in _used(splits, item.cell.train_events).items()}


def _with_shifts(
    scores: Scores, model: Model, shifted: Mapping[str, tuple[Samples, dict[str, Any]] | str], device: str
) -> tuple[Scores, dict[str, ShiftedTest]]:
    """Scores with those of shifted test events; and why there are none, by the name of the shift."""
    found, missing = {}, {}
    for name, part in shifted.items():
        try:
            if isinstance(part, str):
                raise UserError(part)
            samples, truth = part
            found[name] = _scores(model, samples.to(device), truth)
        except Exception as error:  # the result stands without them
            missing[name] = ShiftedTest(reason=reason_of(error))
    return replace(scores, shifted=found), missing


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


def _truth(samples: Samples) -> dict[str, Any]:
    """Copies of ids, labels, weights and mass of events: what the scores are compared with."""
    columns = {name: getattr(samples, name) for name in ("event_ids", "labels", "weights", "mass")}
    return {name: None if column is None else column.cpu().numpy().copy() for name, column in columns.items()}


def _scores(model: Model, samples: Samples, truth: Mapping[str, Any]) -> Scores:
    """The scores that a fitted model gives samples, rounded as they are stored."""
    count, classes = len(samples), samples.classes
    probabilities = model.predict_proba(samples)
    leave_if_forked()
    return Scores.of(probabilities=returned.probabilities(model, probabilities, count, classes), **truth)
