"""Two rows of a board compared: paired on the test events that both have, with the spread over their seeds."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from benchmark.metrics.comparison import Spread, compare_same_seeds, compare_seeds, pooled, spread_of
from benchmark.metrics.intervals import student_quantile
from benchmark.metrics.metric import CONFIDENCE
from benchmark.metrics.simultaneous import moderated
from leaderboard.ranking.seeds import SCALES, seed_estimate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmark.metrics.auc import Area
    from benchmark.metrics.comparison import Difference
    from benchmark.metrics.metric import Estimate
    from leaderboard.ranking.row import Row
    from leaderboard.ranking.scores import ScoreBook


def compare(a: Row, b: Row, book: ScoreBook, number: str = "") -> Difference | None:
    """The number of row a minus that of row b, paired on the test events that both have; see `compare_seeds`.

    A row of one seed has the spread that it borrows (`Row.borrowed`).

    Parameters
    ----------
    number : an area under a ROC curve, such as ``"auc_macro"``; by default the headline of the board.

    Returns
    -------
    None if the number is no area, if scores are missing, or if the test events of neither are among those of the other.
    """
    number = number or a.headline
    areas = _areas(a, b, book, number)
    if areas is None:
        return None
    alike = partial(book.same_order, a.done[0], b.done[0])
    return compare_seeds(*areas, alike, (lent_to(a, number), lent_to(b, number)))


def compare_versions(pairs: Sequence[tuple[Row, Row]], book: ScoreBook) -> list[Difference | None]:
    """The headline of row a minus that of row b, two versions of one cell, for pairs that are compared together.

    Pairs with the same seeds are compared seed by seed; the spreads of their differences are averaged with what is
    usual among all (`moderated`). Others are compared as `compare` does.
    """
    found = [_areas(a, b, book, a.headline) for a, b in pairs]
    alike = [each is not None and _seeds(a) == _seeds(b) for each, (a, b) in zip(found, pairs, strict=True)]
    spreads = [
        spread_of([one.value - other.value for one, other in zip(*areas, strict=True)]) if areas and same else None
        for areas, same in zip(found, alike, strict=True)
    ]
    mixed = iter(moderated([spread for spread in spreads if spread is not None]))
    together = [None if spread is None else next(mixed) for spread in spreads]
    return [
        compare_same_seeds(*areas, partial(book.same_order, a.done[0], b.done[0]), spread)
        if areas and same
        else compare(a, b, book)
        for (a, b), areas, same, spread in zip(pairs, found, alike, together, strict=True)
    ]


def _seeds(row: Row) -> list[int]:
    return [result.seed for result in row.done]


def _areas(a: Row, b: Row, book: ScoreBook, number: str) -> tuple[list[Area], list[Area]] | None:
    """The areas of all seeds of each row on the test events that both have; None if one is missing."""
    if not a.done or not b.done or a.done[0].has_signal != b.done[0].has_signal:
        return None
    first, second = (
        [found for result in row.done if (found := book.area(result, number, other.done[0]))]
        for row, other in ((a, b), (b, a))
    )
    sizes = {len(area.influence) for area in (*first, *second)}
    if (len(first), len(second)) != (len(a.done), len(b.done)) or len(sizes) != 1:
        return None
    return first, second


def significantly_better(best: Row, other: Row, book: ScoreBook) -> bool:
    """Whether `best` has a better headline beyond the uncertainty from test events and seeds, at 95% confidence.

    With scores of both, and a headline that is an area under a ROC curve, rows are compared as `compare` does.
    Otherwise their intervals, which have the same parts, must not overlap. A row without an interval is never
    significantly different.
    """
    lower = best.headline_column.better == "lower"
    same = best.done[0].fingerprint == other.done[0].fingerprint
    if same and not lower and (best.score.value or 0.0) <= (other.score.value or 0.0):
        return False  # most pairs need no comparison
    found = None if lower else compare(best, other, book)
    if found is not None:
        return found.low > 0
    high, low = (other, best) if lower else (best, other)
    a, b = _with_spread(high), _with_spread(low)
    if a.value is None or b.value is None or a.value <= b.value:
        return False
    return a.low is not None and b.high is not None and a.low > b.high


def pooled_spread(rows: Iterable[Row]) -> Spread | None:
    """The spread over seeds of the headline of all rows with several, on its scale; None if there are none.

    Seeds that agree to the last bit, such as those of `bdt`, draw nothing at random: they say nothing of other rows.
    On the scale of log(v / (1 - v)) the training noise of strong and weak rows is of one size: an area of 0.99 moves
    less than one of 0.7 when the network changes as much.
    """
    return pooled(spread for row in rows if (spread := own_spread(row)))


def lent_to(row: Row, number: str) -> Spread | None:
    """The borrowed spread of a row of one seed, as a variance of the number itself; None for other rows."""
    value = seed_estimate(row.done[0], number).value if len(row.done) == 1 else None
    if row.borrowed is None or value is None or not 0 < value < 1:
        return None
    return Spread(row.borrowed.variance * (value * (1 - value)) ** 2, row.borrowed.freedom)


def own_spread(row: Row) -> Spread | None:
    """The spread over its seeds of the headline of a row, on its scale.

    None of one seed, if nothing is drawn at random, and if a seed is at an end of the scale, such as an area of 1.
    """
    scale = SCALES[row.headline_column.scale]
    values = [value for result in row.done if (value := seed_estimate(result, row.headline).value) is not None]
    if len(set(values)) == 1 or not all(map(scale.inside, values)):
        return None
    return spread_of(list(map(scale.to, values)))


def _with_spread(row: Row) -> Estimate:
    """The headline of a row; of one with a borrowed spread, with the interval that this makes wider."""
    score, scale = row.score, SCALES[row.headline_column.scale]
    if row.borrowed is None or len(row.done) > 1 or score.value is None or not scale.inside(score.value):
        return score
    noise = student_quantile(CONFIDENCE, row.borrowed.freedom) * math.sqrt(row.borrowed.variance)
    place = scale.to(score.value)
    low, high = (
        bound if bound is None else scale.of(place + sign * math.hypot(scale.to(bound) - place, noise))
        for bound, sign in ((score.low, -1), (score.high, 1))
    )
    return type(score)(score.value, low, high)
