"""From the scores of the test events to the metrics of a record: registered ones, and those given as files."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from benchmark.core.blame import reason_of
from benchmark.core.errors import UserError
from benchmark.metrics.accuracy import confusion_matrix
from benchmark.metrics.compute import compute
from benchmark.metrics.metric import Estimate, Metric, MetricColumn, Scored, find_column
from benchmark.metrics.registry import METRICS
from benchmark.records.fields import in_bounds
from benchmark.records.result import MetricValue, Result, ShiftedTest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from benchmark.records.scores import Scores


class Evaluation(NamedTuple):
    """The fields of a result that follow from its scores.

    `metric_columns` has the columns of metrics that are not built in, so that pages can show their numbers without
    running their code. `confusion_matrix` has true classes in rows. `shifted` has the numbers of shifted test events.
    """

    metrics: dict[str, MetricValue]
    metric_columns: tuple[MetricColumn, ...]
    confusion_matrix: list[list[int]]
    shifted: dict[str, ShiftedTest]

    def added_to(self, result: Result) -> Result:
        """The result with these numbers; numbers of metrics that were not computed this time stay."""
        columns = {column.name: column for column in (*result.metric_columns, *self.metric_columns)}
        update = {
            "metrics": {**result.metrics, **self.metrics},
            "metric_columns": tuple(columns.values()),
            "confusion_matrix": self.confusion_matrix,
            "shifted": {**result.shifted, **self.shifted},
        }
        return result.model_copy(update=update)


def score(
    scores: Scores,
    classes: tuple[str, ...],
    has_signal: bool,
    extra: Iterable[str] = (),
    yields: Mapping[str, float] | None = None,
) -> Evaluation:
    """Compute all registered metrics, and `extra` ones from files (`path/to/mine.py:Mine`), on all test events.

    Those that are not ours come last, each with arrays of its own.

    Parameters
    ----------
    scores : with those of validation and shifted test events, if there are any.
    yields : expected events of each class, where the task declares them.
    """
    scored = scored_of(scores, classes, has_signal, yields)
    confusion = confusion_matrix(scored.labels, scored.scores.argmax(axis=1), len(classes)).tolist()
    registered = METRICS.entries()
    announced = metrics(tuple(name for name, entry in registered.items() if not entry.is_built_in))
    foreign = [*announced, *(metric for metric in metrics(tuple(extra)) if metric.name not in registered)]
    return Evaluation(
        metrics=_numbers(scored, foreign),
        metric_columns=tuple(column for metric in foreign for column in metric.declared()),
        confusion_matrix=confusion,
        shifted={
            name: ShiftedTest(
                fingerprint=part.events.sha256,
                events=len(part.events.labels),
                metrics=_numbers(replace(scored_of(part, classes, has_signal, yields), valid=scored.valid), foreign),
            )
            for name, part in scores.shifted.items()
        },
    )


def scored_of(
    scores: Scores, classes: tuple[str, ...], has_signal: bool, yields: Mapping[str, float] | None = None
) -> Scored:
    """Scores as metrics take them."""
    events = scores.events
    return Scored(
        labels=events.labels,
        scores=scores.probabilities,
        classes=classes,
        weights=events.weights.astype(np.float64),
        mass=None if events.mass is None else events.mass.astype(np.float64),
        signal=has_signal,
        valid=scored_of(scores.valid, classes, has_signal) if scores.valid else None,
        yields=yields or {},
    )


def _numbers(scored: Scored, foreign: Iterable[Metric]) -> dict[str, MetricValue]:
    """The numbers of all metrics of ours, then of others."""
    built_in = tuple(name for name, entry in METRICS.entries().items() if entry.is_built_in)
    estimates = compute(metrics(built_in), scored)
    for metric in foreign:
        estimates = {**_guarded(metric, _copied(scored), estimates), **estimates}
    return {name: _value(estimate) for name, estimate in estimates.items()}


def _copied(scored: Scored) -> Scored:
    """The same with copies of the arrays, which can't be written to."""
    arrays: dict[str, Any] = {
        name: np.array(value) for name, value in vars(scored).items() if isinstance(value, np.ndarray)
    }
    for array in arrays.values():
        array.flags.writeable = False
    return replace(scored, **arrays, valid=_copied(scored.valid) if scored.valid else None)


def _guarded(metric: Metric, scored: Scored, known: Mapping[str, Estimate]) -> dict[str, Estimate]:
    """The estimates of a metric from a file. If it fails, its number is undefined, and no training is lost."""
    try:
        estimates = compute([metric], scored)
        if taken := sorted(estimates.keys() & known.keys()):
            raise UserError(f"metric '{metric.name}': gives '{taken[0]}', a number of another metric. Rename it.")
    except (Exception, SystemExit) as error:
        return {metric.name: Estimate(None, reason=reason_of(error))}
    return estimates


def _value(estimate: Estimate) -> MetricValue:
    """An estimate as it is recorded. Numbers that are not finite or too large are undefined."""
    value, low, high = (
        number if number is None or in_bounds(number) else None
        for number in (estimate.value, estimate.low, estimate.high)
    )
    reason = estimate.reason
    if value is None and estimate.value is not None:
        reason = reason or f"the metric gave {estimate.value}"
    return MetricValue(value=value, low=low, high=high, reason=reason)


@cache
def built_in_metric(number: str) -> Metric | None:
    """The metric of this program that declares a number; None if it is of a plug-in, whose code is not loaded."""
    names = tuple(name for name, entry in METRICS.entries().items() if entry.origin == "package")
    return next((metric for metric in metrics(names) if find_column(number, metric.columns)), None)


@cache
def metrics(names: tuple[str, ...]) -> tuple[Metric, ...]:
    """Instances of the named metrics, each once. Raises UserError for an unknown one."""
    return tuple(_instance(name) for name in dict.fromkeys(names))


def _instance(name: str) -> Metric:
    plugin: type[Metric] = METRICS.load(name)
    if not plugin.columns:
        raise UserError(
            f"metric {name}: '{plugin.__name__}' declares no columns, expected one for each number that it gives. "
            f"Write: columns = (MetricColumn('{plugin.name}', 'HEADER'),)"
        )
    try:
        return plugin()
    except Exception as error:
        raise UserError(f"metric {name}: creating it raised {reason_of(error)}. Correct its code.") from error
