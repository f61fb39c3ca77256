"""Figures of the smoke data, and of small samples with known truth, each made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tasks.data.dataset import DataSet
from tasks.registry import TASKS
from tasks.validation.sample import sample

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tasks.validation.figure import Check, Figure

COUNTS = {"egamma": 1500, "ttbar": 600, "diphoton": 120}
"""Collisions or particles that are simulated; few centres of crystals are hit, hence so many photons."""
PILEUP = {"egamma": {"pileup": "12"}, "diphoton": {"pileup": "5"}}
"""Smoke data have none."""


@pytest.fixture(scope="session")
def figures(smoke_data: Path) -> Callable[[str], dict[str, Figure]]:
    """All figures of a task, by name."""
    made: dict[str, dict[str, Figure]] = {}

    def of(name: str) -> dict[str, Figure]:
        if name not in made:
            task = TASKS.load(name).resolve("smoke")
            data = DataSet(name, task, "detector")
            manifest = data.manifest(smoke_data)
            assert manifest is not None
            found = [*task.validation.figures(sample(data.folder(smoke_data), manifest, task))]
            simulated = TASKS.load(name).resolve("smoke", PILEUP.get(name))
            found += simulated.validation.detector_figures(COUNTS.get(name))
            made[name] = {figure.name: figure for figure in found}
            assert len(made[name]) == len(found)
        return made[name]

    return of


@pytest.fixture(scope="session")
def checks(figures: Callable[[str], dict[str, Figure]]) -> Callable[[str], dict[str, Check]]:
    """All checks of a task, by name."""

    def of(name: str) -> dict[str, Check]:
        every = [check for figure in figures(name).values() for check in figure.checks]
        assert len({check.name for check in every}) == len(every)
        return {check.name: check for check in every}

    return of
