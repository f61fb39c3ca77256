"""A jet as a picture: its constituents pixelised, after the preprocessing of arXiv:1511.05190, section 3.1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import awkward as ak
import numpy as np
from numba import njit

from benchmark.core.errors import UserError
from representations.kernels import moments
from representations.kernels.canvas import canvas, listed, take
from representations.kernels.particles import principal
from representations.kernels.threads import shared_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from representations.kernels.particles import Particles
    from tasks.events import Events


AXES = ("eta", "phi", "subjet1_eta", "subjet1_phi", "subjet2_eta", "subjet2_phi")
"""Directions of a jet, and of its subjets relative to it."""
_CHUNK = 1 << 17
"""Constituents that a thread takes at once."""


class Pixelised(NamedTuple):
    """Pixels of each jet in rising order, each once, as `cells.summed` has them; constituents in the picture (jets,).

    offsets : (jets + 1,). pixels : (total,) int32. values : (total,) float64, sums of pt.
    """

    offsets: NDArray[np.int64]
    pixels: NDArray[np.int32]
    values: NDArray[np.float64]
    inside: NDArray[np.int64]


@dataclass(frozen=True)
class JetImage:
    """Which steps of the preprocessing are taken.

    size : cells along eta, and along phi. half_width : of the picture in eta and phi. normalise : squares of the pixels
    sum to 1, but where all are 0.

    They act on the constituents, before they are put into cells: where the papers rotate finished pictures by
    interpolation, nothing is smeared here. A rotation in (eta, phi) keeps every pt and no mass (the papers' choice,
    too).
    """

    size: int
    half_width: float
    translate: bool
    rotate: bool
    flip: bool
    normalise: bool

    def pixels(self, events: Events, particles: Particles) -> Pixelised:
        """The pictures; constituents beyond them are left out.

        Where the events have no `axes` of subjets, the hardest constituent and the principal axis stand for them. A jet
        of one subjet has no second one to be turned by: its principal axis becomes vertical, the longer half below.
        """
        axes = _axes(events, particles) if events.has("axes") else _estimated(particles)
        centre = axes[:2] if self.translate else particles.centroid()
        # the second subjet, or what stands for it, is turned to lie below the first, at (0, -r)
        angle = -np.pi / 2 - np.arctan2(principal(axes[3] - axes[1]), axes[2] - axes[0])
        turn = (np.cos(angle), np.sin(angle)) if self.rotate else (np.ones(len(angle)), np.zeros(len(angle)))
        offsets, counts, inside = particles.offsets, *np.zeros((2, len(events)), np.int64)

        def work(first: int, last: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
            room = int(offsets[last] - offsets[first])
            pixels, values = np.empty(room + 1, np.int32), np.empty(room)
            momenta = particles.pt, particles.eta, particles.phi
            steps = *centre, *turn, self.flip, self.normalise, self.size, self.half_width
            used = _pixels(first, last, offsets, *momenta, *steps, counts, inside, pixels, values)
            return pixels[:used], values[:used]

        parts = shared_out(work, np.diff(offsets) + 1, _CHUNK)
        none = np.empty(0, np.int32), np.empty(0)
        pixels, values = (np.concatenate(column) for column in zip(*(parts or [none]), strict=True))
        return Pixelised(np.concatenate([[0], np.cumsum(counts)]), pixels, values, inside)


@njit(cache=True, nogil=True, error_model="numpy")  # nothing is divided by zero
def _pixels(  # type: ignore[no-untyped-def]
    first,
    last,
    offsets,
    pt,
    eta,
    phi,
    eta0,
    phi0,
    cos,
    sin,
    flip,
    normalise,
    side,
    half,
    counts,
    inside,
    pixels,
    values,
):
    """Move, turn, mirror and add up the constituents of the jets [first, last); the number of pixels.

    By numba in one pass: each of these steps in NumPy would write all constituents to memory and read them again.
    """
    beyond = side * side  # one more pixel, for what lies outside
    ink, lit, some = canvas(beyond + 1)
    most = 0
    for event in range(first, last):
        most = max(most, offsets[event + 1] - offsets[event])
    x, y, place = np.empty(most), np.empty(most), np.empty(most, np.int64)
    used = 0
    for event in range(first, last):
        start, end = offsets[event], offsets[event + 1]
        n, weight, eta_here = end - start, pt[start:end], eta[start:end]
        c, s, heavier = cos[event], sin[event], 0.0
        moments.principal(phi[start:end], phi0[event], y)
        for i in range(n):  # loops as simple as this one are vectorised
            here = eta_here[i] - eta0[event]
            x[i], y[i] = here * c - y[i] * s, here * s + y[i] * c
        for i in range(n):
            heavier += weight[i] * np.sign(x[i])
        mirror = -1.0 if flip and heavier < 0 else 1.0
        for i in range(n):
            row = np.floor((mirror * x[i] / (2 * half) + 0.5) * side)
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


def _axes(events: Events, particles: Particles) -> list[NDArray[np.float64]]:
    """(eta, phi) of the two leading subjets, (events,) each; the table has them relative to the jet.

    A jet of one subjet has it twice there; a point on its principal axis takes the place of the second. The centroid
    tells no side of it, as the subjet lies there itself (within 1% of the jet's width). The third moment of pt does:
    it finds the longer, fainter half, where a second subjet would be.
    """
    axes = {name: np.asarray(ak.to_numpy(events.table["axes", name])) for name in AXES}
    wrong = ~np.isfinite(sum(axis.astype(np.float64) for axis in axes.values()))
    if len(first := np.flatnonzero(wrong)):
        event = events.column("event_id")[first[0]]
        raise UserError(
            f"{events.info.task}: event {event} has axes that are NaN or infinite. Remove or mend this event."
        )
    places = [(f"{subjet}_{axis}", axis) for subjet in ("subjet1", "subjet2") for axis in ("eta", "phi")]
    eta, phi, *second = (np.asarray(axes[name] + axes[jet], np.float64) for name, jet in places)
    both = np.stack([eta, phi])
    alone = np.flatnonzero((second[0] == eta) & (second[1] == phi))
    for axis, estimated in zip(second, _beside(particles, alone, both[:, alone], power=3), strict=True):
        axis[alone] = estimated
    return [eta, phi, *second]


def _estimated(particles: Particles) -> list[NDArray[np.float64]]:
    """The hardest constituent, and a point beside it on the principal axis of pt, on the side of the centroid."""
    eta, phi = particles.hardest()
    every = np.arange(len(particles.event_ids))
    return [eta, phi, *_beside(particles, every, np.stack([eta, phi]), power=1)]


def _beside(
    particles: Particles, jets: NDArray[np.int64], centre: NDArray[np.float64], power: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(eta, phi) of a point beside the centre (2, chosen) of some jets, on the principal axis of pt about it.

    It lies on the side where this odd moment of pt along the axis is positive: the first is the centroid's side.
    """
    columns = particles.offsets, jets, particles.pt, particles.eta, particles.phi, centre
    xx, yy, xy = moments.second(*columns)
    angle = np.arctan2(2 * xy, xx - yy) / 2
    cos, sin = np.cos(angle), np.sin(angle)
    side = np.where(moments.along(*columns, cos, sin, power) < 0, -1.0, 1.0)
    return centre[0] + side * cos, centre[1] + side * sin
