"""Nested subsets of the training events, for learning curves.

A smaller subset is part of a larger one, and has the classes in the same proportion. All validation events stay: with
few of them, early stopping would be decided by chance, and a curve shows the effect of training events alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.core.errors import UserError
from benchmark.core.hashing import uniform
from benchmark.core.plugin import Range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def chosen(labels: NDArray[np.int64], event_ids: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The places of the events of a subset, in rising order, (count,).

    The events of each class are put into an order that depends on their ids alone. The subset has the events whose
    place in the order of their class, as a share of the class, is smallest.

    labels, event_ids : (events,), of all training events.
    """
    share = np.empty(len(labels))
    for label in np.unique(labels):
        here = np.flatnonzero(labels == label)
        order = here[np.lexsort((event_ids[here], uniform(event_ids[here])))]
        share[order] = (np.arange(len(here)) + 0.5) / len(here)
    return np.sort(np.lexsort((labels, share))[:count])


def check(count: int, task: str, counts: Mapping[str, int]) -> None:
    """Raise UserError for a number of training events that are not there, or that leave a class without any.

    counts : training events of each class.
    """
    total, least = sum(counts.values()), _least([number for number in counts.values() if number])
    if count not in (allowed := Range(least, total)):
        raise UserError(
            f"--train-events {count}: {task} has {total:,} training events in {len(counts)} classes, expected "
            f"{allowed}, so that each class has one. Name fewer or more, or leave it out to train on all."
        )


def _least(counts: list[int]) -> int:
    """The smallest subset with an event of each class."""
    labels = np.repeat(np.arange(len(counts)), counts)
    share = np.concatenate([(np.arange(number) + 0.5) / number for number in counts])
    first = np.lexsort((labels, share))
    return 1 + max(int(np.argmax(labels[first] == label)) for label in range(len(counts)))
