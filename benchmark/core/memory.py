"""Memory of a process: what it takes, and what it keeps for itself."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Of glibc's malloc.h."""


def keep_freed_memory() -> None:
    """Let this process use memory again that it has freed, where the C library is glibc; elsewhere nothing happens.

    By default blocks of megabytes go back to the system at once, which then clears every page of the next block: of
    circles that is a third of the time of drawing them, and of a training step on pictures a twentieth.
    """
    libc = _glibc()
    # Before glibc 2.35 blocks above 32 MB are always the system's. Where neither is accepted nothing may be set at all:
    # whatever is set ends the adaptation to what a program asks for.
    if libc is not None and any(libc.mallopt(_MMAP_THRESHOLD, size) for size in (2**30, 2**25)):
        libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1)


def give_back() -> None:
    """Give the system, and the GPU, what this process keeps and does not use."""
    gc.collect()
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def reset_peak_memory(device: str) -> None:
    """Start a new measurement of peak memory, where the system can (Linux; CUDA), of what is in use now."""
    give_back()
    with suppress(OSError):  # where it can't, the peak is that of the process since it began: an upper bound
        Path("/proc/self/clear_refs").write_text("5")
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_mb(device: str) -> float:
    """Peak resident memory of this process since the reset, in MB, plus that of the GPU."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                peak = int(line.split()[1]) / 1024
    except OSError:
        pass  # not Linux: the peak since the process began, as above
    if device.startswith("cuda"):
        import torch

        peak += torch.cuda.max_memory_allocated(device) / 2**20
    return peak


@cache
def _glibc() -> ctypes.CDLL | None:
    """The C library of this process, if it is glibc."""
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None
