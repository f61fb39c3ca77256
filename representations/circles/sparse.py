"""Sparse pictures of many events, put together in parallel without a dense canvas an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from representations.kernels.threads import ranges, shared_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_AT_ONCE = 1 << 24
"""Entries (5 bytes each) that there is room for at once: 84 MB, most of which is never touched and costs nothing."""

Sparse = tuple["NDArray[np.int64]", "NDArray[np.int32]", "NDArray[np.uint8]"]
"""Entries of each event (events,), then flat indices into (channels, rows, columns) and values, (total,)."""


def collect(paint: Callable[..., None], bound: NDArray[np.int64]) -> Sparse:
    """The entries of all events, painted by as many threads as torch may use, and joined in the order of the events.

    paint(first, last, counts, pixels, values) : writes the entries of events [first, last) end to end to `pixels` and
        `values`, and how many each event has to `counts`; it should release the GIL.
    bound : entries that paint may write of each event at most, (events,).

    Memory is what is drawn and room for `_AT_ONCE` entries, never what could be drawn.
    """
    counts = np.zeros(len(bound), dtype=np.int64)
    parts = [_painted(paint, bound, *span, counts) for span in ranges(bound, _AT_ONCE)]
    if len(parts) == 1:
        return counts, *parts[0]
    pixels, values = np.empty(counts.sum(), np.int32), np.empty(counts.sum(), np.uint8)
    end = len(pixels)
    while parts:  # from the last, each given back to the system when it is copied
        part = parts.pop()
        start = end - len(part[0])
        pixels[start:end], values[start:end] = part
        end = start
    return counts, pixels, values


def _painted(
    paint: Callable[..., None], bound: NDArray[np.int64], first: int, last: int, counts: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """A range for each thread, painted where it would begin if all before it were full, and then moved up."""
    begins = np.concatenate([[0], np.cumsum(bound[first:last])])
    pixels, values = np.empty(begins[-1], np.int32), np.empty(begins[-1], np.uint8)

    def work(start: int, stop: int) -> tuple[int, int]:
        begin = int(begins[start])
        paint(first + start, first + stop, counts, pixels[begin:], values[begin:])
        return begin, int(counts[first + start : first + stop].sum())

    used = 0
    for begin, number in shared_out(work, bound[first:last], -(-int(begins[-1]) // torch.get_num_threads())):
        if begin > used:
            for entries in (pixels, values):
                entries[used : used + number] = entries[begin : begin + number]
        used += number
    # what is not used goes back to the system
    pixels.resize(used, refcheck=False)
    values.resize(used, refcheck=False)
    return pixels, values
