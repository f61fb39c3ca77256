"""Events shown by a representation: made once, kept beside the data set, and opened by every cell that asks next.

    DATA/ttbar/detector-4000-1a2b3c4d5e/samples/circles-0f1e2d3c4b/

Named by a hash of all that samples depend on. Made in a temporary folder and renamed when whole, by one process at a
time: who comes second waits, and finds them made. Where nothing can be kept they are held in memory, as a line says.
"""

from __future__ import annotations

import hashlib
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

import representations
from benchmark.core.errors import UserError
from benchmark.core.files import locked, replacing, warn_once
from benchmark.core.sources import source_of
from benchmark.engine.throughput import clock
from benchmark.records import environment
from benchmark.records.result import make_key
from models.model import Report, silent
from representations.registry import REPRESENTATIONS
from representations.samples import store
from representations.samples.store import DamagedError, Unkeepable, Writer
from tasks.data.inventory import SAMPLES, lock_of
from tasks.data.store import shards
from tasks.events import SPLITS
from tasks.registry import TASKS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from benchmark.engine.job import Job
    from models.model import Context
    from representations.representation import Representation
    from representations.samples import Samples
    from tasks.data.dataset import DataSet
    from tasks.data.manifest import Manifest
    from tasks.events import Events

TAKEN = ("tasks.events", "tasks.detector.shower_shapes", "tasks.detector.digis", "tasks.detector.geometry")
"""The modules of tasks that representations take something from: the table, and where cells lie."""

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


def represented(job: Job, root: Path, context: Context) -> Represented:
    """The samples of a cell: those that are kept, or else made, kept and opened as memory maps.

    Memory is needed for one shard at a time. Raises UserError as `tasks.data.store.shards` does.
    """
    asked = (job.data, root, job.representation)
    if asked in _held:
        return _held[asked]
    _held.clear()  # before the next are made, so that two are never in memory
    manifest = job.data.manifest(root)
    if manifest is None:
        return represent(_shards(job, root), job.representation)  # which says what is missing
    key = samples_key(job, manifest)
    folder = job.data.folder(root) / SAMPLES / f"{job.representation.name}-{key[:10]}"
    try:
        # a folder of others, where nothing can be locked, may hold them all the same
        found = _opened(folder, key)
        if found is None:
            with _only_one(folder):
                found = _opened(folder, key) or _made(folder, key, job, root, manifest, context)
        return found
    except Unkeepable as reason:
        warn_once(f"{folder}: samples are not kept, but held in memory: {reason}")
        _held[asked] = represent(_shards(job, root), job.representation, context.report, manifest.events())
        return _held[asked]


def samples_key(job: Job, manifest: Manifest) -> str:
    """SHA-256 of all that can change samples: the events in their order, the task that shows them, the representation.

    Unlike in the key of a result, the sources count as well: to make samples anew costs little, and who edits a
    representation is never shown old ones.
    """
    cell = job.cell
    targets = REPRESENTATIONS.find(cell.representation.target).target, TASKS.find(cell.task.target).target
    return make_key(
        {
            "schema": store.SCHEMA_VERSION,
            "content": manifest.content,
            "shards": [shard.sha256 for shard in manifest.shards],
            "level": manifest.level,
            "source": manifest.source,
            "task": cell.task.identity(TASKS, job.data.task),
            "representation": cell.representation.identity(REPRESENTATIONS, job.representation),
            "code": _code(*targets),
        }
    )


def sources(*plugins: str) -> list[Path]:
    """The files that decide what samples are: all representations, what they take from tasks, and these plug-ins."""
    files = sorted(Path(representations.__file__).parent.rglob("*.py"))
    return files + [path for module in (*TAKEN, *plugins) if (path := source_of(module))]


def _code(*targets: str) -> str:
    """SHA-256 over the sources, with those of these targets."""
    files = sources(*(target.rpartition(":")[0] for target in targets))
    return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in files)).hexdigest()


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


def _made(folder: Path, key: str, job: Job, root: Path, manifest: Manifest, context: Context) -> Represented:
    """Make the samples while no other process does, and put them in place once they are whole."""
    try:
        for leftover in folder.parent.glob(f".{folder.name}-*.tmp"):  # of a run that was killed
            shutil.rmtree(leftover)
        with replacing(folder) as temporary:
            temporary.mkdir()
            with Writer(temporary) as writer:
                pace = _each(_shards(job, root), job.representation, context.report, manifest.events(), writer.add)
                if context.sharing > 1:
                    pace = replace(pace, events_per_s=None)
                writer.finish(About(key=key, machine=_machine(), **vars(pace)).model_dump())
    except OSError as error:
        raise Unkeepable(f"the folder can't be written ({error.strerror})") from error
    found = _opened(folder, key)
    if found is None:
        raise Unkeepable("what was written there can't be read back")
    return found


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
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
    told = environment.describe()
    return f"{told['processor']}, {told['cores']} cores"
