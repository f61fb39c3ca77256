"""The model that guesses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from models.card import Card
from models.reference import NOTHING, Reference
from models.training.loop import check_samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.model import Context
    from representations.samples import Samples


@dataclass(kw_only=True)
class Random(Reference):
    """Random probabilities, a row of them for each event: a reference that every scorer must rank at 0.5.

    Rows are uniform over all that sum to 1. An event's row follows from its id and the run's seed alone, as scores may
    not depend on the order and the company of events.
    """

    name = "random"
    extra: ClassVar[bool] = True

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        """Remember the classes and the seed."""
        check_samples(self.name, train, valid)
        self._card = Card.of(self, train.classes, NOTHING, {"seed": float(context.seed)})

    def predict_proba(self, samples: Samples) -> NDArray[np.float32]:
        """(events, classes)."""
        card = self._fitted()
        card.check(samples, NOTHING)
        classes = len(card.classes)
        key = mixed(np.array([int(card.details["seed"])], np.uint64))
        ids = samples.event_ids.cpu().numpy().astype(np.int64).view(np.uint64)
        word = np.asarray(mixed(ids + key)[:, None] + np.arange(classes, dtype=np.uint64), np.uint64)
        # the upper 53 bits as numbers in (0, 1): a sum of exponential ones cuts them as uniform spacings do
        uniform = ((mixed(word) >> np.uint64(11)) + 0.5) / 2.0**53
        share = -np.log(uniform)
        return np.asarray(share / share.sum(axis=1, keepdims=True), np.float32)


def mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Each word as a random-looking one (SplitMix64: Steele, Lea and Flood 2014)."""
    with np.errstate(over="ignore"):
        words = words + np.uint64(0x9E3779B97F4A7C15)
        words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return words ^ (words >> np.uint64(31))
