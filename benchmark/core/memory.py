"""Memory of this process: its peak, and the return of unused memory to the system."""

from __future__ import annotations

import ctypes
import gc
import resource
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""From malloc.h of glibc."""


def keep_freed_memory() -> None:
    """Make this process reuse memory that it has freed. Has no effect where the C library is not glibc.

    By default, blocks of megabytes return to the system at once, and the system clears every page of the next block:
    that takes a third of the time of drawing circles, and a twentieth of a training step on pictures.
    """
    libc = _glibc()
    # Before glibc 2.35 blocks above 32 MB always return to the system. If neither is accepted, set nothing at all:
    # setting either threshold turns off its adaptation to the program.
    if libc is not None and any(libc.mallopt(_MMAP_THRESHOLD, size) for size in (2**30, 2**25)):
        libc.mallopt(_TRIM_THRESHOLD, 2**31 - 1)


def give_back() -> None:
    """Return unused memory of this process to the system, and that of the GPU to its driver."""
    gc.collect()
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def reset_peak_memory(device: str) -> None:
    """Reset the peak memory to the current use, if the system can do so."""
    give_back()
    with suppress(OSError):  # elsewhere the peak since the start of the process is an upper bound
        Path("/proc/self/clear_refs").write_text("5")
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(device)


def peak_memory_mb(device: str) -> tuple[float, float]:
    """Peak resident memory of this process since the reset, and the peak of the GPU, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                peak = int(line.split()[1]) / 1024
    except OSError:
        pass  # not Linux
    if not device.startswith("cuda"):
        return peak, 0.0
    import torch

    return peak, torch.cuda.max_memory_allocated(device) / 2**20


@cache
def _glibc() -> ctypes.CDLL | None:
    """The C library of this process if it is glibc."""
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None
