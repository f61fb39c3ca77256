"""Circles and discs as sparse pixels, by numba: nothing dense is kept but one scratch canvas a thread.

Everything is in whole sub-pixels (1/1024 of a pixel), so that the rules hold exactly and a picture is the same,
bit for bit, on every machine and for every order of the objects.
The centre of the pixel in row i and column j lies at x = j + 1/2, y = i + 1/2.

ring : lit where abs(distance - radius) <= line width / 2. Of kinds that share a pixel the set is kept.
disc : lit where distance <= radius. Ink v of opacity a, over all discs: 1 - product of (1 - a v).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from representations.sparse import Sparse, collect

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUB = 1024
"""Sub-pixels in a pixel."""
_BITS = 10
_HALF = SUB // 2


@dataclass(frozen=True)
class Shapes:
    """Circles to draw, end to end; those of event i lie at `offsets[i]:offsets[i + 1]`.

    x, y, radius : (total,) int64 sub-pixels; x across columns, y down rows, of a canvas of `size` rows and columns.
    kind : (total,) uint8, row of `ink`.
    ink : (kinds <= 8, channels) uint8, 255 minus the colour of each kind.
    wrap : rows continue on the other side.
    """

    offsets: NDArray[np.int64]
    x: NDArray[np.int64]
    y: NDArray[np.int64]
    radius: NDArray[np.int64]
    kind: NDArray[np.uint8]
    ink: NDArray[np.uint8]
    size: int
    wrap: bool

    @property
    def event(self) -> NDArray[np.int64]:
        """The event of each circle, shape (total,)."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    def take(self, index: NDArray[np.int64], y: NDArray[np.int64] | None = None) -> Shapes:
        """The circles of `index`, which keeps the order of the events, perhaps at another height."""
        counts = np.bincount(self.event[index], minlength=len(self.offsets) - 1)
        return replace(
            self,
            offsets=np.concatenate([[0], np.cumsum(counts)]),
            x=self.x[index],
            y=self.y[index] if y is None else y,
            radius=self.radius[index],
            kind=self.kind[index],
        )

    def columns(self) -> tuple[NDArray[Any], ...]:
        """What the kernels take."""
        return self.offsets, self.x, self.y, self.radius, self.kind


def rings(shapes: Shapes, line_width: float) -> Sparse:
    """Draw circumferences of `line_width` pixels: each lit pixel once, its value the set of kinds that pass there.

    Bit k of a set: kind k. `palette` has the ink of each.
    """
    half = round(line_width * SUB / 2)
    if shapes.wrap:
        shapes = _copies(shapes, half)
    each = _lit_at_most(shapes, np.maximum(shapes.radius - half, 0), shapes.radius + half)
    # a place for each line of the four quarters of a ring, whether it has pixels or not, and for all pixels behind them
    room = int(_per_event(shapes, each + 4 * (shapes.size + 8)).max(initial=0))

    def paint(first: int, last: int, counts: Any, pixels: Any, values: Any) -> None:
        _rings(first, last, *shapes.columns(), shapes.size, half, room, counts, pixels, values)

    # a pixel may be noted, and is then written over, one place behind the last
    return collect(paint, np.minimum(_per_event(shapes, each), shapes.size**2) + 1)


