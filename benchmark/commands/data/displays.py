"""The event displays of `data show --representation`, and the lines that tell what was drawn."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from benchmark.core.errors import Skip, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from benchmark.displays.look import Look
    from benchmark.engine.progress import Display
    from benchmark.engine.request import Choice
    from representations.representation import Representation
    from tasks.data.inventory import Found
    from tasks.data.manifest import Manifest
    from tasks.events import Events
    from tasks.task import Task

    Report = Callable[[str, float, float], None]

EVENTS = 6
"""Examples of a class unless asked otherwise."""


@dataclass(frozen=True)
class Shown:
    """One representation of one data set: files and numbers by class, or why there are none."""

    folder: Path
    name: str
    parameters: dict[str, Any]
    files: tuple[Path, ...] = ()
    numbers: dict[str, dict[str, float]] = field(default_factory=dict)
    skipped: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values; a mean of no events is null."""
        about = {"representation": self.name, "parameters": self.parameters}
        if self.skipped:
            return about | {"skipped": self.skipped}
        numbers = {
            name: {key: value if math.isfinite(value) else None for key, value in row.items()}
            for name, row in self.numbers.items()
        }
        return about | {"files": [str(path) for path in self.files], "classes": numbers}


@dataclass(frozen=True)
class Request:
    """What is to be drawn: a task, with parameters that may change how stored events are looked at, and how."""

    plugin: type[Task]
    given: dict[str, str]
    representations: Sequence[tuple[Choice, Representation]]
    each: int


@dataclass(frozen=True)
class Stored:
    """A complete data set."""

    task: Task
    folder: Path
    manifest: Manifest

    def events(self, representation: Representation) -> Iterator[Events]:
        """As a learner is shown them: the columns that a representation asks for, through the task's view."""
        from tasks.events import TRUTH, Events
        from tasks.validation.sample import parts

        info = self.task.info(self.manifest.level)
        columns = representation.columns(info)
        wanted = None if columns is None else {*TRUTH, *columns, *self.task.applied_columns}
        for table in parts(self.folder, self.manifest, columns=wanted):
            yield Events(self.task.apply_variant(table), info)


def choices(words: Sequence[str]) -> list[tuple[Choice, Representation]]:
    """The representations that are meant, as large as their defaults. Raises UserError for what is not known."""
    from benchmark.core.registry import REPRESENTATIONS
    from benchmark.engine import request as grid

    return [(choice, choice.build(REPRESENTATIONS, "")) for choice in grid.choices(REPRESENTATIONS, words)]


def run(request: Request, found: Sequence[Found], folder: Path, display: Display) -> list[Shown]:
    """Draw every complete data set: NAME-examples.png and more, in a folder of its own where there are several.

    Raises UserError when nothing could be drawn.
    """
    from benchmark.core.files import make_folder

    name = request.plugin.name
    whole = [(item.folder, item.manifest) for item in found if item.state == "complete" and item.manifest is not None]
    if not whole:
        raise UserError(f"{name}: no complete data set to show. Make one: python -m benchmark data generate {name}")
    shown: list[Shown] = []
    for data, manifest in whole:
        home = folder if len(whole) == 1 else folder / data.name
        make_folder(home)
        stored = Stored(request.plugin.resolve("", {**manifest.parameters, **request.given}), data, manifest)
        for stem, (choice, representation) in stems(request.representations).items():
            say = partial(display.stage, f"{stored.task.name}/{data.name} {choice}")
            shown.append(_one(stored, choice, representation, request.each, home / stem, say))
    if not any(item.files for item in shown):
        reasons = "; ".join(dict.fromkeys(f"{item.name}: {item.skipped}" for item in shown))
        raise UserError(f"{name}: nothing could be drawn ({reasons}). Choose another representation or level.")
    return shown


