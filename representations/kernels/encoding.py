"""The columns of one particle. Lists, nodes and merged nodes of trees share this one encoding.

Columns have names, and each name has one formula from the momentum of a particle and the frames of its event:

    pt, eta, phi, mass     the momentum itself, in GeV and radians, in the laboratory
    log_pt, log_energy     ln of pt and of the energy in GeV, at least that of 1 MeV
    log_share              log_pt minus that of the jet or shower of the frame
    delta_eta, delta_phi   from the nearest frame, turned and mirrored as it says; delta_r, their length
    cos_phi, sin_phi       of phi counted from the first frame, which is the leading particle in whole events

Other columns, such as charge and is_<kind>, follow from no momentum; they add up when particles merge.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from representations.kernels.axes import axis_of, mirrors
from representations.kernels.particles import FULL_SPAN, log_energy, log_of, principal
from representations.samples.particles import FRAME, MOMENTUM

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray

    from representations.kernels.arrays import Floats, Ints
    from representations.kernels.particles import Particles
    from tasks.events import Events

IN_EVENTS = ("log_pt", "eta", "cos_phi", "sin_phi", "log_energy")
IN_JETS = ("log_pt", "log_share", "log_energy", "delta_eta", "delta_phi", "delta_r")
"""Standard columns, in whole events and in jets and showers."""
AROUND = (*IN_JETS, "eta", "cos_phi", "sin_phi")
"""Of crystals around several particles: where they lie in their shower, and where the shower lies in the event."""
LOG_FLOOR = math.log(1e-3)
"""ln of 1 MeV, for pt 0 (an event without missing energy)."""
_OF_FRAMES = ("log_share", "delta_eta", "delta_phi", "delta_r", "cos_phi", "sin_phi")


class Momenta(NamedTuple):
    """pt, eta, phi and mass of particles, (total,) float64 each, in GeV and radians."""

    pt: Floats
    eta: Floats
    phi: Floats
    mass: Floats


class Frames(NamedTuple):
    """The frames of events: event i has the rows `offsets[i]:offsets[i + 1]` of (total, 6), columns `FRAME`."""

    offsets: Ints
    rows: Floats


def encodable(names: Collection[str], *, frames: bool) -> tuple[str, ...]:
    """Those of the names that `encoded` has a formula for, with frames or without."""
    known = (*MOMENTUM, "log_pt", "log_energy", *(_OF_FRAMES if frames else ()))
    return tuple(name for name in names if name in known)


def encoded(names: Collection[str], momenta: Momenta, frames: Frames | None, event: Ints) -> dict[str, Floats]:
    """The columns of these names, (total,) float64 each.

    event : (total,) of each particle. frames : needed for columns that count from one.
    """
    pt, eta, phi, mass = momenta
    found: dict[str, Callable[[], Floats]] = {
        **{name: lambda name=name: getattr(momenta, name) for name in MOMENTUM},  # type: ignore[misc]
        "log_pt": lambda: np.maximum(log_of(pt), LOG_FLOOR),
        "log_energy": lambda: np.maximum(log_energy(pt, eta, mass), LOG_FLOOR),
    }
    if frames is not None and not {"cos_phi", "sin_phi"}.isdisjoint(names):
        angle = phi - frames.rows[frames.offsets[event], 1]
        found |= {"cos_phi": lambda: np.cos(angle), "sin_phi": lambda: np.sin(angle)}
    if frames is not None and not {"log_share", "delta_eta", "delta_phi", "delta_r"}.isdisjoint(names):
        own = frames.rows[nearest(frames, event, eta, phi)].T
        x, y = eta - own[0], principal(phi - own[1])
        found |= {
            "log_share": lambda: np.maximum(log_of(pt), LOG_FLOOR) - np.maximum(log_of(own[5]), LOG_FLOOR),
            "delta_eta": lambda: own[4] * (x * own[2] - y * own[3]),
            "delta_phi": lambda: x * own[3] + y * own[2],
            "delta_r": lambda: np.hypot(x, y),
        }
    return {name: found[name]() for name in names}


class StandardColumns(NamedTuple):
    """The names of the standard columns of an event, and the frames that they count from."""

    names: tuple[str, ...]
    frames: Frames


def frames_of(events: Events, particles: Particles, *, translate: bool, rotate: bool, flip: bool) -> Frames:
    """One frame per event.

    Whole events count phi from the particle of highest pt. A shower has its hottest crystal as the origin, a jet its
    leading subjet; without `translate` both have the centroid of pt. A jet is then turned by `rotate` and mirrored by
    `flip` as its image is (`representations.kernels.axes`); a shower is not.
    """
    number = len(events)
    rows = np.zeros((number, len(FRAME)))
    rows[:, 2] = rows[:, 4] = rows[:, 5] = 1.0
    if particles.span == FULL_SPAN:
        rows[:, 1] = particles.hardest()[1]
        return Frames(np.arange(number + 1), rows)
    if particles.info.particles == "constituents":
        axis = axis_of(events, particles, translate=translate, rotate=rotate)
        rows[:, :4] = np.stack(axis, axis=1)
        if flip:
            rows[:, 4] = mirrors(particles, axis)
    else:
        rows[:, :2] = np.stack(particles.hardest() if translate else particles.centroid(), axis=1)
    rows[:, 5] = _pt_of_all(particles, number)
    return Frames(np.arange(number + 1), rows)


def _pt_of_all(particles: Particles, events: int) -> Floats:
    """pt of the sum of all particles of each event, (events,)."""
    parts = (np.bincount(particles.event, particles.pt * turn(particles.phi), events) for turn in (np.cos, np.sin))
    return np.asarray(np.hypot(*parts))


def nearest(frames: Frames, event: Ints, eta: Floats, phi: Floats) -> Ints:
    """The row of the frame whose origin is nearest to each particle, the first of equal ones, (total,)."""
    first, last = frames.offsets[event], frames.offsets[event + 1]
    best, least = first, np.full(len(event), np.inf)
    most = int(np.diff(frames.offsets).max(initial=0))
    if most < 2:
        return np.asarray(first)
    for place in range(most):
        row = np.minimum(first + place, len(frames.rows) - 1)
        far = np.hypot(eta - frames.rows[row, 0], principal(phi - frames.rows[row, 1]))
        nearer = (far < least) & (first + place < last)
        best, least = np.where(nearer, row, best), np.where(nearer, far, least)
    return np.asarray(best)


def kinds_as_columns(particles: Particles) -> tuple[tuple[str, ...], NDArray[np.int8]]:
    """The names is_<kind>, and which of them each particle is, (total,).

    A column for each slot of the task, or for each reconstructed kind if one slot holds all.
    """
    slots = tuple(particles.info.slots)
    mixed = len(slots) == 1 and slots[0] not in particles.names
    kinds, codes = (particles.names, particles.kind) if mixed else (slots, particles.slot())
    return tuple(f"is_{kind}" for kind in kinds), codes
