"""Two classes of events, ordered by their score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmark.core.errors import UserError
from benchmark.metrics.intervals import effective_count

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class EmptyClassError(UserError):
    """A class has no events, or none with a weight above 0."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """The weights of two classes at each distinct score.

    Parameters
    ----------
    values : (k,) the distinct scores in ascending order.
    group : (n,) the position of each event's score in `values`.
    signal, background : (k,) the weight of either class at each distinct score.
    signal_count, background_count : effective numbers of events.
    """

    values: Floats
    group: NDArray[np.intp]
    signal: Floats
    background: Floats
    signal_count: float
    background_count: float


def rank(
    is_signal: Bools,
    scores: Floats,
    weights: Floats | None = None,
    names: tuple[str, str] = ("signal", "background"),
) -> Ranked:
    """Group events by score, in O(n log n).

    Parameters
    ----------
    is_signal : (n,) bool.
    scores : (n,), higher is more signal-like.
    weights : (n,), 0 or more, or None for 1 each.
    names : of the two classes, for messages.

    Raises
    ------
    EmptyClassError
        When a class has no weight.
    UserError
        When shapes differ or a score is NaN.
    """
    is_signal = np.asarray(is_signal, dtype=bool)
    scores = np.asarray(scores, dtype=np.float64)
    weights = unit_weights(len(is_signal)) if weights is None else np.asarray(weights, dtype=np.float64)
    if not is_signal.ndim == 1 or not is_signal.shape == scores.shape == weights.shape:
        raise UserError(
            f"{names[0]} against {names[1]}: labels {is_signal.shape}, scores {scores.shape} and weights "
            f"{weights.shape} differ in shape, expected (n,) each. Give one of each for every event."
        )
    if np.isnan(scores).any():
        raise UserError(f"{names[0]} against {names[1]}: scores contain NaN, expected numbers. Remove these events.")
    values, group = np.unique(scores, return_inverse=True)
    ranked = Ranked(
        values=values,
        group=group,
        signal=_sums(group, weights * is_signal, len(values)),
        background=_sums(group, weights * ~is_signal, len(values)),
        signal_count=effective_count(weights[is_signal]),
        background_count=effective_count(weights[~is_signal]),
    )
    for name, count in zip(names, (ranked.signal_count, ranked.background_count), strict=True):
        if count == 0:
            raise EmptyClassError(f"no test events of {name}")
    return ranked


def _sums(group: NDArray[np.intp], weights: Floats, groups: int) -> Floats:
    return np.bincount(group, weights, groups).astype(np.float64, copy=False)


def unit_weights(events: int) -> Floats:
    """Weights (events,) of 1 each."""
    return np.ones(events, dtype=np.float64)


def discriminant(signal: Floats, background: Floats) -> Floats:
    """ln(p_s / p_b) of two columns (n,) of probabilities to six decimals, 0 where both are 0.

    By the Neyman-Pearson lemma this is the best score for these two classes, whatever other classes the model has.
    Without rounding, events of equal stored log-ratios would have an order: that of the last digits of exponential
    functions, which differ between processors.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.round(np.log(signal) - np.log(background), 6)
    return np.where(np.isnan(found), 0.0, found)
