"""Cells of many events, flat, and the sparse pixels that they add up to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
    unique, where = np.unique(event * size + np.concatenate(pixel), return_inverse=True)
    total = np.bincount(where, np.concatenate([cells.value for cells in channels]), len(unique))
    counts = np.bincount(unique // size, minlength=events)
    return counts, (unique % size).astype(np.int32), total.astype(np.float32)
