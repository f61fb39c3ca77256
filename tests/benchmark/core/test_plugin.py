from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
import pytest

from benchmark.core.errors import UserError, did_you_mean
from benchmark.core.plugin import PRESETS, Plugin, Range
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Thing(Plugin):
    name: ClassVar[str] = "thing"
    presets: ClassVar[dict] = {"smoke": {"depth": 1, "rate": 0.5}}

    depth: Annotated[int, Range(0, 100), "how deep"] = 10
    rate: Annotated[float, "how fast", Range(0, float("inf"))] = 0.1
    flag: bool = False
    word: str = "plain"
    kind: Literal["a", "b"] = "a"
    number: Literal[2, 3] = 3
    maybe: Annotated[int | None, Range(1)] = None
    years: Annotated[Literal["2010"] | float, Range(0, 200)] = "2010"


@dataclass(frozen=True, kw_only=True)
class More(Thing):
    name: ClassVar[str] = "more"
    rate: float = 0.2
    depth: Annotated[int, Range(0, 5)] = 1
    extra: int = 0


def test_defaults_then_preset_then_user():
    assert Thing.resolve("quick") == Thing()
    assert Thing.resolve("smoke") == Thing(depth=1, rate=0.5)
    assert Thing.resolve("smoke", {"rate": "2"}) == Thing(depth=1, rate=2.0)


def test_changed_are_neither_the_presets_values_nor_the_defaults():
    assert Thing.resolve("quick").changed("quick") == ()
    assert Thing.resolve("smoke").changed("smoke") == ()
    assert Thing.resolve("smoke").changed("quick") == ("depth", "rate")
    assert Thing.resolve("smoke", {"rate": "0.5", "word": "x", "depth": "10"}).changed("smoke") == ("depth", "word")
    assert More.resolve("quick", {"extra": "1"}).changed("quick") == ("extra",)


@dataclass(frozen=True, kw_only=True)
class Cooked(Thing):
    name: ClassVar[str] = "cooked"
    presets: ClassVar[dict] = {"smoke": {"depth": 1, "extra": 5}}
    recipes: ClassVar[dict] = {"slow": {"depth": 20, "rate": 0.01}}

    recipe: Literal["fast", "slow"] = "fast"
    extra: int = 0


@dataclass(frozen=True, kw_only=True)
class Overcooked(Cooked):
    name: ClassVar[str] = "overcooked"
    recipes: ClassVar[dict] = {"slow": {"depth": 30}}


def test_a_recipe_stands_between_preset_and_user():
    slow = Cooked.resolve("smoke", {"recipe": "slow", "rate": "3"})
    assert slow == Cooked(recipe="slow", depth=20, rate=3.0, extra=5)
    assert slow.changed("smoke") == ("rate", "recipe")
    assert Cooked.resolve("smoke").changed("smoke") == ()
    assert Cooked.resolve("", slow.parameters()) == slow
    assert Overcooked.resolve("", {"recipe": "slow"}) == Overcooked(recipe="slow", depth=30, rate=0.01)


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        ("depth", "15", 15),
        ("depth", 15, 15),
        ("rate", "1e-3", 1e-3),
        ("flag", "true", True),
        ("flag", "no", False),
        ("word", "15", "15"),
        ("kind", "b", "b"),
        ("number", "2", 2),
        ("number", 2, 2),
        ("maybe", "4", 4),
        ("years", "2010", "2010"),
        ("years", "7", 7.0),
    ],
)
def test_text_becomes_the_type_of_the_parameter(parameter, text, value):
    found = getattr(Thing.resolve("quick", {parameter: text}), parameter)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dept": "3"}, "thing: unknown parameter 'dept'. Did you mean 'depth'?"),
        ({"name": "x"}, "unknown parameter 'name'"),
        ({"presets": "x"}, "unknown parameter 'presets'"),
        ({"zzz": "3"}, "Known: depth, flag, kind, maybe, number, rate, word, years."),
        ({"depth": "deep"}, "thing: parameter 'depth' is 'deep', expected a whole number"),
        ({"depth": "1.5"}, "parameter 'depth' is '1.5', expected a whole number"),
        ({"flag": "perhaps"}, "parameter 'flag' is 'perhaps', expected true or false"),
        ({"kind": "c"}, "parameter 'kind' is 'c', expected 'a' or 'b'"),
        ({"number": "4"}, "parameter 'number' is '4', expected 2 or 3"),
        ({"rate": "nan"}, "parameter 'rate' is nan, expected a finite number"),
        ({"rate": "-inf"}, "parameter 'rate' is -inf, expected a finite number"),
        ({"depth": "101"}, "thing: parameter 'depth' is 101, expected 0 to 100."),
        ({"rate": "-1"}, "thing: parameter 'rate' is -1.0, expected 0 or more."),
        ({"maybe": "0"}, "thing: parameter 'maybe' is 0, expected 1 or more."),
        ({"years": "201"}, "thing: parameter 'years' is 201.0, expected 0 to 200."),
    ],
)
def test_wrong_parameters(given, message):
    with pytest.raises(UserError) as caught:
        Thing.resolve("quick", given)
    assert message in str(caught.value)


