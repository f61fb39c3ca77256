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

from representations.circles.sparse import Sparse, collect

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
    ink : (kinds, channels) uint8, of lines at most 8 kinds, 255 minus the colour of each kind.
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
    # of the fullest event: a place for each line of its rings, and for each pixel
    lines = 2 * (shapes.size + 8) * int(np.diff(shapes.offsets).max(initial=0))
    others = int(_per_event(shapes, each).max(initial=0)) + 1

    def paint(first: int, last: int, counts: Any, pixels: Any, values: Any) -> None:
        _rings(first, last, *shapes.columns(), shapes.size, half, lines, others, counts, pixels, values)

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


@njit(cache=True, nogil=True, inline="always")
def _cuts(cu, cv, inner, outer, first, lines, size, step_u, step_v, before, behind, lit):  # type: ignore[no-untyped-def]
    """For `lines` lines u from `first` on: the first pixel of a ring before its centre and behind it, and how many.

    A line without any begins beyond the last pixel, each in a place of its own: what is written to one place again and
    again waits for itself. Only the part with abs(dv) >= abs(du), where a line crosses few pixels: the other part is
    for lines along v.
    Whole numbers below 2^53 in float64, so that the loop can be vectorised and the rule still holds exactly: a root
    that is not whole is further from the next whole number than rounding reaches.
    """
    outer2, inner2, edge = outer * outer, inner * inner, np.float64(size)
    du0, v0 = first * 1024.0 + 512.0 - cu, (cv - 512.0) / 1024.0
    along_u, along_v, nowhere = np.float64(step_u), np.float64(step_v), np.float64(size * size)
    lit_before, lit_behind = lit
    for k in range(lines):
        du = du0 + k * 1024.0
        reach = math.sqrt(max(outer2 - du * du, 0.0)) / 1024.0
        gap = max(math.sqrt(max(inner2 - du * du, 0.0)), abs(du)) / 1024.0
        start, end = max(np.ceil(v0 - reach), 0.0), min(np.floor(v0 - gap) + 1.0, edge)
        begin, stop = max(np.ceil(v0 + gap), 0.0), min(np.floor(v0 + reach) + 1.0, edge)
        line = (first + k) * along_u
        before[k] = np.int32(line + start * along_v if end > start else nowhere + k)
        behind[k] = np.int32(line + begin * along_v if stop > begin else nowhere + k)
        lit_before[k], lit_behind[k] = np.int32(end - start), np.int32(stop - begin)


@njit(cache=True, nogil=True, inline="always")
def _quarters(cu, cv, inner, outer, size, step_u, step_v, bit, canvas, rooms):  # type: ignore[no-untyped-def]
    """Light the two quarters of a ring before and behind its centre along v.

    `rooms` are for its lines' first pixels before and behind, for all other pixels, and for how many the lines have.
    Returns how many lines there are, and how many others.
    """
    before, behind, more, lit = rooms
    arm = outer * 0.7072  # a little more than 1 / sqrt(2); lines too far out have reach < gap
    edge = np.float64(size)
    first = np.int64(min(max(np.floor((cu - arm) / 1024.0), 0.0), edge))
    last = np.int64(min(max(np.floor((cu + arm) / 1024.0) + 1.0, 0.0), edge))
    lines = np.uint64(last - first)
    # what vectors of eight leave over would be done one by one; what is too much is written over by the next ring
    _cuts(cu, cv, inner, outer, first, (last - first + 7) & ~7, size, step_u, step_v, before, behind, lit)
    # Nearly always one pixel, at times two: without a branch, which nobody could predict.
    step, others = np.int32(step_v), np.uint64(0)
    lit_before, lit_behind = lit
    for k in range(lines):
        canvas[np.uint64(before[k])] |= bit
        more[others] = before[k] + step
        others += np.uint64(lit_before[k] > 1)
        canvas[np.uint64(behind[k])] |= bit
        more[others] = behind[k] + step
        others += np.uint64(lit_behind[k] > 1)
    # at the diagonal the line's way through the ring is longest: can it meet a third pixel?
    if math.sqrt(outer * outer - inner * inner / 2) - inner * math.sqrt(0.5) > 2047:
        for k in range(lines):
            for n in range(2, lit_before[k]):
                more[others] = before[k] + n * step
                others += np.uint64(1)
            for n in range(2, lit_behind[k]):
                more[others] = behind[k] + n * step
                others += np.uint64(1)
    for k in range(others):
        canvas[np.uint64(more[k])] |= bit
    return lines, others


@njit(cache=True, nogil=True, inline="always")
def _read_off(canvas, touched, number, pixels, values, used):  # type: ignore[no-untyped-def]
    """Write what the first `number` pixels of `touched` hold to `values` from `used` on, each once, and empty them."""
    for k in range(number):
        pixel = np.uint64(touched[k])
        kinds = canvas[pixel]
        canvas[pixel] = 0
        pixels[used], values[used] = pixel, kinds
        used += np.uint64(kinds > 0)
    return used


@njit(cache=True, nogil=True)
def _rings(first, last, offsets, x, y, radius, kind, size, half, room, more_room, counts, pixels, values):  # type: ignore[no-untyped-def]
    most = size + 8  # lines of a ring, in vectors
    canvas = np.zeros(size * size + most, np.uint8)  # bit k: a circle of kind k passes; and nowhere
    before, behind, more = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(more_room, np.int32)
    lit = np.empty(most, np.int32), np.empty(most, np.int32)
    used = np.uint64(0)
    for event in range(first, last):
        lines, others = np.uint64(0), np.uint64(0)
        for i in range(offsets[event], offsets[event + 1]):
            bit = np.uint8(1 << kind[i])
            outer, inner = np.float64(radius[i] + half), np.float64(max(radius[i] - half, 0))
            cx, cy = np.float64(x[i]), np.float64(y[i])
            for cu, cv, step_u, step_v in ((cy, cx, size, 1), (cx, cy, 1, size)):
                rooms = before[lines:], behind[lines:], more[others:], lit
                found = _quarters(cu, cv, inner, outer, size, step_u, step_v, bit, canvas, rooms)
                lines += found[0]
                others += found[1]
        canvas[size * size :] = 0
        start = used
        used = _read_off(canvas, before, lines, pixels, values, used)
        used = _read_off(canvas, behind, lines, pixels, values, used)
        used = _read_off(canvas, more, others, pixels, values, used)
        counts[event] = used - start


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
