"""A cell with its plug-ins imported and their parameters resolved, its identity, and its record before it is run."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.core.errors import UserError
from benchmark.core.guard import guarded
from benchmark.core.process import rank_and_size
from benchmark.engine import returned, training_events
from benchmark.engine.code_hash import sources_key
from benchmark.metrics.registry import METRICS
from benchmark.records import environment
from benchmark.records.identity import DataContent, Identity, Part
from benchmark.records.result import PluginOrigin, new_result
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.data.dataset import DataSet
from tasks.data.generation import events_of
from tasks.events import SPLITS
from tasks.registry import TASKS
from tasks.task import TEST_EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmark.core.registry import Registry
    from benchmark.engine.request import Cell
    from benchmark.records.result import Result
    from models.model import Model
    from representations.representation import Representation
    from tasks.data.manifest import Manifest
    from tasks.task import Task


Shift = tuple[DataSet, "Manifest"]
"""The test events of a shifted simulation."""


@dataclass(frozen=True)
class Manifests:
    """The manifests of the events of a cell.

    data : of training and validation events. test : of test events; for files, which hold both, the same.
    shifted : test events of shifted simulations, or why there are none, by the name of the shift.
    """

    data: Manifest
    test: Manifest
    shifted: Mapping[str, Shift | str] = field(default_factory=dict)

    def events(self, split: str) -> int:
        """The number of events of a split."""
        return (self.test if split == "test" else self.data).events(split)


@dataclass(frozen=True)
class Job:
    """A cell with its plug-ins imported and their parameters resolved.

    data : training and validation events. test : test events; None for files, which hold both.
    """

    cell: Cell
    data: DataSet
    test: DataSet | None
    representation: Representation
    model: Model

    def __reduce__(self) -> tuple[Callable[[Cell], Job], tuple[Cell]]:
        """Go to another process as names and parameters, since the class of a loose file can't be pickled."""
        return build, (self.cell,)

    @property
    def is_foreign(self) -> bool:
        """Whether a plug-in of the cell is not ours: one in a file, or of an installed package."""
        cell = self.cell
        entries = [
            TASKS.find(cell.task.target),
            REPRESENTATIONS.find(cell.representation.target),
            MODELS.find(cell.model.target),
            *METRICS.entries().values(),  # all are computed for every cell
            *map(METRICS.find, cell.metrics),
        ]
        return not all(entry.is_built_in for entry in entries)

    def level_skip(self) -> str | None:
        """Why the task makes no sense at this level; None if it does."""
        data = self.data
        return data.task.skipped_levels.get(data.level) if data.source is None else None

    def manifests(self, root: Path) -> Manifests | None:
        """The manifests of the events of the cell; None unless all events are there."""
        data = self.data.manifest(root)
        test = data if self.test is None else self.test.manifest(root)
        return Manifests(data, test) if data and test else None

    def shifts(self) -> dict[str, DataSet | str]:
        """The test sets of the shifted simulations of the task, or why there is none, by name; none for files."""
        return shifted_sets(self.data, self.cell.preset, self.cell.test_events)

    def identity(self, manifests: Manifests | None) -> Identity:
        """Everything that can change the result; without manifests, of a cell without events."""
        cell = self.cell
        targets = REPRESENTATIONS.find(cell.representation.target).target, TASKS.find(cell.task.target).target
        return Identity(
            task=Part.of(TASKS, cell.task.target, self.data.task),
            representation=Part.of(REPRESENTATIONS, cell.representation.target, self.representation),
            model=Part.of(MODELS, cell.model.target, self.model),
            level=cell.level,
            content=content_of(manifests.data, cell.train_events) if manifests else None,
            test=content_of(manifests.test) if manifests and self.test else None,
            preset=cell.preset,
            seed=cell.seed,
            device=cell.device.partition(":")[0],
            processes=rank_and_size()[1],
            sources=sources_key(*targets),
        )

    def record(self, manifests: Manifests | None, identity: Identity) -> Result:
        """The record of the cell before it is run."""
        cell, task = self.cell, self.data.task
        info = task.info(cell.level)
        events = {split: manifests.events(split) for split in SPLITS} if manifests else {}
        if manifests and cell.train_events:
            events["train"] = cell.train_events
        return new_result(
            key=identity.result_key(),
            status="interrupted",
            task=task.name,
            task_origin=_origin(TASKS, identity.task),
            variant=task.parameters(),
            variant_given=task.changed(cell.preset),
            task_version=task.version,
            classes=task.classes,
            source=manifests.data.source if manifests else "none",
            fingerprint=manifests.test.fingerprint if manifests else "",
            train_events=cell.train_events,
            level=cell.level,
            fast_simulation=manifests.data.fast_simulation if manifests else False,
            headline=info.headline,
            bounds=dict(info.bounds),
            yields=dict(info.yields),
            note=info.note,
            unranked=info.unranked,
            expert=task.expert,
            expert_note="" if task.expert else task.expert_note,
            preset=cell.preset,
            device=identity.device,
            representation=self.representation.name,
            representation_origin=_origin(REPRESENTATIONS, identity.representation),
            representation_parameters=self.representation.parameters(),
            representation_given=self.representation.changed(cell.preset),
            model=self.model.name,
            model_origin=_origin(MODELS, identity.model),
            parameters=self.model.parameters(),
            parameters_given=self.model.changed(cell.preset),
            seed=cell.seed,
            events=events,
            code=environment.code(),
        )


