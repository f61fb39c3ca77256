"""Several processes on the same folders, with commands beside them that clean, verify and read what they write."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from benchmark.core.errors import UserError
from tasks.data.dataset import DataSet
from tasks.data.inventory import find, remove
from tasks.data.manifest import read_manifest
from tasks.data.store import prepare
from tasks.registry import TASKS
from tests.faults.commands import PATIENCE_S
from tests.faults.nursery import TOY
from tests.faults.report import Trial
from tests.faults.scenarios import SCENARIOS, Scenario, run_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.faults.scenarios import Workshop

MODELS = ("constant", "bdt[trees=5]", "ffnn[epochs=1]", "random", "bdt", "ffnn[epochs=2]", "cut", "bdt[depth=3]")
SIDE = {"clean": (0, 1), "results": (0, 2), "verify": (0,), "leaderboard": (0, 2)}
"""Exit codes of the commands beside: `clean` leaves what is being made, and at first there are no results."""


@pytest.mark.parametrize(
    "number", [2, pytest.param(4, marks=pytest.mark.slow), pytest.param(8, marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("same", [True, False], ids=["same request", "other requests"])
def test_many_processes(number: int, same: bool, shop: Workshop, survives: Callable[[Trial], None]):
    models = ["constant,bdt[trees=5]"] * number if same else MODELS[:number]
    trial = Trial("many processes", "the same request" if same else "other requests", f"{number} processes")
    run_together(shop, [request(model) for model in models], request(",".join(dict.fromkeys(models))), trial)
    survives(trial)


def test_data_that_were_completed_since_clean_looked_are_not_deleted(tmp_path: Path):
    data = DataSet(TOY, TASKS.load(TOY).resolve("smoke"), "detector")
    folder = data.folder(tmp_path)
    folder.mkdir(parents=True)
    (folder / "peak-train-0000.parquet").touch()
    (found,) = find(tmp_path)
    assert found.state == "incomplete"
    (folder / "peak-train-0000.parquet").unlink()
    manifest = prepare(data, tmp_path, 1, lambda *_: None)  # another process
    with pytest.raises(UserError):
        remove(found, tmp_path)
    assert read_manifest(folder) == manifest


def request(models: str) -> Scenario:
    """A run of models; the first to come makes the data."""
    return replace(SCENARIOS["run"], name=f"run {models}", words=run_of(models))


def run_together(shop: Workshop, requests: list[Scenario], union: Scenario, trial: Trial) -> None:
    """Run requests at once and other commands beside them until all have ended; compare with one run of all."""
    expected = shop.reference(union).state
    place = shop.place(union)
    running = [shop.start(scenario, place) for scenario in requests]
    beside = cycle(side(place))
    while any(not command.ends_within(0) for command in running):
        ended = shop.nursery.run(next(beside), folder=place)
        trial.add(ended)
        words = ended.arguments[0] if ended.arguments[0] != "data" else ended.arguments[1]
        if ended.code not in SIDE[words] or "Traceback" in ended.err:
            trial.problems.append(f"{words} ended with {ended.code}: {ended.err[-300:]}")
        shutil.rmtree(place / "pages", ignore_errors=True)
        partial = shop.state(union, place).differences(expected, whole=False)
        trial.problems += [f"meanwhile: {line}" for line in partial]
        if ended.seconds > PATIENCE_S:
            break
    for command in running:
        ended = command.wait()
        trial.add(ended)
        if ended.code != 0:
            trial.problems.append(f"{' '.join(ended.arguments)} ended with {ended.code}: {ended.err[-300:]}")
    found = shop.state(union, place)
    trial.problems += found.differences(expected)
    trial.leftovers = list(found.temporary)


def side(place: Path) -> list[list[str]]:
    """Commands that others give meanwhile."""
    data, results = ("--data", str(place / "data")), ("--results", str(place / "results"))
    return [
        ["data", "clean", "--incomplete", "--yes", *data],
        ["results", *results],
        ["data", "verify", *data],
        ["leaderboard", *results, "--output", str(place / "pages")],
    ]
