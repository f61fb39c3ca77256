"""Jobs of single cells, for the tests that run them without a worker process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmark.engine.cell import run
from benchmark.engine.job import Job, build
from benchmark.engine.plan import Planned
from benchmark.engine.request import Cell, parse_filter
from models.model import Context, silent
from representations.registry import REPRESENTATIONS
from tests.benchmark.toys import TOY, model
from tests.peers import peer

if TYPE_CHECKING:
    from pathlib import Path

    from benchmark.records.result import Result
    from benchmark.records.scores import Scores
    from models.model import Report

TASK_OF = {"calorimeter": "egamma", "jet_image": "wprime", "energy_flow": "wprime"}
"""The task to try a representation on, where that is not ttbar: crops are small, and ttbar has no constituents."""
EXTRA = [name for name in REPRESENTATIONS.names() if name not in REPRESENTATIONS.core()]
"""Representations outside the core."""


def job(task: str, representation: str, model: str, seed: int = 0, level: str = "detector") -> Job:
    if representation == "energy_flow":
        peer("energyflow")
    names = [parse_filter(word)[0] for word in (task, representation, model)]
    return build(Cell(*names, preset="smoke", level=level, seed=seed, device="cpu"))


def toy_job(name: str = "Nearest", *, task: str = TOY, seed: int = 0, level: str = "detector") -> Job:
    return job(task, "fourvectors", model(name), seed, level)


def run_cell(job: Job, root: Path, report: Report | None = None) -> tuple[Result, Scores | None]:
    """The result and the scores of a job on the data below `root`."""
    return run(planned(job, root), root, context(job, report))


def planned(job: Job, root: Path) -> Planned:
    manifest = job.data.manifest(root)
    identity = job.identity(manifest)
    return Planned(job, manifest, identity, job.record(manifest, identity))


def context(job: Job, report: Report | None = None) -> Context:
    return Context(device=job.cell.device, seed=job.cell.seed, report=report or silent)