def build(cell: Cell) -> Job:
    """Import what a cell names and resolve its parameters. Raises UserError if any is unknown or wrong."""
    task = cell.task.build(TASKS, cell.preset)
    representation = cell.representation.build(REPRESENTATIONS, cell.preset)
    model = cell.model.build(MODELS, cell.preset)
    with guarded(f"{cell}: making it"):
        data = DataSet(cell.task.target, task, cell.level, cell.source)
        if cell.train_events and data.source is None:
            events = events_of(data)["train"]
            training_events.check(cell.train_events, task.name, dict.fromkeys(task.processes, events))
        job = Job(cell, data, test_set(data, cell.preset, cell.test_events), representation, model)
        if job.is_foreign:
            for plugin in (task, representation, model):
                returned.parameters(plugin)
    return job


def test_set(data: DataSet, preset: str, events: int | None) -> DataSet | None:
    """The test set that belongs to generated events, with the default number of events of each class unless one is
    given; None for files. Raises UserError for a number of events that can't be made.
    """
    if data.source is None:
        return data.test_set(default_test_events(data.task, preset) if events is None else events)
    if events is not None:
        data.test_set(events)  # refuses it
    return None


def shifted_sets(data: DataSet, preset: str, events: int | None) -> dict[str, DataSet | str]:
    """The test sets of the shifted simulations of a task, or why there is none, by name; none for files.

    They have the given number of events of each class, but no more than the preset's default.
    """
    if data.source is not None:
        return {}
    fewer = min(filter(None, (events, default_test_events(data.task, preset))))
    return {name: _shifted(data, name, fewer) for name in data.task.shifts}


def _shifted(data: DataSet, name: str, events: int) -> DataSet | str:
    try:
        with guarded(f"{data.task.name}: the shift '{name}'"):
            return replace(data, task=replace(data.task, **data.task.shifts[name])).test_set(events)
    except UserError as error:
        return str(error)


def default_test_events(task: Task, preset: str) -> int:
    """Generated test events of each class, unless a number is given."""
    return task.test_events.get(preset, TEST_EVENTS[preset])


def _origin(registry: Registry[Any], part: Part) -> PluginOrigin | None:
    """Where a plug-in comes from; None for built-in ones."""
    entry = registry.find(part.target)
    if entry.is_file:
        return PluginOrigin(name=Path(entry.target.rpartition(":")[0]).name, sha256=part.file)
    return None if entry.origin == "package" else PluginOrigin(name=entry.origin.removeprefix("entry point of "))


def content_of(manifest: Manifest, train: int | None = None) -> DataContent:
    """What a key knows of the events; train : the number of training events that are used, None for all."""
    return DataContent(
        level=manifest.level,
        content=manifest.content,
        fingerprint=manifest.fingerprint,
        train=train or manifest.events("train"),
        source=manifest.source,
        shards=tuple(shard.sha256 for shard in manifest.shards),
    )
