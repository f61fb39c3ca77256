"""The machine, the versions and the code that a result was made with."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmark.core.errors import UserError
from benchmark.core.process import rank_and_size
from benchmark.core.version import __version__
from benchmark.records.result import Code

ROOT = Path(__file__).resolve().parents[2]
MAKES_RESULTS = ("benchmark", "tasks", "representations", "models")
"""Folders whose files can change a result. Pages, tests and text can't, and loose plug-ins are in the key."""
PACKAGES = ("numpy", "awkward", "torch", "xgboost", "scikit-learn", "pythia8mc", "fastjet", "uproot", "numba")


@cache
def describe() -> dict[str, Any]:
    """Processor, cores, memory, system and package versions; starts no heavy library."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": _memory_gb(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


@cache
def code() -> Code:
    """This release, and the git revision when the code lies in a repository of its own.

    `dirty`: a file of the packages that make results is changed, or new, since that revision.
    """
    revision = _git("rev-parse", "HEAD") if (ROOT / ".git").exists() else None
    dirty = bool(_git("status", "--porcelain", "--", *MAKES_RESULTS)) if revision else None
    return Code(version=__version__, revision=revision, dirty=dirty)


def default_workers() -> int:
    """All cores that this process may use."""
    cores: int = describe()["cores"] or 1
    return cores


def resolve_device(wanted: str) -> str:
    """`auto` as `cuda` where there is a GPU, else `cpu`; of the processes of torchrun, each has a GPU of its own.

    Raises UserError for a `cuda` that is not there.
    """
    kind, _, number = wanted.partition(":")
    if not re.fullmatch(r"auto|cpu|cuda(:[0-9]+)?", wanted):
        raise UserError(f"unknown device '{wanted}'. Known: auto, cpu, cuda, cuda:1.")
    if kind == "cpu":
        return "cpu"
    count = _gpu_count()
    if kind == "auto" and not count:
        return "cpu"
    if count and not number and rank_and_size()[1] > 1:
        return f"cuda:{int(os.environ['LOCAL_RANK']) % count}"
    if kind == "auto":
        return "cuda"
    if count == 0:
        raise UserError(f"device {wanted}: torch finds no CUDA GPU on this machine. Use --device cpu, or auto.")
    if number and int(number) >= count:
        raise UserError(
            f"device {wanted}: there are {count} GPUs, numbered from 0. Use --device cuda:0 to cuda:{count - 1}."
        )
    return wanted


def gpu_name(device: str) -> str | None:
    """The name of the GPU behind a device, or None on the CPU."""
    if not device.startswith("cuda"):
        return None
    import torch

    return str(torch.cuda.get_device_name(device))


def _gpu_count() -> int:
    # Without a driver there is nothing to ask torch for, and importing it takes seconds.
    if not (Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists() or shutil.which("nvidia-smi")):
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError):
        return None


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
