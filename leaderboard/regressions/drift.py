"""Steps in the scores of accepted revisions: losses too small to be seen from one to the next, which add up."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from scipy.stats import false_discovery_control

from benchmark.metrics.comparison import pooled, spread_of
from benchmark.metrics.metric import CONFIDENCE
from benchmark.metrics.steps import largest_step
from leaderboard.formatting import write_number
from leaderboard.regressions.findings import Finding
from leaderboard.regressions.history import by_series

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from benchmark.metrics.steps import LargestStep
    from leaderboard.regressions.history import Point


def of_history(points: Iterable[Point], share: float = 1 - CONFIDENCE) -> Iterator[Finding]:
    """Series with a step, of all series of scores in a history.

    Parameters
    ----------
    share : of the steps that are found, those that are by chance, on average and at most (Benjamini and Hochberg,
        J. R. Stat. Soc. B 57 (1995) 289).

    Notes
    -----
    The error of a point is the spread over seeds, of all points of its series together: the test events are the same
    for all points, so that theirs cancels. Revisions that leave a cell as it was repeat its numbers to the last bit:
    they count once. Cells that draw nothing at random have no errors and are left out; the comparison with the last
    revision sees theirs.
    """
    found = [(series, step) for each in by_series(points).values() if (step := _step(series := _changed(each)))]
    if not found:
        return
    corrected = false_discovery_control([step.p_value for _, step in found])
    for (series, step), expected in zip(found, corrected, strict=True):
        if expected <= share:
            after = series[step.at]
            words = (
                f"{after.number} {step.size:+.4f} ± {step.error:.4f} since {after.revision[:10]} "
                f"({after.created[:10]}), p = {write_number(step.p_value)}"
            )
            yield Finding("drift", after.series, words, worse=(step.size < 0) == (after.better == "higher"))


def _changed(series: Sequence[Point]) -> list[Point]:
    """The points that differ from the one before."""
    return [*series[:1], *(point for before, point in pairwise(series) if before.values != point.values)]


def _step(series: Sequence[Point]) -> LargestStep | None:
    spread = pooled(found for point in series if (found := spread_of(point.values)))
    if spread is None or spread.variance == 0:
        return None
    return largest_step([p.mean for p in series], [math.sqrt(spread.variance / len(p.values)) for p in series])
