"""Numbers as text, with as many digits as their uncertainty justifies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmark.metrics.metric import Estimate

_MOST_SHARED = 4


def write_estimate(estimate: Estimate, digits: int | None = None) -> str:
    """`0.8531 ± 0.0041`, with two digits of the uncertainty; `> 120` if only the lower bound is known.

    Parameters
    ----------
    digits : decimals, for columns with the same number of decimals in all rows.
    """
    if estimate.value is None:
        return f"> {write_number(estimate.low)}" if estimate.low else "–"
    if estimate.low is None and estimate.high is None:
        return write_number(estimate.value) if digits is None else f"{estimate.value:,.{digits}f}"
    widths = _widths(estimate)
    digits = _decimals([width for width in widths if width is not None]) if digits is None else digits
    down, up = (f"{width:,.{digits}f}" if width is not None else "∞" for width in widths)
    value = f"{estimate.value:,.{digits}f}"
    return f"{value} ± {up}" if up == down else f"{value} +{up} −{down}"


def shared_decimals(estimates: Iterable[Estimate]) -> int | None:
    """Decimals for a whole column: those of its most precise entry, but more than four only if most entries need them.

    None if no entry has an interval.
    """
    decimals = []
    for estimate in estimates:
        widths = [width for width in _widths(estimate) if width is not None]
        if any(width > 0 for width in widths):
            decimals.append(_decimals(widths))
    if not decimals:
        return None
    return min(max(decimals), max(_MOST_SHARED, sorted(decimals)[len(decimals) // 2]))


def write_number(number: float) -> str:
    """Three digits, or all before the decimal point: `0.712`, `12.3`, `12,345`."""
    if number == 0:
        return "0"
    if not math.isfinite(number):
        return "–"
    if not 1e-4 <= abs(number) < 1e7:
        return f"{number:.2e}"
    digits = max(0, 2 - math.floor(math.log10(abs(number))))
    return f"{number:,.{digits}f}"


def write_count(number: float) -> str:
    """`1,234,567`."""
    return f"{number:,.0f}"


def _widths(estimate: Estimate) -> tuple[float | None, float | None]:
    if estimate.value is None:
        return None, None
    below = None if estimate.low is None else estimate.value - estimate.low
    above = None if estimate.high is None else estimate.high - estimate.value
    return below, above


def _decimals(widths: Sequence[float]) -> int:
    """Decimals that show two digits of the smallest width above 0."""
    smallest = min((width for width in widths if 0 < width < math.inf), default=1e-3)
    return min(6, max(0, 1 - math.floor(math.log10(smallest))))
