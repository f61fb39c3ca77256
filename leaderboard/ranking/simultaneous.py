"""Which rows of a board are better than which: all statements together hold with 95% confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmark.metrics.auc import NOISE, mean_area
from benchmark.metrics.comparison import Spread, spread_of
from benchmark.metrics.simultaneous import MOST_FREEDOM, JointEstimates, different, moderated
from leaderboard.ranking.comparison import own_spread, significantly_better
from leaderboard.ranking.seeds import seed_estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from benchmark.metrics.arrays import Bools, Floats
    from benchmark.metrics.auc import Area
    from benchmark.records.result import Result
    from leaderboard.ranking.row import Row
    from leaderboard.ranking.scores import ScoreBook


class _RowPart(NamedTuple):
    """A row on one set of test events.

    Parameters
    ----------
    value : the mean over seeds.
    influences : (seeds, events) of the largest set; 0 for events of other sets.
    """

    value: float
    influences: Floats


def better(rows: Sequence[Row], book: ScoreBook) -> Bools:
    """Whether the headline of one row is better than that of another, (rows, rows).

    Rows with scores and a headline that is an area under a ROC curve are compared all at once, on the test events that
    two have in common and with the spread over their seeds; see `benchmark.metrics.simultaneous.different`. Where there
    is no such comparison, or nothing varies, each pair stands for itself; see `significantly_better`.
    """
    wins, settled = (np.zeros((len(rows), len(rows)), dtype=bool) for _ in range(2))
    np.fill_diagonal(settled, True)
    together, cells = _cells(rows, book)
    if cells is not None:
        among = np.ix_(together, together)
        wins[among] = different(cells) & (cells.difference > 0)
        settled[among] |= cells.variance > NOISE**2
    for a, b in np.argwhere(~settled):
        wins[a, b] = significantly_better(rows[a], rows[b], book)
    return wins


def covariance_of(rows: Sequence[Row], book: ScoreBook) -> Floats | None:
    """The covariance of the headlines of rows (rows, rows), from test events and trainings; None without scores."""
    together, cells = _cells(rows, book)
    if cells is None or len(together) < len(rows):
        return None
    covariance: Floats = cells.covariance[cells.item, cells.item.T] + np.diag(cells.spread)
    return covariance


def _cells(rows: Sequence[Row], book: ScoreBook) -> tuple[list[int], JointEstimates | None]:
    """The rows that can be compared all at once, and what is known of them."""
    sets = _sets(rows, book)
    parts = [_parts(row, sets, book) for row in rows]
    together = [place for place, found in enumerate(parts) if found]
    if len(together) < 2:
        return [], None
    items: list[tuple[int, _RowPart]] = []
    places: list[list[int]] = []
    for number, place in enumerate(together):
        places.append(list(range(len(items), len(items) + len(parts[place]))))
        items += [(number, part) for part in parts[place]]
    common = [[min(len(a), len(b)) - 1 for b in places] for a in places]
    item = np.array([[places[a][common[a][b]] for b in range(len(places))] for a in range(len(places))])
    values = np.array([part.value for _, part in items])
    spreads = _spreads([rows[place] for place in together])
    return together, JointEstimates(
        difference=values[item] - values[item].T,
        item=item,
        covariance=_covariance(items),
        spread=np.array([0.0 if spread is None else spread.variance for spread in spreads]),
        freedom=np.array([MOST_FREEDOM if spread is None else spread.freedom for spread in spreads]),
    )


def _sets(rows: Sequence[Row], book: ScoreBook) -> list[Result]:
    """A result of each set of test events, the one with the fewest events first; each is part of the next."""
    found: dict[str, tuple[int, Result]] = {}
    for result in (result for row in rows for result in row.done):
        if (events := book.evidence(result).events) is not None:
            found.setdefault(events.sha256, (len(events.event_ids), result))
    ordered = [result for _, result in sorted(found.values(), key=lambda sized: sized[0])]
    return [one for one in ordered if book.places(one, ordered[-1]) is not None]


def _parts(row: Row, sets: Sequence[Result], book: ScoreBook) -> list[_RowPart]:
    """A row on the sets of events that it has, the smallest first; none if it cannot be compared."""
    parts: list[_RowPart] = []
    for one in sets:
        areas = [book.area(result, row.headline, one) for result in row.done]
        known = [area for area in areas if area is not None]
        places = book.places(one, sets[-1])
        if len(known) < len(areas) or places is None:
            return []
        if {len(area.influence) for area in known} != {len(places)}:
            break  # the row has fewer events than this set
        parts.append(_RowPart(mean_area(known).value, _embedded(known, places, sets[-1], book)))
    return parts


def _embedded(areas: Sequence[Area], places: NDArray[np.intp], largest: Result, book: ScoreBook) -> Floats:
    events = book.evidence(largest).events
    influences = np.zeros((len(areas), len(places) if events is None else len(events.event_ids)))
    for line, area in zip(influences, areas, strict=True):
        line[places] = area.influence
    return influences


def _covariance(items: Sequence[tuple[int, _RowPart]]) -> Floats:
    """Of the means over seeds, from test events: without what is each training's own; see `compare_seeds`."""
    means = np.stack([part.influences.mean(axis=0) for _, part in items])
    covariance: Floats = means @ means.T
    for a, (row, one) in enumerate(items):
        for b, (other, two) in enumerate(items):
            seeds = len(one.influences)
            if row == other and seeds > 1:
                apart = np.sum((one.influences - means[a]) * (two.influences - means[b]))
                covariance[a, b] -= apart / (seeds - 1) / seeds
    return covariance


def _spreads(rows: Sequence[Row]) -> list[Spread | None]:
    """The variance of the mean over seeds of each row: its own with what all rows say of it, or the borrowed one."""
    own = [own_spread(row) for row in rows]
    mixed = iter(moderated([spread for spread in own if spread is not None]))
    return [
        _of_mean(row, row.borrowed if spread is None else next(mixed)) for row, spread in zip(rows, own, strict=True)
    ]


def _of_mean(row: Row, spread: Spread | None) -> Spread | None:
    """The variance of the mean over seeds, from the spread on the scale of the logit; without it, from the areas alone.

    An area of 1 has no logit.
    """
    values = [value for result in row.done if (value := seed_estimate(result, row.headline).value) is not None]
    if spread is None:
        plain = spread_of(values)
        return None if plain is None else Spread(plain.variance / len(values), plain.freedom)
    value = row.score.value or 0.0
    return Spread(spread.variance * (value * (1 - value)) ** 2 / len(row.done), spread.freedom)
