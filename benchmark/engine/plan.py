"""What a request means: its cells, the results that exist, and the cells that will be skipped.

A run that was stopped resumes here: cells with a result in the store are not run again (`Planned.stored`). The other
parts resume where they are made: events shard by shard (`tasks.data.generation.generate`), a training from the
checkpoint of its last epoch (`models.training.loop`). Samples that are not complete are made again
(`benchmark.engine.sample_store`).
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmark.core.errors import PluginError
from benchmark.core.guard import guarded
from benchmark.core.supervisor import apart
from benchmark.core.trial import seconds
from benchmark.engine import training_events
from benchmark.engine.job import Job, build
from benchmark.engine.model_store import is_saved
from benchmark.engine.rehearsal import rehearse
from benchmark.engine.request import Overwrite, cells
from benchmark.engine.skip import why_skipped
from benchmark.records.scoring import metrics
from benchmark.records.store import ResultStore

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from benchmark.engine.job import Manifests
    from benchmark.engine.request import Cell, Request, Settings
    from benchmark.records.identity import Identity
    from benchmark.records.result import Result
    from tasks.data.dataset import DataSet

FINISHED = ("done", "skipped")
"""Statuses that `--overwrite failed` leaves alone."""


@dataclass(frozen=True)
class Planned:
    """A cell before it is run: its job, its identity, and its record without a result.

    manifests : of its events; None while they do not exist. stored : its result, if it is not to be replaced.
    skip : why it will be skipped, if that is known.
    """

    job: Job
    manifests: Manifests | None
    identity: Identity
    record: Result
    stored: Result | None = None
    skip: str | None = None

    @property
    def cell(self) -> Cell:
        """The cell's names."""
        return self.job.cell


def plan(request: Request, settings: Settings) -> list[Planned]:
    """The cells of a request and which of them have a result; makes nothing. Raises UserError for a wrong request."""
    planned = [
        item
        for jobs in jobs_of(request).values()
        for item in plan_cells(jobs, jobs[0].manifests(settings.data), settings)
    ]
    foreign = [item for item in planned if item.job.is_foreign and not item.stored]
    skips = {item.cell: skip for item, skip in zip(foreign, _skips_apart(foreign, settings.data), strict=True)}
    for item in planned:
        if not item.stored and item.cell not in skips:
            skips[item.cell] = why_skipped(item.job, item.manifests, settings.data)
    return [replace(item, skip=skips.get(item.cell)) for item in planned]


def _skips_apart(items: list[Planned], data_root: Path) -> list[str | None]:
    """Why cells with plug-ins of others will be skipped, as `why_skipped`, which calls these, says in a process apart.

    No reason is known if that fails or does not end: only the run can decide.
    """
    unknown: list[str | None] = [None] * len(items)
    if not items:
        return unknown
    try:
        found = apart("planning", _skips, [(item.job, item.manifests) for item in items], data_root, limit=seconds())
    except PluginError:
        return unknown
    right = isinstance(found, list) and len(found) == len(items)
    return [skip if isinstance(skip, str) else None for skip in found] if right else unknown


def _skips(jobs: list[tuple[Job, Manifests | None]], data_root: Path) -> list[str | None]:
    return [why_skipped(job, manifests, data_root) for job, manifests in jobs]


def jobs_of(request: Request) -> dict[DataSet, list[Job]]:
    """The cells of a request by their training events, each once: `cnn` and `cnn[depth=15]` may be the same.

    The cells of a group have the same test events.
    """
    wanted = cells(request)
    rehearse(wanted)
    metrics(tuple(request.metrics))
    jobs: dict[tuple[str, int | None], Job] = {}
    for job in map(build, wanted):
        # without a data set; its record is made too, so that a plug-in which spoils it fails before anything is made
        identity, _ = _identified(job, None)
        jobs.setdefault((identity.result_key(), job.cell.train_events), job)
    groups: dict[DataSet, list[Job]] = {}
    for job in jobs.values():
        groups.setdefault(job.data, []).append(job)
    for data in groups:
        data.check_source()
    return groups


def plan_cells(jobs: Iterable[Job], manifests: Manifests | None, settings: Settings) -> list[Planned]:
    """Jobs of the same events, with the results that they have already.

    Raises UserError for a number of training events that files do not have.
    """
    planned = []
    for job in jobs:
        if manifests and job.cell.train_events:
            counts = {name: row["train"] for name, row in manifests.data.counts.items()}
            training_events.check(job.cell.train_events, job.data.task.name, counts)
        identity, record = _identified(job, manifests)
        shifts = job.shifts() if settings.shifts else ()
        planned.append(Planned(job, manifests, identity, record, _stored(record, settings, shifts)))
    return planned


def _identified(job: Job, manifests: Manifests | None) -> tuple[Identity, Result]:
    """A job's identity and its record. Raises UserError when plug-ins of others raise any error meanwhile."""
    with guarded(f"{job.cell}: making its record") if job.is_foreign else nullcontext():
        identity = job.identity(manifests)
        return identity, job.record(manifests, identity)


def _stored(record: Result, settings: Settings, shifts: Collection[str]) -> Result | None:
    """The result of a cell, unless the cell is to be run again.

    shifts : the shifted simulations that it is to be tested on.
    """
    if settings.overwrite is Overwrite.always:
        return None
    stored = ResultStore(settings.results).find(record.task, record.key)
    if stored is None or (settings.overwrite is Overwrite.failed and stored.status not in FINISHED):
        return None
    if stored.status == "done" and settings.models and not is_saved(settings.models, stored):
        return None  # its model is to be saved, which needs a new training
    if stored.status == "done" and not set(shifts) <= set(stored.shifted):
        return None  # its model is not there any more
    return stored if stored.seal == "right" else _adopted(stored, record)


def _adopted(stored: Result, record: Result) -> Result:
    """A record without a seal, as an earlier version wrote them, with what is known of its cell in place of its words.

    Its AUC agrees with its scores, or `ResultStore.find` would not have found it. The run computes its other metrics
    again before it seals the record.
    """
    known = record.model_fields_set - {"status", "events", "code"}
    return stored.model_copy(update={name: getattr(record, name) for name in known})


def data_to_make(planned: Iterable[Planned]) -> list[str]:
    """The data sets that a run would make."""
    missing: dict[str, str] = {}
    for item in planned:
        data, cell = item.job.data, item.cell
        if item.manifests is None and not item.job.level_skip():
            # variants that are applied when events are read share one data set
            events = str((data.task.name, sorted(data.task.data_parameters().items()), data.level, data.source))
            missing.setdefault(events, f"{cell.task} ({cell.source or cell.level})")
    return list(missing.values())
