"""Circles and discs as sparse pixels, compiled; the only dense memory is one scratch canvas per thread.

All lengths are whole sub-pixels (1/1024 of a pixel), so that the rules hold exactly and a picture is the same, bit for
bit, on every machine and for every order of the objects.
The centre of the pixel in row i and column j lies at x = j + 1/2, y = i + 1/2.

A ring lights pixels with abs(distance - radius) <= line width / 2; a pixel stores the set of kinds that light it.
A disc lights pixels with distance <= radius; ink v of opacity a over all discs is 1 - product of (1 - a v).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmark.core.compiled import compiled
from representations.circles.sparse import Sparse, collect
from representations.kernels.arrays import Bytes, Floats, Ints, Pixels, Whole

Pair = tuple[float, float]
Lines = tuple[Pixels, Pixels]
CircleArrays = tuple[Ints, Ints, Ints, Ints, Bytes]
"""As `Shapes.columns` gives them."""

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

    offsets: Ints
    x: Ints
    y: Ints
    radius: Ints
    kind: Bytes
    ink: Bytes
    size: int
    wrap: bool

    @property
    def event(self) -> Ints:
        """The event of each circle, (total,)."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    def take(self, index: Ints, y: Ints | None = None) -> Shapes:
        """The circles of `index`, which must not change the order of the events; `y` replaces theirs."""
        counts = np.bincount(self.event[index], minlength=len(self.offsets) - 1)
        return replace(
            self,
            offsets=np.concatenate([[0], np.cumsum(counts)]),
            x=self.x[index],
            y=self.y[index] if y is None else y,
            radius=self.radius[index],
            kind=self.kind[index],
        )

    def columns(self) -> CircleArrays:
        """The arrays that compiled functions take."""
        return self.offsets, self.x, self.y, self.radius, self.kind


def rings(shapes: Shapes, line_width: float) -> Sparse:
    """Draw circumferences of `line_width` pixels.

    Each lit pixel is listed once. Its value is the set of kinds that light it: bit k is kind k, and `palette` has the
    ink of each set.
    """
    half = round(line_width * SUB / 2)
    if shapes.wrap:
        shapes = _copies(shapes, half)
    each = _lit_at_most(shapes, np.maximum(shapes.radius - half, 0), shapes.radius + half)
    # in the fullest event: the number of lines of its rings, and of pixels
    lines = 2 * (shapes.size + 8) * int(np.diff(shapes.offsets).max(initial=0))
    others = int(_per_event(shapes, each).max(initial=0)) + 1

    def paint(first: int, last: int, counts: Any, pixels: Any, values: Any) -> None:
        _rings(first, last, shapes.columns(), shapes.size, half, (lines, others), (counts, pixels, values))

    # one more, because a pixel may be written behind the last one before it is overwritten
    return collect(paint, np.minimum(_per_event(shapes, each), shapes.size**2) + 1)


def palette(ink: Bytes) -> Bytes:
    """Ink of each set of kinds, (sets, channels): in each channel the largest of its kinds."""
    sets = np.arange(1 << len(ink))
    inks = [np.where(sets[:, None] >> kind & 1, colour, 0) for kind, colour in enumerate(ink)]
    return np.asarray(np.max(inks, axis=0), dtype=np.uint8)


def discs(shapes: Shapes, opacity: float) -> Sparse:
    """Draw translucent discs."""
    # a product of equal factors depends on their number alone: with kinds in a fixed order it is exact
    shapes = shapes.take(np.lexsort((shapes.kind, shapes.event)))
    passing = 1 - opacity * shapes.ink.astype(np.float64) / 255

    def paint(first: int, last: int, counts: Any, pixels: Any, values: Any) -> None:
        _discs(first, last, shapes.columns(), shapes.size, shapes.wrap, passing, (counts, pixels, values))

    each = _lit_at_most(shapes, np.zeros_like(shapes.radius), shapes.radius)
    return collect(paint, np.minimum(_per_event(shapes, each), shapes.size**2) * shapes.ink.shape[1])


