"""Cells on this machine: long-lived worker processes, one a device or several, started again when they die."""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing import connection, get_context
from typing import TYPE_CHECKING, Any, Protocol

from benchmark.core.errors import UserError
from benchmark.core.memory import give_back, keep_freed_memory
from benchmark.core.process import become_worker, rank_and_size
from benchmark.engine.model_store import NOTHING, Keeping
from benchmark.engine.request import Cell
from benchmark.records.environment import default_workers
from benchmark.records.result import Result, Status
from benchmark.records.store import ResultStore

if TYPE_CHECKING:
    from pathlib import Path

REPORT_EVERY_S = 0.1
STARTING_S = 60.0
"""What a new process may take to import its libraries, on top of the time of its cell."""
DYING_S = 5.0
"""A process whose pipe has closed is about to end: this long it is waited for, to learn its exit code."""

Unfinished = Callable[[Cell, Status, str], Result]


class Listener(Protocol):
    """Who is told what happens; see `benchmark.engine.progress`."""

    def stage(self, subject: str, stage: str, done: float, total: float) -> None:
        """A part of the work went on."""

    def started(self, cell: Cell) -> None:
        """A cell is being run."""

    def finished(self, cell: Cell, result: Result) -> None:
        """A cell has its result."""


@dataclass
class Worker:
    """A process that runs one cell after the other on one device.

    abreast : workers on that device, this one among them; crowd: workers on all devices.
    """

    device: str
    data_root: Path
    results_root: Path
    keeping: Keeping = NOTHING
    abreast: int = 1
    crowd: int = 1
    cell: Cell | None = None
    deadline: float = float("inf")
    process: Any = field(init=False)
    pipe: Any = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Start the process, or a new one in place of one that died."""
        context = get_context("spawn")
        self.pipe, child = context.Pipe()
        told = self.data_root, self.results_root, self.keeping, self.abreast
        self.process = context.Process(target=_work, args=(child, *told), daemon=False)
        with _threads(self.crowd if self.abreast > 1 else 1):
            self.process.start()
        child.close()  # so that the death of the process ends the pipe

    def submit(self, cell: Cell, timeout: float | None) -> None:
        """Give it a cell."""
        self.cell = cell
        self.allow(timeout and timeout + STARTING_S)
        try:
            self.pipe.send(replace(cell, device=self.device))
        except OSError:  # it died while it had nothing to do
            self.stop()
            self.start()
            self.pipe.send(replace(cell, device=self.device))

    def allow(self, seconds: float | None) -> None:
        """Let it take so long from now; None for as long as it likes."""
        self.deadline = time.monotonic() + seconds if seconds else float("inf")

    def stop(self, patience: float = 0.0) -> int | None:
        """End it, after so many seconds in which it may end by itself. Returns the exit code that it then had."""
        self.process.join(patience)
        code: int | None = self.process.exitcode
        self.process.kill()
        self.process.join()
        self.pipe.close()
        return code


def devices_of(device: str) -> list[str]:
    """The devices that cells are spread over: every GPU for `cuda`, the one that was named otherwise."""
    if device != "cuda":
        return [device]
    import torch

    return [f"cuda:{number}" for number in range(torch.cuda.device_count())]


def execute(
    cells: Sequence[Cell],
    data_root: Path,
    store: ResultStore,
    listener: Listener,
    unfinished: Unfinished,
    timeout: float | None = None,
    keeping: Keeping = NOTHING,
    abreast: int = 1,
) -> Iterator[tuple[Cell, Result]]:
    """Run cells and yield each with its result as it comes; the worker has stored it, scores first.

    unfinished : makes the record of a cell from (cell, status, reason) when its worker died or ran out of time.
    timeout : seconds a cell may take. abreast : cells that are run at once on each device; the seeds of a
        model are neighbours. Raises UserError when a worker could not store a result.
    """
    waiting = deque(cells)
    with _workers(cells, data_root, store.folder, keeping, abreast) as workers:
        while waiting or any(worker.cell for worker in workers):
            for worker in workers:
                if worker.cell is None and waiting:
                    listener.started(waiting[0])
                    worker.submit(waiting.popleft(), timeout)
            for worker in _ready(workers):
                result = _hear(worker, store, listener, unfinished, timeout)
                if result is None or worker.cell is None:
                    continue
                cell, worker.cell = worker.cell, None
                listener.finished(cell, result)
                yield cell, result


@contextmanager
def _workers(
    cells: Sequence[Cell], data_root: Path, results_root: Path, keeping: Keeping, abreast: int
) -> Iterator[list[Worker]]:
    """`abreast` workers for each device that the cells are spread over, ended at the end whatever happens."""
    places = (devices_of(cells[0].device) * abreast)[: len(cells)] if cells else []
    workers: list[Worker] = []
    try:
        for device in places:
            number = places.count(device), len(places)
            workers.append(Worker(device, data_root, results_root, keeping, *number))
        yield workers
    finally:
        for worker in workers:
            worker.stop()


@contextmanager
def _threads(crowd: int) -> Iterator[None]:
    """Processes started here have their share of the cores: all on all cores would spin for each other.

    Libraries read this when they are imported. What the user has set stays.
    """
    name = "OMP_NUM_THREADS"
    if crowd == 1 or name in os.environ:
        yield
        return
    os.environ[name] = str(max(1, default_workers() // crowd))
    try:
        yield
    finally:
        del os.environ[name]


def _ready(workers: list[Worker]) -> list[Worker]:
    """Busy workers that have something to say, or whose time is up."""
    busy = {worker.pipe: worker for worker in workers if worker.cell is not None}
    patience = max(0.0, min(worker.deadline for worker in busy.values()) - time.monotonic())
    heard = connection.wait(list(busy), timeout=min(patience, 3600.0))
    late = [worker for worker in busy.values() if worker.deadline <= time.monotonic()]
    return list({id(worker): worker for worker in [busy[pipe] for pipe in heard] + late}.values())


def _hear(
    worker: Worker, store: ResultStore, listener: Listener, unfinished: Unfinished, timeout: float | None
) -> Result | None:
    """What a worker says: None while it goes on, a result at the end (also of its life, or of its time)."""
    assert worker.cell is not None
    try:
        message: Any = worker.pipe.recv() if worker.pipe.poll() else ("late",)
    except (EOFError, OSError):
        return _in_its_place(
            worker, store, unfinished(worker.cell, "failed", _how_it_died(worker.stop(DYING_S)) + _beside(worker))
        )
    if message[0] == "begun":
        worker.allow(timeout)
        return None
    if message[0] == "stage":
        listener.stage(str(worker.cell), *message[1:])
        return None
    if message[0] == "result":
        return Result.model_validate_json(message[1])
    if message[0] == "error":
        raise UserError(message[1])
    worker.stop()
    return _in_its_place(
        worker,
        store,
        unfinished(worker.cell, "timeout", f"took longer than {timeout:g} s (--timeout)" + _beside(worker)),
    )


def _in_its_place(worker: Worker, store: ResultStore, record: Result) -> Result:
    """The record of a cell whose worker is gone, kept unless the worker had just stored its own; a new one starts."""
    worker.start()
    stored = store.find(record.task, record.key)
    return stored if stored is not None and stored.status == "done" else store.add(record)


def _beside(worker: Worker) -> str:
    return f", beside {worker.abreast - 1} others on the device (--jobs)" if worker.abreast > 1 else ""


def _how_it_died(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        hint = "; killed by the system, out of memory perhaps" if name == "SIGKILL" else ""
        return f"the worker process died of {name}{hint}"
    return f"the worker process ended with exit code {code}"


def _work(pipe: Any, data_root: Path, results_root: Path, keeping: Keeping, abreast: int) -> None:
    """The life of a worker process: receive a cell, run it, store its result, say so."""
    become_worker()
    keep_freed_memory()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # deterministic matrix products on a GPU
    from benchmark.engine import cell as cells
    from benchmark.engine.job import build
    from models.model import Context

    store = ResultStore(results_root)
    last_s, last_stage = 0.0, ""

    def report(stage: str, done: float, total: float) -> None:
        nonlocal last_s, last_stage
        now = time.monotonic()
        if now - last_s > REPORT_EVERY_S or done in (0, total) or stage != last_stage:
            last_s, last_stage = now, stage
            pipe.send(("stage", stage, done, total))

    while True:
        try:
            cell = pipe.recv()
        except EOFError:
            return
        try:
            job = build(cell)
            context = Context(device=cell.device, seed=cell.seed, report=report, sharing=abreast)
            pipe.send(("begun",))
            result = store.add(*cells.run(job, data_root, context, keeping))
            if keeping.checkpoints is not None and rank_and_size()[0] == 0:
                ResultStore(keeping.checkpoints).checkpoint(result).unlink(missing_ok=True)
        except UserError as error:
            pipe.send(("error", str(error)))
        else:
            pipe.send(("result", result.model_dump_json()))
            del job, result  # what was fitted, while the neighbours go on
            give_back()
