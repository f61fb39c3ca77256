"""Names for readers of what records name for programs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_METRICS = {
    "auc": "AUC",
    "auc_macro": "AUC, mean over classes, each against the rest",
    "accuracy": "Accuracy",
    "signal_accuracy": "Signal-vs-background accuracy, 50/50",
    "signal_accuracy_mixture": "Signal-vs-background accuracy, on the mixture",
    "cvm": "Dependence on the mass (CVM, windows of 200 events)",
    "cvm_independent": "The same of a score that tells no mass, on average",
    "cvm_knn": "Dependence on the mass (CVM, 50 nearest neighbours)",
    "cvm_bins": "Dependence on the mass (CVM, 10 bins)",
}

THROUGHPUT = {
    "train_events_per_s": "Training [events/s]",
    "predict_events_per_s": "Prediction [events/s]",
    "represent_events_per_s": "Representation [events/s]",
    "latency_ms": "Latency of one event [ms]",
    "peak_memory_mb": "Peak memory [MB]",
    "control": "A fixed toy workload at the same time, to compare machines [events/s]",
}

_STAGES = {"fit": "Time to fit [s]", "predict": "Time to predict [s]", "score": "Time to score [s]"}


def metric_words(name: str, classes: Sequence[str]) -> str:
    """What a metric is; the name itself for one that is not known."""
    if name in _METRICS:
        return _METRICS[name]
    if found := re.fullmatch(r"rejection_(\d+)", name):
        return f"Background rejection at {found[1]}% signal efficiency"
    for label in classes:
        if name == f"auc_{label}":
            return f"AUC, {label} against the rest"
        if name == f"recall_{label}":
            return f"Share of {label} that is found"
        for other in classes:
            if name == f"auc_{label}_vs_{other}":
                return f"AUC, {label} against {other}"
    return name


def stage_words(name: str) -> str:
    """What a measured time is."""
    return _STAGES.get(name, f"Time, {name} [s]")
