"""Data sets on disk: generate or import once, verify, reuse.

DATA/ttbar/detector-3200-1a2b3c4d5e/manifest.json               training and validation events
DATA/ttbar/detector-3200-1a2b3c4d5e/ttbar-train-0000.parquet    ...
DATA/ttbar/detector-test-800-0f1e2d3c4b/ttbar-test-0000.parquet ...
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from benchmark.core.errors import UserError
from benchmark.core.files import locked, make_folder
from benchmark.core.temporary import leftovers, remove
from tasks.data.dataset import DataSet, info_of, version_of
from tasks.data.manifest import GENERATED, MANIFEST, Manifest, UnsealedError, read_any_manifest, read_manifest
from tasks.data.shards import check_size, discard_records, read_shard
from tasks.data.verification import seal
from tasks.detector import VERSION as DETECTOR_VERSION

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from tasks.data.manifest import Report, Shard
    from tasks.events import Events
    from tasks.task import Task

PACKAGES = ("pythia8mc", "fastjet", "awkward", "numpy", "uproot", "h5py", "pandas")
"""Packages whose versions a manifest records."""


def prepare(data: DataSet, root: Path, workers: int, report: Report) -> Manifest:
    """Generate or import a data set unless it exists.

    Parameters
    ----------
    root : folder of all data sets.
    workers : processes that generate.
    report : called with (stage, events done, events in all); the stages are "generate" or "import", whose number of
        events is not known beforehand (0), then "describe".

    Returns
    -------
    The manifest of the complete data set.

    Raises
    ------
    UserError
        When the events cannot be made. Whole generated shards stay for the next try; a refused import leaves nothing.
    """
    folder = data.folder(root)
    manifest = _stored(data, folder, report)
    if manifest is not None:
        return manifest
    make_folder(folder)
    with _only_one(folder):
        for leftover in leftovers(folder):
            with suppress(OSError):  # of another user
                remove(leftover)
        manifest = _stored(data, folder, report)
        if manifest is None:
            manifest = _made(data, folder, workers, report)
            manifest.write(folder)
            discard_records(folder)
    return manifest


def _stored(data: DataSet, folder: Path, report: Report) -> Manifest | None:
    """The manifest of a complete data set whose files are there; one without a seal is verified and sealed first."""
    try:
        manifest = read_manifest(folder)
    except UnsealedError as error:
        data.check(error.manifest, folder)
        manifest = seal(folder, error.manifest, report)
    if manifest is not None:
        data.check(manifest, folder)
        for shard in manifest.shards:
            check_size(folder, shard)
        discard_records(folder)  # of a run that was killed before it did so
    return manifest


def _made(data: DataSet, folder: Path, workers: int, report: Report) -> Manifest:
    from tasks.data.generation import generate
    from tasks.data.importing import discard, import_files

    try:
        if data.source is None:
            return _describe(data, folder, generate(data, folder, workers, report), {}, report)
        shards, read = import_files(data, data.source, folder, report)
        return _describe(data, folder, shards, read, report)
    except BaseException:
        if data.source is not None:
            discard(folder)
        raise


def load(data: DataSet, root: Path) -> Events:
    """All events of a small data set in one table. Raises UserError as `shards` does."""
    import awkward as ak

    from tasks.events import Events

    tables = [events.table for events in shards(data, root)]
    return Events(ak.concatenate(tables), info_of(data.task, data.level, from_files=data.source is not None))


def shards(data: DataSet, root: Path, columns: Collection[str] | None = None) -> Iterator[Events]:
    """Read the events of a data set, one shard in memory at a time, each verified against the manifest.

    Parameters
    ----------
    columns : those to read; the truth and the task's `applied_columns` are always read. None for all.

    Raises
    ------
    UserError
        When there is no complete data set, or a shard is missing or changed.
    """
    return shards_in(data.folder(root), data.task, data.level, columns)


def shards_in(folder: Path, task: Task, level: str, columns: Collection[str] | None = None) -> Iterator[Events]:
    """The shards of the data set in a folder, with the variant of a task applied."""
    from tasks.events import TRUTH, Events

    manifest = read_any_manifest(folder)
    if manifest is None:
        raise UserError(f"{folder}: no complete data set. Run the same command again to make it.")
    wanted = None if columns is None else {*TRUTH, *columns, *task.applied_columns}
    info = info_of(task, level, from_files=not manifest.is_generated)
    for shard in manifest.shards:
        yield Events(task.apply_variant(read_shard(folder, shard, wanted)), info)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Two runs never make the same data set at once: the second waits, and finds it made.

    A folder in which nothing was made is removed.
    """
    path = folder / ".lock"

    def refused(error: OSError) -> UserError:
        return UserError(f"{folder}: can't be written ({error.strerror or error}). Name another folder with --data.")

    with locked(path, refused):
        make_folder(folder)  # again: the run that had the lock may have removed it
        try:
            yield
        finally:
            with suppress(OSError):  # not empty, or in use
                if (folder / MANIFEST).exists():
                    path.unlink()  # a process that waits for it finds the data set
                elif all(entry == path for entry in folder.iterdir()):
                    path.unlink()
                    folder.rmdir()
                    folder.parent.rmdir()


def _describe(data: DataSet, folder: Path, made: list[Shard], extra: dict[str, Any], report: Report) -> Manifest:
    """The manifest of shards, which are read back from their files one at a time."""
    from tasks.data.content import Content

    task = data.task
    generated = data.source is None
    content = Content(task.name, task.processes)
    done, total = 0, sum(shard.events for shard in made)
    for shard in made:
        report("describe", done, total)
        content.add(read_shard(folder, shard))
        done += shard.events
    report("describe", done, total)
    fields: dict[str, Any] = {
        "task": task.name,
        "task_version": task.version,
        "parameters": data.parameters(),
        "level": data.level,
        "test_events": data.test_events,
        "source": GENERATED,
        "fast_simulation": generated and data.fast_simulation,
        "settings": {p: list(task.settings(p, data.level)) for p in task.processes} if generated else {},
        "packages": {name: version_of(name) for name in PACKAGES},
        "detector": DETECTOR_VERSION,
        "shards": made,
        **content.summary(),
    }
    return Manifest(**{**fields, **extra})
