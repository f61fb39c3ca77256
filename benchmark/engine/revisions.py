"""Two revisions of this program in turn: each checked out by itself, and run with the same Python and event data.

    a, cells of seed 0 -> b, cells of seed 0 -> a, cells of seed 1 -> b, cells of seed 1 -> ...

What slows the machine for a while slows both, so that times are compared turn by turn.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmark.core import repository
from benchmark.core.errors import UserError, spelled
from benchmark.core.repository import checked_out
from benchmark.records.store import ResultStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from benchmark.core.repository import Revision

Cell = tuple[str, str, str]
"""Task, representation and model, with parameters as on the command line."""
STDERR = 2
"""Where pytest says which benchmark has failed: standard output may be JSON."""
INTERRUPTED = 130
"""Exit code of a run that Ctrl-C has stopped."""


@dataclass(frozen=True)
class Workload:
    """What is run of each revision.

    Parameters
    ----------
    cells : each is run of both.
    preset : size of the runs.
    seeds : which; each is a turn.
    data : folder of event data.
    """

    cells: tuple[Cell, ...]
    preset: str
    seeds: tuple[int, ...]
    data: Path


@dataclass(frozen=True)
class Turns:
    """What two revisions left.

    Parameters
    ----------
    a, b : the folders of their results.
    times : by name, seconds of a and of b in each turn that was run now, one after the other; those of earlier runs,
        whose results are kept, are left out.
    """

    a: ResultStore
    b: ResultStore
    times: Mapping[str, list[tuple[float, float]]]


TIMES = {"training": "train_events_per_s", "prediction": "predict_events_per_s"}
"""Speeds of results whose inverse is a time."""


def in_turn(a: Revision, b: Revision, work: Workload, folder: Path, kernels: str | None = None) -> Turns:
    """Run two revisions in turn, into folders of their own in `folder`. Cells that have a result are not run again.

    kernels : which benchmarks of `tests/performance` are measured too, as pytest's -k has it; None for none.

    Raises UserError when git can't check a revision out, and when the program of one refuses the cells.
    """
    stores = [ResultStore(folder / each.commit[:10]) for each in (a, b)]
    started = datetime.now(UTC).isoformat(timespec="seconds")
    times: dict[str, list[tuple[float, float]]] = {}
    with ExitStack() as stack:
        trees = [(each, stack.enter_context(checked_out(each, folder))) for each in (a, b)]
        for seed in work.seeds:
            for tree, store in zip(trees, stores, strict=True):
                _run_cells(*tree, work, seed, store.folder)
            _add(times, *(_times(store, seed, started) for store in stores))
            if kernels is not None:
                _add(times, *(_measure_kernels(*tree, kernels) for tree in trees))
    return Turns(stores[0], stores[1], times)


def run_here(at: Revision, work: Workload, results: Path, kernels: str | None = None) -> dict[str, list[float]]:
    """Run the code in this folder, which is that of a revision. Returns seconds of each turn of benchmarks, by name."""
    times: dict[str, list[float]] = {}
    for seed in work.seeds:
        _run_cells(at, repository.ROOT, work, seed, results)
        if kernels is not None:
            for name, seconds in _measure_kernels(at, repository.ROOT, kernels).items():
                times.setdefault(name, []).append(seconds)
    return times


def _add(times: dict[str, list[tuple[float, float]]], a: Mapping[str, float], b: Mapping[str, float]) -> None:
    """Add a turn: what both sides have."""
    for name in a:
        if name in b:
            times.setdefault(name, []).append((a[name], b[name]))


def _times(store: ResultStore, seed: int, started: str) -> dict[str, float]:
    """Seconds an event of the results of a seed that were made since `started`, by stage and cell."""
    found = {}
    for result in store.all():
        if result.seed == seed and result.status == "done" and result.created >= started:
            task = _named(result.task, result.variant, result.variant_given)
            seen = _named(result.representation, result.representation_parameters, result.representation_given)
            cell = f"{task} {seen}/{_named(result.model, result.parameters, result.parameters_given)}"
            for stage, field in TIMES.items():
                if speed := getattr(result.throughput, field):
                    found[f"{stage}: {cell}"] = 1 / speed
    return found


def _named(name: str, values: Mapping[str, Any], given: Iterable[str]) -> str:
    """`cnn[depth=15]`: variants of one task, and models with other parameters, are other cells."""
    words = ",".join(f"{parameter}={values.get(parameter)}" for parameter in sorted(given))
    return f"{name}[{words}]" if words else name


def _run_cells(at: Revision, tree: Path, work: Workload, seed: int, results: Path) -> None:
    """Run the cells of one seed with the code of a revision. Progress goes to standard error."""
    for tasks, representation, model in _together(work.cells):
        words = ["run", *(word for task in tasks for word in ("--task", task))]
        words += ["--representation", representation, "--model", model, "--preset", work.preset]
        words += ["--seeds", f"{seed},", "--results", str(results.absolute()), "--jobs", "1", "--json"]
        words += ["--data", str(work.data.absolute())]
        code = _in_tree(tree, ["-m", "benchmark", *words])
        if code in (INTERRUPTED, -signal.SIGINT):
            raise KeyboardInterrupt
        if code not in (0, 1):  # 1: a cell failed, which is a result as well
            raise UserError(
                f"{at}: the run of {representation}/{model} there ended with exit code {code}, expected 0 or 1. "
                "See above."
            )


def _together(cells: Iterable[Cell]) -> Iterator[tuple[list[str], str, str]]:
    """Cells with the tasks of the same representation and model together: one start of the program for all."""
    tasks: dict[tuple[str, str], list[str]] = {}
    for task, representation, model in cells:
        tasks.setdefault((representation, model), []).append(task)
    for (representation, model), names in tasks.items():
        yield names, representation, model


def _measure_kernels(at: Revision, tree: Path, chosen: str) -> dict[str, float]:
    """Median seconds of the benchmarks of a revision, by their name."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "kernels.json"
        words = ["-m", "pytest", "tests/performance", "--benchmark-only", "--override-ini", "addopts=-ra", "-q"]
        code = _in_tree(tree, [*words, "-k", chosen, "--benchmark-json", str(file)], output=STDERR)
        if code != 0 or not file.is_file():
            raise UserError(
                f"{at}: `pytest tests/performance -k '{spelled(chosen)}'` there ended with exit code {code}, "
                "expected benchmarks. See above, or choose others with --kernels."
            )
        found = json.loads(file.read_text())["benchmarks"]
    return {f"kernel: {each['name']}": float(each["stats"]["median"]) for each in found}


def _in_tree(tree: Path, words: Sequence[str], output: int = subprocess.DEVNULL) -> int:
    """Run Python with the code in a folder, which comes before what is installed. Returns the exit code."""
    surroundings = {**os.environ, "PYTHONPATH": str(tree)}
    done = subprocess.run([sys.executable, *words], cwd=tree, env=surroundings, stdout=output, check=False)
    return done.returncode
