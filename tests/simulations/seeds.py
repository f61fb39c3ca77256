"""Cells of several seeds, in simulated boards: what intervals of rows hold, and how often they differ.

python -m tests.simulations.seeds [--toys 1000]     prints the tables of docs/statistics.md, in some minutes

An estimate is the sum of three normal numbers: one of the test events that all trainings share, one of the events for
this training alone, and one of the training. The first two have variances that add up to 1.
"""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

import numpy as np

from benchmark.metrics.comparison import spread_of
from benchmark.metrics.metric import Estimate
from benchmark.metrics.simultaneous import MOST_FREEDOM, JointEstimates, different, moderated
from leaderboard.ranking.seeds import Z, combine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

TRAININGS = (0.2, 1.0, 5.0)
"""Standard deviations over trainings, in units of that over test events."""

OWN = (0.0, 0.1, 0.4)
"""Shares of the variance from events that are each training's own."""

COMMON = 0.8
"""Correlation of two cells over test events."""


def held(toys: int, seeds: int, trainings: float, own: float) -> float:
    """In how many cells the interval of the row holds the mean over events and trainings."""
    rng, found = np.random.default_rng(seeds), 0
    for _ in range(toys):
        alone = math.sqrt(own) * rng.normal(size=seeds) + trainings * rng.normal(size=seeds)
        values = math.sqrt(1 - own) * rng.normal() + alone
        row = combine([Estimate(value, value - Z, value + Z) for value in values.tolist()])
        assert row.low is not None
        assert row.high is not None
        found += row.low <= 0 <= row.high
    return found / toys


def differing(rng: np.random.Generator, cells: int, seeds: int, factor: float, ahead: float = 0.0) -> NDArray[np.bool_]:
    """Which pairs of simulated cells differ, (cells, cells).

    Parameters
    ----------
    seeds : of each cell; with one there is no noise of trainings.
    factor : by which standard deviations over trainings differ (one standard deviation of their logarithm).
    ahead : how far the first is above all others, in standard errors of a difference.
    """
    covariance = COMMON + (1 - COMMON) * np.eye(cells)
    size = np.exp(math.log(factor) * rng.normal(size=cells)) if seeds > 1 else np.zeros(cells)
    error = math.sqrt(2 * (1 - COMMON) + (2 / seeds if seeds > 1 else 0.0))
    events = rng.multivariate_normal(np.zeros(cells), covariance) + ahead * error * (np.arange(cells) == 0)
    values = events[:, None] + rng.normal(size=(cells, seeds)) * size[:, None]
    spreads = moderated([spread for line in values if (spread := spread_of(line.tolist()))])
    means = values.mean(axis=1)
    estimates = JointEstimates(
        difference=means[:, None] - means,
        item=np.repeat(np.arange(cells)[:, None], cells, axis=1),
        covariance=covariance,
        spread=np.array([spread.variance for spread in spreads]) / seeds if spreads else np.zeros(cells),
        freedom=np.array([spread.freedom for spread in spreads]) if spreads else np.full(cells, MOST_FREEDOM),
    )
    return different(estimates, draws=4000)


def one_class(toys: int, cells: int, seeds: int, factor: float) -> float:
    """In how many boards of equal cells no two differ significantly."""
    rng = np.random.default_rng([cells, seeds])
    return float(np.mean([not differing(rng, cells, seeds, factor).any() for _ in range(toys)]))


def power(toys: int, cells: int, seeds: int, ahead: float) -> float:
    """How often a cell that is ahead differs significantly from another one."""
    rng = np.random.default_rng([cells, seeds])
    return float(np.mean([differing(rng, cells, seeds, 1.0, ahead)[0, 1] for _ in range(toys)]))


def tables(toys: int) -> Iterator[str]:
    """Intervals of rows, equal rows and rows that differ, in percent."""
    yield "| spread of trainings | own share of events | 3 seeds | 5 seeds |"
    yield "|---|---|---|---|"
    for trainings in TRAININGS:
        for own in OWN:
            shares = " | ".join(f"{100 * held(10 * toys, seeds, trainings, own):.1f}" for seeds in (3, 5))
            yield f"| {trainings:g} | {own:g} | {shares} |"
    yield ""
    yield "| equal rows | seeds | spreads differ by | one class | by pairs of which each stands alone |"
    yield "|---|---|---|---|---|"
    for cells, seeds, factor in ((10, 1, 1.0), (10, 3, 1.0), (10, 3, 1.6), (10, 5, 1.0), (20, 3, 1.0), (20, 3, 1.6)):
        alone = f"{100 * pairs_alone(10 * toys, cells):.0f}" if seeds == 1 else ""
        yield f"| {cells} | {seeds} | {factor:g} | {100 * one_class(toys, cells, seeds, factor):.1f} | {alone} |"
    yield ""
    yield "| rows | seeds | 2 errors ahead | 3 errors | 4 errors | 5 errors |"
    yield "|---|---|---|---|---|---|"
    for cells, seeds in ((2, 1), (2, 3), (10, 1), (10, 3), (20, 3)):
        shares = " | ".join(f"{100 * power(toys // 2, cells, seeds, ahead):.0f}" for ahead in (2.0, 3.0, 4.0, 5.0))
        yield f"| {cells} | {seeds} | {shares} |"


def pairs_alone(toys: int, cells: int) -> float:
    """In how many boards of equal cells no pair differs at 95% by itself."""
    values = np.random.default_rng(cells).normal(size=(toys, cells))
    return float(np.mean(values.max(axis=1) - values.min(axis=1) < Z * math.sqrt(2)))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--toys", type=int, default=1000, help="boards of each kind")
    for line in tables(parser.parse_args().toys):
        print(line, flush=True)


if __name__ == "__main__":
    main()
