"""Plausible results with seeded Gaussian scores, for the tests of the pages and as a demo:

python -m tests.leaderboard.factory FOLDER     writes results and their site
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.metrics.auc import Auc
from benchmark.metrics.metric import Scored
from benchmark.metrics.rejection import Rejection
from benchmark.records.identity import make_key
from benchmark.records.result import Code, MetricValue, Result, Throughput
from benchmark.records.scores import Scores
from benchmark.records.store import ResultStore

CLASSES = {
    "ttbar": ("ttbar", "wjets", "drellyan"),
    "dimuon": ("jpsi", "psi2s", "upsilon", "z", "none"),
    "wprime": ("w", "qcd"),
}


SPEEDS = {
    "cnn": 900.0,
    "bdt": 60_000.0,
    "mpnn": 400.0,
    "circles": 0.6,
    "calorimeter": 0.4,
    "fourvectors": 3.0,
    "graph": 1.0,
}


def scores_of(classes: int, strength: float, seed: int, events: int = 1500, shared: float = 0.8) -> Scores:
    """Softmax scores of events whose hidden features are the same for every model; `seed` is the training's."""
    common, own = np.random.default_rng(1), np.random.default_rng(1000 + seed)
    labels = np.arange(events) % classes
    noise = shared * common.normal(size=(events, classes)) + (1 - shared) * own.normal(size=(events, classes))
    logits = strength * (labels[:, None] == np.arange(classes)) + noise
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Scores.of(
        event_ids=np.arange(events, dtype=np.int64),
        labels=labels.astype(np.int64),
        probabilities=probabilities.astype(np.float32),
        weights=np.ones(events, dtype=np.float32),
    )


def metrics_of(scores: Scores, classes: tuple[str, ...], *, signal: bool) -> dict[str, MetricValue]:
    """The metrics that the engine records and boards have."""
    wide, labels = scores.probabilities, scores.events.labels
    scored = Scored(labels, wide, classes, signal=signal)
    found = {**Auc()(scored), **Rejection()(scored)}
    metrics = {n: MetricValue(value=e.value, low=e.low, high=e.high, reason=e.reason) for n, e in found.items()}
    right = float((wide.argmax(axis=1) == labels).mean())
    half = 1.96 * (right * (1 - right) / len(wide)) ** 0.5
    return {**metrics, "accuracy": MetricValue(value=right, low=right - half, high=right + half)}


def confusion_of(scores: Scores, classes: int) -> list[list[int]]:
    matrix = np.zeros((classes, classes), dtype=int)
    np.add.at(matrix, (scores.events.labels, scores.probabilities.argmax(axis=1)), 1)
    return matrix.tolist()


def make_result(**changes: Any) -> Result:
    """A record without scores; `changes` are fields of Result. `auc` makes a metric: value or (value, low, high)."""
    auc = changes.pop("auc", None)
    task = changes.get("task", "ttbar")
    fields: dict[str, Any] = {
        "status": "done",
        "task": task,
        "task_version": "1",
        "classes": CLASSES.get(task, ("signal", "background")),
        "source": "generated",
        "fingerprint": f"{task}0123456789abcdef",
        "level": "detector",
        "fast_simulation": True,
        "has_signal": task != "dimuon",
        "preset": "quick",
        "device": "cpu",
        "representation": "circles",
        "model": "cnn",
        "seed": 0,
        "code": Code(version="0.1.0", revision="0123456789abcdef", dirty=False),
        "created": "2025-01-02T03:04:05+00:00",
        **changes,
    }
    if fields["status"] == "done":
        fields.setdefault("events", {"train": 4000, "valid": 500, "test": 1500})
    if auc is not None:
        value, low, high = auc if isinstance(auc, tuple) else (auc, None, None)
        fields["metrics"] = {
            "rejection_50": MetricValue(value=10.0),
            "auc": MetricValue(value=value, low=low, high=high),
        }
    naming = ("task", "task_version", "level", "preset", "device", "representation", "model", "seed", "created")
    parts = [fields.get("parameters"), fields.get("representation_parameters"), fields.get("events")]
    fields.setdefault("key", make_key({"names": [str(fields[name]) for name in naming], "parts": parts}))
    return Result(**fields)


