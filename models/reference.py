"""What models for comparison share: they are run when named, and learn little or nothing."""

from __future__ import annotations

from abc import ABC
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmark.core.errors import UserError
from models.card import Card
from models.inputs import Shape
from models.model import Context, Model
from models.training.loop import check_samples

if TYPE_CHECKING:
    from pathlib import Path

    from representations.samples import Samples

NOTHING = Shape("nothing", ())
"""The shape of samples that nobody looks at."""


@dataclass(kw_only=True)
class Reference(Model, ABC):
    """A model that is fitted by remembering the classes.

    A subclass says `extra = True`, so that `all` does not mean it.
    """

    _card: Card | None = field(default=None, init=False, repr=False, compare=False)

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:  # noqa: ARG002
        """Remember the classes."""
        check_samples(self.name, train, valid)
        self._card = Card.of(self, train.classes, NOTHING)

    def save(self, folder: Path) -> None:
        """Write `model.json`."""
        self._fitted().write(folder)

    def load(self, folder: Path, context: Context) -> None:  # noqa: ARG002
        """Read what `save` wrote."""
        self._card = Card.read(folder, self)

    def parameters_count(self) -> int | None:
        """None of its own."""
        return 0 if self._card else None

    def details(self) -> dict[str, float]:
        """What the fit left."""
        return dict(self._card.details) if self._card else {}

    def _fitted(self) -> Card:
        if self._card is None:
            raise UserError(f"{self.name}: not fitted yet. Call fit or load first.")
        return self._card
