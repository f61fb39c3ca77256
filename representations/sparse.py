"""Sparse pictures of many events, put together in parallel without a dense canvas an event."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_CHUNK = 1 << 20
"""Entries (5 bytes each) that a thread's workspace holds, or one event's if that is more: it should stay in cache."""

_AT_ONCE = 1 << 24
"""Entries that a single thread has room for without a workspace, most of which it will never touch: 84 MB."""

Sparse = tuple["NDArray[np.int64]", "NDArray[np.int32]", "NDArray[np.uint8]"]
"""Entries of each event (events,), then flat indices into (channels, rows, columns) and values, (total,)."""


def collect(paint: Callable[..., None], bound: NDArray[np.int64]) -> Sparse:
    """The entries of all events: chunks painted by threads, each into a workspace of its own, and joined in order.

    paint(first, last, counts, pixels, values) : writes the entries of events [first, last) end to end to `pixels` and
        `values`, and how many each event has to `counts`; it should release the GIL.
    bound : entries that each event can have at most, (events,).

    Memory is what is drawn and a small workspace a thread, never what could be drawn. As many threads as torch may use;
    they are Python's, because numba's would not survive the forks of a data loader.
    """
    total = np.concatenate([[0], np.cumsum(bound)])
    if torch.get_num_threads() == 1 and total[-1] <= _AT_ONCE:
        return _alone(paint, len(bound), int(total[-1]))
    edges = _edges(total)
    threads = max(1, min(torch.get_num_threads(), len(edges) - 1))
    room = max((int(total[b] - total[a]) for a, b in pairwise(edges)), default=0) + 1
    spaces = [_Entries(room) for _ in range(threads)]
    counts, drawn = np.zeros(len(bound), dtype=np.int64), _Entries(0)
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(edges) - 1, threads):
            spans = list(pairwise(edges[start : start + threads + 1]))
            jobs = [(*span, counts, space.pixels, space.values) for span, space in zip(spans, spaces, strict=False)]
            list(pool.map(lambda job: paint(*job), jobs))
            totals = [int(counts[first:last].sum()) for first, last in spans]
            drawn.reserve(sum(totals), done=float(total[spans[-1][1]] / max(total[-1], 1)))
            starts = [drawn.used + sum(totals[:i]) for i in range(len(totals))]
            list(pool.map(drawn.put, starts, totals, spaces))
            drawn.used += sum(totals)
    return counts, *drawn.trimmed()


def _alone(paint: Callable[..., None], events: int, room: int) -> Sparse:
    """All events painted where their entries stay: nothing is copied."""
    counts, drawn = np.zeros(events, dtype=np.int64), _Entries(room + 1)
    paint(0, events, counts, drawn.pixels, drawn.values)
    drawn.used = int(counts.sum())
    return counts, *drawn.trimmed()


class _Entries:
    """Pixels and values with room to spare; memory that is not yet written costs nothing."""

    def __init__(self, room: int) -> None:
        self.pixels, self.values, self.used = np.empty(room, np.int32), np.empty(room, np.uint8), 0

    def reserve(self, more: int, done: float) -> None:
        """Make room for `more` entries, and for what will follow if `done` of the work needs as many as so far."""
        needed = self.used + more
        if needed > len(self.pixels):
            larger = _Entries(max(int(needed / max(done, 1e-9) * 1.02), needed))
            larger.put(0, self.used, self)
            self.pixels, self.values = larger.pixels, larger.values

    def put(self, start: int, count: int, other: _Entries) -> None:
        """Copy the first `count` entries of another to `start`."""
        self.pixels[start : start + count] = other.pixels[:count]
        self.values[start : start + count] = other.values[:count]

    def trimmed(self) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        """What is used, the rest given back to the system."""
        self.pixels.resize(self.used, refcheck=False)
        self.values.resize(self.used, refcheck=False)
        return self.pixels, self.values


def _edges(total: NDArray[np.int64]) -> list[int]:
    """Where to cut the events so that each chunk fits in `_CHUNK` entries, or is a single event."""
    edges = [0]
    while edges[-1] < len(total) - 1:
        fits = int(np.searchsorted(total, total[edges[-1]] + _CHUNK, side="right")) - 1
        edges.append(max(fits, edges[-1] + 1))
    return edges
