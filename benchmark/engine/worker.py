"""The life of a worker process: receive a cell, run it, store its result, send it.

Each message has the key of its cell. Only the worker itself stores and sends: a process that a plug-in has forked off,
and that returns from the plug-in, ends at once.
"""

from __future__ import annotations

import os
import pickle
import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from benchmark.core.blame import reason_of
from benchmark.core.errors import UserError
from benchmark.core.files import is_of_disk, warn_once
from benchmark.core.memory import give_back, keep_freed_memory
from benchmark.core.process import leave_if_forked, rank_and_size
from benchmark.engine.returned import report_step
from benchmark.records.result import Result
from benchmark.records.store import ResultStore

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.core.supervisor import ParentPipe
    from benchmark.engine.plan import Planned
    from benchmark.engine.request import Settings
    from models.model import Context, Model

REPORT_EVERY_S = 0.1


def work(parent: ParentPipe, settings: Settings, device: str, sharing: int) -> None:
    """Run one cell after the other, until the parent closes the pipe."""
    keep_freed_memory()
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # deterministic matrix products on a GPU
    while True:
        message = parent.receive()
        record = message[0]
        try:
            result = _run(parent, message, settings, device, sharing)
        except UserError as error:  # the result can't be stored
            parent.send("error", key=record.key, text=str(error), disk=is_of_disk(error))
        else:
            parent.send("result", key=record.key, result=result.model_dump_json())
            del result  # so that the memory of what was fitted is free
            give_back()


def _run(
    parent: ParentPipe, message: tuple[Result, bytes, bool], settings: Settings, device: str, sharing: int
) -> Result:
    """The result of a cell that is run, or that is measured again."""
    record, pickled, again = message
    from models.model import Context

    last_s, last_stage = 0.0, ""

    def report(stage: str, done: float, total: float) -> None:
        nonlocal last_s, last_stage
        now = time.monotonic()
        if now - last_s > REPORT_EVERY_S or done in (0, total) or stage != last_stage:
            stage, done, total = report_step(stage, done, total)
            last_s, last_stage = now, stage
            parent.send("stage", key=record.key, stage=stage, done=done, total=total)

    try:
        item: Planned = pickle.loads(pickled)  # imports its plug-ins
        leave_if_forked()
        _check_files(item)
    except BaseException as error:  # in a plug-in, which may have changed meanwhile
        failed = record.model_copy(update={"status": "failed", "reason": reason_of(error)})
        leave_if_forked()
        if again:
            return record
        return ResultStore(settings.results).add(failed)
    parent.send("begun", key=record.key)
    if again:
        return _measured(item, record, settings, Context(device, item.cell.seed, report))
    checkpoint = checkpoint_of(item, settings)
    return _result(item, settings, Context(device, item.cell.seed, report, checkpoint, sharing))


def _check_files(item: Planned) -> None:
    """Raise UserError when a file with a plug-in is not the one that the key of the result covers."""
    found = item.job.identity(item.manifests)
    for name in ("task", "representation", "model"):
        if getattr(found, name).file != getattr(item.identity, name).file:
            target = getattr(found, name).target
            raise UserError(f"{target}: the file changed while this ran. Run the same command again.")


def _result(item: Planned, settings: Settings, context: Any) -> Result:
    """Run a cell and store its result, then its model. Raises UserError when the result can't be stored."""
    from benchmark.engine import cell
    from benchmark.engine.model_store import try_to_save

    store = ResultStore(settings.results)
    result, scores = cell.run(item, settings.data, context)
    leave_if_forked()
    try:
        Result.model_validate_json(result.model_dump_json())
    except (ValidationError, ValueError) as error:  # so that no record is stored that can't be read
        result, scores = item.record.model_copy(update={"status": "failed", "reason": reason_of(error)}), None
    result = store.add(result, scores)
    if rank_and_size()[0] == 0:
        delete_checkpoint(item, settings)
    if settings.waiting and result.status == "done":
        _keep(item.job.model, settings.waiting / result.stem)
    if settings.models and result.status == "done":
        problem = try_to_save(item.job.model, item.identity, result, settings.models)
        leave_if_forked()
        if problem:
            result = store.add(result.model_copy(update={"reason": problem}))
    return result


def _keep(model: Model, folder: Path) -> None:
    """Save a model until it is measured; without its files it is not, and the result stands."""
    try:
        folder.mkdir(parents=True)
        model.save(folder)
    except Exception:  # of a plug-in
        shutil.rmtree(folder, ignore_errors=True)
    leave_if_forked()


def _measured(item: Planned, result: Result, settings: Settings, context: Context) -> Result:
    """A result with its costs, stored; the one that there is where they can't be measured."""
    from benchmark.engine import cell

    assert settings.waiting is not None
    store = ResultStore(settings.results)
    try:
        found = cell.measure(item, result, settings.waiting / result.stem, settings.data, context)
        leave_if_forked()
        return store.add(found)
    except Exception as error:  # of a plug-in, or of a record that can't be read
        leave_if_forked()
        warn_once(f"{item.cell}: its speeds can't be measured: {reason_of(error)}")
        return result


def checkpoint_of(item: Planned, settings: Settings) -> Path:
    """The checkpoint of a training, next to the results; a dot hides it, since it is no result."""
    folder = (settings.checkpoints or settings.results) / item.record.task
    return folder / f".{item.record.stem}-{item.identity.training_key()[:12]}.checkpoint"


def delete_checkpoint(item: Planned, settings: Settings) -> None:
    """Delete the checkpoint of a cell whose result is stored. One that can't be deleted goes with the next run."""
    with suppress(OSError):
        checkpoint_of(item, settings).unlink(missing_ok=True)
