"""Cells on this machine: long-lived worker processes, one or several for each device, restarted when they die.

A cell with a plug-in that is not ours has a process of its own, which runs no other cell: such a plug-in may change the
state of its process in any way.
"""

from __future__ import annotations

import os
import pickle
import shutil
import time
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import ValidationError

from benchmark.core.errors import UserError
from benchmark.core.files import make_folder
from benchmark.core.machine import usable_cores
from benchmark.core.supervisor import GarbledError, Supervised, how_it_died, wait
from benchmark.core.temporary import is_temporary_for, leftovers, temporary_for
from benchmark.engine.returned import report_step
from benchmark.engine.worker import work
from benchmark.records.result import Result, Status
from benchmark.records.store import ResultStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmark.engine.plan import Planned
    from benchmark.engine.request import Cell, Settings

THREADS = "OMP_NUM_THREADS"
MODELS = "models"
"""Name of the temporary folder in that of results, with fitted models that wait to be measured."""
STARTING_S = 60.0
"""Time in which a new process may import its libraries, on top of the time of its cell."""


class Listener(Protocol):
    """What the progress of cells is reported to; see `benchmark.engine.progress`."""

    def stage(self, subject: str, stage: str, done: float, total: float) -> None:
        """A part of the work has progressed."""

    def started(self, cell: Cell) -> None:
        """A cell has started."""

    def finished(self, cell: Cell, result: Result) -> None:
        """A cell has its result."""


@dataclass
class Worker:
    """A place for one cell at a time on one device, and the process that runs it.

    sharing : workers on that device, this one included. workers : on all devices.
    used : whether the process has run a cell.
    """

    device: str
    settings: Settings
    sharing: int = 1
    workers: int = 1
    item: Planned | None = None
    deadline: float = float("inf")
    process: Supervised | None = None
    used: bool = False

    def submit(self, item: Planned, *, again: bool = False) -> None:
        """Send a cell to the process; to a new one if the cell needs a process of its own.

        again : whether it has a result already, and only its costs are to be measured.
        """
        if item.job.is_foreign and self.used:
            self.stop()
        self.item, timeout = item, self.settings.timeout
        self.allow(timeout and timeout + STARTING_S)
        sent = item.record, pickle.dumps(item), again
        if not self._started().send(sent):  # it died while it was idle
            self.stop()
            self._started().send(sent)  # if that one dies too, the cell fails when its messages are read
        self.used = True

    def allow(self, seconds: float | None) -> None:
        """Set the deadline to this many seconds from now; None for no deadline."""
        self.deadline = time.monotonic() + seconds if seconds else float("inf")

    def release(self) -> Planned:
        """Be free for another cell. Returns the one that has ended."""
        item, self.item = self.item, None
        assert item is not None
        if item.job.is_foreign:
            self.stop()
        return item

    def stop(self) -> int | None:
        """End the process. Returns its exit code if it ended by itself."""
        process, self.process, self.used = self.process, None, False
        return process.stop() if process else None

    def _started(self) -> Supervised:
        if self.process is None:
            with _threads(self.settings.threads or _share_of_cores(self.workers if self.settings.jobs > 1 else 1)):
                self.process = Supervised(work, self.settings, self.device, self.sharing)
        return self.process


def devices_of(device: str) -> list[str]:
    """The devices that cells are distributed over: every GPU for `cuda`, else the named one."""
    if device != "cuda":
        return [device]
    import torch

    return [f"cuda:{number}" for number in range(torch.cuda.device_count())]


def execute(
    items: Sequence[Planned], settings: Settings, listener: Listener, stored: Sequence[Planned] = ()
) -> Iterator[tuple[Cell, Result]]:
    """Run cells and yield each with its result, in the order in which they finish; the worker has stored the result.

    Cells that run at the same time share caches and memory, so their speeds are measured one by one when all have
    ended; such a cell comes a second time. A run that is stopped before leaves its models to the next one that has
    these cells.

    Parameters
    ----------
    stored : cells that are not to be run, with their results as records. Those that a stopped run has not measured are.

    Raises
    ------
    UserError
        When a worker can't store a result for the disk; a plug-in may limit what its process can write.
    """
    folder = temporary_for(settings.results / MODELS)
    unmeasured = _adopted(stored, folder)
    waiting = replace(settings, waiting=folder)
    together = settings.jobs > 1 and len(items) > 1
    done = {item.cell: item.record for item in unmeasured}
    for cell, result in _run(items, waiting if together else settings, listener):
        done[cell] = result
        yield cell, result
    ended = [replace(item, record=done[item.cell]) for item in (*unmeasured, *items)]
    yield from _measure([item for item in ended if (folder / item.record.stem).is_dir()], waiting, listener)
    shutil.rmtree(folder, ignore_errors=True)


def _adopted(stored: Sequence[Planned], folder: Path) -> list[Planned]:
    """Cells whose models stopped runs have left, which are moved to a folder; models of other cells stay there."""
    left = [path for path in leftovers(folder.parent) if is_temporary_for(path, MODELS)]
    found = []
    for item in stored:
        for path in left:
            model = path / item.record.stem
            with suppress(OSError):  # the next run of another process has just taken it
                if model.is_dir():
                    make_folder(folder)
                    model.rename(folder / model.name)
                    found.append(item)
                    break
    for path in left:
        with suppress(OSError):  # it holds models of other cells, which a run that has these will measure
            path.rmdir()
    return found


