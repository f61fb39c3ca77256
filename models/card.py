"""The card of a fitted model: what it needs to be loaded, and to refuse samples of another kind.

The card is stored inside the file of the weights, so that the two stay together.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping  # noqa: TC003 - pydantic evaluates the annotations of Card
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from benchmark.core.errors import UserError
from models.inputs import Shape
from models.model import Context, Model

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from representations.samples import Samples

SCHEMA = 2
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
    details : numbers about the fit, such as the best epoch.
    """

    model: str
    version: str
    parameters: Mapping[str, Any]
    classes: tuple[str, ...]
    shape: Shape
    details: Mapping[str, float] = field(default_factory=dict)
    schema_version: int = SCHEMA

    @staticmethod
    def of(model: Model, classes: tuple[str, ...], shape: Shape, details: Mapping[str, float] | None = None) -> Card:
        """The card of a fitted model."""
        return Card(
            model=model.name,
            version=model.version,
            parameters=model.parameters(),
            classes=classes,
            shape=shape,
            details=details or {},
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
    def parse(text: str | None, file: Path, model: Model) -> Card:
        """The card in `text`, read from `file`; `model` gets its hyperparameters.

        Raises UserError if the text is not a card, or is the card of another model or version.
        """
        try:
            card = TypeAdapter(Card).validate_json(text or "")
        except ValidationError as error:
            reason = error.errors()[0]["msg"] if text else "it has no card"
            raise UserError(f"{model.name}: {file} does not hold the card of a model: {reason}.") from error
        found, expected = (card.model, card.version, card.schema_version), (model.name, model.version, SCHEMA)
        if found != expected:
            raise UserError(
                f"{model.name}: {file} holds {found[0]} version {found[1]} (schema {found[2]}), "
                f"expected {expected[0]} version {expected[1]} (schema {expected[2]}). Fit it again."
            )
        for name, value in type(model).resolve("", card.parameters).parameters().items():
            setattr(model, name, value)
        return card


@dataclass(kw_only=True)
class ModelWithCard(Model, ABC):
    """A model that remembers the context of its fit or load and, once fitted, has a card."""

    _card: Card | None = field(default=None, init=False, repr=False, compare=False)
    _context: Context = field(default=Context(), init=False, repr=False, compare=False)

    def details(self) -> dict[str, float]:
        """Numbers about the fit, from the card."""
        return dict(self._card.details) if self._card else {}

    def _fitted(self) -> Card:
        if self._card is None:
            raise UserError(f"{self.name}: not fitted yet. Call fit or load first.")
        return self._card


def write_tensors(file: Path, tensors: Mapping[str, Tensor], card: Card) -> None:
    """Write the weights of a model and its card to a safetensors file."""
    save_file({name: value.cpu().contiguous() for name, value in tensors.items()}, file, {"card": card.text()})


def read_tensors(file: Path, model: Model) -> tuple[dict[str, Tensor], Card]:
    """Read the weights and the card of a model, which gets the hyperparameters of the card.

    Raises UserError if the file is missing, damaged, or of another model.
    """
    check_file(file, model)
    try:
        with safe_open(file, "pt") as stored:
            text = (stored.metadata() or {}).get("card")
            tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError) as error:
        raise unusable(file, model, error) from error
    return tensors, Card.parse(text, file, model)


def check_file(file: Path, model: Model) -> None:
    """Raise UserError unless the file of a saved model exists."""
    if not file.is_file():
        raise UserError(f"{model.name}: {file.parent} has no {file.name}, expected the folder of a saved model.")


def unusable(file: Path, model: Model, error: Exception) -> UserError:
    """The error for the file of a saved model that cannot be read."""
    return UserError(f"{model.name}: {file} can't be used: {str(error).splitlines()[0]}. Fit it again.")


def _first_difference(one: Shape, other: Shape) -> str:
    pairs = zip(one.columns + one.features, other.columns + other.features, strict=False)
    return next((f"'{a}', not '{b}'" for a, b in pairs if a != b), "their order")
