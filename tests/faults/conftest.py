"""The workshop, which the tests of a process share, and where its trials are written to."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.faults.report import Log, Trial
from tests.faults.scenarios import Workshop, workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OUTPUT = "FAULTS_OUTPUT"
"""Names a file to which the trials of the tests are added, for `python -m tests.faults.report`."""


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Prepared folders, and a nursery that runs commands on copies of them."""
    if not sys.platform.startswith("linux"):
        pytest.skip("processes are watched and killed in ways of Linux")
    with workshop(tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.fixture
def survives() -> Callable[[Trial], None]:
    """Assert that a fault was survived."""
    log = Log(Path(os.environ[OUTPUT])) if OUTPUT in os.environ else None

    def check(trial: Trial) -> None:
        if log:
            log.add(trial)
        assert trial.survived, str(trial)

    return check
