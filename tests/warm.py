"""What workers import; `tests.workers` forks them from a process that has imported this module."""

from __future__ import annotations

import gc
import importlib

from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS
from tests.workers import measure_quickly

# torch imports `torch._dynamo` when it starts the weights of a network, in two seconds
for module in ("benchmark.engine.cell", "benchmark.engine.model_store", "tasks.data.generation", "torch._dynamo"):
    importlib.import_module(module)
for registry in (TASKS, REPRESENTATIONS, MODELS):
    for name in registry.core():
        registry.load(name)
measure_quickly()
gc.freeze()  # a cell collects garbage before it is measured: not among all that was imported
