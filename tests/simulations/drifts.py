"""How often the search for drifts finds planted ones, and how often noise.

python -m tests.simulations.drifts [--scans 1000]     prints the table of docs/statistics.md, in some minutes

A scan is over many series at once, as that of a history: each has a number of points with errors of one, and steps are
reported of which 5% are expected to be by chance.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import false_discovery_control

from benchmark.metrics.steps import largest_step

if TYPE_CHECKING:
    from numpy.typing import NDArray

SERIES, POINTS = 500, 60
SHARE = 0.05


def p_value(series: NDArray[np.float64]) -> float:
    """Of the largest step of a series whose points have errors of one."""
    found = largest_step(series, np.ones(len(series)))
    assert found is not None
    return found.p_value


def reported(series: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of several series (series, points) a scan reports."""
    return np.asarray(false_discovery_control([p_value(each) for each in series]) <= SHARE)


def false_alarms(scans: int, series: int = SERIES, points: int = POINTS, seed: int = 1) -> float:
    """The share of scans of pure noise that report anything."""
    rng = np.random.default_rng(seed)
    return float(np.mean([reported(rng.normal(size=(series, points))).any() for _ in range(scans)]))


def drifting(rng: np.random.Generator, count: int, points: int = POINTS, revisions: int = 6) -> NDArray[np.float64]:
    """Series (count, points) that lose one error with each of some revisions, somewhere with three points before."""
    first = rng.integers(3, points - revisions + 1, count)
    lost = np.clip(np.arange(points) - first[:, np.newaxis] + 1, 0, revisions)
    return rng.normal(size=(count, points)) - lost


def power(count: int, among: int = SERIES, seed: int = 2) -> tuple[float, float]:
    """The share of drifting series that are found: all together, and each alone among series of noise."""
    rng = np.random.default_rng(seed)
    series = drifting(rng, count)
    p_values = np.array([p_value(each) for each in series])
    return float(np.mean(false_discovery_control(p_values) <= SHARE)), float(np.mean(p_values <= SHARE / among))


def outliers(count: int, size: float = 5.0, points: int = POINTS, seed: int = 3) -> tuple[float, float]:
    """The share of series with one outlier of some errors that a scan of one, or of many, reports."""
    rng = np.random.default_rng(seed)
    series = rng.normal(size=(count, points))
    series[np.arange(count), rng.integers(0, points, count)] -= size
    p_values = np.array([p_value(each) for each in series])
    return float(np.mean(p_values <= SHARE)), float(np.mean(p_values <= SHARE / SERIES))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=1000, help="Of 500 series of noise.")
    scans = parser.parse_args().scans
    together, alone = power(SERIES)
    one, many = outliers(SERIES)
    print("| scan of 500 series of 60 points | reported, % |\n|---|---|")
    for words, share in (
        (f"noise alone: scans of {scans} with an alarm", false_alarms(scans)),
        ("losses of one error over six revisions, in all 500 series", together),
        ("the same in one of 500 series", alone),
        ("one point off by five errors, in one of 500 series", many),
        ("the same in a history of one series", one),
    ):
        print(f"| {words} | {100 * share:.1f} |", flush=True)


if __name__ == "__main__":
    main()
