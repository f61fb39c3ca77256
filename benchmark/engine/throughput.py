"""Speeds of a cell, and of a control workload that shows a busy machine."""

from __future__ import annotations

import statistics
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LATENCY_REPEATS = 200
LATENCY_SECONDS = 1.0
"""Single events are predicted so often, or for so long, whichever ends first, but ten times at least."""
ENOUGH_SECONDS = 0.5
"""Prediction is repeated until this much time is measured, so that the speed of fast models is exact."""


@dataclass
class Clock:
    """The duration of a block, known when it ends: wall time, and CPU time of this process, all threads together."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0


@contextmanager
def clock() -> Iterator[Clock]:
    """Measure the time of a block."""
    reading = Clock()
    start, cpu = time.perf_counter(), time.process_time()
    try:
        yield reading
    finally:
        reading.seconds = time.perf_counter() - start
        reading.cpu_seconds = time.process_time() - cpu


def events_per_second(predict: Callable[[], object], events: int) -> float:
    """Median rate of repeated predictions after one warm-up. `predict` must return its result on the host."""
    predict()
    rates: list[float] = []
    spent = 0.0
    while spent < ENOUGH_SECONDS or len(rates) < 2:
        with clock() as reading:
            predict()
        spent += reading.seconds
        rates.append(events / max(reading.seconds, 1e-9))
    return statistics.median(rates)


def latencies_ms(predict_one: Callable[[], object]) -> tuple[float, float]:
    """Median and 99th percentile of the time of the prediction of one event in milliseconds, after a warm-up."""
    predict_one()
    times: list[float] = []
    while len(times) < LATENCY_REPEATS and (sum(times) < 1000 * LATENCY_SECONDS or len(times) < 10):
        with clock() as reading:
            predict_one()
        times.append(reading.seconds * 1000)
    return statistics.median(times), float(np.quantile(times, 0.99))


def control_workload() -> float:
    """Events/s of a fixed workload, matrix products and a sort, the same on every machine and for every cell.

    It shows whether a machine was busy or hot. Two machines are not compared by it: one has faster caches, the other
    faster products.
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
