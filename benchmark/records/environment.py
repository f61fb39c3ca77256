"""The machine, packages and code that a result was made with, as it records them."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmark.core.machine import memory_gb, processor, usable_cores
from benchmark.core.repository import ROOT, git
from benchmark.core.version import __version__
from benchmark.records.result import Code

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
    revision = git("rev-parse", "HEAD", root=ROOT) if (ROOT / ".git").exists() else None
    dirty = bool(git("status", "--porcelain", "--", *MAKES_RESULTS, root=ROOT)) if revision else None
    return Code(version=__version__, revision=revision, dirty=dirty)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
