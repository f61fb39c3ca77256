"""Jobs of single cells, for the tests that run them without a worker process."""

from __future__ import annotations

from benchmark.engine.job import Job, build
from benchmark.engine.request import Cell, parse_filter
from tests.benchmark.toys import TOY, model

TASK_OF = {"calorimeter": "egamma"}
"""The task to try a representation on, where that is not ttbar: crops are small."""


def job(task: str, representation: str, model: str, seed: int = 0, level: str = "detector") -> Job:
    names = [parse_filter(word)[0] for word in (task, representation, model)]
    return build(Cell(*names, preset="smoke", level=level, seed=seed, device="cpu"))


def toy_job(name: str = "Nearest", *, task: str = TOY, seed: int = 0, level: str = "detector") -> Job:
    return job(task, "fourvectors", model(name), seed, level)


def silent(stage: str, done: float, total: float) -> None:
    pass
