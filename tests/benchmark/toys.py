"""A task of milliseconds, its models, and how the tests run them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.engine.progress import Display
from benchmark.engine.request import Overwrite, Request, Settings
from benchmark.engine.runner import run

if TYPE_CHECKING:
    from benchmark.records.result import Result

PLUGINS = Path(__file__).parent / "plugins"
TOY = f"{PLUGINS / 'toy_task.py'}:Toy"
DOUBTFUL = f"{PLUGINS / 'toy_task.py'}:Doubtful"
LONELY = f"{PLUGINS / 'toy_task.py'}:Lonely"


def model(name: str) -> str:
    return f"{PLUGINS / 'toy_models.py'}:{name}"


def metric(name: str) -> str:
    return f"{PLUGINS / 'toy_metrics.py'}:{name}"


def request(*models: str, **changes: Any) -> Request:
    fields: dict[str, Any] = {"tasks": (TOY,), "representations": ("fourvectors",), "preset": "smoke"}
    return Request(**{**fields, "models": [model(name) for name in models], **changes})


def run_toy(request: Request, results: Path, data: Path, **settings: Any) -> list[Result]:
    settings = {"overwrite": Overwrite.failed, **settings}
    return run(request, Settings(results, data, 2, **settings), Display(quiet=True))


def arguments(results: Path, data: Path, *models: str) -> list[str]:
    """The command line of `request`, whose cells run one after the other, so that tests know which have ended."""
    words = ["run", "--task", TOY, "--representation", "fourvectors", "--preset", "smoke", "--device", "cpu"]
    words += ["--jobs", "1"]
    words += ["--results", str(results), "--data", str(data)]
    return [*words, *(word for name in models for word in ("--model", model(name)))]


def benchmark(*words: str, cwd: Path, options: tuple[str, ...] = (), **env: str) -> subprocess.CompletedProcess[str]:
    """`python -m benchmark ...` in a new process, which handles Ctrl-C even if these tests ignore it."""
    hearing = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
    )
    return subprocess.run(
        [sys.executable, "-c", hearing, sys.executable, *options, "-m", "benchmark", *words],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Time stamp and content of every file in a folder of one task's results."""
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in sorted(folder.iterdir())}
