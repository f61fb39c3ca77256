"""Shards: the Parquet files of a data set, which are read only if they are as recorded.

While a data set is generated, each finished shard has a record next to it, `.NAME.parquet.json`, so that a run that
continues knows that it is whole and of these events. The manifest takes the place of these records.
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial
from shutil import copyfileobj
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from benchmark.core.errors import UserError
from benchmark.core.files import sha256, write_atomically
from benchmark.core.seal import sealed, unsealed
from benchmark.core.stored import MB, StoredFile
from tasks.data.manifest import Hash, PlannedShard, Shard

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    import awkward as ak

FILE = StoredFile("a shard of events", 1_000_000 * MB, "Delete its folder to make the data again.")
RECORD = StoredFile("the record of a shard", MB, "Delete it; the shard is made again.")
RECORDS = ".*.parquet.json"
"""A pattern of the names of all records."""


def read_shard(folder: Path, shard: Shard, columns: Collection[str] | None = None) -> ak.Array:
    """The events of a shard as stored, or the first of them; columns : those to read, None for all.

    Raises UserError when it is missing, has changed since it was made, or holds no such events.
    """
    from tasks.data.parquet import parse_events

    path = folder / shard.file
    FILE.verify(path, shard.sha256)
    return FILE.parse_at(path, lambda path: parse_events(path, columns, shard.in_file))[: shard.events]


def check_size(folder: Path, shard: Shard) -> None:
    """Raise UserError when a shard is missing, can't be opened, or has another size; its content is not read."""
    path = folder / shard.file
    with FILE.open(path) as file:
        found = file.seek(0, 2)
    if shard.size is not None and found != shard.size:
        raise UserError(f"{path}: has {found:,} bytes, expected {shard.size:,}. {FILE.remedy}")


# --- before there is a manifest --------------------------------------------------------------------------------------


class ShardRecord(BaseModel):
    """A finished shard, and the key of the recipe that it was made by."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    recipe: Hash
    shard: Shard


def described(folder: Path, planned: PlannedShard) -> Shard:
    """A shard that has just been written, with its hash and size."""
    path = folder / planned.file
    return Shard(**dict(planned), sha256=sha256(path), size=path.stat().st_size)


def record(folder: Path, planned: PlannedShard, recipe: str) -> None:
    """Write the record of a shard that has just been written. Raises UserError when that fails."""
    content = sealed(ShardRecord(recipe=recipe, shard=described(folder, planned)))
    write_atomically(_record_of(folder, planned), lambda file: file.write(content))


def copy_shard(source: Path, shard: Shard, folder: Path, planned: PlannedShard, recipe: str) -> None:
    """Copy a shard of another data set, with a record of it as it is planned here.

    Raises UserError when it has changed since it was made, or can't be read or written.
    """
    FILE.verify(source / shard.file, shard.sha256)
    with FILE.open(source / shard.file) as file:
        write_atomically(folder / planned.file, partial(copyfileobj, file))
    record(folder, planned, recipe)


def finished(folder: Path, planned: PlannedShard, recipe: str) -> Shard | None:
    """The shard, if it is there, whole, and made by this recipe; else None."""
    try:
        found, seal = RECORD.parse(_record_of(folder, planned), _parsed)
        expected = Shard(**dict(planned), sha256=found.shard.sha256, size=found.shard.size)
        if not seal or (found.recipe, found.shard) != (recipe, expected):
            return None
        FILE.verify(folder / planned.file, found.shard.sha256)
    except UserError:
        return None
    return found.shard


def discard_records(folder: Path) -> None:
    """Delete the records of shards, once there is a manifest; those that can't be deleted do no harm."""
    for path in folder.glob(RECORDS):
        with suppress(OSError):
            path.unlink()


def _record_of(folder: Path, planned: PlannedShard) -> Path:
    return folder / f".{planned.file}.json"


def _parsed(content: bytes) -> tuple[ShardRecord, bool | None]:
    fields: dict[str, Any]
    fields, seal = unsealed(json.loads(content))
    return ShardRecord.model_validate(fields), seal
