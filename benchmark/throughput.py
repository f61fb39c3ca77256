"""What a cell costs: events/s, latency, memory, next to a control workload that tells machines apart."""

from __future__ import annotations

import resource
import statistics
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LATENCY_REPEATS = 20
ENOUGH_SECONDS = 0.5
"""Prediction is repeated until this much time was measured, so that fast models are not timed by one tick."""


@dataclass
class Clock:
    """Seconds of a block, filled in when it ends."""

    seconds: float = 0.0


@contextmanager
def clock() -> Iterator[Clock]:
    """Time a block on the wall."""
    reading = Clock()
    start = time.perf_counter()
    try:
        yield reading
    finally:
        reading.seconds = time.perf_counter() - start


def events_per_second(predict: Callable[[], object], events: int) -> float:
    """Median rate over repeats after one warm-up. `predict` must end with its result on the host."""
    predict()
    rates: list[float] = []
    spent = 0.0
    while spent < ENOUGH_SECONDS or len(rates) < 2:
        with clock() as reading:
            predict()
        spent += reading.seconds
        rates.append(events / max(reading.seconds, 1e-9))
    return statistics.median(rates)


def latency_ms(predict_one: Callable[[], object]) -> float:
    """Median time of one event at a time, in milliseconds, after a warm-up."""
    predict_one()
    times = []
    for _ in range(LATENCY_REPEATS):
        with clock() as reading:
            predict_one()
        times.append(reading.seconds * 1000)
    return statistics.median(times)


def control_workload() -> float:
    """Events/s of a fixed toy: matrix products and a sort, the same on every machine and for every cell.

    Divide two machines' throughputs by it before comparing them.
    """
    rng = np.random.default_rng(0)
    events = rng.standard_normal((4096, 256)).astype(np.float32)
    weights = rng.standard_normal((256, 256)).astype(np.float32)

    def toy() -> None:
        hidden = np.maximum(events @ weights, 0.0) @ weights
        np.sort(hidden[:, 0])

    toy()
    rates = []
    for _ in range(5):
        with clock() as reading:
            toy()
        rates.append(len(events) / max(reading.seconds, 1e-9))
    return statistics.median(rates)


def reset_peak_memory(device: str) -> None:
    """Start a new measurement of peak memory, where the system can (Linux; CUDA)."""
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
