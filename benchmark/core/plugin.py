"""The base of tasks, representations and models: a name, a version, parameters, and values for the presets."""

from __future__ import annotations

import dataclasses
import inspect
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, get_args, get_origin, get_type_hints

from benchmark.core.errors import UserError, did_you_mean, spelled

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Preset:
    """A size of run."""

    name: str
    summary: str


PRESETS = (
    Preset("smoke", "a few hundred events per class, to test that everything runs; its scores mean nothing"),
    Preset("quick", "a first look in minutes on two CPU cores: about 2,500 training events per class"),
    Preset("standard", "a fair comparison: about 20,000 training events per class, full geometry"),
    Preset("paper", "the event counts, image sizes and depths of the papers, for a GPU"),
)


@dataclass(frozen=True)
class Range:
    """The numbers that a parameter may have, both ends included; None, or infinity, is an open end.

    Declare it with the field: ``width: Annotated[int, Range(1, 1024), "channels of the first half"] = 16``.
    """

    low: float | None = None
    high: float | None = None

    def __contains__(self, value: float) -> bool:
        """Whether the number is within the range; NaN never is."""
        low, high = -math.inf if self.low is None else self.low, math.inf if self.high is None else self.high
        return low <= value <= high

    def __str__(self) -> str:
        """`8 to 1024`, `0 or more`, `1 or less`, or `any number`."""
        low, high = (
            "" if bound is None or math.isinf(bound) else str(int(bound)) if bound == int(bound) else f"{bound:g}"
            for bound in (self.low, self.high)
        )
        if low and high:
            return f"{low} to {high}"
        return f"{low} or more" if low else f"{high} or less" if high else "any number"


class Plugin:
    """A dataclass with a literal `name`. Its fields are its parameters.

    Declare each parameter once, with its range (if any) and its meaning:
    ``width: Annotated[int, Range(1, 1024), "channels of the first half"] = 16``. The range applies to the numbers
    among the values; text and None are exempt. A subclass that changes only the default need not repeat the rest.

    `presets` holds, per preset, the values that differ from the defaults, and `recipes`, per value of a parameter that
    is called `recipe`, the values that go with it; those of base classes count as well. `resolve` applies both.
    Raise the `version` whenever the same parameters would give other numbers than before: it is part of the key of
    every result.
    """

    name: ClassVar[str]
    version: ClassVar[str] = "1"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    recipes: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __post_init__(self) -> None:
        """Check the declared ranges. A subclass with more checks calls `super().__post_init__()` first.

        Raises UserError for a number out of its range.
        """
        for parameter, allowed in _ranges(type(self)).items():
            value = getattr(self, parameter)
            if value is not None and not isinstance(value, str) and value not in allowed:
                raise UserError(f"{self.name}: parameter '{parameter}' is {value}, expected {allowed}.")

    def parameters(self) -> dict[str, Any]:
        """The resolved parameters, by name, as plain JSON values."""
        return {name: getattr(self, name) for name in _hints(type(self))}

    def changed(self, preset: str) -> tuple[str, ...]:
        """The parameters, sorted, that differ from the values of recipe and preset and from the fields' defaults."""
        own: dict[str, Any] = {}
        fields: tuple[dataclasses.Field[Any], ...] = dataclasses.fields(self) if dataclasses.is_dataclass(self) else ()
        for field in fields:
            own[field.name] = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        own |= self.presets.get(preset, {})
        own |= self._of_recipe(getattr(self, "recipe", None))
        # `parameters` may have names of a plug-in's own, which are no fields
        return tuple(sorted(n for n, value in self.parameters().items() if n not in own or own[n] != value))

    @classmethod
    def resolve(cls, preset: str, given: Mapping[str, str] | None = None) -> Self:
        """The plug-in with the defaults, then the values of preset and recipe, then the user's (as text or as values).

        Raises UserError for an unknown parameter, and for a value of the wrong type or out of its range.
        """
        hints = _hints(cls)
        values: dict[str, Any] = {}
        for parameter, text in (given or {}).items():
            if parameter not in hints:
                raise UserError(
                    f"{cls.name}: unknown parameter '{spelled(parameter)}'. {did_you_mean(parameter, hints)}"
                )
            values[parameter] = _cast(cls.name, parameter, text, hints[parameter][0])
        own = dict(cls.presets.get(preset, {}))
        return cls(**{**own, **cls._of_recipe({**own, **values}.get("recipe")), **values})

    @classmethod
    def _of_recipe(cls, recipe: Any) -> dict[str, Any]:
        """The values that go with a recipe; those of a class before those of its bases."""
        values: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            values |= vars(base).get("recipes", {}).get(recipe, {}) if isinstance(recipe, str) else {}
        return values


def _hints(cls: type[Plugin]) -> dict[str, tuple[Any, ...]]:
    """For each parameter its type, then what `Annotated` declares of it in the class and in those that it inherits."""
    if not dataclasses.is_dataclass(cls):
        return {}
    names = [field.name for field in dataclasses.fields(cls) if field.init]
    hints: dict[str, tuple[Any, ...]] = {}
    for base in reversed(cls.__mro__):
        # Evaluate only the annotations of parameters: others may use names that are imported only for type checkers.
        own = {name: hint for name, hint in inspect.get_annotations(base).items() if name in names}
        holder = type("Parameters", (), {"__annotations__": own, "__module__": base.__module__})
        try:
            evaluated = get_type_hints(holder, include_extras=True)
        except NameError as error:
            raise UserError(
                f"{cls.name}: the types of its parameters can't be read ({error}). "
                "Import what they name at the top of the file, outside `if TYPE_CHECKING`."
            ) from error
        for name, hint in evaluated.items():
            kind, *declared = get_args(hint) if get_origin(hint) is Annotated else (hint,)
            hints[name] = (kind, *hints.get(name, ())[1:], *declared)
    return {name: hints[name] for name in names}


def _ranges(cls: type[Plugin]) -> dict[str, Range]:
    """The declared range of each parameter that has one; the range in a subclass replaces the inherited one."""
    return {name: part for name, (_, *declared) in _hints(cls).items() for part in declared if isinstance(part, Range)}


def _cast(owner: str, parameter: str, text: Any, kind: Any) -> Any:
    """A value of this type. Raises UserError where the text is none."""
    from pydantic import TypeAdapter, ValidationError

    if get_origin(kind) is Literal:  # pydantic takes no "2" for a 2 here
        text = next((choice for choice in get_args(kind) if str(choice) == text), text)
    try:
        value = TypeAdapter(kind).validate_python(text)
    except ValidationError as error:
        wanted = " or ".join(dict.fromkeys(map(_expected, error.errors())))
        raise UserError(f"{owner}: parameter '{parameter}' is '{spelled(text)}', expected {wanted}.") from error
    if isinstance(value, float) and not math.isfinite(value):
        raise UserError(f"{owner}: parameter '{parameter}' is {spelled(text)}, expected a finite number.")
    return value


def _expected(problem: Mapping[str, Any]) -> str:
    """What a problem that pydantic reports says of the values that are expected."""
    kind = str(problem["type"])
    words = {"int": "a whole number", "float": "a number", "bool": "true or false", "string": "a text", "none": "none"}
    return words.get(kind.partition("_")[0]) or str(problem["msg"]).removeprefix("Input should be ")
