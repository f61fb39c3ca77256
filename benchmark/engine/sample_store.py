"""Samples of a representation: made once, stored with the data set, and reused by every cell.

    DATA/ttbar/detector-3200-1a2b3c4d5e/samples/circles-0f1e2d3c4b/

The folder is named after the samples' key. Samples are made in a temporary folder that is renamed when it is complete.
A second process waits for the first. If samples cannot be stored, they stay in memory and a warning is printed.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmark.core.blame import reason_of
from benchmark.core.errors import UserError
from benchmark.core.files import locked, replacing, warn_once
from benchmark.core.machine import processor, usable_cores
from benchmark.engine import returned
from benchmark.engine.job import content_of
from benchmark.engine.throughput import clock
from models.model import Report, silent
from representations.samples import Samples, store
from representations.samples.store import DamagedError, NotStorable, Writer
from tasks.data.inventory import SAMPLES, lock_of
from tasks.data.store import shards
from tasks.events import SPLITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from benchmark.engine.job import Shift
    from benchmark.engine.plan import Planned
    from models.model import Context
    from representations.representation import Representation
    from tasks.data.dataset import DataSet
    from tasks.data.manifest import Manifest
    from tasks.events import Events

WARM_UP_EVENTS = 32

_held: dict[tuple[DataSet, Path, Representation], Represented] = {}
"""Samples of the last cell, if they could not be stored: a worker may run cells with the same samples in a row."""


@dataclass(frozen=True)
class Provenance:
    """How samples were made: speed, time, and whether class 0 is a signal.

    events_per_s : None if another machine made the samples, or this one while it ran other cells.
    """

    has_signal: bool
    events_per_s: float | None
    made: str


class About(BaseModel):
    """What is stored with samples: their key, and where, when and how fast they were made."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    machine: str
    made: str
    has_signal: bool
    events_per_s: float | None


@dataclass(frozen=True)
class Represented:
    """The samples of each split, how they were made, and test samples of shifted simulations, or why there are none."""

    splits: Mapping[str, Samples]
    provenance: Provenance
    shifted: Mapping[str, Samples | str] = field(default_factory=dict)


def represent(
    shards: Iterable[Events], representation: Representation, report: Report = silent, total: int = 0
) -> Represented:
    """The samples of all events by split, in the order of the shards, in memory.

    `total` is the number of events, for the report. Raises UserError when there is no shard.
    """
    parts: dict[str, list[Samples]] = {name: [] for name in SPLITS}
    provenance = _each(shards, representation, report, total, lambda name, samples: parts[name].append(samples))
    # each part is freed once it is joined
    return Represented({name: type(parts[name][0]).join(parts.pop(name)) for name in SPLITS}, provenance)


def represented(item: Planned, root: Path, context: Context) -> Represented:
    """The samples of a cell, opened as memory maps; they are made and stored first if necessary.

    Only one shard is in memory at a time. Raises UserError as `tasks.data.store.shards` does.
    """
    job, manifests = item.job, item.manifests
    shifts = [shift[0] for shift in (manifests.shifted if manifests else {}).values() if not isinstance(shift, str)]
    for held in tuple(_held):  # first, so that samples of two cells are never in memory
        if held not in {(data, root, job.representation) for data in (job.data, job.test, *shifts)}:
            del _held[held]
    if manifests is None:
        return represent(_shards(job.data, job.representation, root), job.representation)  # raises: there are no events
    found = samples_of(item, job.data, manifests.data, root, context)
    if job.test is None:
        return found
    test = samples_of(item, job.test, manifests.test, root, context)
    shifted = {name: _shifted(item, shift, root, context) for name, shift in manifests.shifted.items()}
    return replace(found, splits={**found.splits, "test": test.splits["test"]}, shifted=shifted)


def _shifted(item: Planned, shift: Shift | str, root: Path, context: Context) -> Samples | str:
    """The test samples of a shifted simulation, or why there are none."""
    if isinstance(shift, str):
        return shift
    try:
        return samples_of(item, *shift, root, context).splits["test"]
    except Exception as error:  # the result stands without them
        return reason_of(error)


