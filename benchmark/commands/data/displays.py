"""The event displays of `data show --representation`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from benchmark.commands.data.arguments import how_to_make
from benchmark.core.errors import UserError
from benchmark.engine import request
from representations.registry import REPRESENTATIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from benchmark.displays.events import EventDisplay
    from benchmark.engine.progress import Display
    from benchmark.engine.request import Choice
    from representations.representation import Representation
    from tasks.data.inventory import DataFolder
    from tasks.task import Task

EVENTS = 6
"""Examples of each class by default."""


@dataclass(frozen=True)
class DisplayRequest:
    """What to draw: a task (as named), parameters of it, representations, and the number of examples of each class."""

    words: str
    plugin: type[Task]
    given: dict[str, str]
    representations: Sequence[tuple[Choice, Representation]]
    each: int


def choices(words: Sequence[str]) -> list[tuple[Choice, Representation]]:
    """The representations that are named, with their defaults. Raises UserError for unknown ones."""
    return [(choice, choice.build(REPRESENTATIONS, "")) for choice in request.choices(REPRESENTATIONS, words)]


def run(wanted: DisplayRequest, found: Sequence[DataFolder], folder: Path, display: Display) -> list[EventDisplay]:
    """Draw every complete data set; with several data sets, each into its own folder.

    Raises UserError when nothing could be drawn.
    """
    from benchmark.core.files import make_folder
    from benchmark.displays.events import StoredEvents, draw, stems

    name = wanted.plugin.name
    whole = [(item.folder, item.manifest) for item in found if item.state == "complete" and item.manifest is not None]
    if not whole:
        how = how_to_make(wanted.words, wanted.plugin)
        raise UserError(f"{name}: no complete data set to show. To make one: {how}")
    drawn: list[EventDisplay] = []
    names = stems([(representation.name, dict(choice.given)) for choice, representation in wanted.representations])
    for data, manifest in whole:
        home = folder if len(whole) == 1 else folder / data.name
        make_folder(home)
        stored = StoredEvents(wanted.plugin.resolve("", {**manifest.parameters, **wanted.given}), data, manifest)
        for stem, (choice, representation) in zip(names, wanted.representations, strict=True):
            report = partial(display.stage, f"{stored.task.name}/{data.name} {choice}")
            drawn.append(draw(stored, str(choice), representation, wanted.each, home / stem, report))
    if not any(item.files for item in drawn):
        reasons = "; ".join(dict.fromkeys(f"{item.representation}: {item.skipped}" for item in drawn))
        raise UserError(f"{name}: nothing could be drawn ({reasons}). Choose another representation or level.")
    return drawn


def show(drawn: Sequence[EventDisplay]) -> None:
    """Print the files of each display, or why there are none, and the numbers of each class."""
    for item in drawn:
        print()
        print(f"{item.folder.parent.name}/{item.folder.name}: {item.representation}")
        if item.skipped:
            print(f"  skipped: {item.skipped}")
        for path in item.files:
            print(f"  {path}")
        for name, row in item.numbers.items():
            print(f"  {name}: {', '.join(_text(*pair) for pair in row.items() if math.isfinite(pair[1]))}")


def as_json(drawn: Iterable[EventDisplay]) -> dict[str, list[dict[str, Any]]]:
    """The displays by folder of the data, as plain values."""
    found: dict[str, list[dict[str, Any]]] = {}
    for item in drawn:
        found.setdefault(str(item.folder), []).append(item.as_json())
    return found


def _text(name: str, value: float) -> str:
    words = {
        "events": f"{value:,.0f} events",
        "outside": f"{value:.2%} outside",
        "dropped": f"{value:.2%} dropped",
    }
    return words.get(name, f"{value:,.1f} {name.replace('_', ' ')}")
