"""`torchrun ... -m benchmark run`: two processes, one training, one result."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmark.engine.model_store import is_saved
from benchmark.records.store import ResultStore
from tests.benchmark.toys import TOY, benchmark, request, run_toy

ROOT = Path(__file__).parents[3]
STEP = 2.1e-4
"""The most that one step of a log-ratio in half precision moves a probability: 2^-9 p (1 - p) at p = 1 / (1 + e^2)."""


def test_two_processes_leave_what_one_leaves(tmp_path: Path, toy_data: Path):
    words = ["run", "--task", TOY, "--representation", "fourvectors", "--model", "cnn,bdt", "--preset", "smoke"]
    words += ["--device", "cpu", "--data", str(toy_data), "--json"]
    words += ["--results", str(tmp_path / "two"), "--keep-models", str(tmp_path / "models")]
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "benchmark"]
    done = subprocess.run(
        [*start, *words],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"model": "cnn"') == 1  # of two processes one speaks
    two = {result.model: result for result in ResultStore(tmp_path / "two").all()}
    one = {result.model: result for result in run_toy(request(models=("cnn", "bdt")), tmp_path / "one", toy_data)}
    assert two.keys() == one.keys()
    for name, result in two.items():
        assert (result.status, result.environment["processes"]) == ("done", 2)
        assert is_saved(tmp_path / "models", result)
        assert result.key != one[name].key
        found = ResultStore(tmp_path / "two").scores(result)
        expected = ResultStore(tmp_path / "one").scores(one[name])
        for part, same in ((found, expected), (found.valid, expected.valid)):
            assert part.events.sha256 == same.events.sha256
            np.testing.assert_allclose(part.probabilities, same.probabilities, rtol=0, atol=1e-4 + STEP)
    hidden = [path.name for path in (tmp_path / "two" / "toy").iterdir() if path.name.startswith(".")]
    assert hidden == []


def test_processes_that_train_together_take_one_cell_at_a_time(tmp_path: Path):
    words = "run", "--task", TOY, "--jobs", "2"
    done = benchmark(*words, cwd=tmp_path, TORCHELASTIC_RUN_ID="some", RANK="0", WORLD_SIZE="2", PYTHONPATH=str(ROOT))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("error: run: --jobs 2 under torchrun")
