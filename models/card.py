"""What is saved beside a model's weights: enough to build it again and to refuse samples that it doesn't know."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic evaluates the annotations of Card
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from benchmark.core.errors import UserError
from models.inputs import Shape  # noqa: TC001 - so is this

if TYPE_CHECKING:
    from pathlib import Path

    from models.model import Model
    from representations.samples import Samples

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Card:
    """A fitted model without its weights, kept as `model.json`.

    parameters : the hyperparameters. shape : the inputs that it was fitted on. details : of the fit.
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
        """The card of a model that has just been fitted."""
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

    def write(self, folder: Path) -> None:
        """Write `model.json`."""
        (folder / "model.json").write_bytes(TypeAdapter(Card).dump_json(self, indent=1))

    @staticmethod
    def read(folder: Path, model: Model) -> Card:
        """Read `model.json`, and give `model` the hyperparameters that it holds."""
        path = folder / "model.json"
        try:
            card = TypeAdapter(Card).validate_json(path.read_bytes())
        except FileNotFoundError:
            raise UserError(
                f"{model.name}: {folder} has no model.json, expected a folder that a model was saved to."
            ) from None
        except ValidationError as error:
            raise UserError(f"{model.name}: {path} isn't the card of a model: {error.errors()[0]['msg']}.") from error
        found, expected = (card.model, card.version, card.schema_version), (model.name, model.version, SCHEMA)
        if found != expected:
            raise UserError(
                f"{model.name}: {path} holds {found[0]} version {found[1]} (schema {found[2]}), "
                f"expected {expected[0]} version {expected[1]} (schema {expected[2]}). Fit it again."
            )
        for name, value in type(model).resolve("", card.parameters).parameters().items():
            setattr(model, name, value)
        return card


def _first_difference(one: Shape, other: Shape) -> str:
    pairs = zip(one.columns + one.features, other.columns + other.features, strict=False)
    return next((f"'{a}', not '{b}'" for a, b in pairs if a != b), "their order")
