"""What a stored data set is: `manifest.json` beside its shards, readable without any heavy library."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchmark.core.errors import UserError
from benchmark.core.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "manifest.json"
SCHEMA_VERSION: Literal[2] = 2


class Shard(BaseModel):
    """One Parquet file of a data set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    events: int
    sha256: str
    process: str | None = None
    seed: int | None = None


class Manifest(BaseModel):
    """A data set: what it is made of, how, and what must be found when it is read.

    `counts` are events by class (as stored) and split. `fingerprint` is over the content of the test events,
    `content` over all; neither depends on shards, workers or Parquet. `detector` is the version of the fast
    simulation. `dropped` counts what was left out of real files, by reason.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[2] = SCHEMA_VERSION
    task: str
    task_version: str
    parameters: dict[str, Any]
    level: str
    source: str
    files: dict[str, str] = Field(default_factory=dict)
    fast_simulation: bool
    settings: dict[str, list[str]] = Field(default_factory=dict)
    packages: dict[str, str]
    detector: str
    counts: dict[str, dict[str, int]]
    dropped: dict[str, int] = Field(default_factory=dict)
    shards: list[Shard]
    fingerprint: str
    content: str
    created: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def events(self, split: str | None = None) -> int:
        """Number of events, of one split or of all."""
        return sum(n for row in self.counts.values() for name, n in row.items() if split in (None, name))

    def write(self, folder: Path) -> None:
        """Write it, last of all files: a folder with a manifest is complete."""
        text = self.model_dump_json(indent=1).encode()
        write_atomically(folder / MANIFEST, lambda file: file.write(text))


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a complete data set, or None. Raises UserError when it is there but broken.

    None as well for version 1, whose fingerprints were taken another way: its shards are as good as ever, so that
    `prepare` finds them, counts them and writes the manifest anew.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(record, dict) and record.get("schema_version") == 1:
            return None
        return Manifest.model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        raise _broken(path, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except (OSError, ValueError) as error:
        raise _broken(path, str(error)) from error


def _broken(path: Path, reason: str) -> UserError:
    return UserError(f"{path}: not a valid manifest ({reason}). Delete the folder to make the data again.")
