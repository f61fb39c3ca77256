"""Power laws through points that lie on one, and through noise; numpy's line; the coverage of intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmark.metrics.learning_curve import fit

SIZES = np.array([1000.0, 2000, 4000, 8000])


def law(sizes: np.ndarray, exponent: float = 0.4) -> np.ndarray:
    """0.9 with 1,000 events."""
    return 1 - 0.1 * (sizes / 1000) ** -exponent


def independent(errors: np.ndarray) -> np.ndarray:
    return np.diag(errors**2)


def test_points_on_a_law():
    found = fit(SIZES, law(SIZES), independent(np.full(4, 1e-4)))
    assert found.exponent.value == pytest.approx(0.4)
    assert found.at(16_000).value == pytest.approx(law(np.array([16_000.0]))[0])
    assert found.needed(0.95).value == pytest.approx(1000 * 2 ** (1 / 0.4)), "half of what is missing"
    half = found.exponent.high - found.exponent.value
    assert half == pytest.approx(1.959964 * found.slope_error)


def test_the_line_is_that_of_numpy():
    rng = np.random.default_rng(1)
    values, errors = law(SIZES) + 0.002 * rng.normal(size=4), np.array([0.003, 0.002, 0.004, 0.001])
    found = fit(SIZES, values, independent(errors))
    weights = (1 - values) / errors
    (slope, start), covariance = np.polyfit(np.log(SIZES), np.log(1 - values), 1, w=weights, cov="unscaled")
    scatter = np.sum((weights * (np.log(1 - values) - start - slope * np.log(SIZES))) ** 2) / 2
    assert found.exponent.value == pytest.approx(-slope)
    assert found.slope_error == pytest.approx(math.sqrt(covariance[0, 0] * max(1, scatter)))


@pytest.mark.parametrize("exponent", [0.1, 0.4])
def test_intervals_cover_the_truth(exponent: float):
    rng, held = np.random.default_rng(2), []
    sizes = np.repeat(SIZES, 8)
    for _ in range(1000):
        values = law(sizes, exponent) + 0.003 * rng.normal(size=32)
        found = fit(sizes, values, independent(np.full(32, 0.003)))
        needed, at = found.needed(0.92), found.at(32_000)
        held.append(
            (
                found.exponent.low <= exponent <= found.exponent.high,
                at.low <= law(np.array([32_000.0]), exponent)[0] <= at.high,
                needed.value is None or needed.low <= 1000 * 0.8 ** (-1 / exponent) <= needed.high,
            )
        )
    assert all(0.94 <= share <= 0.99 for share in np.mean(held, axis=0))


def test_what_all_points_share_does_not_move_the_exponent():
    own, shared = independent(np.full(4, 1e-3)), 0.02**2 * np.outer(1 - law(SIZES), 1 - law(SIZES))
    alone, together = fit(SIZES, law(SIZES), own), fit(SIZES, law(SIZES), own + shared)
    assert together.slope_error == pytest.approx(alone.slope_error)
    assert together.height_error == pytest.approx(np.hypot(alone.height_error, 0.02))


def test_scatter_beyond_the_errors_raises_them():
    errors = independent(np.full(4, 1e-4))
    scattered = fit(SIZES, law(SIZES) + np.array([0.01, -0.01, 0.01, -0.01]), errors)
    assert scattered.slope_error > 10 * fit(SIZES, law(SIZES), errors).slope_error


def test_events_that_do_not_help():
    found = fit(SIZES, np.array([0.9, 0.91, 0.9, 0.905]), independent(np.full(4, 0.005)))
    assert found.needed(0.95).value is None
    assert found.needed(0.95).reason == "more events do not help significantly"


@pytest.mark.parametrize(
    ("sizes", "values", "errors"),
    [
        ([1000, 2000], [0.8, 0.9], [0.01, 0.01]),
        ([1000, 1000, 2000], [0.8, 0.81, 0.9], [0.01, 0.01, 0.01]),
        ([1000, 2000, 4000], [0.8, 0.9, 1.0], [0.01, 0.01, 0.01]),
        ([1000, 2000, 4000], [0.8, 0.9, 0.95], [0.01, 0.0, 0.01]),
        ([1000, 2000, 4000, 4000], [0.8, 0.9, 0.95, 1.2], [0.01, 0.01, 0.01, 0.01]),
        ([], [], []),
    ],
)
def test_points_that_say_nothing(sizes: list[float], values: list[float], errors: list[float]):
    assert fit(sizes, values, independent(np.array(errors))) is None
