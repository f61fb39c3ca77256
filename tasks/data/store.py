"""Data sets on disk: generate or import once, verify, reuse.

    DATA/ttbar/detector-4000-1a2b3c4d/manifest.json
    DATA/ttbar/detector-4000-1a2b3c4d/ttbar-0000.parquet ...

A shard is a fixed number of accepted events from a fresh generator with its own seed, written and renamed when it is
whole. So the bytes are the same with any number of workers, and a killed run goes on with the shards that are missing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.core.errors import UserError
from benchmark.core.files import make_folder, sha256, write_atomically
from benchmark.core.process import become_worker
from tasks.data.dataset import DataSet, files_of, version_of
from tasks.data.manifest import Manifest, Shard, read_manifest
from tasks.detector import VERSION as DETECTOR_VERSION
from tasks.generator.progress import EventCounter

if TYPE_CHECKING:
    import awkward as ak

    from tasks.events import Events
    from tasks.task import Imported, Task

Report = Callable[[str, float, float], None]
LOOK_EVERY_S = 0.5
"""How often progress within shards is looked at."""
PACKAGES = ("pythia8mc", "fastjet", "awkward", "numpy", "uproot", "h5py", "pandas")


def prepare(data: DataSet, root: Path, workers: int, report: Report) -> Manifest:
    """Make the data set, or find it made. Raises UserError, and leaves whole generated shards for the next try.

    Reports (stage, events done, events in all), with the stages "generate" or "import", whose events are not known
    beforehand (0), then "describe".
    """
    folder = data.folder(root)
    manifest = read_manifest(folder)
    if manifest is not None:
        return manifest
    make_folder(folder)
    with _only_one(folder):
        for leftover in folder.glob(".*.tmp"):  # of a run that was killed while it wrote
            leftover.unlink()
        manifest = read_manifest(folder)
        if manifest is None:
            if data.source is None:
                manifest = _describe(data, folder, _generate(data, folder, workers, report), {}, report)
            else:
                manifest = _import(data, folder, report)
            manifest.write(folder)
    return manifest


def load(data: DataSet, root: Path) -> Events:
    """All events of a data set at once, for who knows that they are few. Raises UserError as `shards` does."""
    import awkward as ak

    from tasks.events import Events

    tables = [events.table for events in shards(data, root)]
    return Events(ak.concatenate(tables), data.task.info(data.level))


def shards(data: DataSet, root: Path, columns: Collection[str] | None = None) -> Iterator[Events]:
    """The events of a data set, one shard in memory at a time, each verified against the manifest before it is read.

    columns : those to read; the truth and the task's `applied_columns` are always read. None for all.
    Raises UserError when there is no complete data set, or when a shard is missing or changed.
    """
    return shards_in(data.folder(root), data.task, data.level, columns)


def shards_in(folder: Path, task: Task, level: str, columns: Collection[str] | None = None) -> Iterator[Events]:
    """The same of the data set that lies in a folder, as a task looks at it."""
    from tasks.events import TRUTH, Events, read

    manifest = read_manifest(folder)
    if manifest is None:
        raise UserError(f"{folder}: no complete data set. Run the same command again to make it.")
    wanted = None if columns is None else {*TRUTH, *columns, *task.applied_columns}
    info = task.info(level)
    for shard in manifest.shards:
        path = folder / shard.file
        if not path.is_file() or sha256(path) != shard.sha256:
            raise UserError(f"{path}: missing, or changed since it was made. Delete {folder} to make the data again.")
        yield Events(task.apply_variant(read(path, wanted)), info)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Two runs never make the same data set at once: the second waits, and finds it made."""
    from filelock import FileLock

    lock = FileLock(folder / ".lock")
    try:
        lock.acquire()
    except (OSError, NotImplementedError) as error:
        raise UserError(f"{folder}: can't be written ({error}). Name another folder with --data.") from error
    try:
        yield
    finally:
        lock.release()


# --- generated -------------------------------------------------------------------------------------------------------


def _plan(task: Task) -> list[Shard]:
    """The shards of a data set, all processes in turn so that they grow side by side."""
    plan = []
    whole, rest = divmod(task.events_per_class, task.shard_events)
    sizes = [task.shard_events] * whole + ([rest] if rest else [])
    for number, size in enumerate(sizes):
        for process in task.processes:
            text = f"{task.name}/{process}/{number}"
            # A task may add up to 450,000,000 for a second generator; Pythia takes seeds up to 900,000,000.
            seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % 449_999_999 + 1
            plan.append(
                Shard(file=f"{process}-{number:04d}.parquet", events=size, sha256="", process=process, seed=seed)
            )
    return plan


def _generate(data: DataSet, folder: Path, workers: int, report: Report) -> list[Shard]:
    plan = _plan(data.task)
    total = sum(shard.events for shard in plan)
    missing = [shard for shard in plan if not (folder / shard.file).is_file()]
    done = total - sum(shard.events for shard in missing)
    report("generate", done, total)
    if missing:
        counter, before = EventCounter(workers := min(workers, len(missing))), done
        with _pool(workers, counter) as pool:
            futures = {pool.submit(_make_shard, data, shard, folder): shard for shard in missing}
            while futures:
                # what is told may lag behind whole shards, of tasks that tell nothing
                for future in wait(futures, LOOK_EVERY_S, FIRST_COMPLETED).done:
                    _result_of(future, data)
                    done += futures.pop(future).events
                report("generate", min(max(done, before + counter.total()), total), total)
    return [shard.model_copy(update={"sha256": sha256(folder / shard.file)}) for shard in plan]


