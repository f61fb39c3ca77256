"""From a request to results: make the data that are missing, run the cells that are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmark.core.errors import UserError
from benchmark.core.files import make_folder
from benchmark.core.process import rank_and_size, spawn_without_main
from benchmark.engine.examples import draw
from benchmark.engine.executor import execute
from benchmark.engine.plan import jobs_of, plan_cells
from benchmark.records.scoring import score
from benchmark.records.store import ResultStore
from tasks.data.store import prepare

if TYPE_CHECKING:
    from benchmark.engine.plan import Planned
    from benchmark.engine.progress import Display
    from benchmark.engine.request import Cell, Request, Settings
    from benchmark.records.result import Result
    from tasks.data.dataset import DataSet
    from tasks.data.manifest import Manifest


def run(request: Request, settings: Settings, display: Display) -> list[Result]:
    """The results of all cells of a request, in order; cells that have a result are not run again.

    Raises UserError for a wrong request, before anything is run.
    """
    groups = jobs_of(request)
    for folder in filter(None, (settings.results, settings.models)):
        make_folder(folder)
    cells = [job.cell for group in groups.values() for job in group]
    display.plan(cells, {}, advise=not request.tasks)
    results: dict[Cell, Result] = {}
    with spawn_without_main():
        for data, group in groups.items():
            manifest = _make(data, settings, display)
            planned = plan_cells(group, manifest, settings)
            stored = {item.cell: _rescored(item, settings) for item in planned if item.stored}
            display.plan([item.cell for item in planned], stored)
            results |= stored | _run([item for item in planned if not item.stored], settings, display)
            if rank_and_size()[0] == 0:
                _store_examples(planned[0], settings)
    return [results[cell] for cell in cells]


def _make(data: DataSet, settings: Settings, display: Display) -> Manifest | None:
    """The data set's manifest, made first if it is missing; None if the level makes no sense."""
    if data.source is None and data.level in data.task.skipped_levels:
        return None
    return prepare(data, settings.data, settings.workers, lambda *step: display.stage(data.task.name, *step))


def _run(items: list[Planned], settings: Settings, display: Display) -> dict[Cell, Result]:
    if rank_and_size()[0] == 0:
        return dict(execute(items, settings, display))
    # all processes of torchrun have the same results, of which the first stores them
    with TemporaryDirectory() as elsewhere:
        own = replace(settings, results=Path(elsewhere), checkpoints=settings.results, models=None)
        return dict(execute(items, own, display))


def _rescored(item: Planned, settings: Settings) -> Result:
    """A stored result, with the requested metrics that it lacks computed from its scores."""
    assert item.stored is not None
    result, store = item.stored, ResultStore(settings.results)
    if result.status != "done" or not item.cell.metrics:
        return result
    rescored = score(store.scores(result), result.classes, result.has_signal, item.cell.metrics).added_to(result)
    return result if rescored == result else store.add(rescored)


def _store_examples(item: Planned, settings: Settings) -> None:
    """Store a few pictures of each class with the results, for the pages; once for each data set."""
    if item.manifest is None:
        return
    task, store = item.job.data.task, ResultStore(settings.results)
    stored = store.examples(task.name, item.manifest.fingerprint)
    if set(task.classes) <= set(stored):
        return
    try:
        pictures = draw(item.job.data, settings.data)
    except UserError:
        return  # a task without objects has nothing to draw
    if set(pictures) - set(stored):  # variants with other classes share the test events
        store.add_examples(task.name, item.manifest.fingerprint, {**stored, **pictures})
