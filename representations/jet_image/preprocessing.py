"""The constituents of jets as pixels, after the preprocessing of arXiv:1511.05190, section 3.1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmark.core.compiled import compiled
from representations.kernels.axes import axis_of, placed
from representations.kernels.canvas import canvas, listed, take
from representations.kernels.threads import shared_out

if TYPE_CHECKING:
    from representations.kernels.arrays import Floats, Ints, Pixels, Whole
    from representations.kernels.particles import Particles
    from tasks.events import Events


_CHUNK = 1 << 17
"""Constituents in one piece of a thread's work."""


class Pixelised(NamedTuple):
    """Pixels of all jets, each once and in rising order within a jet.

    offsets : (jets + 1,). pixels : (total,) flat indices. values : (total,) sums of pt. inside : (jets,), constituents
    inside the picture.
    """

    offsets: Ints
    pixels: Pixels
    values: Floats
    inside: Ints


class Steps(NamedTuple):
    """The preprocessing of a jet image; each flag is a step that is taken.

    Parameters
    ----------
    size : cells along eta, and along phi.
    half_width : of the picture, in eta and phi.
    translate, rotate, flip : move, turn and mirror the jet.
    normalise : scale the squares of the pixels to the sum 1, unless all are 0.
    """

    size: int
    half_width: float
    translate: bool
    rotate: bool
    flip: bool
    normalise: bool


def pixelised(steps: Steps, events: Events, particles: Particles) -> Pixelised:
    """The pixels of each jet. Constituents outside the picture are left out.

    The steps act on the constituents before these are put into cells. The papers rotate finished pictures by
    interpolation, which smears them. A rotation in (eta, phi) keeps every pt, but no mass, as in the papers.
    """
    axis = axis_of(events, particles, translate=steps.translate, rotate=steps.rotate)
    jets = _Jets(particles.offsets, particles.pt, particles.eta, particles.phi, *axis)
    offsets, counts, inside = particles.offsets, *np.zeros((2, len(events)), np.int64)

    def work(first: int, last: int) -> tuple[Pixels, Floats]:
        room = int(offsets[last] - offsets[first])
        pixels, values = np.empty(room + 1, np.int32), np.empty(room)
        used = _pixels(first, last, jets, steps, (counts, inside), pixels, values)
        return pixels[:used], values[:used]

    parts = shared_out(work, np.diff(offsets) + 1, _CHUNK)
    none = np.empty(0, np.int32), np.empty(0)
    pixels, values = (np.concatenate(column) for column in zip(*(parts or [none]), strict=True))
    return Pixelised(np.concatenate([[0], np.cumsum(counts)]), pixels, values, inside)


class _Jets(NamedTuple):
    """Constituents end to end, (total,), and where each jet is moved from and turned by, (jets,)."""

    offsets: Ints
    pt: Floats
    eta: Floats
    phi: Floats
    eta0: Floats
    phi0: Floats
    cos: Floats
    sin: Floats


@compiled(error_model="numpy")  # nothing is divided by zero
def _pixels(
    first: int, last: int, jets: _Jets, steps: Steps, numbers: tuple[Ints, Ints], pixels: Pixels, values: Floats
) -> Whole:
    """Move, turn, mirror and add up the constituents of the jets [first, last); returns the number of pixels.

    numbers : pixels of each jet, and constituents inside its picture, (jets,) each; both are written.

    One pass by numba: each of these steps in NumPy would write all constituents to memory and read them again.
    """
    offsets, pt, eta, phi, eta0, phi0, cos, sin = jets
    side, half, _, _, flip, normalise = steps
    counts, inside = numbers
    beyond = side * side  # one more pixel, for constituents outside
    ink, lit, some = canvas(beyond + 1)
    most = 0
    for event in range(first, last):
        most = max(most, offsets[event + 1] - offsets[event])
    x, y, place = np.empty(most), np.empty(most), np.empty(most, np.int64)
    used: Whole = 0
    for event in range(first, last):
        start, end = offsets[event], offsets[event + 1]
        n, weight = end - start, pt[start:end]
        axis = eta0[event], phi0[event], cos[event], sin[event]
        placed(weight, eta[start:end], phi[start:end], axis, flip, x[:n], y[:n])
        for i in range(n):
            row = np.floor((x[i] / (2 * half) + 0.5) * side)
            column = np.floor((y[i] / (2 * half) + 0.5) * side)
            drawn = (row >= 0) & (row < side) & (column >= 0) & (column < side)
            place[i] = np.int64(row * side + column if drawn else beyond)
            inside[event] += drawn
        for i in range(n):
            ink[place[i]] += weight[i]
            lit[place[i]] = 1
        ink[beyond], lit[beyond] = 0.0, 0
        begin, used = used, listed(lit, some, pixels, used)
        if normalise:
            square = 0.0
            for k in range(begin, used):
                square += ink[pixels[k]] ** 2
                ink[pixels[k]] = 0.0
            norm = math.sqrt(square) if square > 0 else 1.0
            for i in range(n):
                x[i] = weight[i] / norm
            for i in range(n):
                ink[place[i]] += x[i]
            ink[beyond] = 0.0
        take(ink, pixels, values, begin, used)
        counts[event] = used - begin
    return used