def palette(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Ink of each set of kinds, (sets, channels): per channel the most of any kind in it."""
    sets = np.arange(1 << len(ink))
    inks = [np.where(sets[:, None] >> kind & 1, colour, 0) for kind, colour in enumerate(ink)]
    return np.asarray(np.max(inks, axis=0), dtype=np.uint8)


def discs(shapes: Shapes, opacity: float) -> Sparse:
    """Draw translucent discs."""
    # A product of equal factors depends on their number alone, so that kinds in a fixed order make it exact.
    shapes = shapes.take(np.lexsort((shapes.kind, shapes.event)))
    passing = 1 - opacity * shapes.ink.astype(np.float64) / 255

    def paint(first: int, last: int, counts: Any, pixels: Any, values: Any) -> None:
        _discs(first, last, *shapes.columns(), shapes.size, shapes.wrap, passing, counts, pixels, values)

    each = _lit_at_most(shapes, np.zeros_like(shapes.radius), shapes.radius)
    return collect(paint, np.minimum(_per_event(shapes, each), shapes.size**2) * shapes.ink.shape[1])


def _copies(shapes: Shapes, half: int) -> Shapes:
    """Every circle once for each turn in phi at which it reaches the canvas."""
    turn = shapes.size * SUB
    first = -((shapes.y + shapes.radius + half) // turn)
    last = (turn - shapes.y + shapes.radius + half) // turn
    number = last - first + 1
    index = np.repeat(np.arange(len(number)), number)
    nth = np.arange(len(index)) - np.repeat(np.cumsum(number) - number, number)
    return shapes.take(index, y=shapes.y[index] + (first[index] + nth) * turn)


def _lit_at_most(shapes: Shapes, inner: NDArray[np.int64], outer: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pixels that each circle can light at most: their unit squares lie within half a diagonal of the annulus."""
    reach = math.sqrt(0.5)
    area = math.pi * ((outer / SUB + reach) ** 2 - np.maximum(inner / SUB - reach, 0) ** 2)
    return np.asarray(np.minimum(np.ceil(area), shapes.size**2), dtype=np.int64)


def _per_event(shapes: Shapes, each: NDArray[np.int64]) -> NDArray[np.int64]:
    total = np.concatenate([[0], np.cumsum(each)])
    return np.asarray(total[shapes.offsets[1:]] - total[shapes.offsets[:-1]])


@njit(cache=True, nogil=True)
def _cuts(cu, cv, inner, outer, first, count, room, size, step_u, step_v, start, lit):  # type: ignore[no-untyped-def]
    """For `count` lines u from `first` on: the first pixel of a ring before its centre and behind it, and how many.

    A line without any begins at `size` squared, next to the last pixel. Written are the first `room` places for before
    and as many for behind. Only the part with abs(dv) >= abs(du), where a line crosses few pixels: the other part is
    for lines along v.
    Whole numbers below 2^53 in float64, so that the loop can be vectorised and the rule still holds exactly: a root
    that is not whole is further from the next whole number than rounding reaches.
    """
    outer2, inner2, edge = outer * outer, inner * inner, np.float64(size)
    du0, v0 = first * 1024.0 + 512.0 - cu, (cv - 512.0) / 1024.0
    along_u, along_v, nowhere = np.float64(step_u), np.float64(step_v), np.float64(size * size)
    for k in range(room):
        du = du0 + k * 1024.0
        reach = math.sqrt(max(outer2 - du * du, 0.0)) / 1024.0
        gap = max(math.sqrt(max(inner2 - du * du, 0.0)), abs(du)) / 1024.0
        before, before_end = max(np.ceil(v0 - reach), 0.0), min(np.floor(v0 - gap) + 1.0, edge)
        behind, behind_end = max(np.ceil(v0 + gap), 0.0), min(np.floor(v0 + reach) + 1.0, edge)
        line = (first + k) * along_u
        some = before_end - before if k < count else 0.0
        others = behind_end - behind if k < count else 0.0
        start[k] = np.int32(line + before * along_v if some > 0 else nowhere)
        start[room + k] = np.int32(line + behind * along_v if others > 0 else nowhere)
        lit[k], lit[room + k] = np.int32(some), np.int32(others)


@njit(cache=True, nogil=True)
def _quarters(cu, cv, inner, outer, size, step_u, step_v, bit, lit, several, canvas, touched, noted):  # type: ignore[no-untyped-def]
    """Light the two quarters of a ring before and behind its centre along v; returns the length of `touched`."""
    arm = outer * 0.7072  # a little more than 1 / sqrt(2); lines too far out have reach < gap
    edge = np.float64(size)
    first = np.int64(min(max(np.floor((cu - arm) / 1024.0), 0.0), edge))
    last = np.int64(min(max(np.floor((cu + arm) / 1024.0) + 1.0, 0.0), edge))
    room = (last - first + 7) & ~7  # what vectors of eight leave over would be done one by one
    start = touched[noted : noted + 2 * room]
    _cuts(cu, cv, inner, outer, first, last - first, room, size, step_u, step_v, start, lit)
    noted += 2 * room
    # Nearly always one pixel, at times two: without a branch, which nobody could predict.
    number = np.uint64(0)
    for k in range(np.uint64(2 * room)):
        canvas[np.uint64(start[k])] |= bit
        several[number] = k
        number += np.uint64(lit[k] > 1)
    for j in range(number):
        line = np.uint64(several[j])
        pixel = np.uint64(start[line])
        for _ in range(1, lit[line]):
            pixel += np.uint64(step_v)
            touched[noted] = pixel
            canvas[pixel] |= bit
            noted += 1
    return noted


@njit(cache=True, nogil=True)
def _rings(first, last, offsets, x, y, radius, kind, size, half, room, counts, pixels, values):  # type: ignore[no-untyped-def]
    canvas = np.zeros(size * size + 1, np.uint8)  # bit k: a circle of kind k passes; and nowhere
    touched = np.empty(room, np.int32)
    lit = np.empty(2 * (size + 8), np.int32)  # rows of one array would be strided, and slow
    several = np.empty_like(lit)
    used = np.uint64(0)
    for event in range(first, last):
        noted = np.int64(0)
        for i in range(offsets[event], offsets[event + 1]):
            bit = np.uint8(1 << kind[i])
            outer, inner = np.float64(radius[i] + half), np.float64(max(radius[i] - half, 0))
            cx, cy = np.float64(x[i]), np.float64(y[i])
            noted = _quarters(cy, cx, inner, outer, size, size, 1, bit, lit, several, canvas, touched, noted)
            noted = _quarters(cx, cy, inner, outer, size, 1, size, bit, lit, several, canvas, touched, noted)
        canvas[size * size] = 0
        before = used
        for k in range(np.uint64(noted)):  # each pixel once
            pixel = np.uint64(touched[k])
            kinds = canvas[pixel]
            canvas[pixel] = 0
            pixels[used], values[used] = pixel, kinds
            used += np.uint64(kinds > 0)
        counts[event] = used - before


@njit(cache=True, nogil=True)
def _interval(low, high, size):  # type: ignore[no-untyped-def]
    """Columns whose centres lie in [low, high], as a half-open range cut to the canvas."""
    first = max((low - _HALF + SUB - 1) >> _BITS, 0)
    last = min(((high - _HALF) >> _BITS) + 1, size)
    return first, last


@njit(cache=True, nogil=True)
def _discs(first, last, offsets, x, y, radius, kind, size, wrap, passing, counts, pixels, values):  # type: ignore[no-untyped-def]
    area, channels = size * size, passing.shape[1]
    light = np.ones((area, channels))  # what the discs let through
    seen = np.zeros(area, np.uint8)
    touched = np.empty(area + 1, np.int32)
    used = 0
    for event in range(first, last):
        lit = 0
        for i in range(offsets[event], offsets[event + 1]):
            top, bottom = (y[i] - radius[i]) >> _BITS, ((y[i] + radius[i]) >> _BITS) + 1
            if wrap:  # of a disc that meets itself each row counts once, where it is widest
                nearest = (y[i] - _HALF - size * _HALF + SUB - 1) >> _BITS
                top, bottom = max(top, nearest), min(bottom, nearest + size)
            else:
                top, bottom = max(top, 0), min(bottom, size)
            for row in range(top, bottom):
                dy = row * SUB + _HALF - y[i]
                left = radius[i] * radius[i] - dy * dy
                if left < 0:
                    continue
                reach = np.int64(math.sqrt(left))
                line = (row % size) * size
                a, b = _interval(x[i] - reach, x[i] + reach, size)
                for pixel in range(line + a, line + b):
                    touched[lit] = pixel
                    lit += seen[pixel] == 0
                    seen[pixel] = 1
                    for channel in range(channels):
                        light[pixel, channel] *= passing[kind[i], channel]
        start = used
        for i in range(lit):
            pixel = touched[i]
            seen[pixel] = 0
            for channel in range(channels):
                value = np.uint8(math.floor(255 * (1 - light[pixel, channel]) + 0.5))
                light[pixel, channel] = 1
                if value > 0:
                    pixels[used] = channel * area + pixel
                    values[used] = value
                    used += 1
        counts[event] = used - start
