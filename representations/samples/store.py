"""Samples on disk: written in parts and opened as memory maps, so that memory never has to hold all events.

    FOLDER/samples.json                their description, as data, never code
    FOLDER/train-labels.bin            the elements of a tensor, row by row, in the machine's byte order
    FOLDER/train-pixels.values.bin     ragged rows are two tensors, values and offsets

The JSON file is written last, so a folder without it is not complete. Its seal and SHA-256 hashes reveal changes.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Self

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from benchmark.core.errors import UserError
from benchmark.core.seal import sealed, unsealed
from benchmark.core.stored import MB, StoredFile
from representations.samples import Graphs, Images, Ragged, Samples, Vectors
from tasks.events import SPLITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

SCHEMA_VERSION: Literal[1] = 1
RECORD = "samples.json"
KINDS: Mapping[str, type[Samples]] = {kind.__name__: kind for kind in (Images, Vectors, Graphs)}
"""Kinds of samples that can be stored; names in files refer only to these."""
DTYPES: Mapping[str, torch.dtype] = {
    name: getattr(torch, name)
    for name in ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")
}
Length = Annotated[int, Field(ge=0, le=2**53)]
RECORD_FILE = StoredFile("a record of samples", 256 * MB, "")
TENSOR_FILE = StoredFile("a tensor", 10_000_000 * MB, "")
_NAMES = {dtype: name for name, dtype in DTYPES.items()}


class NotStorable(Exception):  # noqa: N818 - not an error
    """Samples that cannot be stored here, for the reason in the message; they can still be used."""


class DamagedError(Exception):
    """The files in a folder have changed since they were written."""


class Column(BaseModel):
    """One tensor in one file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dtype: str
    shape: tuple[Length, ...] = Field(min_length=1, max_length=8)
    sha256: str


class Split(BaseModel):
    """The samples of one split: tensors by name, and the other fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    columns: dict[str, Column]
    plain: dict[str, Any]


class Record(BaseModel):
    """The content of `samples.json`; `about` belongs to the caller."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = SCHEMA_VERSION
    about: dict[str, Any]
    splits: dict[str, Split]


class Stored(NamedTuple):
    """Samples by split, as memory maps in copy-on-write mode, and the caller's `about`."""

    splits: dict[str, Samples]
    about: dict[str, Any]


