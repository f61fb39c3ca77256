"""This machine: its processor, cores, memory and GPUs, and the device that a run uses."""

from __future__ import annotations

import os
import platform
import re
import shutil
from functools import cache
from pathlib import Path

from benchmark.core.errors import UserError
from benchmark.core.process import of_torchrun, rank_and_size


def usable_cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def processor() -> str:
    """The name of the processor."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def memory_gb() -> float | None:
    """The size of the main memory in GB, None if it is unknown."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError):
        return None


def resolve_device(wanted: str) -> str:
    """The device that a name stands for: `auto` is `cuda` if there is a GPU, else `cpu`.

    Each process that torchrun starts gets its own GPU.

    Raises UserError for an unknown name, and for a GPU that is not there.
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
        return f"cuda:{of_torchrun('LOCAL_RANK', 'LOCAL_WORLD_SIZE') % count}"
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
    """The name of the GPU of a device, None for the CPU."""
    if not device.startswith("cuda"):
        return None
    import torch

    return str(torch.cuda.get_device_name(device))


def _gpu_count() -> int:
    # importing torch takes seconds; without a driver it would find nothing
    if not (Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists() or shutil.which("nvidia-smi")):
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0
