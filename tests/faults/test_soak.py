"""What a process holds does not grow with the requests that it has run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.faults.commands import ROOT
from tests.faults.report import read
from tests.faults.soak import WARM_UP, Held, growth

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.report import Trial


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="what a process holds is read as on Linux")
def test_a_process_that_runs_for_long_does_not_grow(tmp_path: Path, survives: Callable[[Trial], None]):
    output = tmp_path / "soak.jsonl"
    command = [sys.executable, "-m", "tests.faults.soak", "--minutes", "3", "--output", str(output)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    (trial,) = read(output)
    assert int(trial.at.split()[0]) > WARM_UP
    survives(trial)


def test_growth_is_noticed():
    steady = [Held(500.0 + number % 3, 20, 5, 1, 0) for number in range(30)]
    assert growth(steady) == []
    assert growth([Held(500.0 + 3 * number, 20, 5, 1, 0) for number in range(30)]) == [
        "memory_mb grew from 513.5 to 573.5"
    ]
    assert growth([Held(500.0, 20 + number, 5, 1, number) for number in range(9)]) == [
        "files grew from 21 to 27",
        "temporary grew from 1 to 7",
    ]
