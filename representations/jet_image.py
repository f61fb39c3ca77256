"""A jet as a picture: its constituents pixelised, after the preprocessing of arXiv:1511.05190, section 3.1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from benchmark.errors import UserError
from representations.cells import Cells, matrix
from representations.particles import principal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from representations.particles import Particles
    from tasks.events import Events


AXES = ("eta", "phi", "subjet1_eta", "subjet1_phi", "subjet2_eta", "subjet2_phi")
"""Directions of a jet, and of its subjets relative to it."""


@dataclass(frozen=True)
class JetImage:
    """Which steps of the preprocessing are taken before constituents are put into cells.

    size : cells along eta, and along phi. half_width : of the picture in eta and phi.

    Where the papers rotate finished pictures by interpolation, nothing is smeared here. A rotation in (eta, phi) keeps
    every pt and no mass (the papers' choice, too).
    """

    size: int
    half_width: float
    translate: bool
    rotate: bool
    flip: bool

    def cells(self, events: Events, particles: Particles) -> Cells:
        """Each constituent's pt in its cell; those beyond the picture are left out.

        Where the events have no `axes` of subjets, the hardest constituent and the principal axis stand for them. A jet
        of one subjet has no second one to be turned by: its principal axis becomes vertical, the longer half below.
        """
        event, count = particles.event, len(particles.event_ids)
        axes = _axes(events, particles) if events.has("axes") else _estimated(particles)
        eta, phi = particles.eta, particles.phi
        centre = axes[:2] if self.translate else particles.centroid()
        x, y = eta - centre[0][event], principal(phi - centre[1][event])
        if self.rotate:
            # the second subjet, or what stands for it, is turned to lie below the first, at (0, -r)
            angle = -np.pi / 2 - np.arctan2(principal(axes[3] - axes[1]), axes[2] - axes[0])
            cos, sin = np.cos(angle)[event], np.sin(angle)[event]
            x, y = x * cos - y * sin, x * sin + y * cos
        if self.flip:
            heavier = np.bincount(event, particles.pt * np.sign(x), count)
            x = x * np.where(heavier < 0, -1.0, 1.0)[event]
        row, column = (np.floor((axis / (2 * self.half_width) + 0.5) * self.size).astype(np.int64) for axis in (x, y))
        inside = (row >= 0) & (row < self.size) & (column >= 0) & (column < self.size)
        return Cells(event, row, column, particles.pt).only(inside)


def normalised(jets: Cells, size: int, events: int) -> Cells:
    """The same pictures with squares of the pixels that sum to 1; a picture that is all 0 stays so."""
    # relative to the hottest pixel, so that squares of no finite number overflow or vanish
    pixels = matrix([(jets, (size, size))], events)
    largest = np.zeros(events)
    event = np.repeat(np.arange(events), np.diff(pixels.indptr))
    np.maximum.at(largest, event, pixels.data)
    largest = np.where(largest > 0, largest, 1.0)
    length = np.sqrt(np.bincount(event, (pixels.data / largest[event]) ** 2, events))
    return jets.times(1 / (largest * np.where(length > 0, length, 1.0)))


def _axes(events: Events, particles: Particles) -> list[NDArray[np.float64]]:
    """(eta, phi) of the two leading subjets, (events,) each; the table has them relative to the jet.

    A jet of one subjet has it twice there; a point on its principal axis takes the place of the second. The centroid
    tells no side of it, as the subjet lies there itself (within 1% of the jet's width). The third moment of pt does:
    it finds the longer, fainter half, where a second subjet would be.
    """
    axes = events.table["axes"]
    wrong = ~np.isfinite(sum(np.asarray(ak.to_numpy(axes[name]), np.float64) for name in AXES))
    if len(first := np.flatnonzero(wrong)):
        event = events.column("event_id")[first[0]]
        raise UserError(
            f"{events.info.task}: event {event} has axes that are NaN or infinite. Remove or mend this event."
        )
    places = [(f"{subjet}_{axis}", axis) for subjet in ("subjet1", "subjet2") for axis in ("eta", "phi")]
    eta, phi, *second = (np.asarray(ak.to_numpy(axes[name] + axes[jet]), np.float64) for name, jet in places)
    alone = (second[0] == eta) & (second[1] == phi)
    beside = _beside(particles, eta, phi, moment=3)
    return [eta, phi, *(np.where(alone, estimated, axis) for estimated, axis in zip(beside, second, strict=True))]


def _estimated(particles: Particles) -> list[NDArray[np.float64]]:
    """The hardest constituent, and a point beside it on the principal axis of pt, on the side of the centroid."""
    eta, phi = particles.hardest()
    return [eta, phi, *_beside(particles, eta, phi, moment=1)]


def _beside(
    particles: Particles, eta: NDArray[np.float64], phi: NDArray[np.float64], moment: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(eta, phi) of a point beside each of these, (events,), on the principal axis of pt about them.

    It lies on the side where this odd moment of pt along the axis is positive: the first is the centroid's side.
    """
    event, count = particles.event, len(particles.event_ids)
    x, y = particles.eta - eta[event], principal(particles.phi - phi[event])
    xx, yy, xy = (np.bincount(event, particles.pt * term, count) for term in (x * x, y * y, x * y))
    angle = np.arctan2(2 * xy, xx - yy) / 2
    along = x * np.cos(angle)[event] + y * np.sin(angle)[event]
    side = np.where(np.bincount(event, particles.pt * along**moment, count) < 0, -1.0, 1.0)
    return eta + side * np.cos(angle), phi + side * np.sin(angle)