def _copies(shapes: Shapes, half: int) -> Shapes:
    """Each circle once for every turn in phi at which it reaches the canvas."""
    turn = shapes.size * SUB
    first = -((shapes.y + shapes.radius + half) // turn)
    last = (turn - shapes.y + shapes.radius + half) // turn
    number = last - first + 1
    index = np.repeat(np.arange(len(number)), number)
    nth = np.arange(len(index)) - np.repeat(np.cumsum(number) - number, number)
    return shapes.take(index, y=shapes.y[index] + (first[index] + nth) * turn)


def _lit_at_most(shapes: Shapes, inner: Ints, outer: Ints) -> Ints:
    """The most pixels that each circle can light: their unit squares lie within half a diagonal of the annulus."""
    reach = math.sqrt(0.5)
    area = math.pi * ((outer / SUB + reach) ** 2 - np.maximum(inner / SUB - reach, 0) ** 2)
    return np.asarray(np.minimum(np.ceil(area), shapes.size**2), dtype=np.int64)


def _per_event(shapes: Shapes, each: Ints) -> Ints:
    total = np.concatenate([[0], np.cumsum(each)])
    return np.asarray(total[shapes.offsets[1:]] - total[shapes.offsets[:-1]])


@compiled(inline="always")
def _cuts(
    centre: Pair, ring: Pair, lines: tuple[Whole, Whole], size: int, steps: tuple[int, int], begins: Lines, lit: Lines
) -> None:
    """For each line: start (`begins`) and length (`lit`) of the ring's two crossings, before and behind its centre.

    centre : along u, across the lines, and along v. ring : inner and outer radius. lines : the first, and how many.
    steps : between pixels along u and v.

    Lines without pixels start past the canvas, each at another place, because repeated writes to one place wait for
    each other. Only the part with abs(dv) >= abs(du) is handled, where a line crosses few pixels; lines along v handle
    the rest.
    Numbers are whole and below 2^53 in float64, so that the loop is vectorised and the rule still holds exactly: a root
    that is not whole is further from the next whole number than the rounding error.
    """
    (cu, cv), (inner, outer), (first, number), (step_u, step_v) = centre, ring, lines, steps
    before, behind = begins
    outer2, inner2, edge = outer * outer, inner * inner, np.float64(size)
    du0, v0 = first * 1024.0 + 512.0 - cu, (cv - 512.0) / 1024.0
    along_u, along_v, off_canvas = np.float64(step_u), np.float64(step_v), np.float64(size * size)
    lit_before, lit_behind = lit
    for k in range(number):
        du = du0 + k * 1024.0
        reach = math.sqrt(max(outer2 - du * du, 0.0)) / 1024.0
        gap = max(math.sqrt(max(inner2 - du * du, 0.0)), abs(du)) / 1024.0
        start, end = max(np.ceil(v0 - reach), 0.0), min(np.floor(v0 - gap) + 1.0, edge)
        begin, stop = max(np.ceil(v0 + gap), 0.0), min(np.floor(v0 + reach) + 1.0, edge)
        line = (first + k) * along_u
        before[k] = np.int32(line + start * along_v if end > start else off_canvas + k)
        behind[k] = np.int32(line + begin * along_v if stop > begin else off_canvas + k)
        lit_before[k], lit_behind[k] = np.int32(end - start), np.int32(stop - begin)


@compiled(inline="always")
def _quarters(
    centre: Pair,
    ring: Pair,
    size: int,
    steps: tuple[int, int],
    bit: np.uint8,
    canvas: Bytes,
    buffers: tuple[Pixels, Pixels, Pixels, Lines],
) -> tuple[np.uint64, np.uint64]:
    """Light the two quarters of a ring before and behind its centre along v.

    buffers : for the first pixels of its lines before and behind, for all other pixels, and for the numbers of pixels.

    Returns the number of lines, and of other pixels.
    """
    (cu, _), (inner, outer), (_, step_v) = centre, ring, steps
    before, behind, more, lit = buffers
    arm = outer * 0.7072  # a little more than 1 / sqrt(2); lines too far out have reach < gap
    edge = np.float64(size)
    first = np.int64(min(max(np.floor((cu - arm) / 1024.0), 0.0), edge))
    last = np.int64(min(max(np.floor((cu + arm) / 1024.0) + 1.0, 0.0), edge))
    lines = np.uint64(last - first)
    # lines are rounded up to vectors of eight; the next ring overwrites the surplus
    _cuts(centre, ring, (first, (last - first + 7) & ~7), size, steps, (before, behind), lit)
    # nearly always one pixel, sometimes two: without branches, because they cannot be predicted
    step, others = np.int32(step_v), np.uint64(0)
    lit_before, lit_behind = lit
    for k in range(lines):
        canvas[np.uint64(before[k])] |= bit
        more[others] = before[k] + step
        others += np.uint64(lit_before[k] > 1)
        canvas[np.uint64(behind[k])] |= bit
        more[others] = behind[k] + step
        others += np.uint64(lit_behind[k] > 1)
    # at the diagonal a line's way through the ring is longest: can it meet a third pixel?
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


@compiled(inline="always")
def _move_pixels(
    canvas: Bytes, touched: Pixels, number: np.uint64, pixels: Pixels, values: Bytes, used: np.uint64
) -> np.uint64:
    """Move the contents of the first `number` pixels of `touched` to `values[used:]`, each once."""
    for k in range(number):
        pixel = np.uint64(touched[k])
        kinds = canvas[pixel]
        canvas[pixel] = 0
        pixels[used], values[used] = pixel, kinds
        used += np.uint64(kinds > 0)
    return used


@compiled
def _rings(
    first: int, last: int, circles: CircleArrays, size: int, half: int, sizes: tuple[int, int], out: Sparse
) -> None:
    offsets, x, y, radius, kind = circles
    room, more_room = sizes
    counts, pixels, values = out
    most = size + 8  # lines of a ring, in vectors
    canvas = np.zeros(size * size + most, np.uint8)  # bit k: a circle of kind k passes; then room off the canvas
    before, behind, more = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(more_room, np.int32)
    lit = np.empty(most, np.int32), np.empty(most, np.int32)
    used = np.uint64(0)
    for event in range(first, last):
        lines, others = np.uint64(0), np.uint64(0)
        for i in range(offsets[event], offsets[event + 1]):
            bit = np.uint8(1 << kind[i])
            outer, inner = np.float64(radius[i] + half), np.float64(max(radius[i] - half, 0))
            cx, cy = np.float64(x[i]), np.float64(y[i])
            for centre, steps in (((cy, cx), (size, 1)), ((cx, cy), (1, size))):
                left = before[lines:], behind[lines:], more[others:], lit
                found = _quarters(centre, (inner, outer), size, steps, bit, canvas, left)
                lines += found[0]
                others += found[1]
        canvas[size * size :] = 0
        start = used
        used = _move_pixels(canvas, before, lines, pixels, values, used)
        used = _move_pixels(canvas, behind, lines, pixels, values, used)
        used = _move_pixels(canvas, more, others, pixels, values, used)
        counts[event] = used - start


@compiled
def _interval(low: int, high: int, size: int) -> tuple[int, int]:
    """Columns with their centres in [low, high], as a half-open range within the canvas."""
    first = max((low - _HALF + SUB - 1) >> _BITS, 0)
    last = min(((high - _HALF) >> _BITS) + 1, size)
    return first, last


@compiled
def _discs(first: int, last: int, circles: CircleArrays, size: int, wrap: bool, passing: Floats, out: Sparse) -> None:
    offsets, x, y, radius, kind = circles
    counts, pixels, values = out
    area, channels = size * size, passing.shape[1]
    light = np.ones((area, channels))  # share of the light that the discs let through
    seen = np.zeros(area, np.uint8)
    touched = np.empty(area + 1, np.int32)
    used = 0
    for event in range(first, last):
        lit = 0
        for i in range(offsets[event], offsets[event + 1]):
            top, bottom = (y[i] - radius[i]) >> _BITS, ((y[i] + radius[i]) >> _BITS) + 1
            if wrap:  # if a disc overlaps itself, each row counts once, at its widest
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
