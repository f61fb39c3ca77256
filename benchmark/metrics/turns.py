"""Times of two programs that were measured in turn: how many times as long the second one takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from benchmark.core.errors import UserError
from benchmark.metrics.comparison import holm, spread_of
from benchmark.metrics.intervals import student_p_value, student_quantile
from benchmark.metrics.metric import CONFIDENCE
from benchmark.metrics.simultaneous import moderated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Ratio(NamedTuple):
    """The time of b over that of a: its geometric mean over turns, a 95% interval, and p-values of no difference.

    p_value : of this ratio by itself. p_value_holm : corrected for all that were measured together.
    """

    value: float
    low: float
    high: float
    p_value: float
    p_value_holm: float


def time_ratios(turns: Mapping[str, Sequence[tuple[float, float]]], confidence: float = CONFIDENCE) -> dict[str, Ratio]:
    """Ratios of the times of several things, each measured in turn: a, b, a, b, ...

    Parameters
    ----------
    turns : by name, the times of a and of b in each turn, above 0; two turns or more.
    confidence : two-sided.

    Raises
    ------
    UserError
        For a single turn, which says nothing of its error, and for a time that is not above 0.

    Notes
    -----
    What slows a machine for a while slows both sides of a turn, so that the logarithms of ratios scatter little: their
    mean has Student's t for the spread over turns, in which the spreads of all things are combined (`moderated`).
    """
    logs = {}
    for name, times in turns.items():
        if len(times) < 2:
            raise UserError(
                f"times of {name}: {len(times)} turn, expected two or more. Measure again, with more turns."
            )
        if not all(0 < each < math.inf for turn in times for each in turn):
            raise UserError(f"times of {name}: a time that is not above 0, expected seconds.")
        logs[name] = [math.log(b / a) for a, b in times]
    spreads = moderated([spread for each in logs.values() if (spread := spread_of(each)) is not None])
    found = {}
    for (name, each), spread in zip(logs.items(), spreads, strict=True):
        mean, error = sum(each) / len(each), math.sqrt(spread.variance / len(each))
        margin = student_quantile(confidence, spread.freedom) * error
        p_value = student_p_value(mean / error, spread.freedom) if error else float(mean == 0)
        found[name] = (math.exp(mean), math.exp(mean - margin), math.exp(mean + margin), p_value)
    corrected = holm([p_value for *_, p_value in found.values()])
    return {name: Ratio(*numbers, p) for (name, numbers), p in zip(found.items(), corrected, strict=True)}
