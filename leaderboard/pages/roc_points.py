"""ROC curves: background rejection against signal efficiency, thinned for a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.core.errors import UserError
from benchmark.metrics.rejection import roc_curve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmark.metrics.metric import Scored

    Points = tuple[NDArray[np.float64], NDArray[np.float64]]

POINTS = 300
"""Points of a curve on a page."""

_DECADES = 4.0
"""Decades of rejection that are as long on the page as signal efficiencies from 0 to 1."""


def signal_curve(scores: Scored) -> Points | None:
    """Class 0 against all others, by its own score: signal efficiency and 1/eps_B, (k,) each, if it has events."""
    return rejection_curve(scores.labels == 0, scores.scores[:, 0], scores.weights)


def one_vs_rest_curve(scores: Scored, label: int) -> Points | None:
    """One class against all others, by its own score."""
    return rejection_curve(scores.labels == label, scores.scores[:, label], scores.weights)


def one_vs_one_curve(scores: Scored, background: int) -> Points | None:
    """Class 0 against one background, on the events of these two, by the score of class 0 as in `auc_<s>_vs_<b>`."""
    chosen = (scores.labels == 0) | (scores.labels == background)
    weights = None if scores.weights is None else scores.weights[chosen]
    return rejection_curve(scores.labels[chosen] == 0, scores.scores[chosen, 0], weights)


def rejection_curve(
    is_signal: NDArray[np.bool_], scores: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> Points | None:
    """Signal efficiency and background rejection 1/eps_B, (k,) each, of is_signal, scores and weights (n,).

    Cuts that no background event passes are left out, and the rest is thinned to `POINTS`; no point is moved.
    """
    try:
        eps_b, eps_s, _ = roc_curve(is_signal, scores, weights)
    except UserError:  # a class without test events
        return None
    passing = eps_b > 0
    return thin(eps_s[passing], 1 / eps_b[passing])


def thin(x: NDArray[np.float64], y: NDArray[np.float64], points: int = POINTS) -> Points:
    """Points (k,) of a curve, about evenly spaced along the line on the page (y on a logarithmic axis).

    Every n-th point would put nearly all points on the flat end, where most background events are.
    """
    if len(x) <= points:
        return x, y
    steps = np.hypot(np.diff(x), np.diff(np.log10(y)) / _DECADES)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    chosen = np.unique(np.searchsorted(along, np.linspace(0.0, along[-1], points)))
    chosen = np.union1d(np.minimum(chosen, len(x) - 1), [0, len(x) - 1])
    return x[chosen], y[chosen]
