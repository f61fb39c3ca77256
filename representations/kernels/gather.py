"""Compiled functions that gather rows of ragged lists on the CPU.

They copy whole rows; torch would need an index of every value and several passes over it. On a GPU that index costs
nothing, so torch is used there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchmark.core.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from representations.kernels.arrays import Bytes, Ints, Pixels


def rows_of(index: Tensor, count: int) -> Ints:
    """The rows that an index or a mask selects out of `count`. Raises IndexError for a row that does not exist."""
    rows = (index.nonzero().flatten() if index.dtype == torch.bool else index).numpy()
    if index.dtype == torch.bool and len(index) != count:
        raise IndexError(f"a mask of {len(index)} for {count} rows")
    found: Ints
    found, good = _checked(rows, count)
    if not good:
        raise IndexError(f"an index from {found.min()} to {found.max()} for {count} rows")
    return found


def take(values: Tensor, offsets: Tensor, rows: Ints) -> tuple[Tensor, Tensor]:
    """The values of some rows, in the order of `rows`, and their offsets."""
    begins = offsets.numpy()
    starts = _starts(begins, rows)
    found = torch.empty(int(starts[-1]), *values.shape[1:], dtype=values.dtype)
    width = values.element_size() * values[:0].flatten(1).shape[1] if values.ndim > 1 else values.element_size()
    _copy(_bytes(values), width, begins, rows, starts, _bytes(found))
    return found, torch.from_numpy(starts)


def ends(edges: Tensor, offsets: Tensor, nodes: Tensor, rows: Ints) -> Tensor:
    """Senders and receivers, (2, total) int64, of the edges of some rows.

    edges : (all, 2) int32, counted within each row; nodes : (rows + 1,), the offsets that the rows' nodes come to have.
    """
    begins = offsets.numpy()
    starts = _starts(begins, rows)
    found = torch.empty(2, int(starts[-1]), dtype=torch.int64)
    _ends(edges.numpy(), begins, rows, starts, nodes.numpy(), found.numpy())
    return found


def padded(values: Tensor, offsets: Tensor, rows: Ints, length: int) -> tuple[Tensor, Tensor]:
    """The first `length` values of some rows, padded with 0, (rows, length, columns), and a mask (rows, length)."""
    found = torch.empty(len(rows), length, values.shape[1], dtype=values.dtype)
    mask = torch.empty(len(rows), length, dtype=torch.bool)
    flat = values.contiguous().view(-1).numpy()
    _padded(flat, values.shape[1], offsets.numpy(), rows, found.flatten(1).numpy(), mask.numpy())
    return found, mask


def owners(offsets: Tensor) -> Tensor:
    """The row that each value belongs to, (total,) int64."""
    begins = offsets.numpy()
    found = torch.empty(int(begins[-1]), dtype=torch.int64)
    _owners(begins, found.numpy())
    return found


def dense(
    pixels: Tensor,
    values: Tensor,
    offsets: Tensor,
    index: Tensor,
    size: int,
    scale: float | None,
    inks: Tensor | None,
    out: Tensor | None = None,
) -> Tensor:
    """Dense pictures of `size` pixels, (n, size).

    scale : gives float32 values / scale; None gives the values as stored.
    inks : None, or the palette (colours, channels); values are then its rows, and pixels count within a channel.
    out : array to write to, of this shape and type.
    """
    rows = rows_of(index, len(offsets) - 1)
    # NumPy asks the system for huge pages and torch does not; the first touch of so much memory takes longest
    dtype = np.float32 if scale is not None else values.numpy().dtype
    found = np.empty((len(rows), size), dtype) if out is None else out.numpy()
    columns = pixels.numpy(), values.numpy(), offsets.numpy(), rows, found
    if inks is not None:
        table = inks.numpy() if scale is None else inks.numpy().astype(np.float32) / np.float32(scale)
        _paint(*columns, table)
    elif scale is None:
        _scatter(*columns)
    else:
        _scatter_scaled(*columns, np.float32(scale))
    return torch.from_numpy(found)


def _bytes(values: Tensor) -> NDArray[Any]:
    """The bytes of a tensor, so that one compiled function serves all types."""
    # NumPy, because torch refuses to view empty tensors with some strides as bytes
    return np.ascontiguousarray(values.numpy()).reshape(-1).view(np.uint8)


@compiled
def _checked(rows: NDArray[Any], count: int) -> tuple[Ints, bool]:
    """Rows with negative ones counted from the end, and whether all exist."""
    found, good = np.empty(len(rows), np.int64), True
    for k in range(len(rows)):
        found[k] = rows[k] + count if rows[k] < 0 else rows[k]
        good &= 0 <= found[k] < count
    return found, good


@compiled
def _starts(offsets: Ints, rows: Ints) -> Ints:
    """The offsets of rows when they are gathered, (rows + 1,)."""
    starts = np.zeros(len(rows) + 1, np.int64)
    for k in range(len(rows)):
        starts[k + 1] = starts[k] + offsets[rows[k] + 1] - offsets[rows[k]]
    return starts


@compiled
def _copy(values: Bytes, width: int, offsets: Ints, rows: Ints, starts: Ints, found: Bytes) -> None:
    for k in range(len(rows)):
        begin = offsets[rows[k]] * width
        here = found[starts[k] * width : starts[k + 1] * width]
        there = values[begin : begin + len(here)]
        for i in range(len(here)):
            here[i] = there[i]


@compiled
def _padded(
    values: NDArray[Any], columns: int, offsets: Ints, rows: Ints, found: NDArray[Any], mask: NDArray[np.bool_]
) -> None:
    for k in range(len(rows)):
        begin = offsets[rows[k]]
        used = min(offsets[rows[k] + 1] - begin, mask.shape[1])
        here, there = found[k], values[begin * columns : (begin + used) * columns]
        for i in range(len(there)):
            here[i] = there[i]
        here[len(there) :], mask[k, :used], mask[k, used:] = 0, True, False


@compiled
def _owners(offsets: Ints, found: Ints) -> None:
    for k in range(len(offsets) - 1):
        found[offsets[k] : offsets[k + 1]] = k


@compiled
def _ends(edges: Pixels, offsets: Ints, rows: Ints, starts: Ints, nodes: Ints, found: Ints) -> None:
    for k in range(len(rows)):
        here, shift = edges[offsets[rows[k]] : offsets[rows[k] + 1]], nodes[k]
        senders, receivers = found[:, starts[k] : starts[k + 1]]
        for i in range(len(here)):
            senders[i], receivers[i] = here[i, 0] + shift, here[i, 1] + shift


@compiled
def _scatter(pixels: Pixels, values: NDArray[Any], offsets: Ints, rows: Ints, found: NDArray[Any]) -> None:
    for k in range(len(rows)):
        found[k] = 0  # one picture at a time, so that it is in the cache when it is filled
        for i in range(offsets[rows[k]], offsets[rows[k] + 1]):
            found[k, pixels[i]] = values[i]


@compiled(error_model="numpy")
def _scatter_scaled(
    pixels: Pixels, values: NDArray[Any], offsets: Ints, rows: Ints, found: NDArray[Any], scale: np.float32
) -> None:
    for k in range(len(rows)):
        found[k] = 0
        for i in range(offsets[rows[k]], offsets[rows[k] + 1]):
            found[k, pixels[i]] = np.float32(values[i]) / scale


@compiled
def _paint(
    pixels: Pixels, values: NDArray[Any], offsets: Ints, rows: Ints, found: NDArray[Any], inks: NDArray[Any]
) -> None:
    plane = found.shape[1] // inks.shape[1]
    for k in range(len(rows)):
        for channel in range(inks.shape[1]):  # one at a time: channels lie apart in memory
            picture = found[k, channel * plane : (channel + 1) * plane]
            picture[:] = 0
            for i in range(offsets[rows[k]], offsets[rows[k] + 1]):
                picture[np.uint64(pixels[i])] = inks[np.uint64(values[i]), np.uint64(channel)]
