"""The Python interface: `benchmark.run` and `benchmark.load_results`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from numbers import Integral, Real
from os import PathLike
from typing import TYPE_CHECKING, TypedDict, TypeGuard, Unpack

from benchmark.core.errors import UserError, did_you_mean, spelled
from benchmark.core.machine import memory_gb, resolve_device, usable_cores
from benchmark.core.paths import require_folder, user_path
from benchmark.core.plugin import Range
from benchmark.core.process import rank_and_size
from benchmark.core.refusals import shown
from benchmark.engine import runner
from benchmark.engine.executor import THREADS
from benchmark.engine.progress import Display
from benchmark.engine.request import MOST_JOBS, MOST_THREADS, WORDS, Overwrite, Request, Settings, data_root
from benchmark.metrics.registry import METRICS
from benchmark.records.collection import Results
from benchmark.records.store import ResultStore

if TYPE_CHECKING:
    from pathlib import Path

Names = str | Iterable[str] | None
MOST_DEFAULT_JOBS = 4
MEMORY_GB = 4
"""Memory of the machine for each cell that runs by default."""
MOST_COUNTS, MOST_DIGITS = 100, 16
_OPTIONAL = {
    *("task", "representation", "model", "metric", "source", "data", "workers", "timeout", "keep_models"),
    *("train_events", "test_events", "jobs", "threads"),
}


class Options(TypedDict, total=False):
    """The options of a run, as on the command line; see `run`."""

    task: Names
    representation: Names
    model: Names
    metric: Names
    preset: str
    seeds: str | int | Iterable[int]
    train_events: str | int | Iterable[int] | None
    test_events: str | int | None
    device: str
    source: Path | str | None
    level: str
    results: Path | str
    data: Path | str | None
    workers: int | None
    jobs: int | None
    threads: int | None
    shifts: bool
    overwrite: str
    timeout: float | None
    keep_models: Path | str | None
    quiet: bool


def run(**options: Unpack[Options]) -> Results:
    """Run cells: task x representation x model. Cells that have a result are not run again.

    Parameters
    ----------
    task, representation, model : name or list of names, with parameters as "cnn[depth=15]", or "path/to/mine.py:Mine".
        Default: all.
    metric : a metric of your own, in addition to the registered ones, as "path/to/mine.py:Mine".
    preset : size of the run: "smoke", "quick" (default), "standard" or "paper".
    seeds : how many (3), or which ([0, 1, 2]). Default: 1.
    train_events : how many training events in all, classes in proportion, or several such numbers, a result for each:
        a learning curve of nested subsets. Default: all.
    test_events : generated test events of each class, of which a smaller number are the first. Default: 100 with the
        preset "smoke", 800 with "quick", 5,000 with "standard" and 10,000 with "paper".
    device : "auto" (default), "cpu", "cuda" or one GPU as "cuda:1".
    source : file or folder of real events. Default: generated events.
    level : realism of generated events: "generator", "hadron" or "detector" (default).
    results, data : folders of results (default "results") and of data sets (default: the user's cache folder).
    workers : processes that generate events. Default: all cores.
    jobs : cells that run at once on each device. Default: on a CPU as many as the cores allow, at most 4; on a GPU 1.
    threads : threads of each cell. Default: 1 on a CPU, so that a result depends neither on the number of cells that
        run at once nor on the cores of the machine; on a GPU its share of the cores.
    shifts : test each fitted model on the shifted simulations of its task as well, such as another parton shower; their
        events are made first. Default: False.
    overwrite : which cells that have a result are run again: "never", "failed" (default: those whose status is failed,
        timeout or interrupted) or "always".
    timeout : seconds that one cell may take. Default: no limit.
    keep_models : folder to save the fitted models to. Default: they are not saved.
    quiet : report no progress.

    Returns
    -------
    Results
        One result for each cell and seed; `to_frame()` makes a pandas table of them.

    Raises
    ------
    UserError
        When the request is wrong; before anything is run.

    Examples
    --------
    >>> results = benchmark.run(task="ttbar", model=["bdt", "ffnn"], preset="smoke")  # doctest: +SKIP
    >>> results.to_frame()[["representation", "model", "auc"]]  # doctest: +SKIP
    """
    request, settings = parse_options(**options)
    with Display(quiet=options.get("quiet", False) or rank_and_size()[0] > 0) as display:
        return Results(runner.run(request, settings, display))


def load_results(folder: Path | str = "results") -> Results:
    """All results in a folder, sorted by task and time.

    Raises UserError when there is no such folder.
    """
    path = user_path(folder, "results")
    if not path.is_dir():
        raise UserError(f"{path}: no such folder, expected a folder of results. Run something first, or name another.")
    return Results(sorted(ResultStore(path).all(), key=lambda result: (result.task, result.created, result.key)))


def parse_options(**options: Unpack[Options]) -> tuple[Request, Settings]:
    """What to run, and how. Raises UserError for an unknown option, and for values that are wrong."""
    for name in options:
        if name not in Options.__annotations__:
            raise UserError(f"run: no option '{name}'. {did_you_mean(name, Options.__annotations__)}")
    for name, value in options.items():
        _check(name, value)
    jobs, threads, source = options.get("jobs"), options.get("threads"), options.get("source")
    if (jobs or 1) > 1 and rank_and_size()[1] > 1:
        raise UserError(f"run: --jobs {jobs} under torchrun, whose processes train one network together. Leave it out.")
    request = Request(
        tasks=_names("task", options.get("task")),
        representations=_names("representation", options.get("representation")),
        models=_names("model", options.get("model")),
        metrics=tuple(_absolute(name) for name in _names("metric", options.get("metric"))),
        preset=options.get("preset", "quick"),
        level=options.get("level", "detector"),
        seeds=_seeds(options.get("seeds", "1")),
        device=resolve_device(options.get("device", "auto")),
        source=None if source is None or str(source) == "generated" else user_path(source, "--source", follow=False),
        train_events=counts("train-events", options.get("train_events")),
        test_events=next(iter(counts("test-events", options.get("test_events"), most=1)), None),
    )
    jobs, threads = _shares(request.device, jobs, threads)
    overwrite, models = str(options.get("overwrite", Overwrite.failed)), options.get("keep_models")
    settings = Settings(
        results=user_path(options.get("results", "results"), "--results"),
        data=data_root(options.get("data")),
        workers=options.get("workers") or usable_cores(),
        overwrite=Overwrite(overwrite),
        timeout=options.get("timeout"),
        models=user_path(models, "--keep-models") if models else None,
        jobs=jobs,
        threads=threads,
        shifts=options.get("shifts", False),
    )
    require_folder(settings.results, "--results")
    require_folder(settings.data, "--data", written=False)  # events that are there are read from a read-only disk too
    if settings.models:
        require_folder(settings.models, "--keep-models")
    return request, settings


def _shares(device: str, jobs: int | None, threads: int | None) -> tuple[int, int | None]:
    """How many cells run at once on each device, and the threads of each; see `run`."""
    if device != "cpu" or rank_and_size()[1] > 1:
        return jobs or 1, threads
    words = os.environ.get(THREADS, "")
    each = threads or (int(words) if words.isdecimal() else 0) or 1
    fitting = int(memory_gb() or MEMORY_GB) // MEMORY_GB
    return jobs or max(1, min(MOST_DEFAULT_JOBS, usable_cores() // each, fitting)), each


def _check(name: str, value: object) -> None:
    """Raise UserError for an option of the wrong type, or a number out of its range."""
    if value is None and name in _OPTIONAL:
        return
    match name:
        case "preset" | "device" | "level":
            fits, expected = isinstance(value, str), "a text"
        case "overwrite":
            fits, expected = value in list(Overwrite), f"one of {', '.join(Overwrite)}"
        case "results" | "data" | "source" | "keep_models":
            fits, expected = isinstance(value, str | PathLike), "a path"
        case "workers" | "jobs" | "threads":
            allowed = Range(1, {"jobs": MOST_JOBS, "threads": MOST_THREADS}.get(name))
            fits, expected = _is_whole(value) and value in allowed, f"a whole number, {allowed}"
        case "timeout":
            fits, expected = _is_number(value) and value in Range(1), f"a number of seconds, {Range(1)}"
        case "quiet" | "shifts":
            fits, expected = isinstance(value, bool), "True or False"
        case _:  # names and seeds, whose iterators must not be used up
            return
    if not fits:
        raise _refused(name, value, expected)


def _refused(name: str, value: object, expected: str) -> UserError:
    return UserError(f"option '{name.replace('_', '-')}': {shown(value)}, expected {expected}.")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_whole(value: object) -> TypeGuard[int]:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _names(option: str, given: Names) -> tuple[str, ...]:
    if given is None or isinstance(given, str):
        return () if given is None else (given,)
    names = tuple(given) if isinstance(given, Iterable) else (given,)
    if not all(isinstance(name, str) for name in names):
        raise _refused(option, given, "a name or a list of names")
    return names


def _seeds(given: str | int | Iterable[int]) -> str:
    if isinstance(given, str) or _is_whole(given):
        return str(given)
    numbers = list(given) if isinstance(given, Iterable) else [given]
    if not isinstance(given, Iterable) or not all(map(_is_whole, numbers)):
        raise _refused("seeds", given, "how many, or a list of seeds")
    return ",".join(map(str, numbers)) + ","


def counts(option: str, given: str | int | Iterable[int] | None, most: int = MOST_COUNTS) -> tuple[int, ...]:
    """Numbers of events, given as a number, several ones, or text with commas between, at most so many; empty for None.

    Raises UserError for anything else.
    """
    if given is None:
        return ()
    words: list[object] = list(given.split(",") if isinstance(given, str) else given if _is_many(given) else [given])
    numbers = [_count(word) for word in words]
    found = [number for number in numbers if number is not None]
    if not 0 < len(numbers) == len(found) <= most:
        several = "" if most == 1 else ", or several with commas between"
        expected = f"a whole number of events, {Range(1)}{several}"
        raise UserError(f"--{option} {spelled(str(given), WORDS)}: expected {expected}.")
    return tuple(found)


def _is_many(given: object) -> TypeGuard[Iterable[object]]:
    return isinstance(given, Iterable)


def _count(word: object) -> int | None:
    """A positive whole number, of itself or of its digits; None for anything else."""
    if isinstance(word, str) and word.strip().isascii() and word.strip().isdecimal():
        word = int(word) if len(word) < MOST_DIGITS else 0
    return int(word) if _is_whole(word) and int(word) >= 1 else None


def _absolute(metric: str) -> str:
    """A metric's file as an absolute path, since worker processes may run in another folder."""
    entry = METRICS.find(metric)
    return entry.target if entry.is_file else entry.name
