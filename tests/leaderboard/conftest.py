from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmark.records.store import ResultStore
from tests.leaderboard.factory import fill

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    """An empty store."""
    return ResultStore(tmp_path / "results")


@pytest.fixture(scope="session")
def full_store(tmp_path_factory: pytest.TempPathFactory) -> ResultStore:
    """Three tasks, several seeds, skipped and failed cells. For reading only."""
    made = ResultStore(tmp_path_factory.mktemp("full") / "results")
    fill(made, events=600)
    return made