def add_scored(store: ResultStore, result: Result, strength: float = 1.0) -> Result:
    """A record in the store with scores, whose AUC and number of events replace those of the record."""
    scores = scores_of(len(result.classes), strength, seed=len(result.model))
    auc = metrics_of(scores, result.classes, signal=result.has_signal)["auc"]
    events = {**result.events, "test": len(scores.log_ratios)}
    changes = {"metrics": {**result.metrics, "auc": auc}, "events": events}
    return store.add(result.model_copy(update=changes), scores)


def add_cell(store: ResultStore, strength: float, *, events: int = 1500, **changes: Any) -> Result:
    """A finished cell with scores, metrics and costs, in the store."""
    bare = make_result(**{"events": {"train": 4000, "valid": 500, "test": events}, **changes})
    scores = scores_of(len(bare.classes), strength, seed=bare.seed + 10 * len(bare.model), events=events)
    speed = SPEEDS[bare.model] * SPEEDS[bare.representation]
    return store.add(
        bare.model_copy(
            update={
                "metrics": metrics_of(scores, bare.classes, signal=bare.has_signal),
                "confusion_matrix": confusion_of(scores, len(bare.classes)),
                "throughput": Throughput(
                    train_events_per_s=speed / 4, predict_events_per_s=speed, latency_ms=3.2, peak_memory_mb=812.0
                ),
                "parameters_count": 12_345 * len(bare.model),
                "timings": {"train": 12.5, "predict": 0.7},
                "environment": {"python": "3.11.7", "machine": {"cpu": "two cores", "memory_gb": 23}},
            }
        ),
        scores,
    )


def pictures_of(classes: tuple[str, ...], size: int = 64, count: int = 4) -> dict[str, np.ndarray]:
    """White canvases with a few circles, as (count, size, size, 3) uint8."""
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:size, :size]
    pictures = {}
    for place, name in enumerate(classes):
        stack = np.full((count, size, size, 3), 255, dtype=np.uint8)
        for image in stack:
            for _ in range(2 + place):
                row, column, radius = *rng.integers(12, size - 12, 2).tolist(), int(rng.integers(4, 11))
                ring = np.abs(np.hypot(rows - row, columns - column) - radius) < 0.8
                image[ring] = rng.integers(0, 200, 3)
        pictures[name] = stack
    return pictures


def fill(store: ResultStore, events: int = 1500) -> None:
    """A store as a user may have it: three tasks, several seeds, skipped and failed cells, a smoke run."""
    cells = {"circles": 0.95, "calorimeter": 0.7, "fourvectors": 1.2, "graph": 1.19}
    for representation, strength in cells.items():
        for model, more in {"cnn": 0.1, "bdt": 0.0}.items():
            add_cell(
                store, strength + more, events=events, representation=representation, model=model, preset="standard"
            )
    for seed in (1, 2):
        add_cell(store, 1.3, events=events, representation="fourvectors", model="cnn", preset="standard", seed=seed)
    store.add(
        make_result(
            status="failed",
            reason="loss became NaN in epoch 3",
            representation="graph",
            model="cnn",
            preset="standard",
            seed=1,
        )
    )
    store.add(
        make_result(
            status="timeout", reason="stopped after 3,600 s", representation="graph", model="recnn", preset="standard"
        )
    )
    add_cell(store, 1.0, events=300, preset="smoke")
    add_cell(store, 1.1, events=300, preset="smoke", model="bdt")
    for model in ("mpnn", "bdt"):
        add_cell(store, 1.5, events=events, task="wprime", representation="graph", model=model, parameters={"depth": 3})
    add_cell(store, 1.4, events=events, task="wprime", representation="graph", model="bdt", parameters={"depth": 5})
    store.add(
        make_result(
            task="wprime",
            status="skipped",
            reason="jets have no tracks at this level",
            fingerprint="",
            classes=(),
            model="recnn",
        )
    )
    for representation, strength in {"circles": 1.6, "fourvectors": 2.0}.items():
        add_cell(store, strength, events=events, task="dimuon", representation=representation, fast_simulation=False)
    for task in ("ttbar", "dimuon"):
        store.add_examples(task, f"{task}0123456789abcdef", pictures_of(CLASSES[task]))


def main() -> None:
    from leaderboard.pages.site import build

    folder = Path(sys.argv[1])
    store = ResultStore(folder / "results")
    fill(store)
    print(build(store, folder / "site"))


if __name__ == "__main__":
    main()
