"""What workers import; `tests.workers` forks them from a process that has imported this module."""

from __future__ import annotations

import gc
import importlib
import pkgutil

import numba

import tasks.detector
import tasks.generator
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS
from tests.workers import measure_quickly

WHEN_USED = (
    "benchmark.engine.cell",
    "benchmark.engine.model_store",
    "benchmark.engine.worker",
    "fastjet",
    "pythia8mc",
    "tasks.data.generation",
    "torch._dynamo",  # when the weights of a network are started, in two seconds
    *(f"tasks.detector.{module.name}" for module in pkgutil.iter_modules(tasks.detector.__path__)),
    *(f"tasks.generator.{module.name}" for module in pkgutil.iter_modules(tasks.generator.__path__)),
)
"""Modules that are imported when they are first used."""

for module in WHEN_USED:
    importlib.import_module(module)
numba.njit(lambda: 0)()  # numba imports what it needs, vector and sympy too, for the first function that it compiles
for registry in (TASKS, REPRESENTATIONS, MODELS):
    for name in registry.core():
        registry.load(name)
measure_quickly()
gc.freeze()  # a cell collects garbage before it is measured: not among all that was imported
