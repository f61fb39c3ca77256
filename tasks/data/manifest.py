"""The record of a stored data set: `manifest.json` next to its shards, readable without heavy libraries."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from benchmark.core.errors import UserError
from benchmark.core.files import write_atomically
from benchmark.core.seal import sealed, unsealed
from benchmark.core.stored import MB, StoredFile

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "manifest.json"
SCHEMA_VERSION: Literal[2] = 2
GENERATED = "generated"
"""The source of events that are not read from files."""
SPLIT_NAMES = ("train", "valid", "test")
Split = Literal["train", "valid", "test"]
Report = Callable[[str, float, float], None]
"""Progress: the stage, events done, and events in all (0 where unknown)."""

REMEDY = "Delete the folder to make the data again."
FILE = StoredFile("a valid manifest", 256 * MB, REMEDY)

Count = Annotated[int, Field(ge=0, le=2**53)]
Positive = Annotated[int, Field(ge=1, le=2**53)]
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, Field(pattern=r"^[^/\\\x00.][^/\\\x00]*-[0-9]{4,}\.parquet$", max_length=250)]
"""Of a shard; it never leads out of the folder."""


class PlannedShard(BaseModel):
    """One Parquet file of a data set before it is made.

    events : of the data set. whole : those of the file, if the data set takes only the first of them.
    process, split, seed : None for events of files.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: FileName
    events: Positive
    whole: Positive | None = None
    process: str | None = None
    split: Split | None = None
    seed: Count | None = None

    @property
    def in_file(self) -> int:
        """The number of events of the file."""
        return self.whole or self.events


class Shard(PlannedShard):
    """One Parquet file of a data set; size : its bytes, None in manifests without a seal."""

    sha256: Hash
    size: Positive | None = None


class Manifest(BaseModel):
    """The origin of a data set, and the required content of its files.

    Parameters
    ----------
    test_events : events of each class in a generated test set; None for other data sets.
    files : SHA-256 of the source files, by path below the source.
    fast_simulation : whether the events passed through a fast simulation, ours or that of the files.
    detector : version of our fast simulation.
    counts : events by class (as stored) and split.
    dropped : events of real files that were left out, by reason.
    notes : how real files were read if there was a choice.
    fingerprint, content : SHA-256 over the content of the test events, and of all events. Neither depends on shards,
        workers or Parquet.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[2] = SCHEMA_VERSION
    task: str
    task_version: str
    parameters: dict[str, Any]
    level: str
    source: str
    test_events: Positive | None = None
    files: dict[str, Hash] = Field(default_factory=dict)
    fast_simulation: bool
    settings: dict[str, list[str]] = Field(default_factory=dict)
    packages: dict[str, str]
    detector: str
    counts: dict[str, dict[str, Count]]
    dropped: dict[str, Count] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list)
    shards: list[Shard] = Field(min_length=1)
    fingerprint: Hash
    content: Hash
    created: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @model_validator(mode="after")
    def _check(self) -> Self:
        for process, row in self.counts.items():
            if set(row) != set(SPLIT_NAMES):
                raise ValueError(f"counts of '{process}' are of {', '.join(row)}, expected {', '.join(SPLIT_NAMES)}")
        if len({shard.file for shard in self.shards}) < len(self.shards):
            raise ValueError("a shard is listed twice, expected each once")
        inside = sum(shard.events for shard in self.shards)
        if inside != self.events():
            raise ValueError(f"the shards have {inside:,} events, and counts {self.events():,}")
        return self

    @property
    def is_generated(self) -> bool:
        """Whether the events are generated, not read from files."""
        return self.source == GENERATED

    def events(self, split: str | None = None) -> int:
        """Number of events, of one split or of all."""
        return sum(n for row in self.counts.values() for name, n in row.items() if split in (None, name))

    def write(self, folder: Path) -> None:
        """Write the manifest, as the last file of a data set: a folder with a manifest is complete."""
        content = sealed(self)
        write_atomically(folder / MANIFEST, lambda file: file.write(content))


class UnsealedError(UserError):
    """A manifest without a seal, as earlier versions wrote it; it has to be verified before it is used."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        super().__init__(
            f"{path}: has no seal, which shows whether it changed since it was written. "
            "Check the events and seal it: python -m benchmark data verify"
        )
        self.manifest = manifest


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a complete data set, or None.

    Raises UserError if it exists but cannot be read, or has changed since it was written, and its subclass
    UnsealedError if it has no seal.
    """
    path = folder / MANIFEST
    if not os.path.lexists(path):
        return None
    manifest, seal = FILE.parse(path, _parsed)
    if seal is None:
        raise UnsealedError(path, manifest)
    if not seal:
        raise UserError(f"{path}: changed since it was written (its seal is wrong). {REMEDY}")
    return manifest


def read_any_manifest(folder: Path) -> Manifest | None:
    """The manifest as `read_manifest`, but also one without a seal.

    On a read-only disk it never gets one: a run verifies it first, and each shard is compared with it when it is read.
    """
    try:
        return read_manifest(folder)
    except UnsealedError as error:
        return error.manifest


def _parsed(content: bytes) -> tuple[Manifest, bool | None]:
    record = json.loads(content)
    if not isinstance(record, dict):
        raise ValueError("no JSON object")
    fields, seal = unsealed(record)
    return Manifest.model_validate(fields), seal
