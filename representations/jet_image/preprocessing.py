"""The constituents of jets as pixels, after the preprocessing of arXiv:1511.05190, section 3.1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import awkward as ak
import numpy as np

from benchmark.core.compiled import compiled
from benchmark.core.errors import UserError
from representations.kernels import moments
from representations.kernels.canvas import canvas, listed, take
from representations.kernels.particles import principal
from representations.kernels.threads import shared_out

if TYPE_CHECKING:
    from representations.kernels.arrays import Floats, Ints, Pixels, Whole
    from representations.kernels.particles import Particles
    from tasks.events import Events


AXES = ("eta", "phi", "subjet1_eta", "subjet1_phi", "subjet2_eta", "subjet2_phi")
"""Directions of a jet, and of its subjets relative to it."""
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

    If the events have no `axes` of subjets, the hardest constituent and the principal axis replace them. A jet of one
    subjet has no second one to be turned by: its principal axis becomes vertical, with the longer half below.
    """
    axes = _axes(events, particles) if events.has("axes") else _estimated(particles)
    centre = axes[:2] if steps.translate else particles.centroid()
    # the second subjet, or what replaces it, comes to lie below the first, at (0, -r)
    angle = -np.pi / 2 - np.arctan2(principal(axes[3] - axes[1]), axes[2] - axes[0])
    turn = (np.cos(angle), np.sin(angle)) if steps.rotate else (np.ones(len(angle)), np.zeros(len(angle)))
    jets = _Jets(particles.offsets, particles.pt, particles.eta, particles.phi, *centre, *turn)
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


def _axes(events: Events, particles: Particles) -> list[Floats]:
    """(eta, phi) of the two leading subjets, (events,) each. The table has them relative to the jet.

    For a jet of one subjet the table has that subjet twice; a point on the principal axis replaces the second one. The
    centroid cannot choose its side, because the subjet lies on the centroid itself (within 1% of the jet's width). The
    third moment of pt can: it is positive towards the longer, fainter half, where a second subjet would be.
    """
    axes = {name: np.asarray(ak.to_numpy(events.table["axes", name])) for name in AXES}
    wrong = ~np.isfinite(sum(axis.astype(np.float64) for axis in axes.values()))
    if len(first := np.flatnonzero(wrong)):
        event = events.column("event_id")[first[0]]
        raise UserError(
            f"{events.info.task}: event {event} has axes that are NaN or infinite. Remove or correct this event."
        )
    places = [(f"{subjet}_{axis}", axis) for subjet in ("subjet1", "subjet2") for axis in ("eta", "phi")]
    eta, phi, *second = (np.asarray(axes[name] + axes[jet], np.float64) for name, jet in places)
    both = np.stack([eta, phi])
    alone = np.flatnonzero((second[0] == eta) & (second[1] == phi))
    for axis, estimated in zip(second, _on_axis(particles, alone, both[:, alone], power=3), strict=True):
        axis[alone] = estimated
    return [eta, phi, *second]


def _estimated(particles: Particles) -> list[Floats]:
    """The hardest constituent, and a point on the principal axis of pt through it, on the side of the centroid."""
    eta, phi = particles.hardest()
    every = np.arange(len(particles.event_ids))
    return [eta, phi, *_on_axis(particles, every, np.stack([eta, phi]), power=1)]


def _on_axis(particles: Particles, jets: Ints, centre: Floats, power: int) -> tuple[Floats, Floats]:
    """(eta, phi) of a point on the principal axis of pt through the centre (2, chosen) of some jets.

    power : odd. The point lies on the side where this moment of pt along the axis is positive; 1 is the side of the
        centroid.
    """
    chosen = moments.Chosen(particles.offsets, jets, particles.pt, particles.eta, particles.phi, centre)
    xx, yy, xy = moments.second(chosen)
    angle = np.arctan2(2 * xy, xx - yy) / 2
    cos, sin = np.cos(angle), np.sin(angle)
    side = np.where(moments.along(chosen, cos, sin, power) < 0, -1.0, 1.0)
    return centre[0] + side * cos, centre[1] + side * sin
