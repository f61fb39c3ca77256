"""The machine, packages and code that a result was made with, as it records them."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmark.core.machine import memory_gb, processor, usable_cores
from benchmark.core.version import __version__
from benchmark.records.result import Code

ROOT = Path(__file__).resolve().parents[2]
MAKES_RESULTS = ("benchmark", "tasks", "representations", "models")
"""Folders whose files can change a result. Plug-ins in loose files are part of the key instead."""
PACKAGES = ("numpy", "awkward", "torch", "xgboost", "scikit-learn", "pythia8mc", "fastjet", "uproot", "numba")


@cache
def describe() -> dict[str, Any]:
    """Processor, cores, memory, system and package versions, as plain JSON values; imports none of the packages."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": processor(),
        "cores": usable_cores(),
        "memory_gb": memory_gb(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


@cache
def code() -> Code:
    """This release, and the git revision if the code is in its own repository.

    `dirty` says whether a file in `MAKES_RESULTS` was changed or added since that revision.
    """
    revision = _git("rev-parse", "HEAD") if (ROOT / ".git").exists() else None
    dirty = bool(_git("status", "--porcelain", "--", *MAKES_RESULTS)) if revision else None
    return Code(version=__version__, revision=revision, dirty=dirty)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
