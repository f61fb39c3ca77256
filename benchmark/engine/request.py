"""What a user asks for: cells, in the grammar `cnn[depth=15,dropout=0.2],ffnn`, and how to run them."""

from __future__ import annotations

import os
import re
from contextlib import nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.core.errors import UserError, did_you_mean, spelled
from benchmark.core.guard import guarded
from benchmark.core.paths import user_path
from benchmark.core.plugin import PRESETS, Plugin
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmark.core.registry import Registry
    from tasks.task import Task

WORDS = 200
"""Characters of an option that a message repeats."""
MOST_SEEDS = 1000
MOST_JOBS, MOST_THREADS = 64, 1024
EXPERT = ("expert", "bdt")
"""Representation and model of the expert line, to which a board compares all others."""
_CHOICE = re.compile(r"(?P<target>[^\[\]]+)(?:\[(?P<inside>[^\[\]]*)\])?\Z")


@dataclass(frozen=True)
class Choice:
    """A plug-in as the user named it, with the given parameters; `name` is its name in tables."""

    target: str
    given: tuple[tuple[str, str], ...] = ()
    name: str = field(default="", compare=False)

    def __str__(self) -> str:
        inside = ",".join(f"{name}={value}" for name, value in self.given)
        name = self.name or self.target
        return f"{name}[{inside}]" if inside else name

    def build(self, registry: Registry[Any], preset: str) -> Any:
        """Import and resolve it. Raises UserError for unknown names, parameters and values."""
        plugin: type[Plugin] = registry.load(self.target)
        with nullcontext() if registry.find(self.target).is_built_in else guarded(f"{registry.noun} {self}: making it"):
            return plugin.resolve(preset, dict(self.given))


@dataclass(frozen=True)
class Cell:
    """One task, representation and model, with a seed, on a kind of device; preset, level and source of its events.

    train_events : training events in all; None for all that there are.
    test_events : generated test events of each class; None for the default of the preset.
    """

    task: Choice
    representation: Choice
    model: Choice
    preset: str
    level: str
    seed: int
    device: str
    source: Path | None = None
    metrics: tuple[str, ...] = ()
    train_events: int | None = None
    test_events: int | None = None

    def __str__(self) -> str:
        events = f" · {self.train_events:,} events" if self.train_events else ""
        return f"{self.task} · {self.representation} · {self.model} · seed {self.seed}{events}"


@dataclass(frozen=True)
class Request:
    """What a user asked for; empty tuples mean all. Neither representations nor models: the expert line as well."""

    tasks: Sequence[str] = ()
    representations: Sequence[str] = ()
    models: Sequence[str] = ()
    metrics: Sequence[str] = ()
    preset: str = "quick"
    level: str = "detector"
    seeds: str = "1"
    device: str = "cpu"
    source: Path | None = None
    train_events: Sequence[int] = ()
    test_events: int | None = None


class Overwrite(StrEnum):
    """Which cells that have a result are run again."""

    never = "never"
    failed = "failed"
    always = "always"


@dataclass(frozen=True)
class Settings:
    """Where and how a request is run; nothing here but the threads changes a score, and those by rounding alone.

    Parameters
    ----------
    results, data : folders of results and of data sets.
    workers : processes that generate events.
    overwrite : which cells that have a result are run again.
    timeout : seconds that one cell may take; None for no limit.
    models : folder to save fitted models to; None to save none.
    jobs : cells that run at once on each device. threads : of each cell; None for its share of the cores.
    shifts : whether fitted models are tested on shifted simulations as well.
    checkpoints : folder of checkpoints of trainings; None for the folder of results.
    waiting : folder for models that are measured when all cells have ended; None where cells run one by one.
    """

    results: Path
    data: Path
    workers: int
    overwrite: Overwrite = Overwrite.failed
    timeout: float | None = None
    models: Path | None = None
    jobs: int = 1
    threads: int | None = None
    shifts: bool = False
    checkpoints: Path | None = None
    waiting: Path | None = None


def data_root(given: Path | str | None) -> Path:
    """The folder of data sets: the given one, else BENCHMARK_DATA, else the user's cache folder."""
    for name, folder in ("--data", given), ("BENCHMARK_DATA", os.environ.get("BENCHMARK_DATA")):
        if folder:
            return user_path(folder, name)
    from platformdirs import user_cache_path

    return user_path(user_cache_path("collision-benchmark"), "cache folder")


