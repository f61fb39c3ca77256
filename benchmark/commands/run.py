"""`run`: cells from collision to leaderboard."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.commands import options
from benchmark.core.process import rank_and_size

if TYPE_CHECKING:
    from benchmark.engine.job import Job
    from benchmark.engine.progress import Display
    from benchmark.engine.request import Cell, Request
    from benchmark.records.result import Result, Status
    from benchmark.records.store import ResultStore
    from tasks.data.dataset import DataSet
    from tasks.data.manifest import Manifest

KEPT_ALWAYS = {"done", "skipped"}


class Overwrite(StrEnum):
    """Which cells that have a result are run again."""

    never = "never"
    failed = "failed"
    always = "always"


@dataclass(frozen=True)
class Settings:
    """Where and how a request is run; nothing here changes a result."""

    results: Path
    data: Path
    workers: int
    overwrite: Overwrite = Overwrite.failed
    timeout: float | None = None
    models: Path | None = None
    abreast: int = 1


@dataclass(frozen=True)
class Planned:
    """A cell, what it means, the result that it has already, if that is kept, and why it is going to be skipped."""

    job: Job
    manifest: Manifest | None
    kept: Result | None
    skip: str | None = None


def command(
    task: options.Tasks = None,
    representation: options.Representations = None,
    model: options.Models = None,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", help="A metric of your own beside the registered ones: path/to/mine.py:Mine."),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(help="Size of the run: smoke, quick, standard or paper.", autocompletion=options.complete_preset),
    ] = "quick",
    seeds: Annotated[str, typer.Option(help="How many seeds (3), or which (0,1,2).")] = "1",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, or one GPU as cuda:1.")] = "auto",
    source: Annotated[
        Path | None, typer.Option(help="Real events, a file or a folder; or 'generated', the default.", metavar="PATH")
    ] = None,
    level: Annotated[
        str,
        typer.Option(
            help="Realism of generated events: generator, hadron or detector.", autocompletion=options.complete_level
        ),
    ] = "detector",
    workers: Annotated[
        int | None, typer.Option(help="Processes that generate events, not cells. Default: all cores.", min=1)
    ] = None,
    jobs: Annotated[
        int,
        typer.Option(
            help="Cells of a data set that are run at once on each device, such as seeds of a small network on a large "
            "GPU. Their speeds are not kept.",
            min=1,
            max=64,
        ),
    ] = 1,
    overwrite: Annotated[
        Overwrite, typer.Option(help="Which cells that have a result are run again.")
    ] = Overwrite.failed,
    timeout: Annotated[float | None, typer.Option(help="Seconds that one cell may take.", min=1)] = None,
    keep_models: Annotated[
        Path | None,
        typer.Option(help="Keep the fitted models in this folder, for predict and export.", metavar="DIR"),
    ] = None,
    results: options.Results = options.DEFAULT_RESULTS,
    data: options.Data = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan, and run nothing.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors alone.")] = False,
    json: options.Json = False,
) -> int:
    """Run cells: task x representation x model, from events to a ranking and a page.

    What has a result already is not run again. Ctrl-C stops; the same command goes on where it stopped.

    Example: python -m benchmark run --task ttbar --model 'cnn[depth=15,dropout=0.2],bdt' --seeds 3
    """
    from benchmark.core.errors import UserError
    from benchmark.engine.progress import Display
    from benchmark.engine.request import Request
    from benchmark.records.environment import default_workers, resolve_device

    if jobs > 1 and rank_and_size()[1] > 1:
        raise UserError(f"run: --jobs {jobs} under torchrun, whose processes train one network together. Leave it out.")

    request = Request(
        tasks=task or (),
        representations=representation or (),
        models=model or (),
        metrics=tuple(_absolute(name) for name in metric or ()),
        preset=preset,
        level=level,
        seeds=seeds,
        device=resolve_device(device),
        source=None if source == Path("generated") else source,
    )
    folder = options.data_root(data)
    models = keep_models and keep_models.expanduser().resolve()
    settings = Settings(
        results.expanduser().resolve(), folder, workers or default_workers(), overwrite, timeout, models, jobs
    )
    if dry_run:
        from benchmark.engine.plan import show

        show(plan(request, settings), settings, as_json=json)
        return 0
    leads = rank_and_size()[0] == 0
    with Display(quiet=quiet or not leads) as display:
        finished = run(request, settings, display)
    if leads:
        from benchmark.commands.output import finish

        finish(finished, settings.results, quiet=quiet, as_json=json)
    return 1 if any(result.status in ("failed", "timeout") for result in finished) else 0


def run(request: Request, settings: Settings, display: Display) -> list[Result]:
    """Make the data that are missing, run the cells that are, and return the results of all, in order.

    Raises UserError when the request is wrong, before anything is run.
    """
    from benchmark.core.files import make_folder
    from benchmark.engine.executor import execute
    from benchmark.engine.model_store import Keeping
    from benchmark.records.store import ResultStore

    jobs = _jobs(request)
    make_folder(settings.results)
    if settings.models:
        make_folder(settings.models)
    store = ResultStore(settings.results)
    leads = rank_and_size()[0] == 0
    keeping = Keeping(settings.results, settings.models if leads else None)
    found: dict[Cell, Result] = {}
    display.plan([job.cell for job in jobs], {})
    for group in _by_data(jobs):
        planned = [_planned(job, _manifest(job.data, settings, display), store, settings) for job in group]
        kept = {item.job.cell: _rescored(item, store) for item in planned if item.kept is not None}
        display.plan([item.job.cell for item in planned], kept)
        found |= kept
        missing = [item.job.cell for item in planned if item.kept is None]
        by_cell = {item.job.cell: item for item in planned}

        def unfinished(cell: Cell, status: Status, reason: str, by_cell: dict[Cell, Planned] = by_cell) -> Result:
            from benchmark.engine.cell import describe

            return describe(by_cell[cell].job, by_cell[cell].manifest).model_copy(
                update={"status": status, "reason": reason}
            )

        with TemporaryDirectory() as elsewhere:  # of the processes of torchrun, which all find the same, one keeps it
            own = store if leads else ResultStore(Path(elsewhere))
            found |= dict(
                execute(missing, settings.data, own, display, unfinished, settings.timeout, keeping, settings.abreast)
            )
        if leads:
            _keep_examples(planned[0], settings, store)
    return [found[job.cell] for job in jobs]


def plan(request: Request, settings: Settings) -> list[Planned]:
    """What a request means and what is there already; makes nothing. Raises UserError when it is wrong."""
    from benchmark.engine.foreseen import foreseen
    from benchmark.records.store import ResultStore

    store, jobs = ResultStore(settings.results), _jobs(request)
    manifests = {data: data.manifest(settings.data) for data in dict.fromkeys(job.data for job in jobs)}
    planned = [_planned(job, manifests[job.data], store, settings) for job in jobs]
    return [
        item if item.kept else replace(item, skip=foreseen(item.job, item.manifest, settings.data)) for item in planned
    ]


def _jobs(request: Request) -> list[Job]:
    """What the request means, each once: `cnn` and `cnn[depth=15]` may be the same."""
    from benchmark.engine.cell import describe
    from benchmark.engine.job import build
    from benchmark.engine.request import cells
    from benchmark.records.scoring import metrics

    metrics(tuple(request.metrics))
    jobs: dict[str, Job] = {}
    for job in map(build, cells(request)):
        jobs.setdefault(describe(job, None).key, job)
    for data in dict.fromkeys(job.data for job in jobs.values()):
        if data.source is not None:
            data.task.check_source(data.source)
    return list(jobs.values())


def _by_data(jobs: Iterable[Job]) -> list[list[Job]]:
    groups: dict[DataSet, list[Job]] = {}
    for job in jobs:
        groups.setdefault(job.data, []).append(job)
    return list(groups.values())


def _manifest(data: DataSet, settings: Settings, display: Display) -> Manifest | None:
    """The data set's manifest, the data made first where they are missing; None where the level makes no sense."""
    from benchmark.core.errors import UserError
    from tasks.data.store import prepare

    if data.level in data.task.skipped_levels and data.source is None:
        return None
    try:
        return prepare(data, settings.data, settings.workers, lambda *step: display.stage(data.task.name, *step))
    except UserError:
        if data.source is not None:
            _remove_if_bare(data.folder(settings.data))
        raise