def _one(stored: Stored, choice: Choice, representation: Representation, each: int, stem: Path, say: Report) -> Shown:
    from benchmark.displays.look import look
    from tasks.validation.sample import LOOKED_AT

    manifest = stored.manifest
    shown = partial(Shown, stored.folder, str(choice), representation.parameters())
    total = min(manifest.events(), LOOKED_AT)
    try:
        looks = look(representation, stored.events(representation), each, lambda done: say("represent", done, total))
    except Skip as reason:
        return shown(skipped=str(reason))
    say("draw", 0, 0)
    numbers = _numbers(looks)
    events = sum(int(row["events"]) for row in numbers.values())
    level = f"level {manifest.level}, fast simulation" if manifest.fast_simulation else f"level {manifest.level}"
    label = f"{stored.task.name}, {level}: {events:,} of {manifest.events():,} events, {manifest.source}"
    files = tuple(
        path
        for seen in looks
        for path in _drawn(seen, ", ".join(filter(None, (str(choice), _words(seen.panel)))), label, _of(stem, seen))
    )
    return shown(files=files, numbers=numbers) if files else shown(skipped="there is nothing to draw")


def _words(panel: str) -> str:
    return panel.replace("_", " ")


def _of(stem: Path, seen: Look) -> Path:
    """How the files of a look begin: with its panel's name where there are several."""
    return stem.with_name(f"{stem.name}-{seen.panel}") if seen.panel else stem


def _numbers(looks: Sequence[Look]) -> dict[str, dict[str, float]]:
    """By class; of several panels those that differ, such as lit pixels, with the panel's name."""
    first, *others = (seen.numbers() for seen in looks)
    if not others:
        return first
    found: dict[str, dict[str, float]] = {}
    for name, row in first.items():
        rows = [row, *(other[name] for other in others)]
        own = {key for key in row if any(key in seen.tally.numbers(0) for seen in looks)}
        found[name] = {key: value for key, value in row.items() if key not in own} | {
            f"{seen.panel}_{key}": numbers[key] for seen, numbers in zip(looks, rows, strict=True) for key in own
        }
    return found


def _drawn(seen: Look, title: str, label: str, stem: Path) -> Iterator[Path]:
    from benchmark.commands.data import plots
    from benchmark.displays import pictures, points, spectra
    from benchmark.displays.tally import Averages

    if isinstance(seen.tally, Averages):
        yield from pictures.draw(seen, title, label, stem)
        return
    yield from points.draw(seen, title, label, stem)
    figure = spectra.figure(seen, seen.tally, title)
    if figure.panels:
        path = stem.with_name(f"{stem.name}-{figure.name}.png")
        plots.draw(figure, label, path)
        yield path


def stems(wanted: Iterable[tuple[Choice, Representation]]) -> dict[str, tuple[Choice, Representation]]:
    """How files begin: `circles`, or `circles-size=112`; a number behind what is there already."""
    found: dict[str, tuple[Choice, Representation]] = {}
    for choice, representation in wanted:
        words = [representation.name, *(f"{name}={value}" for name, value in choice.given)]
        stem = re.sub(r"[^\w.=+-]", "_", "-".join(words))
        names = chain([stem], (f"{stem}-{number}" for number in count(2)))
        found[next(name for name in names if name not in found)] = choice, representation
    return found


def show(shown: Sequence[Shown]) -> None:
    """What was written and what not, and the numbers of each class."""
    for item in shown:
        print()
        print(f"{item.folder.parent.name}/{item.folder.name}: {item.name}")
        if item.skipped:
            print(f"  skipped: {item.skipped}")
        for path in item.files:
            print(f"  {path}")
        for name, row in item.numbers.items():
            print(f"  {name}: {', '.join(_told(*pair) for pair in row.items() if math.isfinite(pair[1]))}")


def as_json(shown: Iterable[Shown]) -> dict[str, list[dict[str, Any]]]:
    """By folder of the data, what was made of each representation."""
    found: dict[str, list[dict[str, Any]]] = {}
    for item in shown:
        found.setdefault(str(item.folder), []).append(item.as_json())
    return found


def _told(name: str, value: float) -> str:
    words = {
        "events": f"{value:,.0f} events",
        "outside": f"{value:.2%} outside",
        "dropped": f"{value:.2%} dropped",
    }
    return words.get(name, f"{value:,.1f} {name.replace('_', ' ')}")
