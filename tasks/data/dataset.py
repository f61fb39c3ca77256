"""Which events a run needs, and their folder."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from benchmark.core.errors import UserError, did_you_mean
from tasks.data.manifest import Manifest, read_manifest
from tasks.detector import VERSION as DETECTOR_VERSION
from tasks.registry import TASKS
from tasks.task import LEVELS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.events import EventInfo
    from tasks.reader import Reader
    from tasks.task import Task


@dataclass(frozen=True)
class DataSet:
    """A variant of a task, a level, and the files that the events come from (None: generated)."""

    target: str  # the name or file by which the registry finds the task, in other processes too
    task: Task
    level: str
    source: Path | None = None

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise UserError(f"unknown level '{self.level}'. {did_you_mean(self.level, LEVELS)}")
        if self.source is not None and self.level != "detector":
            raise UserError(
                f"level '{self.level}': real files are of the level detector. Leave --level or --source out."
            )
        if self.source is not None and self.task.reader is None:
            raise UserError(
                f"{self.task.name}: real files are not read for this task (got --source {self.source}). "
                "Leave --source out."
            )
        if self.source is not None and not self.source.exists():
            raise UserError(f"{self.task.name}: no file or folder {self.source}. Give an existing path with --source.")

    @property
    def reader(self) -> Reader:
        """The reader of `source`. Raises UserError for a task that reads no files."""
        if self.task.reader is None:
            raise UserError(f"{self.task.name}: real files are not read for this task. Leave --source out.")
        return self.task.reader

    def check_source(self) -> None:
        """Raise UserError for files that the reader refuses at first sight."""
        if self.source is not None:
            self.reader.check(self.source)

    def __reduce__(self) -> tuple[Callable[..., DataSet], tuple[Any, ...]]:
        """Pickle by name and parameters: another process cannot unpickle the class of a loose file."""
        return _rebuilt, (self.target, self.task.parameters(), self.level, self.source)

    def folder(self, root: Path) -> Path:
        """Its folder: one named after the task, then one named after all that the events depend on."""
        identity: dict[str, Any] = {
            "task": self.task.name,
            "version": self.task.version,
            "file": TASKS.find(self.target).file_hash(),
            "level": self.level,
        }
        if self.source is None:
            identity["parameters"] = self.task.data_parameters()
            identity["generator"] = version_of("pythia8mc")
            identity["detector"] = DETECTOR_VERSION
            label = f"{self.level}-{self.task.events_per_class}"
        else:
            # Sizes have no meaning for real files.
            sizes = {"events_per_class", "shard_events"}
            identity["parameters"] = {k: v for k, v in self.task.data_parameters().items() if k not in sizes}
            identity["source"] = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in files_of(self.source)]
            label = "files"
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True, default=sorted).encode()).hexdigest()
        return root / self.task.name / f"{label}-{digest[:10]}"

    def manifest(self, root: Path) -> Manifest | None:
        """The manifest; None unless the data set is complete."""
        return read_manifest(self.folder(root))


def _rebuilt(target: str, parameters: dict[str, Any], level: str, source: Path | None) -> DataSet:
    return DataSet(target, TASKS.load(target)(**parameters), level, source)


def info_of(task: Task, level: str, *, from_files: bool) -> EventInfo:
    """What representations may know of events of a task; of events from files also what the files hold."""
    info = task.info(level)
    return replace(info, holds=task.reader.holds) if from_files and task.reader else info


def files_of(source: Path) -> list[Path]:
    """A file as it is; the visible files of a folder and of its own visible sub-folders, sorted by path."""
    path = source.resolve()
    if path.is_file():
        return [path]
    entries = [child for child in path.iterdir() if not child.name.startswith(".")]
    entries += [child for folder in entries if folder.is_dir() for child in folder.iterdir()]
    return sorted(child for child in entries if child.is_file() and not child.name.startswith("."))


def version_of(package: str) -> str:
    """The version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
