"""A picture that is drawn on, read off and empty again: how pixels are added up in compiled loops."""

from __future__ import annotations

import numpy as np
from numba import njit


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
