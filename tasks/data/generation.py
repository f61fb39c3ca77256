"""Generated data sets: shards in worker processes, each with its own generator.

A shard is a fixed number of accepted events from a fresh generator with its own seed, and its file is written
atomically, with a record next to it. So the bytes are the same with any number of workers, and a killed run continues
with the shards that are missing or are not as their records say.

A shard belongs to one split, which its seed depends on, but not on variant, level or preset. So no collision is in the
training part of one data set and in the test part of another. The shards of test sets have fixed sizes, so that test
sets of any two numbers of events begin with the same events; a test set copies the shards that another one has.
"""

from __future__ import annotations

import hashlib
from collections import deque
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from benchmark.core.blame import complaint
from benchmark.core.errors import PluginError, UserError
from benchmark.core.files import is_of_disk, write_atomically
from benchmark.core.process import leave_if_forked
from benchmark.core.refusals import kind_of, wrong
from benchmark.core.supervisor import LOOK_EVERY_S, GarbledError, ParentPipe, Supervised, how_it_died, wait
from benchmark.records.scores import IDS_OF_A_PROCESS
from tasks import events
from tasks.data.manifest import PlannedShard, read_any_manifest
from tasks.data.shards import copy_shard, finished, record
from tasks.events import SPLITS
from tasks.generator.progress import EventCounter
from tasks.registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.data.dataset import DataSet
    from tasks.data.manifest import Report, Shard, Split
    from tasks.task import Task


FIRST_TEST_SHARDS, TEST_SHARD = (100, 100, 200, 400), 600
"""Events of the first shards of each process in a test set, and of all others."""
SEEDS = 149_999_999
"""Seeds of each split; the splits take turns, so that no two have one in common. A task may add up to 450,000,000 for
another generator: Pythia takes seeds up to 900,000,000."""


def plan(data: DataSet) -> list[PlannedShard]:
    """The shards of a data set, split by split, one of each process in turn."""
    return [
        PlannedShard(
            file=f"{process}-{split}-{number:04d}.parquet",
            events=min(size, left),
            whole=size if size > left else None,
            process=process,
            split=split,
            seed=seed_of(data.task.name, process, split, number),
        )
        for split, events in events_of(data).items()
        for number, (size, left) in enumerate(_sizes(data, events))
        for process in data.task.processes
    ]


def seed_of(task: str, process: str, split: Split, number: int) -> int:
    """The seed of a shard, from 1 to 449,999,997."""
    text = f"{task}/{process}/{split}/{number}"
    hashed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
    return hashed % SEEDS * len(SPLITS) + SPLITS.index(split) + 1


