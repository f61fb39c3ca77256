"""A dense scratch picture, on which compiled loops add up pixels, and which is emptied as it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.core.compiled import compiled

if TYPE_CHECKING:
    from representations.kernels.arrays import Bytes, Floats, Ints, Pixels, Whole


@compiled
def canvas(size: int) -> tuple[Floats, Bytes, Ints]:
    """An empty picture of `size` pixels, flags of lit pixels, and room to list groups of eight."""
    words = (size + 7) // 8
    return np.zeros(size), np.zeros(8 * words, np.uint8), np.empty(words + 1, np.int64)


@compiled
def listed(lit: Bytes, some: Ints, pixels: Pixels, used: Whole) -> Whole:
    """Write lit pixels in rising order to `pixels` from `used` on, clear their flags, and return the new `used`.

    `pixels` needs room for one more. There are no branches on flags, because they cannot be predicted.
    """
    words = lit.view(np.uint64)
    number = 0
    for word in range(len(words)):
        some[number] = word
        number += words[word] != 0
    for k in range(number):
        eight, words[some[k]] = words[some[k]], 0
        for place in range(8):
            pixels[used] = 8 * some[k] + place
            used += np.int64(eight & np.uint64(1))
            eight >>= np.uint64(8)
    return used


@compiled
def read_off(ink: Floats, lit: Bytes, some: Ints, pixels: Pixels, values: Floats, used: Whole) -> Whole:
    """As `listed`; also writes the contents of the pixels to `values` and empties the picture."""
    end = listed(lit, some, pixels, used)
    take(ink, pixels, values, used, end)
    return end


@compiled
def take(ink: Floats, pixels: Pixels, values: Floats, first: Whole, last: Whole) -> None:
    """Write the contents of the pixels listed at [first, last) to `values`, and empty them."""
    for k in range(first, last):
        values[k], ink[pixels[k]] = ink[pixels[k]], 0.0