def _measure(items: Sequence[Planned], settings: Settings, listener: Listener) -> Iterator[tuple[Cell, Result]]:
    """Measure the costs of cells that have ended, one after the other."""
    assert settings.waiting is not None
    with _workers(items[:1], settings) as workers:
        for number, item in enumerate(items):
            listener.stage(str(item.cell.task), "measure", number, len(items))
            worker, result = workers[0], None
            worker.submit(item, again=True)
            while result is None:
                _wait([worker])
                result = _receive(worker, listener)
            shutil.rmtree(settings.waiting / item.record.stem, ignore_errors=True)
            yield worker.release().cell, result
        if items:
            listener.stage(str(items[0].cell.task), "measure", len(items), len(items))


def _run(items: Sequence[Planned], settings: Settings, listener: Listener) -> Iterator[tuple[Cell, Result]]:
    """Run cells, as many at once as there are workers."""
    waiting = deque(items)
    for name in {item.record.task for item in items}:
        make_folder(settings.results / name)  # in no process of a plug-in
    with _workers(items, settings) as workers:
        while waiting or any(worker.item for worker in workers):
            for worker in workers:
                if worker.item is None and waiting:
                    listener.started(waiting[0].cell)
                    worker.submit(waiting.popleft())
            _wait([worker for worker in workers if worker.item is not None])
            for worker in workers:
                result = _receive(worker, listener) if worker.item is not None else None
                if result is not None:
                    cell = worker.release().cell
                    listener.finished(cell, result)
                    yield cell, result


@contextmanager
def _workers(items: Sequence[Planned], settings: Settings) -> Iterator[list[Worker]]:
    """`settings.jobs` workers for each device, at most one per cell; always stopped at the end."""
    places = (devices_of(items[0].cell.device) * settings.jobs)[: len(items)] if items else []
    workers = [Worker(device, settings, places.count(device), len(places)) for device in places]
    try:
        yield workers
    finally:
        for worker in workers:
            worker.stop()


def _share_of_cores(workers: int) -> int | None:
    """The threads of each of so many workers: too many threads slow each other down.

    None for the choice of the user's environment, and of the libraries.
    """
    return None if workers == 1 or THREADS in os.environ else max(1, usable_cores() // workers)


@contextmanager
def _threads(number: int | None) -> Iterator[None]:
    """Limit the threads of processes started here, unless None. Libraries read the variable when they are imported."""
    before = os.environ.get(THREADS)
    if number is not None:
        os.environ[THREADS] = str(number)
    try:
        yield
    finally:
        if number is not None and before is None:
            del os.environ[THREADS]
        elif number is not None and before is not None:
            os.environ[THREADS] = before


def _wait(busy: list[Worker]) -> None:
    """Wait until a worker has sent something or ended, or its time is over; return after a short time in any case."""
    first = min(worker.deadline for worker in busy)
    wait([worker.process for worker in busy if worker.process is not None], first - time.monotonic())


def _receive(worker: Worker, listener: Listener) -> Result | None:
    """Handle the messages of a worker. Returns the result of its cell if that has ended, also by a dead or late one."""
    assert worker.process is not None
    try:
        messages, over = worker.process.receive()
        for message in messages:
            result = _handled(message, worker, listener)
            if result is not None:
                return result
    except GarbledError as error:
        worker.stop()
        return _unfinished(worker, "failed", f"the worker process sent {error}; does a plug-in write to its pipe?")
    if over:
        code = worker.stop()
        return _unfinished(worker, "failed", f"the worker process {how_it_died(code)}")
    if worker.deadline <= time.monotonic():
        worker.stop()
        return _unfinished(worker, "timeout", f"took longer than {worker.settings.timeout:g} s (--timeout)")
    return None


def _handled(message: dict[str, Any], worker: Worker, listener: Listener) -> Result | None:
    """Handle one message. Returns the result that it brings. Raises GarbledError for one that is not of this cell."""
    assert worker.item is not None
    record = worker.item.record
    if message.get("key") != record.key:
        raise GarbledError("a message about another cell")
    match message:
        case {"kind": "begun"}:
            worker.allow(worker.settings.timeout)
            return None
        case {"kind": "stage", "stage": stage, "done": done, "total": total}:
            try:
                listener.stage(str(worker.item.cell), *report_step(stage, done, total))
            except UserError as error:
                raise GarbledError("a report that is none") from error
            return None
        case {"kind": "result", "result": str(text)}:
            return accepted(text, record)
        case {"kind": "error", "text": str(text), "disk": disk}:
            if disk is True or not worker.item.job.is_foreign:
                raise UserError(text)
            return _unfinished(worker, "failed", f"the worker process can't store the result: {text}")
    raise GarbledError("an unknown message")


def accepted(text: str, record: Result) -> Result:
    """The result of a cell. Raises GarbledError for that of another one."""
    try:
        result = Result.model_validate_json(text)
    except ValidationError as error:
        raise GarbledError("a result that is none") from error
    if (result.key, result.task, result.stem, result.created) != (record.key, record.task, record.stem, record.created):
        raise GarbledError("the result of another cell")
    return result


def _unfinished(worker: Worker, status: Status, reason: str) -> Result:
    """Store why a cell has no result, unless its worker had just stored one."""
    assert worker.item is not None
    store, record = ResultStore(worker.settings.results), worker.item.record
    stored = store.find(record.task, record.key)
    if stored is not None and stored.status == "done" and stored.created == record.created:
        return stored
    if worker.sharing > 1:
        reason += f", next to {worker.sharing - 1} others on the device (--jobs)"
    return store.add(record.model_copy(update={"status": status, "reason": reason}))