class Writer:
    """Writes samples to an empty folder in parts. A context manager that closes the files.

    Raises NotStorable for samples of another kind, for metadata that JSON cannot hold, and for errors of the disk.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = ExitStack()
        self._columns: dict[str, dict[str, _Growing]] = {}
        self._plain: dict[str, dict[str, Any]] = {}
        self._kinds: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()

    def add(self, split: str, samples: Samples) -> None:
        """Append samples to a split. Raises ValueError if they differ in more than their events."""
        kind = type(samples).__name__
        if KINDS.get(kind) is not type(samples):
            raise NotStorable(f"samples of kind {kind}, expected {', '.join(KINDS)}")
        tensors: dict[str, Tensor] = {}
        plain: dict[str, Any] = {}
        for field in fields(samples):
            part = getattr(samples, field.name)
            if isinstance(part, Ragged):
                end = self._rows(split, f"{field.name}.values")
                # offsets of each part start from 0: shift them, and drop the 0 after the first part
                known = self._rows(split, f"{field.name}.offsets") > 0
                tensors[f"{field.name}.values"] = part.values
                tensors[f"{field.name}.offsets"] = part.offsets[1:] + end if known else part.offsets
            elif isinstance(part, Tensor):
                tensors[field.name] = part
            else:
                plain[field.name] = _as_json(f"{kind}.{field.name}", part)
        self._check_same(split, kind, plain)
        columns = self._columns.setdefault(split, {})
        with _on_disk(self.folder):
            for name, tensor in tensors.items():
                if name not in columns:
                    columns[name] = _Growing(_file(self.folder, split, name), tensor, self._files)
                columns[name].append(tensor)

    def finish(self, about: Mapping[str, Any]) -> None:
        """Close the files and write their description; `about` holds plain JSON values."""
        splits = {
            split: Split(
                kind=self._kinds[split],
                columns={name: column.described() for name, column in self._columns[split].items()},
                plain=plain,
            )
            for split, plain in self._plain.items()
        }
        content = sealed(Record(about=dict(about), splits=splits))
        with _on_disk(self.folder):
            self._files.close()
            (self.folder / RECORD).write_bytes(content)

    def _rows(self, split: str, name: str) -> int:
        column = self._columns.get(split, {}).get(name)
        return column.rows if column else 0

    def _check_same(self, split: str, kind: str, plain: dict[str, Any]) -> None:
        before = self._plain.setdefault(split, plain)
        if self._kinds.setdefault(split, kind) != kind:
            raise ValueError(f"samples of kinds {self._kinds[split]} and {kind} in one split, expected one")
        for name in before.keys() | plain.keys():
            if name not in plain or name not in before or before[name] != plain[name]:
                raise ValueError(f"{kind}.{name} differs between the parts to store")


class _Growing:
    """A tensor on disk to which rows are appended."""

    def __init__(self, path: Path, like: Tensor, files: ExitStack) -> None:
        self.path, self.dtype, self.row = path, like.dtype, like.shape[1:]
        self.rows = 0
        self._digest = hashlib.sha256()
        self._file = files.enter_context(path.open("wb"))

    def append(self, rows: Tensor) -> None:
        if rows.dtype != self.dtype or rows.shape[1:] != self.row:
            raise ValueError(
                f"{self.path.stem}: rows of {rows.dtype} {tuple(rows.shape[1:])} after rows of {self.dtype} "
                f"{tuple(self.row)}"
            )
        if rows.dtype not in _NAMES:
            raise NotStorable(f"{self.path.stem} of {rows.dtype}, expected {', '.join(DTYPES)}")
        content = rows.numpy(force=True).reshape(-1).view(np.uint8).data
        self._digest.update(content)
        self._file.write(content)
        self.rows += len(rows)

    def described(self) -> Column:
        return Column(dtype=_NAMES[self.dtype], shape=(self.rows, *self.row), sha256=self._digest.hexdigest())


def load(folder: Path) -> Stored | None:
    """The samples in a folder, or None if no Writer has finished one there.

    Files are hashed first, so that every tensor is as it was written; nothing in them is ever run. Raises DamagedError
    if anything has changed, or can't be read.
    """
    path = folder / RECORD
    if not os.path.lexists(path):
        return None
    try:
        record = RECORD_FILE.parse(path, _parsed)
    except UserError as error:
        raise DamagedError(str(error).rstrip(". ")) from error
    try:
        return Stored({name: _opened(folder, name, record.splits[name]) for name in SPLITS}, record.about)
    except UserError as error:
        raise DamagedError(str(error).rstrip(". ")) from error
    except Exception as error:  # whatever a record with a right seal, but from elsewhere, leads to
        raise DamagedError(f"{path}: {type(error).__name__}: {error}") from error


def _parsed(content: bytes) -> Record:
    fields, seal = unsealed(json.loads(content))
    record = Record.model_validate(fields)
    if not seal:
        raise ValueError("its seal is missing or wrong")
    return record


def _opened(folder: Path, split: str, stored: Split) -> Samples:
    # file names come from the fields of the kind, so that a record cannot point to files elsewhere
    kind = KINDS[stored.kind]
    parts: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in stored.plain:
            parts[field.name] = _as_tuples(stored.plain[field.name])
        elif field.name in stored.columns:
            parts[field.name] = _mapped(folder, split, field.name, stored)
        else:
            ends = (_mapped(folder, split, f"{field.name}.{end}", stored) for end in ("values", "offsets"))
            parts[field.name] = Ragged(*ends)
    return kind(**parts)


def _mapped(folder: Path, split: str, name: str, stored: Split) -> Tensor:
    path, column = _file(folder, split, name), stored.columns[name]
    dtype, size = DTYPES[column.dtype], math.prod(column.shape)
    with TENSOR_FILE.open(path) as file:
        found, expected = file.seek(0, os.SEEK_END), size * dtype.itemsize
    if found != expected:
        raise UserError(f"{path}: {found:,} bytes, expected {expected:,}")
    TENSOR_FILE.verify(path, column.sha256)
    if size == 0:  # an empty file cannot be mapped
        return torch.empty(column.shape, dtype=dtype)
    return torch.from_file(str(path), shared=False, size=size, dtype=dtype).view(column.shape)


def _file(folder: Path, split: str, name: str) -> Path:
    return folder / f"{split}-{name}.bin"


def _as_json(what: str, value: Any) -> Any:
    """A value after a round trip through JSON. Raises NotStorable if the value would change."""
    try:
        stored = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise NotStorable(f"{what}: {error}, expected plain values") from error
    if _as_tuples(stored) != value:
        raise NotStorable(f"{what} is {value!r}, which would be read back as {_as_tuples(stored)!r}")
    return stored


def _as_tuples(value: Any) -> Any:
    """Lists as tuples: samples have no lists, and JSON has no tuples."""
    if isinstance(value, list):
        return tuple(map(_as_tuples, value))
    return {name: _as_tuples(part) for name, part in value.items()} if isinstance(value, dict) else value


@contextmanager
def _on_disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NotStorable(f"{folder} can't be written ({error.strerror or error})") from error