def events_of(data: DataSet) -> dict[Split, int]:
    """The events of each process by split, of a data set that is generated."""
    if data.test_events is not None:
        return {"test": data.test_events}
    valid = max(1, data.task.events_per_class // 5)
    return {"train": data.task.events_per_class - valid, "valid": valid}


def _sizes(data: DataSet, events: int) -> Iterator[tuple[int, int]]:
    """The events of each shard of a process, and those that are left for it."""
    test = data.test_events is not None
    for size in chain(FIRST_TEST_SHARDS, repeat(TEST_SHARD)) if test else repeat(data.task.shard_events):
        if events <= 0:
            return
        yield (size if test else min(size, events)), events
        events -= size


def generate(data: DataSet, folder: Path, workers: int, report: Report) -> list[Shard]:
    """Generate the shards that are missing in a folder, in worker processes. Returns all shards with their SHA-256.

    Raises PluginError when the task fails to generate one, or when a process dies.
    """
    shards, recipe = plan(data), data.recipe().key()
    total = sum(shard.in_file for shard in shards)
    missing = [shard for shard in shards if finished(folder, shard, recipe) is None]
    if missing and data.test_events is not None:
        missing = _not_copied(data, folder, missing, recipe)
    done = total - sum(shard.in_file for shard in missing)
    report("generate", done, total)
    if missing:
        counter, before = EventCounter(workers := min(workers, len(missing))), done
        with _pool(workers, counter) as pool:
            for shard in _generated(data, missing, folder, pool):
                done += shard.in_file if shard else 0
                # a task that reports no progress within shards advances by whole shards
                report("generate", min(max(done, before + counter.total()), total), total)
    return [_finished(folder, shard, recipe) for shard in shards]


def _not_copied(data: DataSet, folder: Path, missing: list[PlannedShard], recipe: str) -> list[PlannedShard]:
    """Copy shards from the test sets of this variant with other numbers of events. Returns those that none has."""
    label, _, digest = folder.name.rpartition("-")
    for other in sorted(folder.parent.glob(f"{label.rpartition('-')[0]}-*-{digest}")):
        with suppress(UserError):  # of a set that is damaged, or is deleted meanwhile: the shard is generated
            manifest = read_any_manifest(other) if other != folder else None
            if manifest is None or manifest.test_events is None:
                continue
            data.test_set(manifest.test_events).check(manifest, other)
            there = {(shard.file, shard.seed, shard.in_file): shard for shard in manifest.shards}
            for planned in tuple(missing):
                found = there.get((planned.file, planned.seed, planned.in_file))
                if found is not None:
                    copy_shard(other, found, folder, planned, recipe)
                    missing = [shard for shard in missing if shard != planned]
    return missing


def _finished(folder: Path, planned: PlannedShard, recipe: str) -> Shard:
    """A shard as its record says. Raises UserError when it has changed since it was written."""
    shard = finished(folder, planned, recipe)
    if shard is None:
        raise UserError(
            f"{folder / planned.file}: changed since it was written, or can't be read back. Check the disk, and run "
            "the same command again."
        )
    return shard


def _generated(
    data: DataSet, missing: list[PlannedShard], folder: Path, pool: list[Supervised]
) -> Iterator[PlannedShard | None]:
    """Distribute shards to processes, and yield each when its file is there; from time to time None."""
    waiting, busy = deque(missing), dict[Supervised, PlannedShard]()
    for process in pool:
        process.send((data, folder))  # if it has died, that is noticed when its messages are read
    while waiting or busy:
        for process in pool:
            if process not in busy and waiting:
                busy[process] = waiting.popleft()
                process.send(busy[process])
        wait(busy, LOOK_EVERY_S)  # then the progress within shards is read
        for process in tuple(busy):
            if _has_made(process, busy[process], data.task):
                yield busy.pop(process)
        yield None


def _has_made(process: Supervised, shard: PlannedShard, task: Task) -> bool:
    """Whether a process has finished its shard. Raises PluginError when it could not, or has died."""
    try:
        messages, over = process.receive()
    except GarbledError as error:
        raise PluginError(f"{task.name}: a generating process sent {error}. Correct this task.") from error
    for message in messages:
        match message:
            case {"kind": "made", "file": shard.file}:
                return True
            case {"kind": "error", "text": str(text)}:
                raise PluginError(text)
            case {"kind": "refused", "text": str(text)}:
                raise UserError(text)
        raise PluginError(f"{task.name}: a generating process sent an unknown message. Correct this task.")
    if over:
        raise PluginError(
            f"{task.name}: a generating process {how_it_died(process.stop())}. "
            "Run the same command again to continue, with fewer --workers if memory is short."
        )
    return False


@contextmanager
def _pool(workers: int, counter: EventCounter) -> Iterator[list[Supervised]]:
    """Processes that are ended at the end, and after an error too: shards in the making are not waited for."""
    pool: list[Supervised] = []
    try:
        for _ in range(workers):
            pool.append(Supervised(_work, counter))
        yield pool
    finally:
        for process in pool:
            process.stop()


def _work(parent: ParentPipe, counter: EventCounter) -> None:
    """The life of a generating process."""
    counter.listen()
    try:
        data, folder = parent.receive()  # imports the task
        recipe = data.recipe().key()
        while True:
            shard: PlannedShard = parent.receive()
            try:
                table = _table(data, shard)
            except UserError as error:  # a task of ours says that the request is wrong
                parent.send("refused" if TASKS.find(data.target).is_built_in else "error", text=complaint(error))
                return
            try:
                _store(table, folder, shard, recipe)
            except UserError as error:  # a task may limit what its process can write
                refused = TASKS.find(data.target).is_built_in or is_of_disk(error)
                parent.send("refused" if refused else "error", text=str(error))
                return
            parent.send("made", file=shard.file)
    except EOFError:
        raise
    except BaseException as error:  # a task may fail in any way
        parent.send("error", text=complaint(error))


def _store(table: ak.Array, folder: Path, shard: PlannedShard, recipe: str) -> None:
    """Write a shard and its record. Raises UserError when that fails."""
    write_atomically(folder / shard.file, partial(events.write, table))
    record(folder, shard, recipe)


def _table(data: DataSet, shard: PlannedShard) -> ak.Array:
    """The events of a shard, checked and with all columns. Raises UserError for what is no table of such events."""
    assert shard.process is not None
    assert shard.seed is not None
    assert shard.split is not None
    table = data.task.generate(shard.process, data.level, shard.in_file, shard.seed)
    leave_if_forked()
    if not isinstance(table, ak.Array) or len(table) != shard.in_file:
        given = f"{len(table)} events" if isinstance(table, ak.Array) else kind_of(table)
        expected = f"an Awkward array of {shard.in_file} events"
        raise wrong(data.task.name, f"generate('{shard.process}', ...) returned", given, expected)
    label = data.task.processes.index(shard.process)
    number = int(Path(shard.file).stem.rpartition("-")[2])
    split = SPLITS.index(shard.split)
    table = _complete(table, label, split, first_id=(10 * label + split) * IDS_OF_A_PROCESS + number * 10**6)
    events.check(table, f"{data.task.name}, {shard.process}")
    return table


def _complete(table: ak.Array, label: int, split: int, first_id: int) -> ak.Array:
    """Add event_id, group, label and weight where the task does not give them, and the split."""
    ids = first_id + np.arange(len(table), dtype=np.int64)
    columns = {
        "event_id": ids,
        "group": ids,
        "label": np.full(len(ids), label, np.int8),
        "weight": np.ones(len(ids), np.float32),
    }
    columns |= {name: table[name] for name in table.fields} | {"split": np.full(len(ids), split, np.int8)}
    return ak.zip(columns, depth_limit=1)
