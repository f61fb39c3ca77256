"""Several metrics of the same scores, and which scores are accepted."""

from __future__ import annotations

import dataclasses
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from benchmark.core.errors import UserError
from benchmark.core.refusals import is_name, kind_of, shown, wrong
from benchmark.metrics.metric import CONFIDENCE, Estimate, Metric, Scored, find_column

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

SUM_TOLERANCE = 1e-3
"""How far from 1 the probabilities of an event may sum: half precision rounds to 10 bits."""
ROUNDING = 1e-6
"""How far above 1 a probability may lie: a float32 softmax does not end exactly at 1."""


def compute(metrics: Iterable[Metric], scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
    """The estimates of all metrics by name, of scores that pass `check`.

    Raises
    ------
    UserError
        When `check` refuses the scores, when two metrics give the same name, or when a metric gives a number that it
        does not declare.
    """
    if not 0 < confidence < 1:
        raise UserError(f"confidence: {confidence}, expected a number between 0 and 1. Give 0.95.")
    scored = check(scored)
    estimates: dict[str, Estimate] = {}
    origin: dict[str, str] = {}
    for metric in metrics:
        for name, estimate in _checked(metric, metric(scored, confidence)).items():
            if name in origin:
                raise UserError(
                    f"metric '{metric.name}': gives '{name}', and so does '{origin[name]}'; "
                    "names of numbers are unique. Rename it in one of them."
                )
            if find_column(name, metric.columns) is None:
                raise UserError(
                    f"metric '{metric.name}': gives '{name}', which none of its columns declares. "
                    f"Add MetricColumn('{name}', ...) to its `columns`."
                )
            estimates[name], origin[name] = estimate, metric.name
    return estimates


def _checked(metric: Metric, returned: object) -> dict[str, Estimate]:
    """What a metric returned. Raises UserError unless it is a dict of estimates, whose numbers are real."""
    expected = "a dict of an Estimate for each number"
    if not isinstance(returned, dict):
        raise wrong(metric.name, "returned", kind_of(returned), expected)
    for name, estimate in returned.items():
        if not (is_name(name) and isinstance(estimate, Estimate)):
            raise wrong(metric.name, "returned", f"{shown(name)}: {shown(estimate)}", expected)
        for number in (estimate.value, estimate.low, estimate.high):
            if not (number is None or isinstance(number, Real)):
                raise wrong(metric.name, "returned", f"{shown(name)}: {shown(number)}", "a real number or None")
        if not (estimate.reason is None or isinstance(estimate.reason, str)):
            raise wrong(metric.name, "returned", f"the reason {shown(estimate.reason)}", "a text or None")
    return returned


def check(scored: Scored) -> Scored:
    """Scores converted to int64 and float64 arrays.

    Raises
    ------
    UserError
        For the first of these: fewer than two classes, no events, a shape that does not fit, a label that is no class,
        a score that is not a probability, a negative weight.
    """
    classes = len(scored.classes)
    if classes < 2:
        raise UserError(f"classes: found {classes}, expected two or more. A classifier needs at least two.")
    labels = np.asarray(scored.labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise UserError(f"labels: {labels.dtype} of shape {labels.shape}, expected (n,) integers. Give class numbers.")
    if len(labels) == 0:
        raise UserError("labels: no test events, expected at least one. Give more events, or a larger test split.")
    if labels.min() < 0 or labels.max() >= classes:
        raise UserError(
            f"labels: found {labels.min()} to {labels.max()}, expected 0 to {classes - 1} "
            f"for {', '.join(scored.classes)}. Number the classes in this order."
        )
    return dataclasses.replace(
        scored,
        labels=labels.astype(np.int64, copy=False),
        scores=check_probabilities(scored.scores, len(labels), scored.classes),
        weights=_check_weights(scored.weights, len(labels)),
        mass=_check_column("mass", scored.mass, len(labels)),
        valid=None if scored.valid is None else check(scored.valid),
    )


def check_probabilities(scores: NDArray[np.float64], events: int, classes: tuple[str, ...]) -> NDArray[np.float64]:
    """The probabilities (events, classes) as float64. Raises UserError for another shape, and for other numbers."""
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape != (events, len(classes)):
        raise UserError(
            f"scores: shape {scores.shape}, expected {(events, len(classes))} for {events} labels and the classes "
            f"{', '.join(classes)}. Give a row for each event and a column for each class."
        )
    # the comparison is false for NaN as well
    wrong = np.argwhere(~((scores >= 0) & (scores <= 1 + ROUNDING)))
    if len(wrong):
        row, column = wrong[0]
        raise UserError(
            f"scores: {len(wrong)} of {scores.size} are not probabilities (first: {scores[row, column]} in row {row}, "
            f"class {classes[column]}), expected 0 to 1. Give the output of a softmax; a fit that diverged gives NaN."
        )
    return scores


def _check_weights(weights: NDArray[np.float64] | None, events: int) -> NDArray[np.float64] | None:
    weights = _check_column("weights", weights, events)
    if weights is None:
        return None
    wrong = np.flatnonzero(~((weights >= 0) & (weights < np.inf)))
    if len(wrong):
        raise UserError(
            f"weights: {len(wrong)} of {events} are negative or not finite (first: {weights[wrong[0]]} in row "
            f"{wrong[0]}), expected 0 or more. Leave such events out, or give them weight 0."
        )
    if not weights.any():
        raise UserError(f"weights: all {events} are 0, expected some above. Leave the weights out for 1 each.")
    return weights


def _check_column(name: str, column: NDArray[np.float64] | None, events: int) -> NDArray[np.float64] | None:
    if column is None:
        return None
    column = np.asarray(column, dtype=np.float64)
    if column.shape != (events,):
        raise UserError(f"{name}: shape {column.shape}, expected {(events,)}. Give one number for each label.")
    return column
