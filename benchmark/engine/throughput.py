"""Speeds of a cell, and of a control workload by which machines can be compared."""

from __future__ import annotations

import statistics
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LATENCY_REPEATS = 20
ENOUGH_SECONDS = 0.5
"""Prediction is repeated until this much time is measured, so that the speed of fast models is exact."""


@dataclass
class Clock:
    """The duration of a block, known when it ends."""

    seconds: float = 0.0


@contextmanager
def clock() -> Iterator[Clock]:
    """Measure the wall time of a block."""
    reading = Clock()
    start = time.perf_counter()
    try:
        yield reading
    finally:
        reading.seconds = time.perf_counter() - start


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


def latency_ms(predict_one: Callable[[], object]) -> float:
    """Median time of the prediction of one event in milliseconds, after a warm-up."""
    predict_one()
    times = []
    for _ in range(LATENCY_REPEATS):
        with clock() as reading:
            predict_one()
        times.append(reading.seconds * 1000)
    return statistics.median(times)


def control_workload() -> float:
    """Events/s of a fixed workload, matrix products and a sort, the same on every machine and for every cell.

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
