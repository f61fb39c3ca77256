"""A picture that is drawn on, read off and empty again: how pixels are added up in compiled loops."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def canvas(size):  # type: ignore[no-untyped-def]
    """An empty picture of so many pixels, what says which of them are lit, and room to list them by eight."""
    words = (size + 7) // 8
    return np.zeros(size), np.zeros(8 * words, np.uint8), np.empty(words + 1, np.int64)


@njit(cache=True, nogil=True)
def listed(lit, some, pixels, used):  # type: ignore[no-untyped-def]
    """Write lit pixels in rising order to `pixels` from `used` on, with room for one more; none is lit then.

    Without branches on what is lit, which nobody could predict.
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


@njit(cache=True, nogil=True)
def read_off(ink, lit, some, pixels, values, used):  # type: ignore[no-untyped-def]
    """As `listed`, and what the pixels hold to `values`; the canvas is left empty."""
    end = listed(lit, some, pixels, used)
    take(ink, pixels, values, used, end)
    return end


@njit(cache=True, nogil=True)
def take(ink, pixels, values, first, last):  # type: ignore[no-untyped-def]
    """Write what the pixels listed at [first, last) hold to `values`, and empty them."""
    for k in range(first, last):
        values[k], ink[pixels[k]] = ink[pixels[k]], 0.0
