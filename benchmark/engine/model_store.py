"""Saved models, each in its own folder, with everything that is needed to apply it to new events.

MODELS/ttbar/circles-cnn-seed0-1a2b3c4d5e6f/model.json     what it was fitted for, and SHA-256 of each file
MODELS/ttbar/circles-cnn-seed0-1a2b3c4d5e6f/...            the files that the model itself writes

A saved model may come from somebody else: nothing in its folder is parsed before its hash is compared, and it decides
which installed plug-in is loaded, but never which file is run.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from benchmark.core.blame import reason_of
from benchmark.core.errors import UserError
from benchmark.core.files import make_folder, replacing, sha256, write_atomically
from benchmark.core.process import leave_if_forked
from benchmark.core.seal import sealed, unsealed
from benchmark.core.stored import MB, StoredFile, UnreadableError
from benchmark.records.identity import Identity, Part
from benchmark.records.result import Code
from models.model import Context
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmark.core.plugin import Plugin
    from benchmark.core.registry import Registry
    from benchmark.records.result import Result
    from models.model import Model
    from representations.representation import Representation
    from tasks.task import Task

ORIGIN = "model.json"
SAVE_AGAIN = "Save the model again with `run --keep-models DIR`."
RECORD = StoredFile("the record of a saved model", 16 * MB, SAVE_AGAIN)
CONTENT = StoredFile("a part of a saved model", 20_000 * MB, SAVE_AGAIN)
MOST_FILES = 1000
LONGEST_PATH = 1000
LONGEST = 200
"""Letters of a text from a record that a message repeats, at most."""


class Origin(BaseModel):
    """What a model was fitted for, the key of its result, and SHA-256 of each of its files by its path in the folder.

    The classes are those of the task with its parameters.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[2] = 2
    key: str
    identity: Identity
    code: Code
    files: dict[str, str]


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
    """Whether the model of a cell is saved, with all of its files; their content is not looked at."""
    folder = folder_of(models, result)
    try:
        _compare(folder, read(folder))
    except UserError:
        return False
    return True


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
    """Save the fitted model of a cell; it replaces an older one.

    Raises UserError where the folder can't be written, and for a model that writes anything but files.
    """
    folder = folder_of(models, result)
    make_folder(folder.parent)
    try:
        with replacing(folder) as temporary:
            temporary.mkdir()
            model.save(temporary)
            leave_if_forked()
            files = {name: sha256(temporary / name) for name in sorted(_files(temporary))}
            if ORIGIN in files:
                raise UserError(f"{ORIGIN} is the record of a saved model, expected another name. Rename this file.")
            text = sealed(Origin(key=result.key, identity=identity, code=result.code, files=files))
            write_atomically(temporary / ORIGIN, lambda file: file.write(text))
    except OSError as error:
        raise UserError(f"{folder}: the model can't be written ({error.strerror}). Name another folder.") from error


def restore(folder: Path, device: str, *, trust_code: bool = False) -> Restored:
    """The model that `save` wrote to a folder, loaded onto a device.

    Parameters
    ----------
    trust_code : whether plug-ins that are not installed may be imported from the files that the record names.

    Raises
    ------
    UserError
        When the folder holds no saved model, a changed one, one of other versions of the plug-ins than are here, or one
        of a plug-in in a file without `trust_code`.
    """
    origin = read(folder)
    _compare(folder, origin)
    for name, digest in origin.files.items():
        CONTENT.verify(folder / name, digest)
    identity = origin.identity
    parts = ((identity.model, MODELS), (identity.representation, REPRESENTATIONS), (identity.task, TASKS))
    for part, registry in parts:  # all of them before the first is imported
        _check_code(part, registry, folder, trust_code=trust_code)
    model, representation, task = (_built(part, registry, folder) for part, registry in parts)
    model.load(folder, Context(device=device))
    return Restored(origin, task, representation, model)


def read(folder: Path) -> Origin:
    """What the model in a folder was fitted for. Raises UserError if the folder holds no such record."""
    path = folder / ORIGIN
    try:
        there = "" if path.exists() else _found(folder)
    except OSError as error:
        raise _unreadable(folder, error) from error
    if there:
        raise UserError(
            f"{folder}: no {ORIGIN} ({there}), expected the folder of a model that `run --keep-models DIR` saved."
        )
    return RECORD.parse(path, _parse)


