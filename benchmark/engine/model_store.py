"""Saved models, each in its own folder, with everything that is needed to apply it to new events.

MODELS/ttbar/circles-cnn-seed0-1a2b3c4d5e6f/model.json     what it was fitted for
MODELS/ttbar/circles-cnn-seed0-1a2b3c4d5e6f/...            the files that the model itself writes
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark.core.blame import reason_of
from benchmark.core.errors import UserError
from benchmark.core.files import make_folder, replacing, write_atomically
from benchmark.records.identity import Identity, Part  # noqa: TC001 - pydantic evaluates the annotations
from benchmark.records.result import Code  # noqa: TC001
from models.model import Context
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.core.plugin import Plugin
    from benchmark.core.registry import Registry
    from benchmark.records.result import Result
    from models.model import Model
    from representations.representation import Representation
    from tasks.task import Task

ORIGIN = "model.json"


class Origin(BaseModel):
    """What a model was fitted for, and the key of its result."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    key: str
    identity: Identity
    classes: tuple[str, ...]
    code: Code


@dataclass(frozen=True)
class Restored:
    """A fitted model, ready to predict, with the representation and the task that it was fitted for."""

    origin: Origin
    task: Task
    representation: Representation
    model: Model


def folder_of(models: Path, result: Result) -> Path:
    """The folder of a cell's model."""
    return models / result.task / result.stem


def is_saved(models: Path, result: Result) -> bool:
    """Whether the model of a cell is saved."""
    return (folder_of(models, result) / ORIGIN).is_file()


def try_to_save(model: Model, identity: Identity, result: Result, models: Path) -> str | None:
    """Save the fitted model of a cell, whole or not at all. Returns why that failed; the result stands in any case."""
    try:
        save(model, identity, result, models)
    except Exception as error:  # `save` of a plug-in may raise anything
        return (
            f"the model was not saved: {reason_of(error)}. `save(folder)` has to write the fitted model to files in "
            "`folder`, and `load(folder, context)` to read them; see CONTRIBUTING.md"
        )
    return None


def save(model: Model, identity: Identity, result: Result, models: Path) -> None:
    """Save the fitted model of a cell; it replaces an older one. Raises UserError where the folder can't be written."""
    origin = Origin(key=result.key, identity=identity, classes=result.classes, code=result.code)
    folder = folder_of(models, result)
    make_folder(folder.parent)
    try:
        with replacing(folder) as temporary:
            temporary.mkdir()
            model.save(temporary)
            text = origin.model_dump_json(indent=1).encode()
            write_atomically(temporary / ORIGIN, lambda file: file.write(text))
    except OSError as error:
        raise UserError(f"{folder}: the model can't be written ({error.strerror}). Name another folder.") from error


def restore(folder: Path, device: str) -> Restored:
    """The model that `save` wrote to a folder, loaded onto a device.

    Raises UserError when the folder holds no saved model, or one of other versions of the plug-ins than are here.
    """
    origin = read(folder)
    identity = origin.identity
    model: Model = _built(identity.model, MODELS, folder)
    model.load(folder, Context(device=device))
    representation: Representation = _built(identity.representation, REPRESENTATIONS, folder)
    return Restored(origin, _built(identity.task, TASKS, folder), representation, model)


def read(folder: Path) -> Origin:
    """What the model in a folder was fitted for. Raises UserError if the folder holds no such record."""
    path = folder / ORIGIN
    try:
        return Origin.model_validate_json(path.read_bytes())
    except OSError:
        found = sorted(child.name for child in folder.iterdir())[:3] if folder.is_dir() else []
        there = f"found: {', '.join(found) or 'nothing'}" if folder.is_dir() else "no such folder"
        raise UserError(
            f"{folder}: no {ORIGIN} ({there}), expected the folder of a model that `run --keep-models DIR` saved."
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"{path}: field '{where}': {first['msg']}. Save the model again.") from error


def _built(part: Part, registry: Registry[Any], folder: Path) -> Any:
    """A plug-in as it was. Raises UserError when its code has changed since."""
    plugin: type[Plugin] = registry.load(part.target)
    file = registry.find(part.target).file_hash()
    if (plugin.name, plugin.version, file) != (part.name, part.version, part.file):
        changed = (
            f"version {plugin.version} is here" if plugin.version != part.version else "its file has changed since"
        )
        raise UserError(
            f"{folder}: made with {registry.noun} {part.name} version {part.version}, but {changed}. "
            "Save the model again with `run --keep-models DIR`."
        )
    return plugin.resolve("", part.parameters)
