"""Cells of many events, flat, and the sparse pixels that they add up to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
from numba import njit

from representations.threads import shared_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHUNK = 1 << 18
"""Cells that a thread adds up at once."""


@dataclass(frozen=True)
class Cells:
    """Values in cells, (total,) each: the position of the event, row, column, value. A cell may come more than once."""

    event: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    value: NDArray[np.float64]

    @staticmethod
    def of(row: ak.Array, column: ak.Array, value: ak.Array) -> Cells:
        """From lists of rows, columns and values, an event each."""
        counts = ak.to_numpy(ak.num(row, axis=1))
        i, j = (np.asarray(ak.flatten(axis)).astype(np.int64) for axis in (row, column))
        return Cells(np.repeat(np.arange(len(counts)), counts), i, j, np.asarray(ak.flatten(value), np.float64))

    @staticmethod
    def together(parts: list[Cells]) -> Cells:
        """All cells of several parts of the same events."""
        names = ("event", "row", "column", "value")
        return Cells(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def only(self, kept: NDArray[np.bool_]) -> Cells:
        """Some of the cells."""
        return Cells(self.event[kept], self.row[kept], self.column[kept], self.value[kept])

    def rows(self, first: int, count: int) -> Cells:
        """The cells in `count` rows from `first`, which becomes row 0."""
        kept = self.only((self.row >= first) & (self.row < first + count))
        return replace(kept, row=kept.row - first)

    def times(self, factor: Any) -> Cells:
        """The same cells with other values."""
        return replace(self, value=self.value * factor)


def summed(
    channels: list[Cells], shape: tuple[int, int], events: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Pixels of each event in rising order, each once: (counts (events,), pixels (total,), sums of values (total,)).

    A pixel is a flat index into (channels, rows, columns).
    """
    area = shape[0] * shape[1]
    size = len(channels) * area
    event = np.concatenate([cells.event for cells in channels])
    pixel = [number * area + cells.row * shape[1] + cells.column for number, cells in enumerate(channels)]
    value = np.concatenate([cells.value for cells in channels])
    offsets, order = _by_event(event, events)
    flat = np.concatenate(pixel)
    counts = np.zeros(events, np.int64)

    def work(first: int, last: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        room = int(offsets[last] - offsets[first])
        pixels, values = np.empty(room, np.int32), np.empty(room, np.float32)
        used = _summed(first, last, offsets, order, flat, value, size, counts, pixels, values)
        return pixels[:used].copy(), values[:used].copy()

    parts = shared_out(work, np.diff(offsets) + 1, _CHUNK)
    empty = np.empty(0, np.int32), np.empty(0, np.float32)
    pixels, values = (np.concatenate(column) for column in zip(empty, *parts, strict=True))
    return counts, pixels, values


@njit(cache=True, nogil=True)
def canvas(size):  # type: ignore[no-untyped-def]
    """An empty picture of so many pixels, and what says which of them are lit, with room to be read eight at a time."""
    return np.zeros(size), np.zeros((size + 7) // 8 * 8, np.uint8)


@njit(cache=True, nogil=True)
def read_off(ink, lit, pixels, values, used):  # type: ignore[no-untyped-def]
    """Write lit pixels in rising order to `pixels` and `values` from `used` on; the canvas is left empty."""
    words = lit.view(np.uint64)
    for word in range(len(words)):
        if words[word]:
            words[word], seen = 0, words[word]
            for place in range(8):
                if seen >> np.uint64(8 * place) & np.uint64(1):
                    pixel = 8 * word + place
                    pixels[used], values[used] = pixel, ink[pixel]
                    ink[pixel] = 0.0
                    used += 1
    return used


@njit(cache=True, nogil=True)
def squares(ink, lit):  # type: ignore[no-untyped-def]
    """The sum of the squares of all lit pixels."""
    words = lit.view(np.uint64)
    total = 0.0
    for word in range(len(words)):
        if words[word]:
            for pixel in range(8 * word, min(8 * word + 8, len(ink))):
                total += ink[pixel] * ink[pixel]
    return total


@njit(cache=True, nogil=True)
def _by_event(event, events):  # type: ignore[no-untyped-def]
    """Where each event's cells begin, (events + 1,), in an order that keeps that of the cells: counted, not sorted."""
    offsets, order = np.zeros(events + 1, np.int64), np.empty(len(event), np.int64)
    for i in range(len(event)):
        offsets[event[i] + 1] += 1
    for k in range(events):
        offsets[k + 1] += offsets[k]
    filled = offsets.copy()
    for i in range(len(event)):
        order[filled[event[i]]] = i
        filled[event[i]] += 1
    return offsets, order


@njit(cache=True, nogil=True)
def _summed(first, last, offsets, order, pixel, value, size, counts, pixels, values):  # type: ignore[no-untyped-def]
    """Add up the cells of the events [first, last) on a canvas and read it off; the number of pixels."""
    ink, lit = canvas(size)
    used = 0
    for event in range(first, last):
        begin = used
        for k in range(offsets[event], offsets[event + 1]):
            place = pixel[order[k]]
            ink[place] += value[order[k]]
            lit[place] = 1
        used = read_off(ink, lit, pixels, values, used)
        counts[event] = used - begin
    return used
