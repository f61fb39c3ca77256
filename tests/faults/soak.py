"""One process runs many small requests: its memory, files, threads and children do not grow.

    python -m tests.faults.soak --minutes 20 --output soak.jsonl

Each round runs cells through `benchmark.run`, reads all results, makes tables and pages, verifies data, saves a model,
applies it, and gives wrong requests. What the process holds is noted after each round.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import os
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import benchmark
from benchmark.cli import exit_code
from benchmark.core.process import silenced
from benchmark.engine import throughput
from tests.faults import toy
from tests.faults.nursery import TOY
from tests.faults.report import Log, Trial

if TYPE_CHECKING:
    from collections.abc import Sequence

MODELS = ["constant", "bdt[trees=5]", "ffnn[epochs=1]"]
WARM_UP = 5
"""Rounds after which caches are filled."""
GROWTH_MB = 30.0
"""Growth of memory from the first third of the rounds to the last that is no leak; a leak of 0.2 MB a round is one."""


@dataclass(frozen=True)
class Held:
    """What a process holds: memory, open files, threads, children, and files that stay in its temporary folder."""

    memory_mb: float
    files: int
    threads: int
    children: int
    temporary: int


def held(temporary: Path) -> Held:
    """What this process holds now."""
    gc.collect()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return Held(
        int(status["VmRSS"].split()[0]) / 1000,
        len(os.listdir("/proc/self/fd")),
        int(status["Threads"]),
        len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()),
        sum(1 for _ in temporary.rglob("*")),
    )


def play(place: Path, number: int) -> list[str]:
    """A round of requests in a folder. Returns what went wrong."""
    data, results, models = place / "data", place / "results", place / "models"
    where = {"data": data, "results": results, "preset": "smoke", "representation": "fourvectors", "quiet": True}
    made = benchmark.run(task=TOY, model=MODELS, seeds=f"{number},", keep_models=models, workers=1, **where)
    problems = [f"{result.model}: {result.status}, {result.reason}" for result in made if result.status != "done"]
    if len(benchmark.load_results(results).to_frame()) < len(MODELS):
        problems.append("results are lost")
    saved = next((models / "peak").glob(f"fourvectors-bdt-seed{number}-*"))
    commands = {
        ("results", "--json", "--results", results): 0,
        ("results", "--csv", "--results", results): 0,
        ("leaderboard", "--results", results): 0,
        ("data", "verify", "--data", data): 0,
        ("data", "clean", "--yes", "--data", data): 0,
        ("data", "import", TOY, "--preset", "smoke", "--data", data, "--source", place / "files"): 0,
        ("predict", saved, place / "files", "--output", place / "scores.csv", "--trust-code"): 0,
        ("run", "--task", TOY, "--model", "no such model", "--results", results): 2,
        ("list",): 0,
        ("info",): 0,
    }
    for words, expected in commands.items():
        code = exit_code([str(word) for word in words])
        if code != expected:
            problems.append(f"{words[0]} ended with {code}")
    for path in [*(results / "peak").glob(f"*-seed{number}-*")]:  # so that every round has as much to read
        path.unlink()
    return problems


def soak(rounds: int, seconds: float, log: Log | None = None) -> Trial:
    """Play rounds until they or the time are over, and compare what the process holds."""
    trial, readings, end = Trial("soak", "one process", ""), [], time.monotonic() + seconds
    throughput.ENOUGH_SECONDS = 0.01  # speeds do not matter
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, tempfile.TemporaryDirectory() as scratch:
        toy.write_files(Path(folder) / "files")
        before, tempfile.tempdir = tempfile.tempdir, scratch
        try:
            while len(readings) < rounds and (time.monotonic() < end or len(readings) <= WARM_UP):
                with silenced(), contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
                    trial.problems += play(Path(folder), len(readings))
                readings.append(held(Path(scratch)))
                if log:
                    print(len(readings), asdict(readings[-1]), flush=True)
        finally:
            tempfile.tempdir = before
    trial.at, trial.peak_mb = f"{len(readings)} rounds", max(reading.memory_mb for reading in readings)
    trial.problems += growth(readings[WARM_UP:])
    if log:
        log.add(trial)
    return trial


def growth(readings: Sequence[Held]) -> list[str]:
    """What has grown from the first third of readings to the last."""
    third = max(1, len(readings) // 3)
    grown = []
    for name, allowed in {"memory_mb": GROWTH_MB, "files": 0, "threads": 0, "children": 0, "temporary": 0}.items():
        first, last = (median(getattr(one, name) for one in part) for part in (readings[:third], readings[-third:]))
        if last > first + allowed:
            grown.append(f"{name} grew from {first:g} to {last:g}")
    return grown


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Run many requests in one process.")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--output", type=Path, default=Path("soak.jsonl"), help="file to which the trial is added")
    given = parser.parse_args()
    print(soak(100_000, 60 * given.minutes, Log(given.output)))
