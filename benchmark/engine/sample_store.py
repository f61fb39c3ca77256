"""Events shown by a representation: made once, kept beside the data set, and opened by every cell that asks next.

    DATA/ttbar/detector-4000-1a2b3c4d5e/samples/circles-0f1e2d3c4b/

Named by a hash of all that samples depend on. Made in a temporary folder and renamed when whole, by one process at a
time: who comes second waits, and finds them made. Where nothing can be kept they are held in memory, as a line says.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark.core.errors import UserError
from benchmark.core.files import locked, replacing, warn_once
from benchmark.core.machine import processor, usable_cores
from benchmark.engine.throughput import clock
from models.model import Report, silent
from representations.samples import store
from representations.samples.store import DamagedError, Unkeepable, Writer
from tasks.data.inventory import SAMPLES, lock_of
from tasks.data.store import shards
from tasks.events import SPLITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from benchmark.engine.job import Job
    from benchmark.engine.plan import Planned
    from models.model import Context
    from representations.representation import Representation
    from representations.samples import Samples
    from tasks.data.dataset import DataSet
    from tasks.events import Events

WARM_UP_EVENTS = 32

_held: dict[tuple[DataSet, Path, Representation], Represented] = {}
"""Samples that could not be kept, those of the last cell alone: a worker runs like cells one after the other."""


@dataclass(frozen=True)
class Pace:
    """What is learned while events are represented.

    The rate is None where another machine made the samples, or this one while it ran other cells.
    """

    has_signal: bool
    events_per_s: float | None
    made: str


class About(BaseModel):
    """What is kept beside samples: what they were made for, where, when, and how fast."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    machine: str
    made: str
    has_signal: bool
    events_per_s: float | None


@dataclass(frozen=True)
class Represented:
    """The samples of each split, how fast they were made, and when."""

    splits: Mapping[str, Samples]
    pace: Pace


def represent(
    shards: Iterable[Events], representation: Representation, report: Report = silent, total: int = 0
) -> Represented:
    """Samples of all events by split, in the order of the shards, in memory.

    Of `total` events it is reported how many are done. Raises UserError when there is no shard at all.
    """
    parts: dict[str, list[Samples]] = {name: [] for name in SPLITS}
    pace = _each(shards, representation, report, total, lambda name, samples: parts[name].append(samples))
    # the parts go as they are joined
    return Represented({name: type(parts[name][0]).join(parts.pop(name)) for name in SPLITS}, pace)


def represented(item: Planned, root: Path, context: Context) -> Represented:
    """The samples of a cell, opened as memory maps; they are made and stored first where that is needed.

    Memory is needed for one shard at a time. Raises UserError as `tasks.data.store.shards` does.
    """
    job, manifest = item.job, item.manifest
    wanted = (job.data, root, job.representation)
    if wanted in _held:
        return _held[wanted]
    _held.clear()  # before the next are made, so that two are never in memory
    if manifest is None:
        return represent(_shards(job, root), job.representation)  # raises UserError, since there are no events
    key = item.identity.samples_key()
    folder = job.data.folder(root) / SAMPLES / f"{job.representation.name}-{key[:10]}"
    try:
        # a folder of somebody else, where nothing can be locked, may hold them all the same
        stored = _opened(folder, key)
        if stored is None:
            with _locked(folder):
                stored = _opened(folder, key) or _made(item, folder, root, context)
        return stored
    except Unkeepable as reason:
        warn_once(f"{folder}: samples are held in memory and not stored: {reason}")
        _held[wanted] = represent(_shards(job, root), job.representation, context.report, manifest.events())
        return _held[wanted]


def _each(
    shards: Iterable[Events],
    representation: Representation,
    report: Report,
    total: int,
    keep: Callable[[str, Samples], None],
) -> Pace:
    """Give the samples of each shard and split to `keep`; every split has some, even if of no event.

    The rate is without reading and keeping, and without the first call, which compiles and warms up.
    """
    empty = set(SPLITS)
    events, done, seconds = None, 0, 0.0
    report("represent", 0, total)
    for events in shards:
        if done == 0:
            representation.represent(events[:WARM_UP_EVENTS])
        with clock() as reading:
            made = {name: representation.represent(part) for name, part in events.splits().items() if len(part)}
        empty -= made.keys()
        for name in tuple(made):  # each goes once it is kept, before the next shard is made
            keep(name, made.pop(name))
        done, seconds = done + len(events), seconds + reading.seconds
        report("represent", done, total)
    if events is None:
        raise UserError("no events to represent, expected one shard at least. Make the data again.")
    for name in empty:
        keep(name, representation.represent(events[:0]))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Pace(events.info.has_signal, done / max(seconds, 1e-9), now)


def _shards(job: Job, root: Path) -> Iterator[Events]:
    return shards(job.data, root, job.representation.columns(job.data.task.info(job.data.level)))


# --- kept ------------------------------------------------------------------------------------------------------------


def _opened(folder: Path, key: str) -> Represented | None:
    """Samples that lie here, or None where there are none, or such as are not those that were written; a line says so.

    A rate that was measured on another machine is left out: a record tells what holds for its own.
    """
    try:
        found = store.load(folder)
        if found is None:
            return None
        about = About.model_validate(found.about)
        if about.key != key:
            raise DamagedError(f"{folder}: made for another key")
    except (DamagedError, ValidationError) as error:
        reason = str(error) if isinstance(error, DamagedError) else f"{folder}: {error.errors()[0]['msg']}"
        warn_once(f"{reason}; the samples are made again")
        return None
    rate = about.events_per_s if about.machine == _machine() else None
    return Represented(found.splits, Pace(about.has_signal, rate, about.made))


def _made(item: Planned, folder: Path, root: Path, context: Context) -> Represented:
    """Make the samples, and move them to their folder when they are complete."""
    assert item.manifest is not None
    job, key, total = item.job, item.identity.samples_key(), item.manifest.events()
    try:
        for leftover in folder.parent.glob(f".{folder.name}-*.tmp"):  # of a run that was killed
            shutil.rmtree(leftover)
        with replacing(folder) as temporary:
            temporary.mkdir()
            with Writer(temporary) as writer:
                pace = _each(_shards(job, root), job.representation, context.report, total, writer.add)
                if context.sharing > 1:
                    pace = replace(pace, events_per_s=None)
                writer.finish(About(key=key, machine=_machine(), **vars(pace)).model_dump())
    except OSError as error:
        raise Unkeepable(f"the folder can't be written ({error.strerror})") from error
    stored = _opened(folder, key)
    if stored is None:
        raise Unkeepable("what was written there can't be read back")
    return stored


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Two processes never make the same samples at once; others may be made meanwhile."""

    def refused(error: OSError) -> Unkeepable:
        return Unkeepable(f"the folder can't be locked ({error})")

    try:
        folder.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise refused(error) from error
    with locked(lock_of(folder), refused):
        yield


def _machine() -> str:
    return f"{processor()}, {usable_cores()} cores"
