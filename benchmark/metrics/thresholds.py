"""Cuts on the signal's score: the share of each group of events that passes, and the best cut of the validation events.

A threshold that is chosen on the events it is judged by profits from their fluctuations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.metrics.arrays import unit_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmark.metrics.arrays import Bools, Floats
    from benchmark.metrics.metric import Scored

    Merit = Callable[[Floats], Floats]


def halves(scored: Scored) -> list[Bools]:
    """The events of the signal (n,), and of all other classes."""
    return [scored.labels == 0, scored.labels != 0]


def weights_of(scored: Scored) -> Floats:
    """The weights (n,), of 1 each if there are none."""
    return unit_weights(len(scored.labels)) if scored.weights is None else scored.weights


def efficiencies(scored: Scored, groups: Sequence[Bools], thresholds: Floats) -> Floats:
    """The shares of weight at or above thresholds (k,) of the score of class 0, (k, groups)."""
    weights = weights_of(scored)
    shares = np.empty((len(thresholds), len(groups)))
    for place, group in enumerate(groups):
        order = np.argsort(scored.scores[group, 0], kind="stable")
        ordered, weight = scored.scores[group, 0][order], weights[group][order]
        # from the top, so that the share above the largest score is exactly 0
        above = np.concatenate([np.cumsum(weight[::-1])[::-1], [0.0]])
        shares[:, place] = above[np.searchsorted(ordered, thresholds)] / above[0]
    return shares


def best_threshold(valid: Scored, groups: Sequence[Bools], merit: Merit, least_background: int = 0) -> float | None:
    """The score at which a cut on validation events has the largest merit, the lowest of several; None if none may be.

    Parameters
    ----------
    groups : the events of each group (n,), signal first.
    merit : a number for each line of efficiencies (k, groups), which rises with the first and falls with the others.
    least_background : events other than the signal at or above a threshold that may be chosen.
    """
    background = np.sort(valid.scores[~groups[0], 0])
    if len(background) < least_background or not all(weights_of(valid)[group].any() for group in groups):
        return None
    thresholds = np.unique(valid.scores[:, 0])
    if least_background:
        thresholds = thresholds[thresholds <= background[-least_background]]
    return float(thresholds[np.argmax(merit(efficiencies(valid, groups, thresholds)))])
