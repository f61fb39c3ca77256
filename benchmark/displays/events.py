"""Event displays of stored data sets: one representation after the other as PNG files, and numbers by class."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.core.errors import Skip
from benchmark.displays import distributions, figures, pictures, points
from benchmark.displays.overview import Overview, overviews
from benchmark.displays.statistics import ImageStatistics
from tasks.data.dataset import info_of
from tasks.events import TRUTH, Events
from tasks.validation.sample import SAMPLE_EVENTS, parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from representations.representation import Representation
    from tasks.data.manifest import Manifest
    from tasks.task import Task

    Report = Callable[[str, float, float], None]


@dataclass(frozen=True)
class EventDisplay:
    """The displays of one representation of one data set: files and numbers by class, or why there are none."""

    folder: Path
    representation: str
    parameters: dict[str, Any]
    files: tuple[Path, ...] = ()
    numbers: dict[str, dict[str, float]] = field(default_factory=dict)
    skipped: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values; a mean over no events is null."""
        about = {"representation": self.representation, "parameters": self.parameters}
        if self.skipped:
            return about | {"skipped": self.skipped}
        numbers = {
            name: {key: value if math.isfinite(value) else None for key, value in row.items()}
            for name, row in self.numbers.items()
        }
        return about | {"files": [str(path) for path in self.files], "classes": numbers}


@dataclass(frozen=True)
class StoredEvents:
    """The events of a complete data set of a task."""

    task: Task
    folder: Path
    manifest: Manifest

    def seen_by(self, representation: Representation, most: int = SAMPLE_EVENTS) -> Iterator[Events]:
        """The events as a representation gets them: the columns it reads, after the task's `apply_variant`."""
        info = info_of(self.task, self.manifest.level, from_files=not self.manifest.is_generated)
        columns = representation.columns(info)
        wanted = None if columns is None else {*TRUTH, *columns, *self.task.applied_columns}
        for table in parts(self.folder, self.manifest, most, wanted):
            yield Events(self.task.apply_variant(table), info)


def draw(
    stored: StoredEvents, name: str, representation: Representation, each: int, stem: Path, report: Report
) -> EventDisplay:
    """Draw the events of a data set as a representation makes them.

    Parameters
    ----------
    name : of the representation, with its parameters.
    each : examples of each class.
    stem : how the paths of the files begin.
    report : called with a stage, and how much of it is done of how much.
    """
    manifest = stored.manifest
    total = min(manifest.events(), SAMPLE_EVENTS)
    about = stored.folder, name, representation.parameters()
    try:
        found = overviews(
            representation, stored.seen_by(representation), each, lambda done: report("represent", done, total)
        )
    except Skip as reason:
        return EventDisplay(*about, skipped=str(reason))
    report("draw", 0, 0)
    numbers = _numbers(found)
    events = sum(int(row["events"]) for row in numbers.values())
    level = f"level {manifest.level}, fast simulation" if manifest.fast_simulation else f"level {manifest.level}"
    label = f"{stored.task.name}, {level}: {events:,} of {manifest.events():,} events, {manifest.source}"
    files: list[Path] = []
    for overview in found:
        title = ", ".join(filter(None, (name, overview.panel.replace("_", " "))))
        own = stem.with_name(f"{stem.name}-{overview.panel}") if overview.panel else stem
        files += _draw(overview, title, label, own)
    return (
        EventDisplay(*about, tuple(files), numbers)
        if files
        else EventDisplay(*about, skipped="there is nothing to draw")
    )


def draw_chosen(
    stored: StoredEvents, name: str, representation: Representation, ids: Sequence[int], title: str, stem: Path
) -> EventDisplay:
    """Draw events of a data set by their ids, as a representation makes them.

    Parameters
    ----------
    name : of the representation, with its parameters.
    title : what these events are.
    stem : how the paths of the files begin.
    """
    about = stored.folder, name, representation.parameters()
    every = stored.seen_by(representation, stored.manifest.events())
    chosen = (events[np.isin(events.column("event_id"), ids)] for events in every)
    try:
        found = overviews(representation, (events for events in chosen if len(events)), len(ids))
    except Skip as reason:
        return EventDisplay(*about, skipped=str(reason))
    files: list[Path] = []
    for overview in found:
        words = ", ".join(filter(None, (name, overview.panel.replace("_", " "))))
        own = stem.with_name(f"{stem.name}-{overview.panel}") if overview.panel else stem
        module = pictures if isinstance(overview.statistics, ImageStatistics) else points
        files += module.draw_examples(overview, f"{words}: {title}", f"{stored.task.name}, test events", own)
    return EventDisplay(*about, tuple(files))


def _draw(overview: Overview, title: str, label: str, stem: Path) -> Iterator[Path]:
    if isinstance(overview.statistics, ImageStatistics):
        yield from pictures.draw(overview, title, label, stem)
        return
    yield from points.draw(overview, title, label, stem)
    figure = distributions.figure(overview, overview.statistics, title)
    if figure.panels:
        path = stem.with_name(f"{stem.name}-{figure.name}.png")
        figures.draw(figure, label, path)
        yield path


def _numbers(found: Sequence[Overview]) -> dict[str, dict[str, float]]:
    """Numbers by class; those that differ between panels, such as lit pixels, begin with the panel's name."""
    first, *others = (overview.numbers() for overview in found)
    if not others:
        return first
    numbers: dict[str, dict[str, float]] = {}
    for name, row in first.items():
        rows = [row, *(other[name] for other in others)]
        own = {key for key in row if any(key in overview.statistics.numbers(0) for overview in found)}
        numbers[name] = {key: value for key, value in row.items() if key not in own} | {
            f"{overview.panel}_{key}": values[key] for overview, values in zip(found, rows, strict=True) for key in own
        }
    return numbers


def stems(names: Sequence[tuple[str, Mapping[str, str]]]) -> list[str]:
    """How the files of each representation begin, given its name and parameters.

    `circles`, or `circles-size=112`, with a number appended to what is taken already.
    """
    found: list[str] = []
    for name, given in names:
        words = [name, *(f"{parameter}={value}" for parameter, value in given.items())]
        stem = re.sub(r"[^\w.=+-]", "_", "-".join(words))
        candidates = chain([stem], (f"{stem}-{number}" for number in count(2)))
        found.append(next(candidate for candidate in candidates if candidate not in found))
    return found
