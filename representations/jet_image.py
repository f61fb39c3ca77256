"""A jet as a picture: its constituents pixelised, after the preprocessing of arXiv:1511.05190, section 3.1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np
from numba import njit

from representations import moments
from representations.cells import canvas, read_off, squares
from representations.particles import JET_SPAN, Particles, particles_of, principal
from representations.threads import shared_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.events import Events

SIDE = 25
"""Cells of 0.1 in eta and phi, as in the papers on jet images."""
_CHUNK = 1 << 17
"""Constituents that a thread takes at once."""


@dataclass(frozen=True)
class JetImage:
    """Which steps of the preprocessing are taken.

    They act on the constituents, before they are put into cells: where the papers rotate finished pictures by
    interpolation, nothing is smeared here. A rotation in (eta, phi) keeps every pt and no mass (the papers' choice,
    too).
    """

    translate: bool
    rotate: bool
    flip: bool
    normalise: bool

    def pixels(self, events: Events) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
        """Pixels of each jet in rising order, each once: (counts (jets,), pixels (total,), sums of pt (total,)).

        Constituents beyond the picture are left out.
        Where the events have no `axes` of subjets, the hardest constituent and the principal axis stand for them. A jet
        of one subjet has no second one to be turned by: its principal axis becomes vertical, the longer half below.
        """
        particles = particles_of(events)
        axes = _axes(events, particles) if events.has("axes") else _estimated(particles)
        centre = axes[:2] if self.translate else particles.centroid()
        # the second subjet, or what stands for it, is turned to lie below the first, at (0, -r)
        angle = -np.pi / 2 - np.arctan2(principal(axes[3] - axes[1]), axes[2] - axes[0])
        turn = (np.cos(angle), np.sin(angle)) if self.rotate else (np.ones(len(angle)), np.zeros(len(angle)))
        offsets, counts = particles.offsets, np.zeros(len(events), np.int64)

        def work(first: int, last: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
            room = int(offsets[last] - offsets[first])
            pixels, values = np.empty(room, np.int32), np.empty(room, np.float32)
            momenta = particles.pt, particles.eta, particles.phi
            steps = *centre, *turn, self.flip, self.normalise
            used = _pixels(first, last, offsets, *momenta, *steps, counts, pixels, values)
            return pixels[:used], values[:used]

        parts = shared_out(work, np.diff(offsets) + 1, _CHUNK)
        empty = np.empty(0, np.int32), np.empty(0, np.float32)
        pixels, values = (np.concatenate(column) for column in zip(empty, *parts, strict=True))
        return counts, pixels, values


@njit(cache=True, nogil=True, error_model="numpy")  # nothing is divided by zero
def _pixels(first, last, offsets, pt, eta, phi, eta0, phi0, cos, sin, flip, normalise, counts, pixels, values):  # type: ignore[no-untyped-def]
    """Move, turn, mirror and add up the constituents of the jets [first, last); the number of pixels.

    By numba in one pass: each of these steps in NumPy would write all constituents to memory and read them again.
    """
    beyond = SIDE * SIDE  # one more pixel, for what lies outside
    ink, lit = canvas(beyond + 1)
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
        side = -1.0 if flip and heavier < 0 else 1.0
        for i in range(n):
            row = np.floor((side * x[i] / (2 * JET_SPAN[0]) + 0.5) * SIDE)
            column = np.floor((y[i] / (2 * JET_SPAN[1]) + 0.5) * SIDE)
            inside = (row >= 0) & (row < SIDE) & (column >= 0) & (column < SIDE)
            place[i] = np.int64(row * SIDE + column if inside else beyond)
        for i in range(n):
            ink[place[i]] += weight[i]
            lit[place[i]] = 1
        ink[beyond], lit[beyond] = 0.0, 0
        if normalise:
            norm = math.sqrt(max(squares(ink, lit), 1e-30))
            for i in range(n):
                ink[place[i]] = 0.0
            for i in range(n):
                ink[place[i]] += weight[i] / norm
            ink[beyond] = 0.0
        begin, used = used, read_off(ink, lit, pixels, values, used)
        counts[event] = used - begin
    return used


def _axes(events: Events, particles: Particles) -> list[NDArray[np.float64]]:
    """(eta, phi) of the two leading subjets, (events,) each; the table has them relative to the jet.

    A jet of one subjet has it twice there; a point on its principal axis takes the place of the second. The centroid
    tells no side of it, as the subjet lies there itself (within 1% of the jet's width). The third moment of pt does:
    it finds the longer, fainter half, where a second subjet would be.
    """
    axes = {name: ak.to_numpy(events.table["axes", name]) for name in events.table["axes"].fields}
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
