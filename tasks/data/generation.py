"""Generated data sets: shards in worker processes, each with its own generator.

A shard is a fixed number of accepted events from a fresh generator with its own seed, and its file is written
atomically. So the bytes are the same with any number of workers, and a killed run continues with the missing shards.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from benchmark.core.blame import blamed
from benchmark.core.errors import UserError
from benchmark.core.files import sha256, write_atomically
from benchmark.core.process import become_worker
from tasks import events
from tasks.data.manifest import Shard
from tasks.generator.progress import EventCounter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.data.dataset import DataSet
    from tasks.data.manifest import Report
    from tasks.task import Task

LOOK_EVERY_S = 0.5
"""How often the progress within shards is read."""


def plan(task: Task) -> list[Shard]:
    """The shards of a data set, one of each process in turn."""
    shards = []
    whole, rest = divmod(task.events_per_class, task.shard_events)
    sizes = [task.shard_events] * whole + ([rest] if rest else [])
    for number, size in enumerate(sizes):
        for process in task.processes:
            text = f"{task.name}/{process}/{number}"
            # A task may add up to 450,000,000 for a second generator; Pythia takes seeds up to 900,000,000.
            seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % 449_999_999 + 1
            shards.append(
                Shard(file=f"{process}-{number:04d}.parquet", events=size, sha256="", process=process, seed=seed)
            )
    return shards


def generate(data: DataSet, folder: Path, workers: int, report: Report) -> list[Shard]:
    """Generate the shards that are missing in a folder, in worker processes. Returns all shards with their SHA-256."""
    shards = plan(data.task)
    total = sum(shard.events for shard in shards)
    missing = [shard for shard in shards if not (folder / shard.file).is_file()]
    done = total - sum(shard.events for shard in missing)
    report("generate", done, total)
    if missing:
        counter, before = EventCounter(workers := min(workers, len(missing))), done
        with _pool(workers, counter) as pool:
            futures = {pool.submit(_make_shard, data, shard, folder): shard for shard in missing}
            while futures:
                for future in wait(futures, LOOK_EVERY_S, FIRST_COMPLETED).done:
                    _result_of(future, data)
                    done += futures.pop(future).events
                # a task that reports no progress within shards advances by whole shards
                report("generate", min(max(done, before + counter.total()), total), total)
    return [shard.model_copy(update={"sha256": sha256(folder / shard.file)}) for shard in shards]


def _result_of(future: Future[None], data: DataSet) -> None:
    try:
        future.result()
    except BrokenProcessPool as error:
        raise UserError(
            f"{data.task.name}: a generating process died (out of memory, or killed). "
            "Run the same command again to continue, with fewer --workers if memory is short."
        ) from error


@contextmanager
def _pool(workers: int, counter: EventCounter) -> Iterator[ProcessPoolExecutor]:
    """Spawned processes. After an error, shards in the making are not waited for."""
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin, (counter,)) as pool:
        try:
            yield pool
        except BaseException:
            for process in list((pool._processes or {}).values()):  # no public way before Python 3.14
                process.terminate()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _begin(counter: EventCounter) -> None:
    """Initialise a worker process."""
    become_worker()
    counter.listen()


@blamed()
def _make_shard(data: DataSet, shard: Shard, folder: Path) -> None:
    assert shard.process is not None
    assert shard.seed is not None
    table = data.task.generate(shard.process, data.level, shard.events, shard.seed)
    if not isinstance(table, ak.Array) or len(table) != shard.events:
        given = f"{len(table)} events" if isinstance(table, ak.Array) else f"a {type(table).__name__}"
        raise UserError(
            f"{data.task.name}: generate('{shard.process}', ...) returned {given}, expected an Awkward array of "
            f"{shard.events} events. Correct this task."
        )
    label = data.task.processes.index(shard.process)
    number = int(Path(shard.file).stem.rpartition("-")[2])
    table = _complete(table, label, first_id=label * 10**10 + number * 10**6)
    events.check(table, f"{data.task.name}, {shard.process}")
    write_atomically(folder / shard.file, lambda file: events.write(table, file))


def _complete(table: ak.Array, label: int, first_id: int) -> ak.Array:
    """Add event_id, group, label and weight where the task does not give them."""
    ids = first_id + np.arange(len(table), dtype=np.int64)
    columns = {
        "event_id": ids,
        "group": ids,
        "label": np.full(len(ids), label, np.int8),
        "weight": np.ones(len(ids), np.float32),
    }
    columns |= {name: table[name] for name in table.fields}
    return ak.zip(columns, depth_limit=1)
