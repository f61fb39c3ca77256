"""Cells of many events, flat, and their sums as sparse pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.core.compiled import compiled
from representations.kernels.canvas import canvas, read_off
from representations.kernels.threads import shared_out

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from representations.kernels.arrays import Floats, Ints, Pixels, Whole
    from representations.kernels.energies import Sums
    from representations.kernels.hits import Hits

_CHUNK = 1 << 18
"""Cells in one piece of a thread's work."""


@dataclass(frozen=True)
class Cells:
    """Values in cells, (total,) each: position of the event, row, column, value. A cell may occur more than once."""

    event: Ints
    row: Ints
    column: Ints
    value: Floats

    @staticmethod
    def none() -> Cells:
        """No cells."""
        nowhere = np.zeros(0, dtype=np.int64)
        return Cells(nowhere, nowhere, nowhere, np.zeros(0))

    @staticmethod
    def together(parts: list[Cells]) -> Cells:
        """The cells of several parts of the same events."""
        names = ("event", "row", "column", "value")
        return Cells(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    @staticmethod
    def spread(hits: Hits, value: NDArray[Any], row: NDArray[Any], column: NDArray[Any]) -> Cells:
        """Each hit's value spread evenly over several cells; rows and columns are (hits, cells)."""
        each = row.shape[1]
        return Cells(np.repeat(hits.event, each), row.ravel(), column.ravel(), np.repeat(value / each, each))

    def __len__(self) -> int:
        return len(self.event)

    def only(self, kept: NDArray[Any]) -> Cells:
        """Some of the cells."""
        return Cells(self.event[kept], self.row[kept], self.column[kept], self.value[kept])

    def rows(self, first: int, count: int) -> Cells:
        """The cells in `count` rows from `first`, which becomes row 0."""
        kept = self.only((self.row >= first) & (self.row < first + count))
        return replace(kept, row=kept.row - first)

    def times(self, factor: Floats) -> Cells:
        """The cells with values times the factor of their event; factors are (events,)."""
        return replace(self, value=self.value * factor[self.event])

    def coarse(self, step: int) -> Cells:
        """The cells on a grid with `step` rows and columns made one."""
        return self if step == 1 else replace(self, row=self.row // step, column=self.column // step)

    def over(self, other: Cells, shape: tuple[int, int], events: int) -> Cells:
        """In each cell the sum divided by that of `other`, which has the same cells and values above 0."""
        (offsets, pixels, found), (_, _, weight) = (summed([(cells, shape)], events) for cells in (self, other))
        row, column = np.divmod(pixels.astype(np.int64), shape[1])
        return Cells(np.repeat(np.arange(events), np.diff(offsets)), row, column, found / weight)


def summed(planes: Sequence[tuple[Cells, tuple[int, int]]], events: int) -> Sums:
    """Sums in the pixels of each event, each pixel once and in rising order.

    planes : the cells of each channel, and its rows and columns. A pixel is a flat index into all planes, end to end.
    """
    size, pixel = 0, []
    for cells, (rows, columns) in planes:
        pixel.append(size + cells.row * columns + cells.column)
        size += rows * columns
    event, value = (np.concatenate([getattr(cells, name) for cells, _ in planes]) for name in ("event", "value"))
    offsets, order = _by_event(event, events)
    flat, counts = np.concatenate(pixel), np.zeros(events, np.int64)

    def work(first: int, last: int) -> tuple[Pixels, Floats]:
        room = int(offsets[last] - offsets[first])
        pixels, values = np.empty(room + 1, np.int32), np.empty(room)
        used = _summed(first, last, (offsets, order, flat, value), size, (counts, pixels, values))
        return pixels[:used].copy(), values[:used].copy()

    parts = shared_out(work, np.diff(offsets) + 1, _CHUNK)
    pixels, values = (
        np.concatenate(column) for column in zip((np.empty(0, np.int32), np.empty(0)), *parts, strict=True)
    )
    return np.concatenate([[0], np.cumsum(counts)]), pixels, values


@compiled
def _by_event(event: Ints, events: int) -> tuple[Ints, Ints]:
    """Where each event's cells begin, (events + 1,), and their order, which is stable: a counting sort."""
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


@compiled
def _summed(
    first: int, last: int, cells: tuple[Ints, Ints, Ints, Floats], size: int, out: tuple[Ints, Pixels, Floats]
) -> Whole:
    """Add up the cells of the events [first, last) on a canvas and read it off; returns the number of pixels.

    cells : where each event begins, the order of cells by event, their pixels and their values.
    out : pixels of each event, then the pixels and the sums of these events; all are written.
    """
    offsets, order, pixel, value = cells
    counts, pixels, values = out
    ink, lit, some = canvas(size)
    used: Whole = 0
    for event in range(first, last):
        begin = used
        for k in range(offsets[event], offsets[event + 1]):
            place = pixel[order[k]]
            ink[place] += value[order[k]]
            lit[place] = 1
        used = read_off(ink, lit, some, pixels, values, used)
        counts[event] = used - begin
    return used
