"""Git repositories of tests, each with a program of a few lines in place of this one."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from benchmark.core import repository
from benchmark.records.result import Throughput
from benchmark.records.store import ResultStore
from tests.leaderboard.factory import scores_of
from tests.leaderboard.ranking.test_protocol import stored

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

LATER = "2999-01-01T00:00:00+00:00"

PROGRAM = """
import os, pathlib, shutil, sys
words = sys.argv[1:]
version = (pathlib.Path(__file__).parents[1] / "version.txt").read_text()
with open(os.environ["CALLS"], "a") as calls:
    calls.write(version + " " + " ".join(words) + "\\n")
option = lambda name: words[words.index(name) + 1]
prepared = pathlib.Path(os.environ["PREPARED"]) / (version + option("--seeds").strip(","))
if not prepared.is_dir():
    sys.exit(2)
shutil.copytree(prepared, option("--results"), dirs_exist_ok=True)
print("{}")
"""
"""Of `python -m benchmark run`: it notes the call, and copies what is prepared for its version and seed as results."""

PROJECT = '[project]\nname = "x"\nrequires-python = ">=3.11"\ndependencies = ["numpy>={}"]\n'


def git(folder: Path, *words: str) -> str:
    named = ["-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(folder), *named, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path, files: dict[str, str], message: str) -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def two_versions(folder: Path) -> tuple[str, str]:
    """A repository with two commits, `old` and HEAD. Returns both."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    files = {"benchmark/__init__.py": "", "benchmark/__main__.py": PROGRAM, "constraints.txt": "numpy==2.0\n"}
    first = commit(folder, {**files, "pyproject.toml": PROJECT.format("2.0"), "version.txt": "a"}, "first")
    git(folder, "tag", "old")
    return first, commit(folder, {"version.txt": "b"}, "second")


def program(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a repository of two versions in the place of this program's. Returns its folder."""
    clone = folder / "clone"
    two_versions(clone)
    monkeypatch.setattr(repository, "ROOT", clone)
    monkeypatch.setenv("CALLS", str(folder / "calls.txt"))
    monkeypatch.setenv("PREPARED", str(folder / "prepared"))
    return clone


def prepare(
    folder: Path,
    version: str,
    *,
    strength: float = 1.0,
    speed: float = 1.0,
    flops: float = 1e6,
    seeds: int = 3,
    created: str = LATER,
) -> None:
    """Prepare the results of a version, of a cell of `wprime`: with each seed the machine is faster."""
    for seed in range(seeds):
        store = ResultStore(folder / "prepared" / f"{version}{seed}")
        pace = 1000 * speed * (1 + 0.5 * seed) * (1.001 if (version == "a") == (seed == 1) else 1.0)
        costs = Throughput(train_events_per_s=pace, predict_events_per_s=10 * pace, predict_flops=flops)
        cell = {"model": "ffnn", "representation": "fourvectors", "seed": seed}
        stored(store, scores_of(2, strength, seed=seed), throughput=costs, created=created, **cell)
