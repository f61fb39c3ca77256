from __future__ import annotations

import math

import pytest

from benchmark.engine import throughput


@pytest.fixture(autouse=True)
def quick() -> None:
    """Here speeds are measured as outside of tests."""


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A wall clock that the test moves: each call of `perf_counter` takes the next reading, then stands still."""
    readings: list[float] = []
    last = [0.0]

    def now() -> float:
        if readings:
            last[0] = readings.pop(0)
        return last[0]

    monkeypatch.setattr(throughput.time, "perf_counter", now)
    return readings


def test_clock_stops_also_when_the_block_fails(ticks: list[float]):
    ticks += [10.0, 12.5]
    with pytest.raises(KeyError), throughput.clock() as reading:
        raise KeyError
    assert reading.seconds == 2.5


def test_rate_is_the_median_after_a_warm_up(ticks: list[float]):
    calls = []
    ticks += [0, 0.1, 1, 1.2, 2, 2.4]
    assert throughput.events_per_second(lambda: calls.append(1), 20) == pytest.approx(100)
    assert len(calls) == 4, "one warm-up, then until half a second was measured"


def test_a_slow_model_is_measured_twice(ticks: list[float]):
    ticks += [0, 10, 20, 30]
    assert throughput.events_per_second(lambda: None, 20) == 2


def test_latency_is_that_of_single_events(ticks: list[float]):
    calls = []
    times = [0.002] * 198 + [0.004, 0.009]
    ticks += [time for call, took in enumerate(times) for time in (call, call + took)]
    assert throughput.latencies_ms(lambda: calls.append(1)) == pytest.approx((2.0, 2.02))  # between 2 and 4, at 1%
    assert len(calls) == throughput.LATENCY_REPEATS + 1


def test_slow_events_are_repeated_less_often(ticks: list[float]):
    ticks += [time for call in range(10) for time in (call, call + 0.5)]
    assert throughput.latencies_ms(lambda: None) == pytest.approx((500.0, 500.0))


def test_control_workload_is_a_rate():
    rate = throughput.control_workload()
    assert rate > 0
    assert math.isfinite(rate)
