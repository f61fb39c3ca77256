"""Data sets on disk: generate or import once, verify, reuse.

    DATA/ttbar/detector-4000-1a2b3c4d/manifest.json
    DATA/ttbar/detector-4000-1a2b3c4d/ttbar-0000.parquet ...

A shard is a fixed number of accepted events from a fresh generator with its own seed, written and renamed when it is
whole. So the bytes are the same with any number of workers, and a killed run goes on with the shards that are missing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.errors import UserError
from benchmark.process import become_worker
from benchmark.results import make_folder, sha256, write_atomically
from tasks.dataset import DataSet, files_of, version_of
from tasks.generator.progress import Counter
from tasks.manifest import Manifest, Shard, read_manifest

if TYPE_CHECKING:
    import awkward as ak

    from tasks.events import Events
    from tasks.task import Imported, Task

Report = Callable[[str, float, float], None]
LOOK_EVERY_S = 0.5
"""How often progress within shards is looked at."""
PACKAGES = ("pythia8mc", "fastjet", "awkward", "numpy", "uproot", "pandas")


def prepare(data: DataSet, root: Path, workers: int, report: Report) -> Manifest:
    """Make the data set, or find it made. Raises UserError, and leaves whole shards for the next try.

    Reports ``("generate", events done, events in all)``.
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
                manifest = _describe(data, folder, _generate(data, folder, workers, report), {})
            else:
                manifest = _describe(data, folder, *_import(data, folder, report))
            manifest.write(folder)
    return manifest


def load(data: DataSet, root: Path) -> Events:
    """The events of a data set, verified against its manifest. Raises UserError when they are missing or changed."""
    from tasks.events import Events

    folder = data.folder(root)
    manifest = read_manifest(folder)
    if manifest is None:
        raise UserError(f"{folder}: no complete data set. Run the same command again to make it.")
    for shard in manifest.shards:
        path = folder / shard.file
        if not path.is_file() or sha256(path) != shard.sha256:
            raise UserError(f"{path}: missing, or changed since it was made. Delete {folder} to make the data again.")
    table = _read_all(folder, manifest.shards)
    return Events(data.task.view(table), data.task.info(data.level))


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
        counter, before = Counter(workers := min(workers, len(missing))), done
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
def _pool(workers: int, counter: Counter) -> Iterator[ProcessPoolExecutor]:
    """Spawned processes; when anything goes wrong, shards that nobody wants any more are not waited for."""
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin, (counter,)) as pool:
        try:
            yield pool
        except BaseException:
            for process in list((pool._processes or {}).values()):  # no public way before Python 3.14
                process.terminate()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin(counter: Counter) -> None:
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


def _import(data: DataSet, folder: Path, report: Report) -> tuple[list[Shard], dict[str, Any]]:
    from tasks import events

    assert data.source is not None
    report("import", 0, 1)
    found: Imported = data.task.read(data.source)
    events.check(found.table, f"{data.task.name}, {data.source}")
    path = folder / "events-0000.parquet"
    write_atomically(path, lambda file: events.write(found.table, file))
    report("import", 1, 1)
    files = {file.name: sha256(file) for file in files_of(data.source)}
    shard = Shard(file=path.name, events=len(found.table), sha256=sha256(path))
    return [shard], {"source": found.description, "files": files, "dropped": dict(found.dropped)}


# --- both ------------------------------------------------------------------------------------------------------------


def _read_all(folder: Path, shards: list[Shard]) -> ak.Array:
    import awkward as ak

    from tasks import events

    return ak.concatenate([events.read(folder / shard.file) for shard in shards])


def _describe(data: DataSet, folder: Path, shards: list[Shard], extra: dict[str, Any]) -> Manifest:
    from tasks import events

    task = data.task
    table = _read_all(folder, shards)
    generated = data.source is None
    fields: dict[str, Any] = {
        "task": task.name,
        "task_version": task.version,
        "parameters": task.data_parameters(),
        "level": data.level,
        "source": "generated",
        "fast_simulation": generated and data.level == "detector",
        "settings": {p: list(task.settings(p, data.level)) for p in task.processes} if generated else {},
        "packages": {name: version_of(name) for name in PACKAGES},
        "counts": _counts(task, table),
        "shards": shards,
        "fingerprint": events.fingerprint(table),
        "content": events.fingerprint(table, everything=True),
    }
    return Manifest(**{**fields, **extra})


def _counts(task: Task, table: ak.Array) -> dict[str, dict[str, int]]:
    import awkward as ak

    from tasks.events import SPLITS, split_of

    label, split = ak.to_numpy(table["label"]), split_of(table)
    return {
        process: {name: int(((label == code) & (split == number)).sum()) for number, name in enumerate(SPLITS)}
        for code, process in enumerate(task.processes)
    }
