"""Cells of many events, flat, and the sparse pixels that they add up to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from representations.hits import Hits


@dataclass(frozen=True)
class Cells:
    """Values in cells, (total,) each: the position of the event, row, column, value. A cell may come more than once."""

    event: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]
    value: NDArray[np.float64]

    @staticmethod
    def none() -> Cells:
        """No cells at all."""
        nowhere = np.zeros(0, dtype=np.int64)
        return Cells(nowhere, nowhere, nowhere, np.zeros(0))

    @staticmethod
    def together(parts: list[Cells]) -> Cells:
        """All cells of several parts of the same events."""
        names = ("event", "row", "column", "value")
        return Cells(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    @staticmethod
    def spread(hits: Hits, value: NDArray[Any], row: NDArray[Any], column: NDArray[Any]) -> Cells:
        """Each hit's value evenly over several cells: rows and columns are (hits, cells)."""
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

    def times(self, factor: NDArray[np.float64]) -> Cells:
        """The same cells with values times the factor of their event; factors are (events,)."""
        return replace(self, value=self.value * factor[self.event])

    def coarse(self, step: int) -> Cells:
        """Cells of so many rows and columns."""
        return self if step == 1 else replace(self, row=self.row // step, column=self.column // step)

    def over(self, other: Cells, shape: tuple[int, int], events: int) -> Cells:
        """In each cell the sum over that of `other`, which has the same cells and values above 0."""
        found, weight = (matrix([(cells, shape)], events) for cells in (self, other))
        row, column = np.divmod(found.indices.astype(np.int64), shape[1])
        return Cells(np.repeat(np.arange(events), np.diff(found.indptr)), row, column, found.data / weight.data)


def summed(
    planes: Sequence[tuple[Cells, tuple[int, int]]], events: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Pixels of each event in rising order, each once: (offsets (events + 1,), pixels (total,), sums (total,)).

    A plane is the cells of one channel, and its rows and columns. A pixel is a flat index into all planes, end to end.
    """
    found = matrix(planes, events)
    return found.indptr.astype(np.int64), found.indices.astype(np.int32), found.data


def matrix(planes: Sequence[tuple[Cells, tuple[int, int]]], events: int) -> Any:
    """Sums of cells as a sparse matrix, (events, pixels) float64 in rows of rising pixels: faster than to sort all."""
    size, pixels = 0, []
    for cells, (rows, columns) in planes:
        pixels.append(size + cells.row * columns + cells.column)
        size += rows * columns
    event, value = (np.concatenate([getattr(cells, name) for cells, _ in planes]) for name in ("event", "value"))
    found = sparse.coo_array((value, (event, np.concatenate(pixels))), shape=(events, size)).tocsr()
    found.sum_duplicates()
    return found
