"""What the source text says of parameters is what the classes have."""

from __future__ import annotations

import ast
import re
import sys
from typing import TYPE_CHECKING

import pytest

from benchmark.core.errors import UserError
from benchmark.core.parameters import Parameter, sheet
from benchmark.core.registry import METRICS, MODELS, REPRESENTATIONS, TASKS
from tasks.dimuon.dimuon import MASS_RANGE, WINDOWS
from tests.benchmark.toys import TOY

if TYPE_CHECKING:
    from pathlib import Path

PLUGINS = [(registry, name) for registry in (TASKS, REPRESENTATIONS, MODELS) for name in registry.names()]

MINE = '''
"""A file."""
import elsewhere
from nowhere.at_all import Base
from benchmark.core.plugin import Plugin

class Mine(Base, Plugin):
    """One of mine.

    It has words.

    Parameters
    ----------
    first, second : both of them,
        over two lines : with a colon.
    third : the last.

    And more words.
    """

    name = "mine"
    presets = {"quick": dict(first=1)}

    first: int = 2
    second: "float" = 1e-3
    third: str
    hidden: int = field(default=1, init=False)
    shown: int = field(default=1)
    word: Literal["a", 2] | float = "a"

    def __post_init__(self):
        super().__post_init__()
        check_range(self, "first", 1, 10 * self.shown)
        if self.second:
            plugin.check_range(self, "second", -1e-3, np.pi)
        check_range(self, "word", 0, math.inf)
        check_range(self, NAMES[0], 0, 1)
'''


@pytest.mark.parametrize(("registry", "name"), PLUGINS, ids=lambda value: value if isinstance(value, str) else "")
def test_all_parameters_are_found_and_have_a_meaning(registry, name: str):
    plugin = registry.load(name)
    found = sheet(registry.find(name)).parameters
    values = plugin.resolve("").parameters()
    assert {parameter.name: ast.literal_eval(parameter.default) for parameter in found} == values
    assert [parameter.name for parameter in found if not parameter.meaning] == []
    for preset, given in plugin.presets.items():
        assert {p.name: p.presets[preset] for p in found if preset in p.presets} == given


@pytest.mark.parametrize(("registry", "name"), PLUGINS, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_told_may_be_given_and_nothing_beyond(registry, name: str):
    plugin, found = registry.load(name), sheet(registry.find(name)).parameters
    for parameter in found:
        for choice in parameter.choices:
            assert str(getattr(plugin.resolve("", {parameter.name: choice}), parameter.name)) == choice
        low, _, high = parameter.range.removesuffix(" or more").partition(" to ")
        step = 1 if parameter.type == "int" else 0.01
        beyond = [(low, -step)] if low else []
        beyond += [(high, step)] if high and "*" not in high else []
        for bound, outside in beyond:
            plugin.resolve("", {parameter.name: bound})
            with pytest.raises(UserError, match=f"expected {re.escape(low)} "):
                plugin.resolve("", {parameter.name: str(type(step)(bound) + outside)})


def test_ranges_are_found_wherever_they_are_checked(monkeypatch: pytest.MonkeyPatch):
    """Beside those that the text tells, no parameter of a built-in plug-in is checked."""
    for registry, name in PLUGINS:
        plugin, checked = registry.load(name), set()
        for base in plugin.__mro__:
            module = sys.modules[base.__module__]
            if hasattr(module, "check_range"):
                monkeypatch.setattr(module, "check_range", lambda _, parameter, *__, into=checked: into.add(parameter))
        plugin.resolve("", {"pileup": "5"} if "pileup" in plugin.resolve("").parameters() else {})
        assert checked == {parameter.name for parameter in sheet(registry.find(name)).parameters if parameter.range}


def test_the_windows_of_dimuon_are_told_as_they_are():
    text = sheet(TASKS.find("dimuon")).text
    for name, (low, high) in zip(TASKS.load("dimuon").processes, WINDOWS, strict=False):
        assert f"{name} {low:g} to {high:g}" in " ".join(text.split())
    assert f"none any other mass between {MASS_RANGE[0]:g} and {MASS_RANGE[1]:g} GeV" in " ".join(text.split())


def test_a_file_of_ones_own(tmp_path: Path):
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    found = sheet(MODELS.find(f"{path}:Mine"))
    assert found.text == "One of mine.\n\nIt has words.\n\nAnd more words."
    both = "both of them, over two lines : with a colon."
    assert found.parameters == (
        Parameter("first", "int", "2", {}, both, range="1 to 10 * shown"),
        Parameter("second", "'float'", "0.001", {}, both, range="-0.001 to 3.14159"),
        Parameter("third", "str", "", {}, "the last."),
        Parameter("shown", "int", "1"),
        Parameter("word", "Literal['a', 2] | float", "'a'", choices=("a", "2"), range="0 or more"),
    )


def test_a_source_that_cannot_be_read_leaves_the_summary(tmp_path: Path):
    entry = METRICS.find("auc")
    (tmp_path / "broken.py").write_text("def :")
    for target in ("no.such.module:Auc", "sys:Auc", f"{tmp_path / 'broken.py'}:Auc", "benchmark.cli:Auc"):
        changed = type(entry)(entry.name, entry.summary, target, entry.origin)
        assert (sheet(changed).text, sheet(changed).parameters) == (entry.summary, ())


def test_inherited_from_the_package_by_a_loose_file():
    assert [p.name for p in sheet(TASKS.find(TOY)).parameters] == ["events_per_class", "shard_events", "slope"]
