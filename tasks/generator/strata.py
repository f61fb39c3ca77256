"""Events in fixed numbers for each cell of some variables, so that these variables alone tell no classes apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError
from tasks.generator import progress
from tasks.generator.pythia import HARDLY_ANY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray


def quotas(shares: NDArray[Any], count: int) -> NDArray[np.int64]:
    """`count` events over cells in the ratio of their shares: whole numbers that add up to `count`."""
    edges = np.rint(count * np.concatenate([[0.0], np.cumsum(shares, dtype=np.float64)]) / np.sum(shares))
    return np.asarray(np.diff(edges.astype(np.int64)))


def filled(
    batches: Iterator[ak.Array],
    select: Callable[[ak.Array], tuple[ak.Array, NDArray[np.int64]]],
    quota: NDArray[np.int64],
    what: str,
) -> ak.Array:
    """The first `quota[cell]` events of each cell, in the order in which they come.

    `select` gives the events that it lets through, and the cell of each. Within a cell events are as the generator
    makes them; only how many there are of each cell is dictated.
    Raises UserError when no collision of the first 20,000 passes, or a cell is still empty when others are filled
    100 times over.
    """
    kept: list[ak.Array] = []
    seen = np.zeros(len(quota), dtype=np.int64)
    tried = 0
    for events in batches:
        rows, cell = select(events)
        tried += len(events)
        wanted = seen[cell] + _earlier(cell) < quota[cell]
        progress.tell(int(wanted.sum()))
        seen += np.bincount(cell, minlength=len(quota))
        if wanted.any():
            kept.append(rows[wanted])
        if (seen >= quota).all():
            break
        starved = (seen == 0) & (quota > 0)
        if (tried >= HARDLY_ANY and not seen.any()) or (starved.any() and seen.sum() > 100 * max(quota.sum(), 1000)):
            raise UserError(
                f"{what}: {seen.sum()} of {tried} collisions pass the selection, and {starved.sum()} of {len(quota)} "
                "cells of pt and eta have none, expected some in each. Loosen the selection."
            )
    return ak.to_packed(ak.concatenate(kept))


def _earlier(cell: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many events before it in the batch are in the same cell."""
    order = np.argsort(cell, kind="stable")
    ordered = cell[order]
    starts = np.searchsorted(ordered, ordered, side="left")
    rank = np.empty(len(cell), dtype=np.int64)
    rank[order] = np.arange(len(cell)) - starts
    return rank
