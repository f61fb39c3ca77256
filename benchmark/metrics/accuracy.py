"""Shares of events that are assigned to their class, and the confusion matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmark.core.errors import UserError
from benchmark.metrics.arrays import Bools, Floats, unit_weights
from benchmark.metrics.intervals import effective_count, mean_of_two, wilson
from benchmark.metrics.metric import CONFIDENCE, Estimate, Metric, MetricColumn, Scored
from benchmark.metrics.thresholds import best_threshold, halves

Labels = NDArray[np.int64]


def predict(scores: Floats) -> Labels:
    """The class (n,) with the highest of the scores (n, classes), the first one if several are equal."""
    predicted: Labels = np.argmax(scores, axis=1).astype(np.int64, copy=False)
    return predicted


def confusion_matrix(labels: Labels, predicted: Labels, n_classes: int) -> Labels:
    """Numbers of events, without weights.

    Parameters
    ----------
    labels, predicted : (n,) int, 0 to n_classes - 1.

    Returns
    -------
    (n_classes, n_classes), true classes in rows, predicted classes in columns.

    Raises
    ------
    UserError
        When the shapes differ or a class is out of range.
    """
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    if labels.ndim != 1 or labels.shape != predicted.shape:
        raise UserError(
            f"confusion matrix: labels {labels.shape} and predictions {predicted.shape} differ in shape, "
            "expected (n,) each. Give one of each for every event."
        )
    for name, column in (("labels", labels), ("predictions", predicted)):
        if len(column) and (column.min() < 0 or column.max() >= n_classes):
            raise UserError(
                f"confusion matrix: {name} {column.min()} to {column.max()}, expected 0 to {n_classes - 1}. "
                "Number the classes from 0."
            )
    cells = labels.astype(np.int64) * n_classes + predicted.astype(np.int64)
    return np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes).astype(np.int64, copy=False)


def proportion(hits: Bools, weights: Floats | None = None, confidence: float = CONFIDENCE) -> Estimate:
    """The weighted share of hits, with Wilson's interval for the effective number of events.

    Parameters
    ----------
    hits : (n,) bool.
    weights : (n,), 0 or more, or None for 1 each. The share is undefined when no event has a weight.
    """
    hits = np.asarray(hits, dtype=bool)
    weights = unit_weights(len(hits)) if weights is None else np.asarray(weights, dtype=np.float64)
    count = effective_count(weights)
    if count == 0:
        return Estimate(None, reason="no test events")
    # both sums run over all events in the same order, so that rounding cannot give a share above 1
    value = float(np.where(hits, weights, 0.0).sum() / weights.sum())
    return Estimate(value, *wilson(value, count, confidence))


def balanced(a: Estimate, b: Estimate) -> Estimate:
    """The mean of two independent shares; see `intervals.mean_of_two`."""
    if a.value is None or b.value is None:
        return Estimate(None, reason=a.reason if a.value is None else b.reason)
    low, high = mean_of_two(a.value, _bounds(a), b.value, _bounds(b))
    return Estimate((a.value + b.value) / 2, low, high)


class Accuracy(Metric):
    """Share of events assigned to their class: of all, of each class, and signal against background.

    An event is assigned to the class with the highest score, and tagged as signal if that is the signal; for
    `signal_accuracy_best`, if the signal's score is at or above a threshold. The published 0.954 of the ttbar task must
    be `signal_accuracy_mixture`.
    """

    name = "accuracy"
    columns = (
        MetricColumn(
            "signal_accuracy",
            "Signal accuracy",
            "Share of events correctly tagged as signal or background, with one half of the weight for each",
            better="higher",
            scale="share",
            order=30,
            interval="Wilson for each half, added in quadrature",
            undefined="if a class has no test events",
            source="Stat. Med. 17 (1998) 873, method 10",
        ),
        MetricColumn(
            "signal_accuracy_best",
            "Signal accuracy, best threshold",
            "Signal accuracy of a cut on the signal's score, at the best threshold of the validation events",
            better="higher",
            scale="share",
            order=None,
            interval="Wilson for each half, added in quadrature",
            undefined="without validation events, or if a class has no events",
            source="Stat. Med. 17 (1998) 873, method 10",
        ),
        MetricColumn(
            "signal_accuracy_mixture",
            "Signal accuracy, mixture",
            "Share of events correctly tagged as signal or background, in the mixture of the test events",
            better="higher",
            scale="share",
            order=None,
            interval="Wilson",
            undefined="without test events",
        ),
        MetricColumn(
            "accuracy",
            "Accuracy",
            "Share of events assigned to their class",
            better="higher",
            scale="share",
            order=40,
            interval="Wilson",
            undefined="without test events",
        ),
        MetricColumn(
            "recall_<class>",
            "Recall of <class>",
            "Share of <class> events assigned to <class>",
            better="higher",
            scale="share",
            order=None,
            interval="Wilson",
            undefined="if the class has no test events",
        ),
    )

    def __call__(self, scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        """The estimates by name; undefined if a class has no test events."""
        predicted = predict(scored.scores)
        right = predicted == scored.labels
        estimates = {"accuracy": proportion(right, scored.weights, confidence)}
        for label, name in enumerate(scored.classes):
            estimates[f"recall_{name}"] = _of(scored.labels == label, name, right, scored, confidence)
        if scored.signal:
            tagged = predicted == 0
            estimates["signal_accuracy"] = _tagging(tagged, scored, confidence)
            estimates["signal_accuracy_best"] = _at_best_threshold(scored, confidence)
            estimates["signal_accuracy_mixture"] = proportion(
                tagged == (scored.labels == 0), scored.weights, confidence
            )
        return estimates


def _tagging(tagged: Bools, scored: Scored, confidence: float) -> Estimate:
    """The share of events (n,) tagged rightly as signal or as something else, with one half of the weight for each."""
    is_signal = scored.labels == 0
    signal = _of(is_signal, scored.classes[0], tagged, scored, confidence)
    rest = _of(~is_signal, f"classes other than {scored.classes[0]}", ~tagged, scored, confidence)
    return balanced(signal, rest)


def _at_best_threshold(scored: Scored, confidence: float) -> Estimate:
    valid = scored.valid
    if valid is None:
        return Estimate(None, reason="no scores of validation events, on which the threshold is chosen")
    threshold = best_threshold(valid, halves(valid), lambda shares: shares[:, 0] - shares[:, 1])
    if threshold is None:
        return Estimate(None, reason="a class has no validation events")
    return _tagging(scored.scores[:, 0] >= threshold, scored, confidence)


def _of(chosen: Bools, name: str, hits: Bools, scored: Scored, confidence: float) -> Estimate:
    """The share of hits among the chosen events."""
    estimate = proportion(hits[chosen], None if scored.weights is None else scored.weights[chosen], confidence)
    return Estimate(None, reason=f"no test events of {name}") if estimate.value is None else estimate


def _bounds(estimate: Estimate) -> tuple[float, float]:
    return (
        0.0 if estimate.low is None else estimate.low,
        1.0 if estimate.high is None else estimate.high,
    )