def samples_of(item: Planned, data: DataSet, manifest: Manifest, root: Path, context: Context) -> Represented:
    """The samples of one data set with the representation of a cell, as `represented`."""
    representation = item.job.representation
    wanted = (data, root, representation)
    if wanted in _held:
        return _held[wanted]
    key = item.identity.samples_key(content_of(manifest))
    folder = data.folder(root) / SAMPLES / f"{representation.name}-{key[:10]}"
    making = _Making(data, representation, manifest.events(), root, context)
    try:
        # read-only folders, where nothing can be locked, may hold samples
        stored = _opened(folder, key)
        if stored is None:
            with _locked(folder):
                stored = _opened(folder, key) or _made(making, folder, key)
        return stored
    except NotStorable as reason:
        warn_once(f"{folder}: samples are held in memory and not stored: {reason}")
        shards = _shards(data, representation, root)
        _held[wanted] = represent(shards, representation, context.report, manifest.events())
        return _held[wanted]


@dataclass(frozen=True)
class _Making:
    """The samples that are to be made: of which events, how many, and by what."""

    data: DataSet
    representation: Representation
    events: int
    root: Path
    context: Context


def _each(
    shards: Iterable[Events],
    representation: Representation,
    report: Report,
    total: int,
    take: Callable[[str, Samples], None],
) -> Provenance:
    """Pass the samples of each shard and split to `take`; a split without events gets samples of no event.

    The speed excludes reading and storing, and the first call, which compiles and warms up.
    """
    empty = set(SPLITS)
    events, done, seconds = None, 0, 0.0
    report("represent", 0, total)
    for events in shards:
        if done == 0:
            warm_up = events[:WARM_UP_EVENTS]
            returned.samples(representation, representation.represent(warm_up), warm_up)
        with clock() as reading:
            parts = {name: part for name, part in events.splits().items() if len(part)}
            made = {name: representation.represent(part) for name, part in parts.items()}
        empty -= made.keys()
        for name in tuple(made):  # each is freed before the next shard is made
            take(name, returned.samples(representation, made.pop(name), parts.pop(name)))
        done, seconds = done + len(events), seconds + reading.seconds
        report("represent", done, total)
    if events is None:
        raise UserError("no events to represent, expected one shard at least. Make the data again.")
    for name in empty:
        take(name, returned.samples(representation, representation.represent(events[:0]), events[:0]))
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Provenance(events.info.has_signal, done / max(seconds, 1e-9), now)


def _shards(data: DataSet, representation: Representation, root: Path) -> Iterator[Events]:
    return shards(data, root, representation.columns(data.task.info(data.level)))


# --- stored ----------------------------------------------------------------------------------------------------------


def _opened(folder: Path, key: str) -> Represented | None:
    """The stored samples, or None if there are none or they are damaged (with a warning).

    A speed measured on another machine is dropped.
    """
    try:
        stored = store.load(folder)
        if stored is None:
            return None
        about = About.model_validate(stored.about)
        if about.key != key:
            raise DamagedError(f"{folder}: made for another key")
    except (DamagedError, ValidationError) as error:
        reason = str(error) if isinstance(error, DamagedError) else f"{folder}: {error.errors()[0]['msg']}"
        warn_once(f"{reason}; the samples are made again")
        return None
    rate = about.events_per_s if about.machine == _machine() else None
    return Represented(stored.splits, Provenance(about.has_signal, rate, about.made))


def _made(making: _Making, folder: Path, key: str) -> Represented:
    """Make the samples, and move them to their folder when they are complete."""
    representation, report = making.representation, making.context.report
    events = _shards(making.data, representation, making.root)
    try:
        with replacing(folder) as temporary:
            temporary.mkdir()
            with Writer(temporary) as writer:
                provenance = _each(events, representation, report, making.events, writer.add)
                if making.context.sharing > 1:
                    provenance = replace(provenance, events_per_s=None)
                writer.finish(About(key=key, machine=_machine(), **vars(provenance)).model_dump())
    except OSError as error:
        raise NotStorable(f"the folder can't be written ({error.strerror})") from error
    stored = _opened(folder, key)
    if stored is None:
        raise NotStorable("the files written there can't be read back")
    return stored


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Prevent other processes from making the same samples; they may make others."""

    def refused(error: OSError) -> NotStorable:
        return NotStorable(f"the folder can't be locked ({error.strerror or error})")

    try:
        folder.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise refused(error) from error
    lock = lock_of(folder)
    with locked(lock, refused):
        try:
            yield
        finally:
            with suppress(OSError):
                lock.unlink()  # a process that waits for it finds the samples


def _machine() -> str:
    return f"{processor()}, {usable_cores()} cores"
