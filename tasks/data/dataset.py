"""Which events a run needs, and their folder."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from benchmark.core.errors import UserError, did_you_mean
from benchmark.core.plugin import Range
from benchmark.core.refusals import FILE_NAMES, NAMES, is_file_name, is_name, kind_of, shown, wrong
from benchmark.records.identity import DataRecipe
from tasks.data.manifest import MANIFEST, REMEDY, Manifest, read_any_manifest
from tasks.detector import VERSION as DETECTOR_VERSION
from tasks.events import EventInfo
from tasks.registry import TASKS
from tasks.sources.folder import files_of
from tasks.task import LEVELS, SIZES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.reader import Reader
    from tasks.task import Task

MOST_CLASSES = 1000
MOST_TEST_EVENTS = 5_000_000


@dataclass(frozen=True)
class DataSet:
    """The events of one folder: those of files, or generated ones, for training and validation or for a test.

    Parameters
    ----------
    target : the name or file by which the registry finds the task, in other processes too.
    task : the variant.
    source : the files that the events come from; None for generated ones.
    test_events : generated test events of each class; None for the other events.
    """

    target: str
    task: Task
    level: str
    source: Path | None = None
    test_events: int | None = None

    def __post_init__(self) -> None:
        _check_task(self.task)
        if self.test_events is not None:
            check_test_events(self.test_events)
            if self.source is not None:
                raise UserError(
                    f"{self.task.name}: {self.test_events:,} test events of each class, but the test events of real "
                    "files are those that a hash chooses. Leave --test-events or --source out."
                )
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
        if self.source is not None and not os.path.exists(self.source):  # a name that is too long is none
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
        return _rebuilt, (self.target, self.task.parameters(), self.level, self.source, self.test_events)

    def test_set(self, events: int) -> DataSet:
        """The test set of this variant with so many events of each class."""
        return replace(self, test_events=events)

    def folder(self, root: Path) -> Path:
        """The folder of the data set: below one named after the task, named after the key of its recipe."""
        if self.source is not None:
            label = "files"
        elif self.test_events is not None:
            label = f"{self.level}-test-{self.test_events}"
        else:
            label = f"{self.level}-{self.task.events_per_class}"
        return root / self.task.name / f"{label}-{self.recipe().key()[:10]}"

    def parameters(self) -> dict[str, Any]:
        """The parameters that the stored events depend on: sizes only for training events that are generated."""
        sized = self.source is None and self.test_events is None
        return {k: v for k, v in self.task.data_parameters().items() if sized or k not in SIZES}

    def recipe(self) -> DataRecipe:
        """Everything that the stored events depend on; test sets of all numbers of events share one."""
        if self.source is None:
            origin: dict[str, Any] = {
                "generator": version_of("pythia8mc"),
                "detector": DETECTOR_VERSION,
                "part": "training" if self.test_events is None else "test",
            }
        else:
            origin = {"source": [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in files_of(self.source)]}
        return DataRecipe(
            task=self.task.name,
            version=self.task.version,
            file=TASKS.find(self.target).file_hash(),
            level=self.level,
            parameters=self.parameters(),
            origin=origin,
        )

    @property
    def fast_simulation(self) -> bool:
        """Whether generated events pass through our fast simulation."""
        return self.level == "detector" and self.task.fast_simulation

    def manifest(self, root: Path) -> Manifest | None:
        """The manifest; None unless the data set is complete.

        Raises UserError as `read_any_manifest` and `check` do.
        """
        folder = self.folder(root)
        manifest = read_any_manifest(folder)
        if manifest is not None:
            self.check(manifest, folder)
        return manifest

    def check(self, manifest: Manifest, folder: Path) -> None:
        """Raise UserError for a manifest of other events than these, which was changed or moved here by hand."""
        task = self.task
        found: dict[str, Any] = {"task": manifest.task, "task_version": manifest.task_version, "level": manifest.level}
        wanted: dict[str, Any] = {"task": task.name, "task_version": task.version, "level": self.level}
        found |= {"classes": list(manifest.counts), "generated": manifest.is_generated}
        wanted |= {"classes": list(task.processes), "generated": self.source is None}
        if self.source is None:
            names = ("parameters", "test_events", "fast_simulation", "detector")
            found |= {name: getattr(manifest, name) for name in names}
            wanted["parameters"] = json.loads(json.dumps(self.parameters(), default=sorted))
            wanted |= {"fast_simulation": self.fast_simulation, "detector": DETECTOR_VERSION}
            wanted["test_events"] = self.test_events
        for name, value in wanted.items():
            if found[name] != value:
                raise UserError(
                    f"{folder / MANIFEST}: has {name} {found[name]!r}, expected {value!r} as in the request. {REMEDY}"
                )


def _check_task(task: Task) -> None:
    """Raise UserError unless `processes` and `info` are what the contract says; before any event is made."""
    processes: object = task.processes
    if not (isinstance(processes, tuple) and processes and all(is_file_name(name) for name in processes)):
        raise wrong(task.name, "processes is", shown(processes), f"a tuple of {FILE_NAMES}, signal first")
    classes: object = task.classes
    if not (isinstance(classes, tuple) and 0 < len(set(map(str, classes))) == len(classes) <= MOST_CLASSES):
        raise wrong(task.name, "classes is", shown(classes), f"a tuple of at most {MOST_CLASSES} different names")
    if not all(map(is_name, classes)):
        raise wrong(task.name, "classes is", shown(classes), NAMES)
    info: object = task.info("detector")
    if not isinstance(info, EventInfo):
        raise wrong(task.name, "info returned", kind_of(info), "an EventInfo")


def check_test_events(events: int) -> None:
    """Raise UserError for a number of test events of each class that can't be made."""
    if events not in (allowed := Range(1, MOST_TEST_EVENTS)):
        raise UserError(f"--test-events {events}: expected test events of each class, a whole number, {allowed}.")


def _rebuilt(
    target: str, parameters: dict[str, Any], level: str, source: Path | None, test_events: int | None
) -> DataSet:
    return DataSet(target, TASKS.load(target)(**parameters), level, source, test_events)


def info_of(task: Task, level: str, *, from_files: bool) -> EventInfo:
    """The information on a task's events, with the columns of its expert line, and with the content of files."""
    holds = task.reader.holds if from_files and task.reader else ""
    note = "" if task.expert else task.expert_note
    return replace(task.info(level), expert=task.expert, expert_note=note, holds=holds)


def version_of(package: str) -> str:
    """The version of an installed package."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
