"""Cells on this machine: long-lived worker processes, one or several for each device, restarted when they die."""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import connection, get_context
from typing import TYPE_CHECKING, Any, Protocol

from benchmark.core.errors import UserError
from benchmark.core.machine import usable_cores
from benchmark.core.memory import give_back, keep_freed_memory
from benchmark.core.process import become_worker, rank_and_size
from benchmark.records.result import Result, Status
from benchmark.records.store import ResultStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmark.engine.plan import Planned
    from benchmark.engine.request import Cell, Settings

REPORT_EVERY_S = 0.1
STARTING_S = 60.0
"""Time in which a new process may import its libraries, on top of the time of its cell."""
DYING_S = 5.0
"""Time in which a process whose pipe has closed may end, so that its exit code is known."""


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
    """A process that runs one cell after the other on one device.

    sharing : workers on that device, this one included. workers : on all devices.
    """

    device: str
    settings: Settings
    sharing: int = 1
    workers: int = 1
    item: Planned | None = None
    deadline: float = float("inf")
    process: Any = field(init=False)
    pipe: Any = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start the process, or a new one after the old one has died."""
        context = get_context("spawn")
        self.pipe, child = context.Pipe()
        arguments = child, self.settings, self.device, self.sharing
        self.process = context.Process(target=_work, args=arguments, daemon=False)
        with _share_of_cores(self.workers if self.sharing > 1 else 1):
            self.process.start()
        child.close()  # so that the death of the process ends the pipe

    def submit(self, item: Planned) -> None:
        """Send a cell to the process."""
        self.item = item
        timeout = self.settings.timeout
        self.allow(timeout and timeout + STARTING_S)
        try:
            self.pipe.send(item)
        except OSError:  # it died while it was idle
            self.stop()
            self.start()
            self.pipe.send(item)

    def allow(self, seconds: float | None) -> None:
        """Set the deadline to this many seconds from now; None for no deadline."""
        self.deadline = time.monotonic() + seconds if seconds else float("inf")

    def stop(self, patience: float = 0.0) -> int | None:
        """Wait this many seconds, then kill the process. Returns its exit code if it had ended by itself."""
        self.process.join(patience)
        code: int | None = self.process.exitcode
        self.process.kill()
        self.process.join()
        self.pipe.close()
        return code


def devices_of(device: str) -> list[str]:
    """The devices that cells are distributed over: every GPU for `cuda`, else the named one."""
    if device != "cuda":
        return [device]
    import torch

    return [f"cuda:{number}" for number in range(torch.cuda.device_count())]


def execute(items: Sequence[Planned], settings: Settings, listener: Listener) -> Iterator[tuple[Cell, Result]]:
    """Run cells and yield each with its result, in the order in which they finish; the worker has stored the result.

    Raises UserError when a worker can't store a result.
    """
    waiting = deque(items)
    with _workers(items, settings) as workers:
        while waiting or any(worker.item for worker in workers):
            for worker in workers:
                if worker.item is None and waiting:
                    listener.started(waiting[0].cell)
                    worker.submit(waiting.popleft())
            for worker in _ready(workers):
                result = _receive(worker, listener)
                if result is None or worker.item is None:
                    continue
                cell, worker.item = worker.item.cell, None
                listener.finished(cell, result)
                yield cell, result


@contextmanager
def _workers(items: Sequence[Planned], settings: Settings) -> Iterator[list[Worker]]:
    """`settings.jobs` workers for each device, at most one per cell; always stopped at the end."""
    places = (devices_of(items[0].cell.device) * settings.jobs)[: len(items)] if items else []
    workers: list[Worker] = []
    try:
        for device in places:
            workers.append(Worker(device, settings, places.count(device), len(places)))
        yield workers
    finally:
        for worker in workers:
            worker.stop()


@contextmanager
def _share_of_cores(workers: int) -> Iterator[None]:
    """Limit the threads of processes started here to their share of the cores; too many threads slow each other down.

    Libraries read the variable when they are imported. The user's own value stays.
    """
    name = "OMP_NUM_THREADS"
    if workers == 1 or name in os.environ:
        yield
        return
    os.environ[name] = str(max(1, usable_cores() // workers))
    try:
        yield
    finally:
        del os.environ[name]


def _ready(workers: list[Worker]) -> list[Worker]:
    """Busy workers that have sent a message, or whose time is over."""
    busy = {worker.pipe: worker for worker in workers if worker.item is not None}
    patience = max(0.0, min(worker.deadline for worker in busy.values()) - time.monotonic())
    readable = connection.wait(list(busy), timeout=min(patience, 3600.0))
    late = [worker for worker in busy.values() if worker.deadline <= time.monotonic()]
    return list({id(worker): worker for worker in [busy[pipe] for pipe in readable] + late}.values())


def _receive(worker: Worker, listener: Listener) -> Result | None:
    """Handle one message. Returns the result of a cell that has ended, also by a dead or late worker."""
    assert worker.item is not None
    try:
        message: Any = worker.pipe.recv() if worker.pipe.poll() else ("late",)
    except (EOFError, OSError):
        return _unfinished(worker, "failed", _how_it_died(worker.stop(DYING_S)))
    match message:
        case ("begun",):
            worker.allow(worker.settings.timeout)
            return None
        case ("stage", *step):
            listener.stage(str(worker.item.cell), *step)
            return None
        case ("result", text):
            return Result.model_validate_json(text)
        case ("error", text):
            raise UserError(text)
    worker.stop()
    return _unfinished(worker, "timeout", f"took longer than {worker.settings.timeout:g} s (--timeout)")


def _unfinished(worker: Worker, status: Status, reason: str) -> Result:
    """Store why a cell has no result, unless its worker had just stored one; start another worker."""
    assert worker.item is not None
    worker.start()
    store, record = ResultStore(worker.settings.results), worker.item.record
    stored = store.find(record.task, record.key)
    if stored is not None and stored.status == "done":
        return stored
    if worker.sharing > 1:
        reason += f", next to {worker.sharing - 1} others on the device (--jobs)"
    return store.add(record.model_copy(update={"status": status, "reason": reason}))


def _how_it_died(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        hint = "; killed by the system, perhaps because memory ran out" if name == "SIGKILL" else ""
        return f"the worker process died of {name}{hint}"
    return f"the worker process ended with exit code {code}"


def _work(pipe: Any, settings: Settings, device: str, sharing: int) -> None:
    """The life of a worker process: receive a cell, run it, store its result, send it."""
    become_worker()
    keep_freed_memory()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # deterministic matrix products on a GPU
    from models.model import Context

    last_s, last_stage = 0.0, ""

    def report(stage: str, done: float, total: float) -> None:
        nonlocal last_s, last_stage
        now = time.monotonic()
        if now - last_s > REPORT_EVERY_S or done in (0, total) or stage != last_stage:
            last_s, last_stage = now, stage
            pipe.send(("stage", stage, done, total))

    while True:
        try:
            item: Planned = pipe.recv()  # imports its plug-ins
            pipe.send(("begun",))
            checkpoint = _checkpoint(item, settings)
            context = Context(device, item.cell.seed, report, checkpoint, sharing)
            result = _result(item, settings, context)
        except EOFError:
            return
        except UserError as error:
            pipe.send(("error", str(error)))
        else:
            pipe.send(("result", result.model_dump_json()))
            del item, result  # so that the memory of what was fitted is free
            give_back()


def _result(item: Planned, settings: Settings, context: Any) -> Result:
    """Run a cell and store its result, then its model. Raises UserError when the result can't be stored."""
    from benchmark.engine import cell
    from benchmark.engine.model_store import try_to_save

    store = ResultStore(settings.results)
    result = store.add(*cell.run(item, settings.data, context))
    if context.checkpoint is not None and rank_and_size()[0] == 0:
        context.checkpoint.unlink(missing_ok=True)
    if settings.models and result.status == "done":
        problem = try_to_save(item.job.model, item.identity, result, settings.models)
        if problem:
            result = store.add(result.model_copy(update={"reason": problem}))
    return result


def _checkpoint(item: Planned, settings: Settings) -> Path:
    """The checkpoint of a training, next to the results; a dot hides it, since it is no result."""
    folder = (settings.checkpoints or settings.results) / item.record.task
    return folder / f".{item.record.stem}-{item.identity.training_key()[:12]}.checkpoint"
