"""What tasks, representations and models share: a name, a version, parameters, and values for the presets."""

from __future__ import annotations

import dataclasses
import inspect
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, get_args, get_origin, get_type_hints

from benchmark.core.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Preset:
    """A size of run."""

    name: str
    summary: str


PRESETS = (
    Preset("smoke", "a few hundred events a class; proves that things run, never ranks anything"),
    Preset("quick", "a first look in minutes on two CPU cores: about 2,500 training events a class"),
    Preset("standard", "a fair comparison: about 20,000 training events a class, full geometry"),
    Preset("paper", "the event counts, image sizes and depths of the papers, for a GPU"),
)


class Plugin:
    """A dataclass with a literal `name`; its fields are its parameters.

    `presets` holds, per preset, the values that differ from the defaults of the fields.
    Raise the `version` whenever the same parameters would give other numbers than before:
    it is part of the key of every result.
    """

    name: ClassVar[str]
    version: ClassVar[str] = "1"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def parameters(self) -> dict[str, Any]:
        """The resolved parameters, by name, as plain JSON values."""
        return {name: getattr(self, name) for name in _parameter_types(type(self))}

    def changed(self, preset: str) -> tuple[str, ...]:
        """The parameters that are neither the preset's values nor the defaults of the fields, sorted."""
        own: dict[str, Any] = {}
        fields: tuple[dataclasses.Field[Any], ...] = dataclasses.fields(self) if dataclasses.is_dataclass(self) else ()
        for field in fields:
            own[field.name] = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        own |= self.presets.get(preset, {})
        return tuple(sorted(name for name, value in self.parameters().items() if own[name] != value))

    @classmethod
    def resolve(cls, preset: str, given: Mapping[str, str] | None = None) -> Self:
        """The plug-in with its defaults, then the preset's values, then the user's (as text or as values).

        Raises UserError for an unknown parameter, and for a value that is not of the parameter's type.
        """
        types = _parameter_types(cls)
        values = dict(cls.presets.get(preset, {}))
        for parameter, text in (given or {}).items():
            if parameter not in types:
                raise UserError(f"{cls.name}: unknown parameter '{parameter}'. {did_you_mean(parameter, types)}")
            values[parameter] = _cast(cls.name, parameter, text, types[parameter])
        return cls(**values)


def _parameter_types(cls: type[Plugin]) -> dict[str, Any]:
    if not dataclasses.is_dataclass(cls):
        return {}
    names = [field.name for field in dataclasses.fields(cls) if field.init]
    hints: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        # Only the parameters' own annotations are evaluated: others may name what is imported for type checkers alone.
        own = {name: hint for name, hint in inspect.get_annotations(base).items() if name in names}
        hints |= get_type_hints(type("Parameters", (), {"__annotations__": own, "__module__": base.__module__}))
    return {name: hints[name] for name in names}


def _cast(owner: str, parameter: str, text: Any, hint: Any) -> Any:
    from pydantic import TypeAdapter, ValidationError

    if get_origin(hint) is Literal:  # pydantic takes no "2" for a 2 here
        text = next((choice for choice in get_args(hint) if str(choice) == text), text)
    try:
        value = TypeAdapter(hint).validate_python(text)
    except ValidationError as error:
        wanted = error.errors()[0]["msg"].removeprefix("Input should be ")
        raise UserError(f"{owner}: parameter '{parameter}' is '{text}', expected {wanted}.") from error
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{owner}: parameter '{parameter}' is {text}, expected a finite number.")
    return value


def check_range(plugin: Plugin, parameter: str, low: float, high: float) -> None:
    """Raise UserError unless ``low <= parameter <= high``; for use in `__post_init__`.

    `list` reads the bounds from the text of the call (`benchmark/core/parameters.py`), so write them as numbers.
    """
    value = getattr(plugin, parameter)
    if not low <= value <= high:
        raise UserError(f"{plugin.name}: parameter '{parameter}' is {value}, expected {write_range(low, high)}.")


def write_range(low: float | str, high: float | str) -> str:
    """`8 to 1024`, or `0 or more`; a bound may be the text of an expression."""
    first, last = (
        bound if isinstance(bound, str) else str(int(bound)) if float(bound).is_integer() else f"{bound:g}"
        for bound in (low, high)
    )
    return f"{first} or more" if last == "inf" else f"{first} to {last}"
