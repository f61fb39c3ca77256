"""SplitMix64: random-looking numbers from numbers, the same everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def splitmix64(words: NDArray[np.integer[Any]]) -> NDArray[np.uint64]:
    """The output of SplitMix64 (Steele, Lea and Flood 2014) for each word as its state, any shape."""
    x = np.asarray(words).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def uniform(words: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
    """Numbers that look uniform in [0, 1), from the upper 53 bits of `splitmix64`."""
    return (splitmix64(words) >> np.uint64(11)).astype(np.float64) / 2.0**53
