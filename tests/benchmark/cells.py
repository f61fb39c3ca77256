"""Jobs of single cells, for the tests that run them without a worker process."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import awkward as ak

from benchmark.engine.cell import run
from benchmark.engine.job import Job, build
from benchmark.engine.plan import Planned
from benchmark.engine.request import Cell, parse_filter
from models.model import Context, silent
from representations.registry import REPRESENTATIONS
from tasks.data.store import shards
from tests.benchmark.toys import TOY, model
from tests.peers import peer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from benchmark.records.result import Result
    from benchmark.records.scores import Scores
    from models.model import Report
    from tasks.events import Events

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
    manifests = job.manifests(root)
    identity = job.identity(manifests)
    return Planned(job, manifests, identity, job.record(manifests, identity))


def every_shard(job: Job, root: Path, columns: Collection[str] | None = None) -> Iterator[Events]:
    """The training, validation and test events of a job, shard by shard."""
    return chain(*(shards(data, root, columns) for data in (job.data, job.test) if data))


def every_event(job: Job, root: Path) -> Events:
    """The training, validation and test events of a job in one table."""
    parts = list(every_shard(job, root))
    return replace(parts[0], table=ak.concatenate([part.table for part in parts]))


def context(job: Job, report: Report | None = None) -> Context:
    return Context(device=job.cell.device, seed=job.cell.seed, report=report or silent)
