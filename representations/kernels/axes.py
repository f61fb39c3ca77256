"""The axes of jets: where their constituents are moved to, turned by and mirrored, after arXiv:1511.05190, section 3.1.

Jet images, lists of constituents and graphs share these steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import awkward as ak
import numpy as np

from benchmark.core.compiled import compiled
from benchmark.core.errors import UserError
from representations.kernels import moments
from representations.kernels.particles import principal

if TYPE_CHECKING:
    from representations.kernels.arrays import Floats, Ints
    from representations.kernels.particles import Particles
    from tasks.events import Events

AXES = ("eta", "phi", "subjet1_eta", "subjet1_phi", "subjet2_eta", "subjet2_phi")
"""Directions of a jet, and of its subjets relative to it."""


class JetAxis(NamedTuple):
    """Where each jet is moved from, and the angle by which it is turned, (jets,) each."""

    eta: Floats
    phi: Floats
    cos: Floats
    sin: Floats


def axis_of(events: Events, particles: Particles, *, translate: bool, rotate: bool) -> JetAxis:
    """The axis of each jet.

    translate : the leading subjet is the origin; if false, the centroid of pt.
    rotate : the second subjet comes to lie below the first, at (0, -r). A rotation in (eta, phi) keeps every pt, but no
        mass, as in the papers.
    """
    seen = subjets(events, particles)
    eta, phi = seen[:2] if translate else particles.centroid()
    angle = -np.pi / 2 - np.arctan2(principal(seen[3] - seen[1]), seen[2] - seen[0])
    cos, sin = (np.cos(angle), np.sin(angle)) if rotate else (np.ones(len(angle)), np.zeros(len(angle)))
    return JetAxis(eta, phi, cos, sin)


@compiled
def placed(
    pt: Floats, eta: Floats, phi: Floats, axis: tuple[float, float, float, float], flip: bool, x: Floats, y: Floats
) -> float:
    """Write the places of one jet's constituents to `x` and `y`; returns -1 if they are mirrored, else 1.

    axis : eta, phi, cos and sin. flip : mirror a jet whose heavier side is at negative x.
    """
    eta0, phi0, cos, sin = axis
    heavier = 0.0
    moments.principal(phi, phi0, y)
    for i in range(len(pt)):  # loops as simple as this one are vectorised
        here = eta[i] - eta0
        x[i], y[i] = here * cos - y[i] * sin, here * sin + y[i] * cos
    for i in range(len(pt)):
        heavier += pt[i] * np.sign(x[i])
    mirror = -1.0 if flip and heavier < 0 else 1.0
    for i in range(len(pt)):
        x[i] *= mirror
    return mirror


def mirrors(particles: Particles, axis: JetAxis) -> Floats:
    """-1 for each jet whose heavier side is at negative x, else 1, (jets,)."""
    found: Floats = _mirrors(particles.offsets, particles.pt, particles.eta, particles.phi, np.stack(axis))
    return found


@compiled
def _mirrors(offsets: Ints, pt: Floats, eta: Floats, phi: Floats, axes: Floats) -> Floats:
    """As `mirrors`, with the axes as (4, jets). (Cached types of arguments would bind a class to its name.)"""
    found = np.empty(len(offsets) - 1)
    x, y = np.empty(len(pt)), np.empty(len(pt))
    for jet in range(len(found)):
        start, end = offsets[jet], offsets[jet + 1]
        here = axes[0, jet], axes[1, jet], axes[2, jet], axes[3, jet]
        found[jet] = placed(pt[start:end], eta[start:end], phi[start:end], here, True, x[start:end], y[start:end])
    return found


def subjets(events: Events, particles: Particles) -> list[Floats]:
    """eta and phi of the leading subjet of each jet, and of the second one, (events,) each.

    If the events have no `axes` of subjets, the hardest constituent and the principal axis replace them. A jet of one
    subjet has no second one to be turned by: its principal axis becomes vertical, with the longer half below.
    """
    return _stored(events, particles) if events.has("axes") else _estimated(particles)


def _stored(events: Events, particles: Particles) -> list[Floats]:
    """The subjets of the table, which has them relative to the jet.

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
