"""Smoke data of every core task, generated once and shared by all tests."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from benchmark.core.registry import TASKS
from benchmark.records.environment import default_workers
from tasks.data.dataset import DataSet
from tasks.data.store import prepare

if TYPE_CHECKING:
    from pathlib import Path


def pytest_configure() -> None:
    # On a busy machine the threads of torch and xgboost spin for each other, and networks this small take minutes.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.fixture(scope="session")
def smoke_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data root, as `--data` names it."""
    root = tmp_path_factory.mktemp("smoke-data")
    for name in TASKS.core():
        task = TASKS.load(name).resolve("smoke")
        prepare(DataSet(name, task, "detector"), root, default_workers(), lambda *_: None)
    return root
