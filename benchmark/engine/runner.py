"""From a plan to results: missing data are made, missing cells are run."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmark.core.errors import UserError
from benchmark.core.files import make_folder
from benchmark.core.process import rank_and_size
from benchmark.engine.cell import describe
from benchmark.engine.examples import draw
from benchmark.engine.executor import execute
from benchmark.engine.model_store import Keeping
from benchmark.engine.plan import by_data, jobs_of, planned_cell
from benchmark.records.scoring import score
from benchmark.records.store import ResultStore
from tasks.data.store import prepare

if TYPE_CHECKING:
    from benchmark.engine.plan import Planned
    from benchmark.engine.progress import Display
    from benchmark.engine.request import Cell, Request, Settings
    from benchmark.records.result import Result, Status
    from tasks.data.dataset import DataSet
    from tasks.data.manifest import Manifest


def run(request: Request, settings: Settings, display: Display) -> list[Result]:
    """Make the data that are missing, run the cells that are, and return the results of all, in order.

    Raises UserError when the request is wrong, before anything is run.
    """
    jobs = jobs_of(request)
    make_folder(settings.results)
    if settings.models:
        make_folder(settings.models)
    store = ResultStore(settings.results)
    leads = rank_and_size()[0] == 0
    keeping = Keeping(settings.results, settings.models if leads else None)
    found: dict[Cell, Result] = {}
    display.plan([job.cell for job in jobs], {})
    for group in by_data(jobs):
        planned = [planned_cell(job, _manifest(job.data, settings, display), store, settings) for job in group]
        kept = {item.job.cell: _rescored(item, store) for item in planned if item.kept is not None}
        display.plan([item.job.cell for item in planned], kept)
        found |= kept
        missing = [item.job.cell for item in planned if item.kept is None]
        by_cell = {item.job.cell: item for item in planned}

        def unfinished(cell: Cell, status: Status, reason: str, by_cell: dict[Cell, Planned] = by_cell) -> Result:
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


def _manifest(data: DataSet, settings: Settings, display: Display) -> Manifest | None:
    """The data set's manifest, the data made first where they are missing; None where the level makes no sense."""
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


def _rescored(item: Planned, store: ResultStore) -> Result:
    """A kept result, with the metrics that were asked for since added from its scores: nothing is trained again."""
    assert item.kept is not None
    result = item.kept
    if result.status != "done" or not item.job.cell.metrics:
        return result
    evaluation = score(store.scores(result), result.classes, result.has_signal, item.job.cell.metrics)
    rescored = evaluation.added_to(result)
    return result if rescored == result else store.add(rescored)


def _keep_examples(item: Planned, settings: Settings, store: ResultStore) -> None:
    """A few pictures of each class beside the results, for the pages; drawn once a data set."""
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