def cells(request: Request) -> list[Cell]:
    """The cells of a request, task by task, representation by representation, seed by seed.

    Raises UserError for names that are not known; parameters are checked when a cell is built.
    """
    check_preset(request.preset)
    tasks = choices(TASKS, request.tasks)
    if request.source is not None and len(tasks) != 1:
        raise UserError(
            f"--source {request.source}: files belong to one task, but {len(tasks)} were asked for. Add --task."
        )
    columns = list(product(choices(REPRESENTATIONS, request.representations), choices(MODELS, request.models)))
    everything = not (request.representations or request.models)
    grid = (
        (task, representation, model, seed, events)
        for task in tasks
        for representation, model in [*columns, *(_expert_line(task) if everything else ())]
        for seed in parse_seeds(request.seeds)
        for events in dict.fromkeys(request.train_events) or (None,)
    )
    return [
        Cell(
            task,
            representation,
            model,
            request.preset,
            request.level,
            seed,
            request.device,
            request.source,
            tuple(request.metrics),
            events,
            request.test_events,
        )
        for task, representation, model, seed, events in grid
    ]


def _expert_line(task: Choice) -> list[tuple[Choice, Choice]]:
    """The cell of a boosted tree on the columns that a physicist would cut on; none for a task that names none."""
    plugin: type[Task] = TASKS.load(task.target)
    representation, model = EXPERT
    there = plugin.expert and representation in REPRESENTATIONS.names() and model in MODELS.names()
    return [(Choice(representation, (), representation), Choice(model, (), model))] if there else []


def check_preset(name: str) -> None:
    """Raise UserError for an unknown preset."""
    presets = [preset.name for preset in PRESETS]
    if name not in presets:
        raise UserError(f"unknown preset '{name}'. {did_you_mean(name, presets)}")


def choices(registry: Registry[Any], texts: Iterable[str]) -> list[Choice]:
    """The plug-ins that the words of the command line mean, each once. No word, or `all`, means the core ones."""
    chosen: dict[Choice, None] = {}
    for choice in [choice for text in texts for choice in parse_filter(text)] or [Choice("all")]:
        if choice.target == "all":
            if choice.given:
                raise UserError(f"{registry.noun} '{choice}': 'all' takes no parameters. Name the {registry.noun}.")
            chosen.update(dict.fromkeys(Choice(name) for name in registry.core()))
        else:
            entry = registry.find(choice.target)
            target = entry.target if entry.is_file else entry.name
            alike = entry.is_file and entry.name in registry.entries()  # the name alone would mean another plug-in
            name = f"{entry.name} ({Path(entry.origin).name})" if alike else entry.name
            chosen[Choice(target, choice.given, name)] = None
    return list(chosen)


def parse_filter(text: str) -> list[Choice]:
    """`cnn[depth=15,dropout=0.2],ffnn` as choices. Raises UserError for text that does not follow this grammar."""
    return [_parse_choice(part.strip(), text) for part in _split_outside_brackets(text)]


def _split_outside_brackets(text: str) -> list[str]:
    parts, depth = [""], 0
    for character in text:
        depth += {"[": 1, "]": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _parse_choice(part: str, text: str) -> Choice:
    match = _CHOICE.match(part)
    if match is None:
        raise UserError(
            f"'{spelled(text, WORDS)}': can't be read, expected name or name[parameter=value,...] with commas between."
        )
    given: dict[str, str] = {}
    for pair in filter(None, (match["inside"] or "").split(",")):
        name, equals, value = (piece.strip() for piece in pair.partition("="))
        if not (name and equals and value):
            raise UserError(f"'{spelled(text, WORDS)}': '{spelled(pair)}' can't be read, expected parameter=value.")
        if name in given:
            raise UserError(f"'{spelled(text, WORDS)}': parameter '{spelled(name)}' is given twice. Leave one out.")
        given[name] = value
    return Choice(match["target"].strip(), tuple(given.items()))


def parse_seeds(text: str) -> list[int]:
    """`3` means the seeds 0, 1, 2; `0,1,2` these; `7,` the seed 7 alone."""
    try:
        numbers = [int(word) for word in text.split(",") if word.strip()]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 0 or ("," not in text and not 1 <= numbers[0] <= MOST_SEEDS):
        raise UserError(
            f"--seeds '{spelled(text)}': expected how many (3, at most {MOST_SEEDS}) or which (0,1,2 or 7,)."
        )
    return list(range(numbers[0])) if "," not in text else list(dict.fromkeys(numbers))
