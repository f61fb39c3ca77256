"""Fixtures of all tests: one thread per process, and data that the processes of pytest-xdist make once."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from benchmark.core.machine import usable_cores
from tasks.data.dataset import DataSet
from tasks.data.store import prepare
from tasks.registry import TASKS
from tasks.task import TEST_EVENTS
from tests.workers import fork_workers

if TYPE_CHECKING:
    from pathlib import Path


settings.register_profile("tests", deadline=None, derandomize=True)
settings.load_profile("tests")


def pytest_configure(config: pytest.Config) -> None:
    """Give each process one thread: tests run next to each other, and networks this small gain nothing from a second.

    Workers are forked. Benchmarks (`make bench`) have the threads and the workers that users have.

    The workers of pytest-xdist, and every process that a test starts, inherit this.
    """
    if config.getoption("benchmark_disable"):
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        fork_workers()


LONGEST = ("test_smoke.py",)
"""Files with tests that take half a minute each."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests: at the end, all processes of pytest-xdist but one would wait for them."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Never look for garbage among what was imported: each cell collects it, which would take longer than the cell."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Processes of `-n auto`: one for each core that this process may use, at most 8; none on a single core."""
    cores = min(usable_cores(), 8)
    return cores if cores > 1 else 0


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this test run, the same in every process of pytest-xdist."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def smoke_data(shared: Path) -> Path:
    """The data root, as `--data` names it, with the smoke data of every core task. For reading only.

    A second process begins with another task, so that two seldom wait for each other in `prepare`; while one waits, the
    other generates with all cores.
    """
    names = TASKS.core()
    first = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % len(names)
    for name in names[first:] + names[:first]:
        data = DataSet(name, TASKS.load(name).resolve("smoke"), "detector")
        for part in (data, data.test_set(TEST_EVENTS["smoke"])):
            prepare(part, shared / "smoke-data", usable_cores(), lambda *_: None)
    return shared / "smoke-data"
