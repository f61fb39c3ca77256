"""Events drawn as circles: arXiv:1708.07034, sections 3.1 and 5.2."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch

from benchmark.core.errors import UserError
from benchmark.core.plugin import Range
from representations.circles import raster
from representations.circles.colours import colour_of, name_of
from representations.kernels.particles import Particles, kinds_of, origin_of, particles_of
from representations.representation import Loss, Representation, truth
from representations.samples import INK, Images, Panel, Quantity, Ragged, Samples

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tasks.events import EventInfo, Events


class Sizes(NamedTuple):
    """x in GeV from which on radii grow, and C for a picture of 224 pixels."""

    threshold: float
    scale: float

    @classmethod
    def of_usual(cls, threshold: float, largest: float) -> Sizes:
        """C such that the radius of the largest usual particle is a quarter of the canvas: 56 of 224 pixels.

        That is the radius of a jet of 200 GeV on the canvas of the papers.
        """
        return cls(threshold, round(56 / math.log(largest / threshold), 2))


SIZES = {
    "objects": Sizes(1.0, 10.5),
    "constituents": Sizes.of_usual(0.3, 200.0),
    "ecal": Sizes.of_usual(0.08, 100.0),
}
"""By column of particles. Thresholds are those of tracks in particle flow, and of crystals near a shower. One of a
hundred jets has a constituent of 200 GeV; an electron puts up to 100 GeV into a crystal at the end of the barrel."""


@dataclass(frozen=True, kw_only=True)
class Circles(Representation):
    """Objects as coloured circles: place is direction, radius is ln pt or ln E, colour is kind.

    The canvas is white, `size` x `size` pixels, and stored sparse: each lit pixel has the set of kinds that pass there,
    and the palette has 255 - colour of every set. eta in [-3, 3] runs across the columns, phi in [-pi, pi) down the
    rows. The radius is max(1, C ln(x / x0)) pixels, with x0 = `threshold` and C = `scale` x size / 224; for objects, x0
    is 1 GeV (equations 1 and 4). Missing energy lies at eta 0. Objects beyond abs(eta) 3 are not drawn.
    Constituents of a jet are drawn by class on a canvas of half width 1.25 around their centroid of pt; crystals of a
    shower in black on one of half width 0.278 (32 x 32 crystals) around the hottest one. There x0 is about the
    threshold of the detector, and the radius of the largest usual one is a quarter of the canvas.
    """

    name = "circles"
    version: ClassVar[str] = "5"  # radii of constituents and crystals in units of their threshold
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"smoke": {"size": 56}, "quick": {"size": 56}}

    size: Annotated[int, Range(8, 1024), "rows, and columns, of the picture in pixels"] = 224
    scale: Annotated[
        Literal["task"] | float,
        Range(0, 100),
        "C for a picture of 224 pixels; 'task': 10.5 for objects (that of the papers), 8.61 for constituents and 7.85 "
        "for crystals",
    ] = "task"
    threshold: Annotated[
        Literal["task"] | float,
        Range(1e-6, 1e6),
        "x in GeV from which on radii grow; 'task': 1 for objects, 0.3 for constituents (the least pt of a track) and "
        "0.08 for crystals (two standard deviations of their noise)",
    ] = "task"
    magnitude: Annotated[
        Literal["task", "pt", "energy"],
        "what x is: 'pt', 'energy', or 'task' for the choice of the task (energy for dimuon, else pt)",
    ] = "task"
    line_width: Annotated[
        float,
        Range(0.1, 100),
        "in pixels; a pixel is lit if its centre is within half the line width of the circle",
    ] = 1.0
    wrap: Annotated[bool, "objects that the edge in phi cuts continue on the other side"] = False
    fill: Annotated[
        bool,
        "translucent discs instead of lines; they cover most of the canvas and take 100 kB per event and more",
    ] = False
    opacity: Annotated[float, Range(0.01, 1), "opacity of these discs"] = 0.3
    channels: Annotated[
        Literal["colour", "kind"],
        "'colour' for RGB; where several lines pass a pixel, the darkest counts, channel by channel. 'kind' for one "
        "channel for each of the task's slots",
    ] = "colour"

    def represent(self, events: Events) -> Images:
        """Images (channels, size, size), with values 0 to 255 and scale 255.

        Raises
        ------
        UserError : for a momentum that is NaN or infinite, and for `wrap` on a jet's canvas; with channels="kind" for
            a kind without a slot, and for lines of more than eight slots.
        """
        particles = particles_of(events)
        shapes = self._shapes(particles)
        if self.fill:
            counts, pixels, values = raster.discs(shapes, self.opacity)
            colours: tuple[tuple[int, ...], ...] = ()
        else:
            counts, pixels, values = raster.rings(shapes, self.line_width)
            colours = tuple(map(tuple, raster.palette(shapes.ink).tolist()))
        offsets = torch.from_numpy(np.concatenate([[0], np.cumsum(counts)]))
        names = tuple(events.info.slots) if self.channels == "kind" else INK
        panel = Panel(
            (shapes.ink.shape[1], self.size, self.size),
            particles.span,
            names,
            turned=True,
            quantities=tuple(Quantity(name_of(name), "ink") for name in names),
            note=origin_of(events.info),
        )
        return Images(
            **truth(events),
            features=torch.zeros(len(events), 0),
            panels=(panel,),
            pixels=Ragged(torch.from_numpy(pixels), offsets),
            values=Ragged(torch.from_numpy(values), offsets),
            scale=255.0,
            palette=colours,
        )

    def columns(self, info: EventInfo) -> tuple[str, ...]:
        """The particles."""
        return (info.particles,)

    def losses(self, events: Events) -> dict[str, Loss]:
        """Objects outside the canvas."""
        return {"outside": Loss(self.outside(events), np.diff(particles_of(events).offsets))}

    def outside(self, events: Events) -> NDArray[np.int64]:
        """How many objects of each event lie outside the canvas, (events,)."""
        particles = particles_of(events)
        drawn = _on_canvas(*particles.directions(), particles.span)
        return np.bincount(particles.event[~drawn], minlength=len(events))

    def picture(self, samples: Samples) -> NDArray[np.uint8] | None:
        """The canvas in colour, (n, size, size, 3); channels of kinds are drawn in the colours of the kinds."""
        if not isinstance(samples, Images):
            return None
        ink = samples.dense().cpu().numpy()
        if self.channels == "kind":
            parts = ink[:, :, None] * (_ink(samples.channel_names)[None, :, :, None, None] / 255.0)
            ink = 1 - np.prod(1 - parts, axis=1) if self.fill else parts.max(axis=1)
        return np.asarray(np.moveaxis(np.rint(255 * (1 - ink)).astype(np.uint8), 1, -1))

    def legend(self, info: EventInfo) -> dict[str, tuple[int, int, int]]:
        """The colour of each kind, or of each of the task's slots."""
        return {kind: colour_of(kind) for kind in (info.slots if self.channels == "kind" else kinds_of(info))}

    def _shapes(self, particles: Particles) -> raster.Shapes:
        span = particles.span
        full_circle = span[1] == math.pi
        if self.wrap and not full_circle:
            raise UserError(
                f"circles: wrap=True with task '{particles.info.task}', whose canvas covers a jet and not the full "
                "circle in phi, expected a canvas that does. Leave wrap out."
            )
        slots = len(particles.info.slots)
        if self.channels == "kind" and not self.fill and slots > 8:
            raise UserError(
                f"circles: channels='kind' with task '{particles.info.task}', which has {slots} slots, expected 8 at "
                "most: a pixel of a line stores its kinds as the bits of a byte. Use channels=colour, or fill=True."
            )
        deta, dphi = particles.directions()
        drawn = _on_canvas(deta, dphi, span)
        x = _sub_pixels((deta[drawn] / (2 * span[0]) + 0.5) * self.size)
        y = _sub_pixels((dphi[drawn] / (2 * span[1]) + 0.5) * self.size)
        if self.channels == "kind":
            kind, ink = particles.slot(), np.diag(np.full(len(particles.info.slots), 255, dtype=np.uint8))
        else:
            kind, ink = particles.kind, _ink(particles.names)
        counts = np.bincount(particles.event[drawn], minlength=len(particles.event_ids))
        return raster.Shapes(
            offsets=np.concatenate([[0], np.cumsum(counts)]),
            x=x,
            y=y % (self.size * raster.SUB) if full_circle else y,
            radius=_sub_pixels(self._radius(particles)[drawn]),
            kind=kind[drawn].astype(np.uint8),
            ink=ink,
            size=self.size,
            wrap=self.wrap,
        )

    def _radius(self, particles: Particles) -> NDArray[np.float64]:
        """Radii in pixels: for objects equation 1 (E) or 4 (pt)."""
        own = SIZES[particles.info.particles]
        least = own.threshold if self.threshold == "task" else self.threshold
        scale = own.scale if self.scale == "task" else self.scale
        magnitude = particles.info.magnitude if self.magnitude == "task" else self.magnitude
        log = particles.log_energy() if magnitude == "energy" else particles.log_pt()
        return np.maximum(1.0, scale * self.size / 224 * np.maximum(log - math.log(least), 0.0))


def _on_canvas(deta: NDArray[np.float64], dphi: NDArray[np.float64], span: tuple[float, float]) -> NDArray[np.bool_]:
    # with a tolerance, so that rounding does not exclude a crystal on the very edge
    return (np.abs(deta) <= span[0] + 1e-9) & (np.abs(dphi) <= span[1] + 1e-9)


def _sub_pixels(pixels: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.rint(pixels * raster.SUB).astype(np.int64)


def _ink(kinds: tuple[str, ...]) -> NDArray[np.uint8]:
    """255 - colour of each kind, (kinds, 3)."""
    return 255 - np.array([colour_of(kind) for kind in kinds], dtype=np.uint8).reshape(-1, 3)
