"""The record of a stored data set: `manifest.json` next to its shards, readable without heavy libraries."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchmark.core.errors import UserError
from benchmark.core.files import write_atomically

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "manifest.json"
SCHEMA_VERSION: Literal[2] = 2
GENERATED = "generated"
"""The source of events that are not read from files."""
Report = Callable[[str, float, float], None]
"""Progress: the stage, events done, and events in all (0 where unknown)."""


class Shard(BaseModel):
    """One Parquet file of a data set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    events: int
    sha256: str
    process: str | None = None
    seed: int | None = None


class Manifest(BaseModel):
    """The origin of a data set, and the required content of its files.

    Parameters
    ----------
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
    files: dict[str, str] = Field(default_factory=dict)
    fast_simulation: bool
    settings: dict[str, list[str]] = Field(default_factory=dict)
    packages: dict[str, str]
    detector: str
    counts: dict[str, dict[str, int]]
    dropped: dict[str, int] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list)
    shards: list[Shard]
    fingerprint: str
    content: str
    created: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    @property
    def is_generated(self) -> bool:
        """Whether the events are generated, not read from files."""
        return self.source == GENERATED

    def events(self, split: str | None = None) -> int:
        """Number of events, of one split or of all."""
        return sum(n for row in self.counts.values() for name, n in row.items() if split in (None, name))

    def write(self, folder: Path) -> None:
        """Write the manifest, as the last file of a data set: a folder with a manifest is complete."""
        text = self.model_dump_json(indent=1).encode()
        write_atomically(folder / MANIFEST, lambda file: file.write(text))


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a complete data set, or None. Raises UserError if it exists but cannot be read."""
    path = folder / MANIFEST
    if not path.is_file():
        return None
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise _broken(path, f"{place}: {first['msg']}" if place else first["msg"]) from error
    except OSError as error:
        raise _broken(path, str(error)) from error


def _broken(path: Path, reason: str) -> UserError:
    return UserError(f"{path}: not a valid manifest ({reason}). Delete the folder to make the data again.")