def _remove_if_bare(folder: Path) -> None:
    """Take away the folder of files that were refused, unless there is more in it than its lock."""
    with suppress(OSError):
        if [path.name for path in folder.iterdir()] == [".lock"]:
            (folder / ".lock").unlink()
        folder.rmdir()
        folder.parent.rmdir()


def _planned(job: Job, manifest: Manifest | None, store: ResultStore, settings: Settings) -> Planned:
    from benchmark.engine.cell import describe
    from benchmark.engine.model_store import is_kept

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


def _rescored(item: Planned, store: ResultStore) -> Result:
    """A kept result, with the metrics that were asked for since added from its scores: nothing is trained again."""
    from benchmark.records.scoring import score

    assert item.kept is not None
    result = item.kept
    if result.status != "done" or not item.job.cell.metrics:
        return result
    scored, matrix = score(store.scores(result), result.classes, result.has_signal, item.job.cell.metrics)
    metrics = {**result.metrics, **scored}
    if metrics == result.metrics:
        return result
    return store.add(result.model_copy(update={"metrics": metrics, "confusion_matrix": matrix}))


def _keep_examples(item: Planned, settings: Settings, store: ResultStore) -> None:
    """A few pictures of each class beside the results, for the pages; drawn once a data set."""
    from benchmark.core.errors import UserError
    from benchmark.engine.examples import draw

    if item.manifest is None:
        return
    task = item.job.data.task
    there = store.examples(task.name, item.manifest.fingerprint)
    if set(task.classes) <= set(there):
        return
    try:
        pictures = draw(item.job.data, settings.data)
    except UserError:
        return  # a task without objects has nothing to draw, and its numbers stand without pictures
    if set(pictures) - set(there):  # variants that name other classes share the test events
        store.add_examples(task.name, item.manifest.fingerprint, {**there, **pictures})


def _absolute(metric: str) -> str:
    """A metric's file by its whole path, since worker processes may run elsewhere."""
    from benchmark.core.registry import METRICS

    entry = METRICS.find(metric)
    return entry.target if entry.is_file else entry.name


__all__ = ["Overwrite", "Planned", "Settings", "command", "plan", "run"]