def test_range_refuses_nan():
    with pytest.raises(UserError, match="is nan, expected 0 or more"):
        Thing(rate=float("nan"))


def test_parameters_are_the_fields_inherited_ones_too():
    names = ["depth", "rate", "flag", "word", "kind", "number", "maybe", "years", "extra"]
    assert list(More().parameters()) == names
    assert More.resolve("smoke", {"extra": "2", "depth": "4"}).parameters()["depth"] == 4


def test_a_new_default_keeps_the_inherited_range_and_a_new_range_replaces_it():
    with pytest.raises(UserError, match=r"more: parameter 'rate' is -1, expected 0 or more\."):
        More(rate=-1)
    with pytest.raises(UserError, match=r"more: parameter 'depth' is 6, expected 0 to 5\."):
        More(depth=6)


def test_types_that_only_type_checkers_import_are_a_clear_error():
    @dataclass(frozen=True, kw_only=True)
    class Hidden(Plugin):
        name: ClassVar[str] = "hidden"
        folder: Annotated[Path, "where"] = None
        private: Path | None = field(default=None, init=False)

    with pytest.raises(UserError, match=r"hidden: .* \(name 'Path' is not defined\).*outside `if TYPE_CHECKING`"):
        Hidden()


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        (Range(8, 1024), "8 to 1024"),
        (Range(1e-6, 10), "1e-06 to 10"),
        (Range(0.01, np.pi), "0.01 to 3.14159"),
        (Range(0), "0 or more"),
        (Range(0, np.inf), "0 or more"),
        (Range(high=1e6), "1000000 or less"),
        (Range(-math.inf, -0.5), "-0.5 or less"),
        (Range(), "any number"),
    ],
)
def test_range_in_words(declared, text):
    assert str(declared) == text


def test_range_holds_its_bounds_and_no_nan():
    assert 8 in Range(8, 9)
    assert 9 in Range(8, 9)
    assert 9.5 not in Range(8, 9)
    assert 1e300 in Range(8)
    assert math.nan not in Range()


def test_a_plugin_without_fields_has_no_parameters():
    class Bare(Plugin):
        name = "bare"

    assert Bare.resolve("quick").parameters() == {}
    with pytest.raises(UserError, match=r"unknown parameter 'x'. None is known"):
        Bare.resolve("quick", {"x": "1"})


def test_suggestions():
    assert did_you_mean("fourvector", ["circles", "fourvectors"]) == "Did you mean 'fourvectors'?"
    assert did_you_mean("zzz", ["b", "a"]) == "Known: a, b."


@pytest.mark.parametrize("preset", [preset.name for preset in PRESETS])
@pytest.mark.parametrize("registry", [TASKS, REPRESENTATIONS, MODELS], ids=lambda registry: registry.group)
def test_every_preset_of_every_plugin_resolves_to_values_of_the_right_types(registry, preset):
    for name in registry.names():
        plugin = registry.load(name)
        assert set(plugin.presets) <= {preset.name for preset in PRESETS}
        values = plugin.resolve(preset).parameters()
        again = plugin.resolve("", {parameter: str(value) for parameter, value in values.items()}).parameters()
        assert again == values, "what a preset says can be said on the command line"
