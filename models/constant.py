"""The model that says the same of every event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from models.reference import NOTHING, Reference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from representations.samples import Samples


@dataclass(kw_only=True)
class Constant(Reference):
    """The same probability for each class, whatever the event: a reference that every scorer must rank at 0.5.

    All scores are ties: a score that is made by sorting, and depends on how ties are broken, shows here.
    """

    name = "constant"
    extra: ClassVar[bool] = True

    def predict_proba(self, samples: Samples) -> NDArray[np.float32]:
        """One over the number of classes, (events, classes)."""
        card = self._fitted()
        card.check(samples, NOTHING)
        return np.full((len(samples), len(card.classes)), 1 / len(card.classes), np.float32)
