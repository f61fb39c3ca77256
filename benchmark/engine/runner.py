"""From a request to results: make the data that are missing, run the cells that are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmark.core.blame import blamed
from benchmark.core.errors import PluginError, UserError
from benchmark.core.files import make_folder, warn_once
from benchmark.core.process import rank_and_size
from benchmark.core.supervisor import GarbledError, apart
from benchmark.engine.estimate import Estimates
from benchmark.engine.examples import draw
from benchmark.engine.executor import accepted, devices_of, execute
from benchmark.engine.job import Manifests
from benchmark.engine.plan import jobs_of, plan_cells
from benchmark.engine.worker import delete_checkpoint
from benchmark.records.published import ACCEPTED
from benchmark.records.result import to_store
from benchmark.records.scoring import score
from benchmark.records.store import ResultStore
from tasks.data.store import prepare

if TYPE_CHECKING:
    from benchmark.engine.job import Job, Shift
    from benchmark.engine.plan import Planned
    from benchmark.engine.progress import Display
    from benchmark.engine.request import Cell, Request, Settings
    from benchmark.records.result import Result
    from tasks.data.dataset import DataSet
    from tasks.data.manifest import Manifest

EXAMPLES_S = 300.0
"""Time in which the examples of a task of others may be drawn, without --timeout."""


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
    for group in groups.values():
        try:
            manifests = _make(group[0], settings, display)
        except PluginError as error:
            results |= _without_data(group, str(error), settings, display)
            continue
        planned = plan_cells(group, manifests, settings)
        stored = {item.cell: _stored(item, settings) for item in planned if item.stored}
        display.plan([item.cell for item in planned], stored)
        workers = settings.jobs * len(devices_of(group[0].cell.device))
        missing = [item for item in planned if not item.stored]
        items = Estimates(settings.results, ACCEPTED).cheapest_first(missing, workers)
        kept = [replace(item, record=stored[item.cell]) for item in planned if item.stored]
        results |= stored | _run(items, kept, settings, display)
        if rank_and_size()[0] == 0:
            _store_examples(planned[0], settings)
    return [results[cell] for cell in cells]


def _make(job: Job, settings: Settings, display: Display) -> Manifests | None:
    """The manifests of the events of a cell, made first if they are missing; None if the level makes no sense."""
    if job.level_skip():
        return None
    data = _prepared(job.data, settings, display)
    test = _prepared(job.test, settings, display) if job.test else data
    shifts = job.shifts() if settings.shifts else {}
    return Manifests(data, test, {name: _shifted(shift, name, settings, display) for name, shift in shifts.items()})


def _shifted(data: DataSet | str, name: str, settings: Settings, display: Display) -> Shift | str:
    """The test events of a shifted simulation, or why there are none: the results stand without them."""
    if isinstance(data, str):
        return data
    try:
        return data, _prepared(data, settings, display, f"{data.task.name} test events, {name}")
    except UserError as error:
        return str(error)


def _prepared(data: DataSet, settings: Settings, display: Display, name: str = "") -> Manifest:
    name = name or (f"{data.task.name} test events" if data.test_events else data.task.name)
    with blamed():
        return prepare(data, settings.data, settings.workers, lambda *step: display.stage(name, *step))


def _without_data(group: list[Job], reason: str, settings: Settings, display: Display) -> dict[Cell, Result]:
    """Failed results of cells whose events can't be made; the other cells go on."""
    results = {}
    for item in plan_cells(group, None, settings):
        failed = item.record.model_copy(update={"status": "failed", "reason": reason})
        results[item.cell] = ResultStore(settings.results).add(failed) if rank_and_size()[0] == 0 else failed
        display.finished(item.cell, results[item.cell])
    return results


def _run(items: list[Planned], stored: list[Planned], settings: Settings, display: Display) -> dict[Cell, Result]:
    if rank_and_size()[0] == 0:
        return dict(execute(items, settings, display, stored))
    # all processes of torchrun have the same results, of which the first stores them
    with TemporaryDirectory() as elsewhere:
        own = replace(settings, results=Path(elsewhere), checkpoints=settings.results, models=None)
        return dict(execute(items, own, display))


def _stored(item: Planned, settings: Settings) -> Result:
    """The stored result of a cell, whose checkpoint goes: a kill may have left it."""
    if rank_and_size()[0] == 0:
        delete_checkpoint(item, settings)
    return _rescored(item, settings)


def _rescored(item: Planned, settings: Settings) -> Result:
    """A stored result, with a seal, and with the requested metrics that it lacks computed from its scores.

    A record without a seal may have been changed: it gets one with the numbers of its scores alone.
    """
    assert item.stored is not None
    result, store = item.stored, ResultStore(settings.results)
    unsealed = result.seal != "right" and rank_and_size()[0] == 0
    if result.status != "done":
        return store.add(result) if unsealed else result
    if not (unsealed or item.cell.metrics):
        return result
    subject, limit = "computing metrics of a stored result", settings.timeout
    try:  # in another process, since these metrics are in files
        text = apart(subject, _with_metrics, store, result, item.cell.metrics, limit=limit)
        rescored = accepted(text, result)
    except (PluginError, GarbledError) as error:
        warn_once(f"{item.cell}: {error}")
        return result
    return store.add(rescored) if unsealed or rescored != result else result


def _with_metrics(store: ResultStore, result: Result, metrics: tuple[str, ...]) -> str:
    evaluation = score(store.scores(result), result.classes, result.has_signal, metrics, result.yields)
    if result.seal != "right":  # nothing is known of the others
        result = result.model_copy(update={"metrics": {}, "metric_columns": ()})
    added = evaluation.added_to(result)
    return to_store(added)[1].model_dump_json()  # checked here, where an error names the plug-in


def _store_examples(item: Planned, settings: Settings) -> None:
    """Store a few pictures of each class with the results, for the pages; once for each data set."""
    if item.manifests is None:
        return
    fingerprint = item.manifests.test.fingerprint
    data = item.job.test or item.job.data
    task, store = data.task, ResultStore(settings.results)
    stored = store.examples(task.name, fingerprint)
    if set(task.classes) <= set(stored):
        return
    try:
        if item.job.is_foreign:
            limit = settings.timeout or EXAMPLES_S
            apart("drawing examples", _add_examples, data, settings, fingerprint, limit=limit)
        else:
            _add_examples(data, settings, fingerprint)
    except UserError:
        return  # a task without objects has nothing to draw


def _add_examples(data: DataSet, settings: Settings, fingerprint: str) -> None:
    store, name = ResultStore(settings.results), data.task.name
    stored, pictures = store.examples(name, fingerprint), draw(data, settings.data)
    if set(pictures) - set(stored):  # variants with other classes share the test events
        store.add_examples(name, fingerprint, {**stored, **pictures})
