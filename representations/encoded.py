"""Representations of particles one by one: the options of their columns, which lists and graphs share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

import numpy as np
import torch

from representations.kernels.encoding import (
    IN_EVENTS,
    IN_JETS,
    Momenta,
    StandardColumns,
    encoded,
    frames_of,
    kinds_as_columns,
)
from representations.kernels.particles import FULL_SPAN
from representations.representation import Representation
from representations.samples import Ragged
from representations.samples.particles import MOMENTUM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from representations.kernels.arrays import Ints
    from representations.kernels.encoding import Frames
    from representations.kernels.particles import Particles
    from tasks.events import EventInfo, Events


class Encoded(NamedTuple):
    """The columns of particles (total, columns) float32, with their names, and what `ParticleSamples` holds besides."""

    table: torch.Tensor
    names: tuple[str, ...]
    momenta: Ragged | None
    frames: Ragged | None


@dataclass(frozen=True, kw_only=True)
class EncodedParticles(Representation):
    """A representation that gives particles one by one, with the columns of `representations.kernels.encoding`."""

    translate: Annotated[
        bool,
        "standard columns of jets and showers: count from the leading subjet, or from the hottest crystal; if false, "
        "from the centroid of pt",
    ] = True
    rotate: Annotated[
        bool, "standard columns of jets: turn the second subjet to below the first, as the jet image does"
    ] = True
    flip: Annotated[bool, "standard columns of jets: mirror the heavier side to positive delta_eta"] = True
    masses: Annotated[
        Literal["auto", "on", "off"],
        "whether models see masses of several particles in closed form: ln_kt (with ln_z) and ln_m2 of pairs, and mass "
        "and energy of the nodes of merge trees. 'auto': unless a mass defines the classes of the task",
    ] = "auto"

    def pair_masses(self, info: EventInfo) -> bool:
        """Whether masses of several particles are shown."""
        return info.pair_masses if self.masses == "auto" else self.masses == "on"

    def layout(self, events: Events, particles: Particles) -> StandardColumns:
        """The standard columns of these particles, one frame per event."""
        frames = frames_of(events, particles, translate=self.translate, rotate=self.rotate, flip=self.flip)
        return StandardColumns(IN_EVENTS if particles.span == FULL_SPAN else IN_JETS, frames)


def encoded_particles(particles: Particles, order: Ints, offsets: Ints, layout: StandardColumns | None) -> Encoded:
    """The columns of the particles in `order`, which has those of event i at `offsets[i]:offsets[i + 1]`.

    layout : of standard columns; None for raw ones.
    """
    # particles are often in order already, and each column would be copied
    where = slice(None) if np.array_equal(order, np.arange(len(particles.pt))) else order
    momenta = Momenta(*(getattr(particles, name)[where] for name in MOMENTUM))
    kinds, codes = kinds_as_columns(particles)
    columns = (
        momenta._asdict() if layout is None else encoded(layout.names, momenta, layout.frames, particles.event[where])
    )
    if layout is None or particles.info.particles != "ecal":  # crystals have no charge
        columns["charge"] = particles.charge[where]
    table = _table(columns, len(kinds))
    table[:, len(columns) :] = np.eye(len(kinds), dtype=np.float32)[codes[where]]
    names = (*columns, *kinds)
    if layout is None:
        return Encoded(torch.from_numpy(table), names, None, None)
    own = Ragged(torch.from_numpy(_table(momenta._asdict())), torch.from_numpy(offsets))
    return Encoded(torch.from_numpy(table), names, own, _as_ragged(layout.frames))


def particle_columns(info: EventInfo, *, axes: bool) -> tuple[str, ...]:
    """The columns of the Events table that hold the particles, and the axes of their jets."""
    return (info.particles, "axes") if axes and info.particles == "constituents" else (info.particles,)


def _table(columns: Mapping[str, NDArray[Any]], more: int = 0) -> NDArray[np.float32]:
    """These columns, (total, columns) float32, and space for more."""
    table = np.empty((len(next(iter(columns.values()))), len(columns) + more), np.float32)
    for place, values in enumerate(columns.values()):
        table[:, place] = values
    return table


def _as_ragged(frames: Frames) -> Ragged:
    return Ragged(torch.from_numpy(frames.rows.astype(np.float32)), torch.from_numpy(frames.offsets))
