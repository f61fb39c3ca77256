"""Threads for compiled functions, which release the GIL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

T = TypeVar("T")


def shared_out(work: Callable[[int, int], T], cost: NDArray[np.int64], chunk: int) -> list[T]:
    """Call `work(first, last)` for ranges of events in as many threads as torch uses; returns the results in order.

    Parameters
    ----------
    cost : of each event, (events,).
    chunk : cost of a range; an event that costs more is a range of its own.

    Notes
    -----
    The threads are Python's, because numba's do not survive the forks of a data loader.
    """
    spans = ranges(cost, chunk)
    threads = min(torch.get_num_threads(), len(spans))
    if threads < 2:
        return [work(*span) for span in spans]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda span: work(*span), spans))


def ranges(cost: NDArray[np.int64], chunk: int) -> list[tuple[int, int]]:
    """Ranges of events that cost at most `chunk`; an event that costs more is a range of its own."""
    total = np.concatenate([[0], np.cumsum(cost)])
    edges = [0]
    while edges[-1] < len(cost):
        fits = int(np.searchsorted(total, total[edges[-1]] + chunk, side="right")) - 1
        edges.append(max(fits, edges[-1] + 1))
    return list(pairwise(edges))