def _found(folder: Path) -> str:
    """What is in a folder, for a message."""
    if not folder.is_dir():
        return "no such folder"
    found = sorted(child.name for child in folder.iterdir())[:3]
    return f"found: {', '.join(found) or 'nothing'}"


def _unreadable(folder: Path, error: OSError) -> UnreadableError:
    return UnreadableError(f"{folder}: can't be read ({error.strerror}). Check permissions and disk.")


def _parse(content: bytes) -> Origin:
    record = json.loads(content)
    if isinstance(record, dict) and record.get("schema_version") == 1:
        raise UserError(f"has no hashes of the model's files, as earlier versions saved it. {SAVE_AGAIN}")
    fields, right = unsealed(record) if isinstance(record, dict) else (record, True)
    origin = Origin.model_validate(fields)
    if not right:
        seal = "missing" if right is None else "wrong"
        raise UserError(f"changed since it was written (its seal is {seal}). {SAVE_AGAIN}")
    return origin


def _compare(folder: Path, origin: Origin) -> None:
    """Raise UserError unless the folder has exactly the files of its record."""
    found, expected = {*_files(folder)} - {ORIGIN}, set(origin.files)
    if found != expected:
        wrong = sorted(found ^ expected)[0]
        problem = "is missing" if wrong in expected else "is no part of this model"
        raise UserError(f"{folder}: the file {wrong[:LONGEST]!r} {problem}. {SAVE_AGAIN}")


def _files(folder: Path) -> Iterator[str]:
    """The paths of all files of a model, below its folder. Raises UserError for anything else in it, such as a link."""
    folders, count = [folder], 0
    for place in folders:  # grows meanwhile
        try:
            entries = list(os.scandir(place))
        except OSError as error:
            raise _unreadable(place, error) from error
        count += len(entries)
        if count > MOST_FILES:
            raise UserError(f"{folder}: has over {MOST_FILES:,} files, expected those of one model. {SAVE_AGAIN}")
        if not entries and place != folder:
            raise UserError(f"{place}: is an empty folder, expected only files of a model. {SAVE_AGAIN}")
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                folders.append(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                yield Path(entry.path).relative_to(folder).as_posix()
            else:
                raise UserError(f"{entry.path}: is a link or no regular file, expected a file. {SAVE_AGAIN}")


def _check_code(part: Part, registry: Registry[Any], folder: Path, *, trust_code: bool) -> None:
    """Raise UserError unless a plug-in is installed, or is an unchanged file that the user trusts. Imports nothing."""
    if part.target in registry.names():
        return
    shown = part.target[:LONGEST]
    if not trust_code or len(part.target) > LONGEST_PATH or not part.target.isprintable():
        raise UserError(
            f"{folder}: its {registry.noun} is {shown!r}, expected an installed one. Code in a file runs only with "
            "--trust-code: add it if you know who made this model, and have read that file."
        )
    try:
        found = registry.find(part.target).file_hash()
    except (OSError, ValueError) as error:
        raise UserError(f"{folder}: its {registry.noun} {shown!r} can't be read ({error}). {SAVE_AGAIN}") from error
    if found != part.file:
        raise _changed(part, registry, folder, "its file has changed since")


def _built(part: Part, registry: Registry[Any], folder: Path) -> Any:
    """A plug-in as it was, of checked code. Raises UserError when it has another version now."""
    plugin: type[Plugin] = registry.load(part.target)
    if plugin.version != part.version:
        raise _changed(part, registry, folder, f"version {plugin.version} is here")
    if (plugin.name, registry.find(part.target).file_hash()) != (part.name, part.file):
        raise _changed(part, registry, folder, "its file has changed since")
    return plugin.resolve("", part.parameters)


def _changed(part: Part, registry: Registry[Any], folder: Path, how: str) -> UserError:
    name, version = part.name[:LONGEST], part.version[:LONGEST]
    return UserError(f"{folder}: made with {registry.noun} {name} version {version}, but {how}. {SAVE_AGAIN}")