def _result_of(future: Future[None], data: DataSet) -> None:
    try:
        future.result()
    except BrokenProcessPool as error:
        raise UserError(
            f"{data.task.name}: a generating process died (out of memory, or killed). "
            "Run the same command again to go on where it stopped, with fewer --workers if memory is short."
        ) from error


@contextmanager
def _pool(workers: int, counter: EventCounter) -> Iterator[ProcessPoolExecutor]:
    """Spawned processes; when anything goes wrong, shards that nobody wants any more are not waited for."""
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin, (counter,)) as pool:
        try:
            yield pool
        except BaseException:
            for process in list((pool._processes or {}).values()):  # no public way before Python 3.14
                process.terminate()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin(counter: EventCounter) -> None:
    """First in every worker process."""
    become_worker()
    counter.listen()


def _make_shard(data: DataSet, shard: Shard, folder: Path) -> None:
    from tasks import events

    assert shard.process is not None
    assert shard.seed is not None
    table = data.task.generate(shard.process, data.level, shard.events, shard.seed)
    label = data.task.processes.index(shard.process)
    number = int(Path(shard.file).stem.rpartition("-")[2])
    table = _complete(table, label, first_id=label * 10**10 + number * 10**6)
    events.check(table, f"{data.task.name}, {shard.process}")
    write_atomically(folder / shard.file, lambda file: events.write(table, file))


def _complete(table: ak.Array, label: int, first_id: int) -> ak.Array:
    """Add the columns that a task need not think of."""
    import awkward as ak
    import numpy as np

    ids = first_id + np.arange(len(table), dtype=np.int64)
    columns = {
        "event_id": ids,
        "group": ids,
        "label": np.full(len(ids), label, np.int8),
        "weight": np.ones(len(ids), np.float32),
    }
    columns |= {name: table[name] for name in table.fields}
    return ak.zip(columns, depth_limit=1)


# --- imported --------------------------------------------------------------------------------------------------------


def _import(data: DataSet, folder: Path, report: Report) -> Manifest:
    """Copy the events of files to shards, chunk by chunk; how many there are is known at the end alone.

    An import that failed or was killed is done anew, since its chunks may have been others: none of them is kept.
    """
    assert data.source is not None
    report("import", 0, 0)
    _discard(folder)
    paths = files_of(data.source)
    home = data.source.resolve() if data.source.is_dir() else paths[0].parent
    try:
        found = data.task.read(data.source)
        made = list(_copied(found, data, folder, report))
        described = {
            "source": found.description,
            "files": {path.relative_to(home).as_posix(): sha256(path) for path in paths},
            "dropped": dict(+found.dropped),
            "fast_simulation": found.fast_simulation,
        }
        return _describe(data, folder, made, described, report)
    except BaseException:
        _discard(folder)
        raise


def _copied(found: Imported, data: DataSet, folder: Path, report: Report) -> Iterator[Shard]:
    from tasks import events

    done = number = 0
    for table in found.chunks:
        if len(table) == 0:
            continue
        events.check(table, f"{data.task.name}, {data.source}")
        path = folder / f"events-{number:04d}.parquet"
        write_atomically(path, partial(events.write, table))
        yield Shard(file=path.name, events=len(table), sha256=sha256(path))
        number, done = number + 1, done + len(table)
        report("import", done, 0)
    if number == 0:
        dropped = ", ".join(f"{reason}: {count}" for reason, count in found.dropped.items() if count)
        raise UserError(
            f"{data.task.name}: {data.source} has no event left after the selection (dropped: {dropped or 'none'}), "
            "expected at least one. Give files that hold events of this task."
        )


def _discard(folder: Path) -> None:
    for shard in folder.glob("events-*.parquet"):
        shard.unlink()


# --- both ------------------------------------------------------------------------------------------------------------


def _describe(data: DataSet, folder: Path, made: list[Shard], extra: dict[str, Any], report: Report) -> Manifest:
    """What was made, read back from the files shard by shard: memory does not grow with their number."""
    from tasks import events
    from tasks.data.content import Content

    task = data.task
    generated = data.source is None
    content = Content(task.name, task.processes)
    done, total = 0, sum(shard.events for shard in made)
    for shard in made:
        report("describe", done, total)
        content.add(events.read(folder / shard.file))
        done += shard.events
    report("describe", done, total)
    fields: dict[str, Any] = {
        "task": task.name,
        "task_version": task.version,
        "parameters": task.data_parameters(),
        "level": data.level,
        "source": "generated",
        "fast_simulation": generated and data.level == "detector",
        "settings": {p: list(task.settings(p, data.level)) for p in task.processes} if generated else {},
        "packages": {name: version_of(name) for name in PACKAGES},
        "detector": DETECTOR_VERSION,
        "shards": made,
        **content.summary(),
    }
    return Manifest(**{**fields, **extra})
