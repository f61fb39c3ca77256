"""Fixed numbers of events in bins of some variables, so that these variables alone do not discriminate classes."""

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
    """Distribute `count` events over bins in proportion to their shares; the numbers add up to `count`."""
    edges = np.rint(count * np.concatenate([[0.0], np.cumsum(shares, dtype=np.float64)]) / np.sum(shares))
    return np.asarray(np.diff(edges.astype(np.int64)))


def filled(
    batches: Iterator[ak.Array],
    select: Callable[[ak.Array], tuple[ak.Array, NDArray[np.int64]]],
    quota: NDArray[np.int64],
    what: str,
) -> ak.Array:
    """Collect the first `quota[i]` events of each bin i, in the order in which they are generated.

    `select` returns the accepted events and the bin of each. Raises UserError, naming `what`, if none of the first
    20,000 collisions is accepted, or if a bin is empty when there are 100 times as many events as needed in all.
    """
    kept: list[ak.Array] = []
    seen = np.zeros(len(quota), dtype=np.int64)
    tried = 0
    for events in batches:
        rows, bins = select(events)
        tried += len(events)
        wanted = seen[bins] + _earlier(bins) < quota[bins]
        progress.report(int(wanted.sum()))
        seen += np.bincount(bins, minlength=len(quota))
        if wanted.any():
            kept.append(rows[wanted])
        if (seen >= quota).all():
            break
        starved = (seen == 0) & (quota > 0)
        if (tried >= HARDLY_ANY and not seen.any()) or (starved.any() and seen.sum() > 100 * max(quota.sum(), 1000)):
            raise UserError(
                f"{what}: {seen.sum()} of {tried} collisions pass the selection, and {starved.sum()} of {len(quota)} "
                "bins of pt and eta are empty, expected events in each. Loosen the selection."
            )
    return ak.to_packed(ak.concatenate(kept))


def _earlier(bins: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each event, the number of earlier events of the batch in the same bin."""
    order = np.argsort(bins, kind="stable")
    ordered = bins[order]
    starts = np.searchsorted(ordered, ordered, side="left")
    rank = np.empty(len(bins), dtype=np.int64)
    rank[order] = np.arange(len(bins)) - starts
    return rank
