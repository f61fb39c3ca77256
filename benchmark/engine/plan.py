"""What a request means: its cells, the results that exist, and the cells that will be skipped.

A run that was stopped resumes here: cells with a result in the store are not run again (`Planned.stored`). The other
parts resume where they are made: events shard by shard (`tasks.data.generation.generate`), a training from the
checkpoint of its last epoch (`models.training.loop`). Samples that are not complete are made again
(`benchmark.engine.sample_store`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmark.engine.job import Job, build
from benchmark.engine.model_store import is_saved
from benchmark.engine.rehearsal import rehearse
from benchmark.engine.request import Overwrite, cells
from benchmark.engine.skip import why_skipped
from benchmark.records.scoring import metrics
from benchmark.records.store import ResultStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmark.engine.request import Cell, Request, Settings
    from benchmark.records.identity import Identity
    from benchmark.records.result import Result
    from tasks.data.dataset import DataSet
    from tasks.data.manifest import Manifest

FINISHED = ("done", "skipped")
"""Statuses that `--overwrite failed` leaves alone."""


@dataclass(frozen=True)
class Planned:
    """A cell before it is run: its job, its identity, and its record without a result.

    manifest : of its data set; None while that does not exist. stored : its result, if it is not to be replaced.
    skip : why it will be skipped, if that is known.
    """

    job: Job
    manifest: Manifest | None
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
    planned = []
    for data, jobs in jobs_of(request).items():
        manifest = data.manifest(settings.data)
        for item in plan_cells(jobs, manifest, settings):
            skip = None if item.stored else why_skipped(item.job, manifest, settings.data)
            planned.append(replace(item, skip=skip))
    return planned


def jobs_of(request: Request) -> dict[DataSet, list[Job]]:
    """The cells of a request by data set, each once: `cnn` and `cnn[depth=15]` may be the same."""
    wanted = cells(request)
    rehearse(wanted)
    metrics(tuple(request.metrics))
    jobs: dict[str, Job] = {}
    for job in map(build, wanted):
        jobs.setdefault(job.identity(None).result_key(), job)
    groups: dict[DataSet, list[Job]] = {}
    for job in jobs.values():
        groups.setdefault(job.data, []).append(job)
    for data in groups:
        data.check_source()
    return groups


def plan_cells(jobs: Iterable[Job], manifest: Manifest | None, settings: Settings) -> list[Planned]:
    """Jobs of one data set, with the results that they have already."""
    planned = []
    for job in jobs:
        identity = job.identity(manifest)
        record = job.record(manifest, identity)
        planned.append(Planned(job, manifest, identity, record, _stored(record, settings)))
    return planned


def _stored(record: Result, settings: Settings) -> Result | None:
    """The result of a cell, unless the cell is to be run again."""
    if settings.overwrite is Overwrite.always:
        return None
    stored = ResultStore(settings.results).find(record.task, record.key)
    if stored is None or (settings.overwrite is Overwrite.failed and stored.status not in FINISHED):
        return None
    if stored.status == "done" and settings.models and not is_saved(settings.models, stored):
        return None  # its model is to be saved, which needs a new training
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
        if item.manifest is None and not item.job.level_skip():
            # variants that are applied when events are read share one data set
            events = str((data.task.name, sorted(data.task.data_parameters().items()), data.level, data.source))
            missing.setdefault(events, f"{cell.task} ({cell.source or cell.level})")
    return list(missing.values())
