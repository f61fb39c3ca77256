"""From the scores of the test events to the metrics of a record: all that are registered, and those asked for."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from benchmark.core.errors import UserError
from benchmark.core.registry import METRICS
from benchmark.metrics.accuracy import confusion_matrix
from benchmark.metrics.metric import Estimate, Metric, Scored, compute
from benchmark.records.result import MetricValue, Scores

if TYPE_CHECKING:
    from collections.abc import Iterable


def score(
    scores: Scores, classes: tuple[str, ...], has_signal: bool, extra: Iterable[str] = ()
) -> tuple[dict[str, MetricValue], list[list[int]]]:
    """Metrics by name, and the confusion matrix (true rows, predicted columns).

    extra : metrics from files (`path/to/mine.py:Mine`), beside the registered ones.
    """
    scored = Scored(
        labels=scores.labels,
        scores=scores.scores.astype(np.float64),
        classes=classes,
        weights=scores.weights.astype(np.float64),
        mass=None if scores.mass is None else scores.mass.astype(np.float64),
        signal=has_signal,
    )
    estimates = compute(metrics(tuple(METRICS.names())), scored)
    for metric in metrics(tuple(extra)):
        if metric.name not in METRICS.names():
            estimates |= _guarded(metric, scored)
    values = {name: _value(estimate) for name, estimate in estimates.items()}
    matrix = confusion_matrix(scores.labels, scores.scores.argmax(axis=1), len(classes))
    return values, matrix.tolist()


def _guarded(metric: Metric, scored: Scored) -> dict[str, Estimate]:
    """A metric of the user's own: when it fails, its number is undefined, and the training is not lost."""
    try:
        return compute([metric], scored)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return {metric.name: Estimate(None, reason=reason)}


def _value(estimate: Estimate) -> MetricValue:
    """An estimate as it is recorded: what is not finite is undefined, since JSON has no word for it."""
    value, low, high = (
        number if number is None or math.isfinite(number) else None
        for number in (estimate.value, estimate.low, estimate.high)
    )
    reason = estimate.reason
    if value is None and estimate.value is not None:
        reason = reason or f"the metric gave {estimate.value}"
    return MetricValue(value=value, low=low, high=high, reason=reason)


@cache
def metrics(names: tuple[str, ...]) -> tuple[Metric, ...]:
    """Instances of the named metrics, each once. Raises UserError for one that is not known."""
    return tuple(_instance(name) for name in dict.fromkeys(names))


def _instance(name: str) -> Metric:
    made: type[Metric] = METRICS.load(name)
    try:
        return made()
    except Exception as error:
        raise UserError(f"metric {name}: making it raised {type(error).__name__}: {error}. Mend it.") from error
