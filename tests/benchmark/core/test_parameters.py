"""Parameters read from the source text are those of the classes."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import pytest

from benchmark.core.errors import UserError
from benchmark.core.parameters import Parameter, parameters_of
from benchmark.core.plugin import Range, _hints
from benchmark.metrics.registry import METRICS
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.dimuon.classes import MASS_RANGE, WINDOWS
from tasks.registry import TASKS
from tests.benchmark.toys import TOY

if TYPE_CHECKING:
    from pathlib import Path

PLUGINS = [(registry, name) for registry in (TASKS, REPRESENTATIONS, MODELS) for name in registry.names()]

MINE = '''
"""A file."""
import elsewhere
from nowhere.at_all import Base
from models.network import TorchModel

class Mine(Base, TorchModel):
    """One of mine.

    It has words.

    And more words.
    """

    name = "mine"
    presets = {"quick": dict(first=1)}

    first: Annotated[int, Range(1, 10 * 3), "one meaning, "
        "over two lines"] = 2
    second: "Annotated[float, Range(-1e-3, np.pi), 'quoted ' + 'and added']" = 1e-3
    third: typing.Annotated[str, ("ignored",), "the last"]
    hidden: int = field(default=1, init=False)
    shown: int = field(default=1)
    word: Annotated[Literal["a", 2] | float, plugin.Range(low=0, high=math.inf), NAMES[0]] = "a"
    named: Annotated[int, Range(LEAST, high=MOST), "no numbers"] = 5
    epochs: int = 7

    def __post_init__(self):
        super().__post_init__()
'''


@pytest.mark.parametrize(("registry", "name"), PLUGINS, ids=lambda value: value if isinstance(value, str) else "")
def test_all_parameters_are_read_and_have_a_meaning(registry, name: str):
    plugin = registry.load(name)
    found = parameters_of(registry.find(name))
    values = plugin.resolve("").parameters()
    assert {parameter.name: ast.literal_eval(parameter.default) for parameter in found} == values
    assert [parameter.name for parameter in found if not parameter.meaning] == []
    for preset, given in plugin.presets.items():
        assert {p.name: p.presets[preset] for p in found if preset in p.presets} == given
    for recipe in {recipe for p in found for recipe in p.recipes}:
        made = plugin.resolve("", {"recipe": recipe}).parameters()
        assert {p.name: p.recipes[recipe] for p in found if recipe in p.recipes}.items() <= made.items()


NEEDS = {("egamma", "pairs"): {"sample": "pairs"}}
"""What some choices of a parameter require."""


@pytest.mark.parametrize(("registry", "name"), PLUGINS, ids=lambda value: value if isinstance(value, str) else "")
def test_choices_and_bounds_are_accepted_and_nothing_beyond(registry, name: str):
    plugin, found = registry.load(name), parameters_of(registry.find(name))
    for parameter in found:
        for choice in parameter.choices:
            given = {**NEEDS.get((name, parameter.name), {}), parameter.name: choice}
            assert str(getattr(plugin.resolve("", given), parameter.name)) == choice
        low, _, high = parameter.range.removesuffix(" or more").partition(" to ")
        step = 1 if parameter.type == "int" else 0.01
        beyond = [(low, -step)] if low else []
        beyond += [(high, step)] if high else []
        for bound, outside in beyond:
            plugin.resolve("", {parameter.name: bound})
            with pytest.raises(UserError, match=f"expected {re.escape(low)} "):
                plugin.resolve("", {parameter.name: str(type(step)(bound) + outside)})


@pytest.mark.parametrize(("registry", "name"), PLUGINS, ids=lambda value: value if isinstance(value, str) else "")
def test_ranges_are_those_that_the_class_checks(registry, name: str):
    """The text and the class, which is imported, agree on every type, range and meaning."""
    plugin = registry.load(name)
    for parameter in parameters_of(registry.find(name)):
        kind, *declared = _hints(plugin)[parameter.name]
        assert eval(parameter.type, {"Literal": Literal}) == kind
        assert [str(part) for part in declared if isinstance(part, Range)][-1:] == [parameter.range] * bool(
            parameter.range
        )
        assert [part for part in declared if isinstance(part, str)][-1:] == [parameter.meaning]


def test_the_windows_of_dimuon_in_its_docstring():
    text = TASKS.find("dimuon").doc
    for name, (low, high) in zip(TASKS.load("dimuon").processes, WINDOWS, strict=False):
        assert f"{name} {low:g} to {high:g}" in " ".join(text.split())
    assert f"none any other mass between {MASS_RANGE[0]:g} and {MASS_RANGE[1]:g} GeV" in " ".join(text.split())


def test_a_file_of_ones_own(tmp_path: Path):
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    entry = MODELS.find(f"{path}:Mine")
    assert entry.doc == "One of mine.\n\nIt has words.\n\nAnd more words."
    found = {parameter.name: parameter for parameter in parameters_of(entry)}
    assert list(found)[:2] == ["recipe", "epochs"], "inherited ones first"
    assert found["epochs"] == Parameter(
        "epochs", "int", "7", {}, "largest number of passes over the training events", range="1 to 10000"
    )
    assert found["schedule"].recipes == {"paper": "constant"}
    assert list(found.values())[-6:] == [
        Parameter("first", "int", "2", {}, "one meaning, over two lines", range="1 to 30"),
        Parameter("second", "float", "0.001", {}, "quoted and added", range="-0.001 to 3.14159"),
        Parameter("third", "str", "", {}, "the last"),
        Parameter("shown", "int", "1"),
        Parameter("word", "Literal['a', 2] | float", "'a'", choices=("a", "2"), range="0 or more"),
        Parameter("named", "int", "5", {}, "no numbers", range="LEAST to MOST"),
    ]


def test_a_source_that_cannot_be_read_has_no_parameters(tmp_path: Path):
    entry = METRICS.find("auc")
    (tmp_path / "broken.py").write_text("def :")
    for target in ("no.such.module:Auc", "sys:Auc", f"{tmp_path / 'broken.py'}:Auc", "benchmark.cli:Auc"):
        changed = replace(entry, target=target)
        assert parameters_of(changed) == ()


def test_inherited_from_the_package_by_a_loose_file():
    assert [p.name for p in parameters_of(TASKS.find(TOY))] == ["events_per_class", "shard_events", "slope"]
