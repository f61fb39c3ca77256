"""A cell with its plug-ins imported and their parameters resolved, its identity, and its record before it is run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.core.guard import guarded
from benchmark.core.process import rank_and_size
from benchmark.engine import returned
from benchmark.engine.code_hash import sources_key
from benchmark.metrics.registry import METRICS
from benchmark.records import environment
from benchmark.records.identity import DataContent, Identity, Part
from benchmark.records.result import PluginOrigin, new_result
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.data.dataset import DataSet
from tasks.registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmark.core.registry import Registry
    from benchmark.engine.request import Cell
    from benchmark.records.result import Result
    from models.model import Model
    from representations.representation import Representation
    from tasks.data.manifest import Manifest


@dataclass(frozen=True)
class Job:
    """A cell with its plug-ins imported and their parameters resolved."""

    cell: Cell
    data: DataSet
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

    def identity(self, manifest: Manifest | None) -> Identity:
        """Everything that can change the result; without a manifest, of a cell without events."""
        cell = self.cell
        targets = REPRESENTATIONS.find(cell.representation.target).target, TASKS.find(cell.task.target).target
        return Identity(
            task=Part.of(TASKS, cell.task.target, self.data.task),
            representation=Part.of(REPRESENTATIONS, cell.representation.target, self.representation),
            model=Part.of(MODELS, cell.model.target, self.model),
            level=cell.level,
            content=_content(manifest) if manifest else None,
            preset=cell.preset,
            seed=cell.seed,
            device=cell.device.partition(":")[0],
            processes=rank_and_size()[1],
            sources=sources_key(*targets),
        )

    def record(self, manifest: Manifest | None, identity: Identity) -> Result:
        """The record of the cell before it is run."""
        cell, task = self.cell, self.data.task
        info = task.info(cell.level)
        return new_result(
            key=identity.result_key(),
            status="interrupted",
            task=task.name,
            task_origin=_origin(TASKS, identity.task),
            variant=task.parameters(),
            variant_given=task.changed(cell.preset),
            task_version=task.version,
            classes=task.classes,
            source=manifest.source if manifest else "none",
            fingerprint=manifest.fingerprint if manifest else "",
            level=cell.level,
            fast_simulation=manifest.fast_simulation if manifest else False,
            headline=info.headline,
            bounds=dict(info.bounds),
            yields=dict(info.yields),
            note=info.note,
            unranked=info.unranked,
            expert=task.expert,
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
            events={split: manifest.events(split) for split in ("train", "valid", "test")} if manifest else {},
            code=environment.code(),
        )


def build(cell: Cell) -> Job:
    """Import what a cell names and resolve its parameters. Raises UserError if any is unknown or wrong."""
    task = cell.task.build(TASKS, cell.preset)
    representation = cell.representation.build(REPRESENTATIONS, cell.preset)
    model = cell.model.build(MODELS, cell.preset)
    with guarded(f"{cell}: making it"):
        job = Job(cell, DataSet(cell.task.target, task, cell.level, cell.source), representation, model)
        if job.is_foreign:
            for plugin in (task, representation, model):
                returned.parameters(plugin)
    return job


def _origin(registry: Registry[Any], part: Part) -> PluginOrigin | None:
    """Where a plug-in comes from; None for built-in ones."""
    entry = registry.find(part.target)
    if entry.is_file:
        return PluginOrigin(name=Path(entry.target.rpartition(":")[0]).name, sha256=part.file)
    return None if entry.origin == "package" else PluginOrigin(name=entry.origin.removeprefix("entry point of "))


def _content(manifest: Manifest) -> DataContent:
    return DataContent(
        level=manifest.level,
        content=manifest.content,
        fingerprint=manifest.fingerprint,
        train=manifest.events("train"),
        source=manifest.source,
        shards=tuple(shard.sha256 for shard in manifest.shards),
    )
