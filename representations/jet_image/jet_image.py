"""Jet images: arXiv:1511.05190, section 3."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np

from benchmark.core.errors import Skip
from benchmark.core.plugin import Range
from representations.jet_image.preprocessing import Pixelised, Steps, pixelised
from representations.kernels.energies import divisors, images_of
from representations.kernels.particles import Particles, particles_of
from representations.representation import Loss, Representation
from representations.samples import Images, Panel, Quantity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.events import EventInfo, Events

STEPS = ("translate", "rotate", "flip", "normalise")


@dataclass(frozen=True, kw_only=True)
class JetImage(Representation):
    """Constituents of the candidate jet as one picture of pt, after the preprocessing of jet images.

    Rows are eta and columns phi. Tasks whose events are jets without hits get the default jet image from `calorimeter`
    as well.
    """

    name = "jet_image"
    extra: ClassVar[bool] = True

    size: Annotated[int, Range(1, 1024), "cells along each axis"] = 25
    half_width: Annotated[float, Range(0.01, np.pi), "half width of the picture in eta and phi"] = 1.25
    translate: Annotated[bool, "move the leading subjet to the centre; if false, the centroid of pt"] = True
    rotate: Annotated[
        bool,
        "turn the second subjet to below the first (towards lower columns, since phi runs up); for a jet with one "
        "subjet its principal axis, with the longer half below",
    ] = True
    flip: Annotated[bool, "put the heavier side on the right (higher rows, since eta runs across)"] = True
    normalise: Annotated[bool, "scale the sum of the squares of all pixels to 1"] = True
    suppress: Annotated[float, Range(0, 1e6), "drop constituents of less pt than this (GeV)"] = 0.0
    divide: Annotated[
        Literal["none", "mass", "sum"],
        "divide pt by the 'mass' of the jet, or by the 'sum' of the pt of its constituents; where that is 0, as with "
        "'none'. No effect with normalise",
    ] = "none"
    scale: Annotated[Literal["linear", "log"], "'linear', or 'log': ln(1 + x) of the value x"] = "linear"

    def represent(self, events: Events) -> Images:
        """Images (1, size, size) of float32.

        Raises
        ------
        Skip : if the events have no constituents.
        UserError : for a number that is NaN or infinite, and for `divide` by a mass that the events do not have.
        """
        particles = self._constituents(events)
        drawn = self._pixelised(events, particles)
        values = drawn.values
        if not self.normalise:  # else the sum of squares is 1, and any divisor cancels
            total = np.bincount(particles.event, particles.pt, len(events)).astype(np.float64)
            values = values / np.repeat(divisors(self.name, self.divide, events, total, 1.0), np.diff(drawn.offsets))
        elif self.divide == "mass":
            divisors(self.name, self.divide, events, np.zeros(len(events)), 1.0)  # raises if there is no mass
        return images_of(events, [self._panel()], (drawn.offsets, drawn.pixels, values))

    def columns(self, info: EventInfo) -> tuple[str, ...]:  # noqa: ARG002 - the same for all tasks
        """The constituents, and the axes of subjets where the task has them."""
        return ("constituents", "axes")

    def losses(self, events: Events) -> dict[str, Loss]:
        """Constituents outside the picture."""
        if not events.has("constituents"):
            return {}
        return {"outside": Loss(self.outside(events), np.diff(particles_of(events).offsets))}

    def outside(self, events: Events) -> NDArray[np.int64]:
        """How many constituents of each event lie outside the picture, (events,)."""
        particles = self._constituents(events)
        return np.asarray(np.diff(particles.offsets) - self._pixelised(events, particles).inside)

    def _constituents(self, events: Events) -> Particles:
        """The constituents of each jet; suppressed ones have no pt, and so no influence on any step."""
        if not events.has("constituents"):
            raise Skip(
                f"{events.info.task}: no constituents of a jet in these events, which are of the level "
                f"'{events.info.level}'"
            )
        particles = particles_of(events)
        if self.suppress == 0:
            return particles
        return replace(particles, pt=np.where(particles.pt < self.suppress, 0.0, particles.pt))

    def _pixelised(self, events: Events, particles: Particles) -> Pixelised:
        steps = self.translate, self.rotate, self.flip, self.normalise
        return pixelised(Steps(self.size, self.half_width, *steps), events, particles)

    def _panel(self) -> Panel:
        taken = [step for step in STEPS if getattr(self, step)]
        turned = ", rotated" if self.rotate else ""
        return Panel(
            (1, self.size, self.size),
            (self.half_width, self.half_width),
            ("pt",),
            quantities=(self._quantity(),),
            labels=(rf"$\Delta\eta${turned}", rf"$\Delta\phi$ [rad]{turned}"),
            note=f"preprocessing of jets: {', '.join(taken) or 'none'}",
        )

    def _quantity(self) -> Quantity:
        text, unit = "$p_T$", "GeV"
        if self.normalise:
            text, unit = r"$p_T\,/\,\sqrt{\Sigma p_T^2}$", ""
        elif self.divide != "none":
            text, unit = text + {"mass": r"$\,/\,m$", "sum": r"$\,/\,\Sigma p_T$"}[self.divide], ""
        if self.scale == "log":
            return Quantity("jet", f"ln(1 + {text})", squeezed=1.0)
        return Quantity("jet", text, unit, log=True)
