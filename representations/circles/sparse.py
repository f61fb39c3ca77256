"""Sparse pictures of many events, drawn in parallel without a dense canvas for each event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from representations.kernels.arrays import Bytes, Ints, Pixels
from representations.kernels.threads import ranges, shared_out

if TYPE_CHECKING:
    from collections.abc import Callable

_AT_ONCE = 1 << 24
"""Entries (5 bytes each) allocated at a time: 84 MB, most of which is never touched and costs nothing."""

Sparse = tuple[Ints, Pixels, Bytes]
"""Numbers of entries (events,), flat indices into (channels, rows, columns) (total,), and values (total,)."""


def collect(paint: Callable[..., None], bound: Ints) -> Sparse:
    """The entries of all events in order, drawn by as many threads as torch uses.

    Parameters
    ----------
    paint : paint(first, last, counts, pixels, values) writes the entries of events [first, last) end to end to
        `pixels` and `values`, and their number in each event to `counts`. It should release the GIL.
    bound : (events,), the most entries that `paint` writes for each event.

    Notes
    -----
    Memory is needed for the entries drawn and `_AT_ONCE` more; it does not grow with `bound`.
    """
    counts = np.zeros(len(bound), dtype=np.int64)
    parts = [_painted(paint, bound, *span, counts) for span in ranges(bound, _AT_ONCE)]
    if len(parts) == 1:
        return counts, *parts[0]
    pixels, values = np.empty(counts.sum(), np.int32), np.empty(counts.sum(), np.uint8)
    end = len(pixels)
    while parts:  # from the last one, so that each part is freed after it is copied
        part = parts.pop()
        start = end - len(part[0])
        pixels[start:end], values[start:end] = part
        end = start
    return counts, pixels, values


def _painted(paint: Callable[..., None], bound: Ints, first: int, last: int, counts: Ints) -> tuple[Pixels, Bytes]:
    """Each thread writes its range at an offset that is safe if all ranges before it are full; then gaps are closed."""
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
    # return unused memory to the system
    pixels.resize(used, refcheck=False)
    values.resize(used, refcheck=False)
    return pixels, values
