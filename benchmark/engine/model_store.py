"""Fitted models in folders, each with all that is needed to show it new events.

MODELS/ttbar/circles-cnn-seed0-1a2b3c4d5e6f/cell.json      what it was fitted for, and on what
MODELS/ttbar/circles-cnn-seed0-1a2b3c4d5e6f/model.json     and other files: what the model saves of itself
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark.core.errors import UserError
from benchmark.core.files import make_folder, replacing, write_atomically
from benchmark.records.result import Code  # noqa: TC001 - pydantic evaluates the annotations of Origin
from models.model import Context
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.core.plugin import Plugin
    from benchmark.core.registry import Registry
    from benchmark.engine.job import Job
    from benchmark.records.result import Result
    from models.model import Model
    from representations.representation import Representation
    from tasks.data.manifest import Manifest
    from tasks.task import Task

CELL = "cell.json"


@dataclass(frozen=True)
class Keeping:
    """What is kept of a cell beside its result; None: nothing.

    checkpoints : the folder of results beside which trainings under way are kept, to go on after a kill.
    models : the folder of fitted models.
    """

    checkpoints: Path | None = None
    models: Path | None = None


NOTHING = Keeping()


class Part(BaseModel):
    """A plug-in as it was used: where the registry finds it, its resolved parameters, and what its code was."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str
    name: str
    version: str
    file: str
    parameters: dict[str, Any]


class Origin(BaseModel):
    """What a model was fitted for. `content` is the fingerprint of all events, of those that it was tested on, too."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    key: str
    task: Part
    representation: Part
    model: Part
    classes: tuple[str, ...]
    level: str
    preset: str
    seed: int
    content: str
    code: Code


@dataclass(frozen=True)
class Restored:
    """A fitted model, ready to predict, with the representation and the task that it was fitted for."""

    origin: Origin
    task: Task
    representation: Representation
    model: Model


def folder_of(models: Path, result: Result) -> Path:
    """Where the model of a cell is kept."""
    return models / result.task / result.stem


def is_kept(models: Path, result: Result) -> bool:
    """Whether the model of a cell is there."""
    return (folder_of(models, result) / CELL).is_file()


def keep(job: Job, result: Result, manifest: Manifest | None, models: Path) -> None:
    """Save the fitted model of a job, whole or not at all; it takes the place of one of the same cell."""
    cell = job.cell
    origin = Origin(
        key=result.key,
        task=_part(cell.task.target, TASKS, job.data.task),
        representation=_part(cell.representation.target, REPRESENTATIONS, job.representation),
        model=_part(cell.model.target, MODELS, job.model),
        classes=result.classes,
        level=cell.level,
        preset=cell.preset,
        seed=cell.seed,
        content=manifest.content if manifest else "",
        code=result.code,
    )
    folder = folder_of(models, result)
    make_folder(folder.parent)
    try:
        with replacing(folder) as temporary:
            temporary.mkdir()
            job.model.save(temporary)
            text = origin.model_dump_json(indent=1).encode()
            write_atomically(temporary / CELL, lambda file: file.write(text))
    except OSError as error:
        raise UserError(f"{folder}: the model can't be kept ({error.strerror}). Name another folder.") from error


def restore(folder: Path, device: str) -> Restored:
    """The model of a folder that `keep` made, loaded onto a device.

    Raises UserError when it is no such folder, or was made by other versions of the plug-ins than there are here.
    """
    origin = read(folder)
    model: Model = _built(origin.model, MODELS, folder)
    model.load(folder, Context(device=device))
    representation: Representation = _built(origin.representation, REPRESENTATIONS, folder)
    return Restored(origin, _built(origin.task, TASKS, folder), representation, model)


def read(folder: Path) -> Origin:
    """What the model of a folder was fitted for. Raises UserError when that can't be told."""
    path = folder / CELL
    try:
        return Origin.model_validate_json(path.read_bytes())
    except OSError:
        found = sorted(child.name for child in folder.iterdir())[:3] if folder.is_dir() else []
        there = f"found: {', '.join(found) or 'nothing'}" if folder.is_dir() else "no such folder"
        raise UserError(
            f"{folder}: no {CELL} ({there}), expected the folder of a model that `run --keep-models DIR` made."
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"{path}: field '{where}': {first['msg']}. Keep the model again.") from error


def _part(target: str, registry: Registry[Any], plugin: Plugin) -> Part:
    return Part(
        target=target,
        name=plugin.name,
        version=plugin.version,
        file=registry.find(target).file_hash(),
        parameters=plugin.parameters(),
    )


def _built(part: Part, registry: Registry[Any], folder: Path) -> Any:
    """A plug-in as it was, provided that its code is what it was."""
    plugin: type[Plugin] = registry.load(part.target)
    found = plugin.name, plugin.version, registry.find(part.target).file_hash()
    if found != (part.name, part.version, part.file):
        changed = f"version {plugin.version} is here" if found[1] != part.version else "its file has changed since"
        raise UserError(
            f"{folder}: made with {registry.noun} {part.name} version {part.version}, but {changed}. "
            "Keep the model again with `run --keep-models DIR`."
        )
    return plugin.resolve("", part.parameters)
