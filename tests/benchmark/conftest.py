from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmark.records.store import ResultStore
from tasks.data.dataset import DataSet
from tasks.data.store import prepare
from tasks.registry import TASKS
from tasks.task import TEST_EVENTS
from tests.benchmark.toys import LONELY, TOY, request, run_toy
from tests.workers import measure_quickly

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test but those of speeds themselves needs exact ones."""
    measure_quickly(monkeypatch)


@pytest.fixture(scope="session")
def toy_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data root with the toy tasks."""
    root = tmp_path_factory.mktemp("toy-data")
    for target in (TOY, LONELY):
        data = DataSet(target, TASKS.load(target).resolve("smoke"), "detector")
        for part in (data, data.test_set(TEST_EVENTS["smoke"])):
            prepare(part, root, 1, lambda *_: None)
    return root


@pytest.fixture(scope="session")
def toy_results(tmp_path_factory: pytest.TempPathFactory, toy_data: Path) -> Path:
    """Results of one good and one failing toy cell: to be read only."""
    folder = tmp_path_factory.mktemp("toy-results")
    run_toy(request("Nearest", "Raises"), folder, toy_data)
    return folder


@pytest.fixture(scope="session")
def toy_store(toy_results: Path) -> ResultStore:
    return ResultStore(toy_results)
