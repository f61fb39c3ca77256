"""What a request means: its cells, the results that exist, and the cells that will be skipped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmark.engine.cell import describe
from benchmark.engine.foreseen import foreseen
from benchmark.engine.job import Job, build
from benchmark.engine.model_store import is_kept
from benchmark.engine.request import Overwrite, cells
from benchmark.records.scoring import metrics
from benchmark.records.store import ResultStore

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmark.engine.request import Request, Settings
    from benchmark.records.result import Result
    from tasks.data.dataset import DataSet
    from tasks.data.manifest import Manifest

KEPT_ALWAYS = {"done", "skipped"}


@dataclass(frozen=True)
class Planned:
    """A cell, what it means, the result that it has already, if that is kept, and why it is going to be skipped."""

    job: Job
    manifest: Manifest | None
    kept: Result | None
    skip: str | None = None


def plan(request: Request, settings: Settings) -> list[Planned]:
    """What a request means and what is there already; makes nothing. Raises UserError when it is wrong."""
    store, jobs = ResultStore(settings.results), jobs_of(request)
    manifests = {data: data.manifest(settings.data) for data in dict.fromkeys(job.data for job in jobs)}
    planned = [planned_cell(job, manifests[job.data], store, settings) for job in jobs]
    return [
        item if item.kept else replace(item, skip=foreseen(item.job, item.manifest, settings.data)) for item in planned
    ]


def jobs_of(request: Request) -> list[Job]:
    """What the request means, each once: `cnn` and `cnn[depth=15]` may be the same."""
    metrics(tuple(request.metrics))
    jobs: dict[str, Job] = {}
    for job in map(build, cells(request)):
        jobs.setdefault(describe(job, None).key, job)
    for data in dict.fromkeys(job.data for job in jobs.values()):
        data.check_source()
    return list(jobs.values())


def by_data(jobs: Iterable[Job]) -> list[list[Job]]:
    """Jobs of the same events together."""
    groups: dict[DataSet, list[Job]] = {}
    for job in jobs:
        groups.setdefault(job.data, []).append(job)
    return list(groups.values())


def planned_cell(job: Job, manifest: Manifest | None, store: ResultStore, settings: Settings) -> Planned:
    """A cell and its stored result, unless that is to be replaced."""
    overwrite = settings.overwrite
    if overwrite is Overwrite.always or (manifest is None and job.data.level not in job.data.task.skipped_levels):
        return Planned(job, manifest, None)
    blank = describe(job, manifest)
    kept = store.find(blank.task, blank.key)
    if kept is not None and overwrite is Overwrite.failed and kept.status not in KEPT_ALWAYS:
        kept = None
    if kept is not None and kept.status == "done" and settings.models and not is_kept(settings.models, kept):
        kept = None  # its model is asked for, and there is no other way to have it
    return Planned(job, manifest, kept)


def data_to_make(planned: Iterable[Planned]) -> list[str]:
    """The data sets that a run would make."""
    missing: dict[str, str] = {}
    for item in planned:
        data, cell = item.job.data, item.job.cell
        skipped = data.source is None and data.level in data.task.skipped_levels
        if item.manifest is None and not skipped:
            # variants that only view the same events have one data set
            events = str((data.task.name, sorted(data.task.data_parameters().items()), data.level, data.source))
            missing.setdefault(events, f"{cell.task} ({cell.source or cell.level})")
    return list(missing.values())
