"""Worker processes of tests: forked from a process that has imported their libraries, which spawned ones import each.

A worker has what a spawned one has: only the arguments it gets, the environment of its parent at its start, and no
module that a test has imported or changed. What it lacks is the three seconds in which it imports.
Tests of how a worker starts, and all processes of `python -m benchmark`, spawn them as outside of tests.
"""

from __future__ import annotations

import multiprocessing.context as contexts
import os
import sys
from contextlib import contextmanager
from functools import cache
from multiprocessing import forkserver
from typing import TYPE_CHECKING, Any

from benchmark.core.process import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

WARM = "tests.warm"
"""The module that the process which is forked imports."""
WAYS: dict[str, Any] = contexts._concrete_contexts


class Surroundings:
    """The environment variables of the parent, which are set in the child as soon as this is read there."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _enter, (dict(os.environ),)


def _enter(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


if sys.platform == "linux":

    class _Process(contexts.ForkServerProcess):
        def __init__(self, *words: Any, **more: Any) -> None:
            self._surroundings = Surroundings()  # the first attribute, so that it is read before the arguments
            super().__init__(*words, **more)

        def start(self) -> None:
            # the process that is forked is no worker: it must not have the mark of one, with which it would be ended
            mark = os.environ.pop(MARK, None)
            forkserver.ensure_running()
            if mark is not None:
                os.environ[MARK] = mark
            super().start()

    class _Context(contexts.ForkServerContext):
        Process = _Process


SPAWN = WAYS["spawn"]


def fork_workers() -> None:
    """Fork the processes that this process and those of its tests would spawn."""
    if sys.platform == "linux":
        WAYS["spawn"] = _Context()
        WAYS["spawn"].set_forkserver_preload([WARM])


@contextmanager
def spawned_workers() -> Iterator[None]:
    """Spawn processes inside the block, as outside of tests."""
    here = WAYS["spawn"]
    WAYS["spawn"] = SPAWN
    try:
        yield
    finally:
        WAYS["spawn"] = here


def measure_quickly(patch: Any = None) -> None:
    """Measure the speeds of cells with few repetitions, and that of the machine once in a process."""
    from benchmark.engine import costs, throughput

    change = patch.setattr if patch else setattr
    change(throughput, "ENOUGH_SECONDS", 0.01)
    change(throughput, "LATENCY_REPEATS", 3)
    change(throughput, "LATENCY_SECONDS", 0.01)
    change(costs, "STEPS_S", 0.0)
    change(costs, "control_workload", _speed_of_machine)


@cache
def _speed_of_machine() -> float:
    from benchmark.engine.throughput import control_workload

    return control_workload()
