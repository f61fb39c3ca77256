"""The card of a fitted model: what it needs to be loaded, and to refuse samples of another kind.

The card is stored inside the file of the weights, so that the two stay together.
"""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Mapping  # noqa: TC003 - pydantic evaluates the annotations of Card
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError
from safetensors.torch import save_file

from benchmark.core.errors import UserError
from benchmark.core.stored import MB, StoredFile
from benchmark.records.training import Training  # noqa: TC001 - as above
from models.inputs import Shape
from models.model import Context, Model
from models.tensors import check_like, parse_tensors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    from representations.samples import Samples

SCHEMA = 3
WEIGHTS = StoredFile("a fitted model", 4_000 * MB, "Fit it again.")
LARGEST_INPUT = 2**25
"""Numbers in the input of an event, at most: two of the largest circle pictures have a tenth of them."""
NO_INPUT = Shape("none", ())
"""The shape of a model without inputs."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """Everything about a fitted model but its weights.

    Parameters
    ----------
    model, version, parameters : name and version of the model, and its hyperparameters.
    classes : names of the classes, in the order of the scores.
    shape : shape of the inputs.
    details : numbers about the fit, such as the batch size.
    training : its course, None if it has no steps.
    """

    model: str
    version: str
    parameters: Mapping[str, Any]
    classes: tuple[str, ...]
    shape: Shape
    details: Mapping[str, float] = field(default_factory=dict)
    training: Training | None = None
    schema_version: int = SCHEMA

    @staticmethod
    def of(
        model: Model,
        classes: tuple[str, ...],
        shape: Shape,
        details: Mapping[str, float] | None = None,
        training: Training | None = None,
    ) -> Card:
        """The card of a fitted model."""
        return Card(
            model=model.name,
            version=model.version,
            parameters=model.parameters(),
            classes=classes,
            shape=shape,
            details=details or {},
            training=training,
        )

    def check(self, samples: Samples, shape: Shape) -> None:
        """Raise UserError unless the model was fitted on samples like these."""
        if samples.classes != self.classes:
            raise UserError(
                f"{self.model}: fitted for the classes {self.classes}, but the samples have {samples.classes}."
            )
        if shape != self.shape:
            named = (
                "" if str(shape) != str(self.shape) else f" with other names ({_first_difference(shape, self.shape)})"
            )
            raise UserError(f"{self.model}: fitted on a {self.shape}, but the samples are a {shape}{named}.")

    def text(self) -> str:
        """The card as JSON."""
        return TypeAdapter(Card).dump_json(self).decode()

    @staticmethod
    def parse(text: str | None, model: Model) -> Card:
        """The card in `text`, from the file of a fitted model; `model` gets its hyperparameters.

        Raises UserError if the text is not a card, or is the card of another model or version.
        """
        try:
            card = TypeAdapter(Card).validate_json(text or "")
        except ValidationError as error:
            reason = error.errors()[0]["msg"] if text else "it has no card"
            raise UserError(f"does not hold the card of a model: {reason}. Fit it again.") from error
        found, expected = (card.model, card.version, card.schema_version), (model.name, model.version, SCHEMA)
        if found != expected:
            raise UserError(
                f"holds {found[0][:80]!r} version {found[1][:80]!r} (schema {found[2]}), "
                f"expected {expected[0]} version {expected[1]} (schema {expected[2]}). Fit it again."
            )
        card.check_itself()
        for name, value in type(model).resolve("", card.parameters).parameters().items():
            setattr(model, name, value)
        return card

    def check_itself(self) -> None:
        """Raise UserError for classes that are not distinct, and for sizes of inputs that no event has."""
        if not self.classes or len(set(self.classes)) != len(self.classes):
            raise UserError(f"has {len(self.classes)} classes, expected distinct ones. Fit it again.")
        for shape in (self.shape, *self.shape.panels):
            columns = len(shape.columns) + len(shape.features)
            if any(size < 0 for size in shape.size) or max(columns, 1) * math.prod(shape.size) > LARGEST_INPUT:
                raise UserError(f"takes a {shape}, expected at most {LARGEST_INPUT:,} numbers. Fit it again.")


@dataclass(kw_only=True)
class ModelWithCard(Model, ABC):
    """A model that remembers the context of its fit or load and, once fitted, has a card."""

    _card: Card | None = field(default=None, init=False, repr=False, compare=False)
    _context: Context = field(default=Context(), init=False, repr=False, compare=False)

    def details(self) -> dict[str, float]:
        """Numbers about the fit, from the card."""
        return dict(self._card.details) if self._card else {}

    def training(self) -> Training | None:
        """The course of the training, from the card."""
        return self._card.training if self._card else None

    def _fitted(self) -> Card:
        if self._card is None:
            raise UserError(f"{self.name}: not fitted yet. Call fit or load first.")
        return self._card


def write_tensors(file: Path, tensors: Mapping[str, Tensor], card: Card) -> None:
    """Write the weights of a model and its card to a safetensors file."""
    save_file({name: value.cpu().contiguous() for name, value in tensors.items()}, file, {"card": card.text()})


def read_tensors(
    file: Path, model: Model, expected: Callable[[Card, Mapping[str, Tensor]], Mapping[str, Tensor]]
) -> tuple[dict[str, Tensor], Card]:
    """Read the weights and the card of a model, which gets the hyperparameters of the card.

    Parameters
    ----------
    expected : a function of the card, and of the tensors that the file has. It returns tensors with the names, shapes
        and types that they must have, on the device "meta"; whatever it raises means that the file is wrong.

    Raises
    ------
    UserError
        If the file is missing, damaged, or of another model.
    """

    def parse(content: bytes) -> tuple[dict[str, Tensor], Card]:
        tensors, texts = parse_tensors(content)
        card = Card.parse(texts.get("card"), model)
        check_like(tensors, expected(card, tensors))
        return tensors, card

    return WEIGHTS.parse(file, parse)


def _first_difference(one: Shape, other: Shape) -> str:
    pairs = zip(one.columns + one.features, other.columns + other.features, strict=False)
    return next((f"'{a}', not '{b}'" for a, b in pairs if a != b), "their order")
