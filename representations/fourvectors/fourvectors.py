"""Events as lists of four-vectors, and the engineered features of their task."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import torch

from benchmark.core.errors import UserError
from representations.kernels.candidate import candidate
from representations.kernels.particles import Particles, particles_of
from representations.representation import Representation, truth
from representations.samples import Ragged, Vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.events import EventInfo, Events

_LOG_FLOOR = math.log(1e-3)
"""ln of 1 MeV, for pt 0 (an event without missing energy)."""


@dataclass(frozen=True, kw_only=True)
class FourVectors(Representation):
    """Particles as rows of numbers, in falling pt.

    All kinds are in one list; ties in pt keep the order of the event. Lists are ragged and hold every particle:
    cutting and padding is left to the reader. `Vectors.padded` gives the first particles and a mask; a table takes
    the first `slots[kind]` particles of each kind, zeros if there are fewer.
    """

    name = "fourvectors"

    features: Annotated[
        Literal["raw", "low", "high", "complete"],
        "'raw': pt, eta, phi, mass (GeV, radians), charge, and is_<kind> for each slot of the task. 'low': log_pt, "
        "eta, cos_phi, sin_phi, log_energy (ln of GeV), charge, is_<kind>, where phi is relative to the leading "
        "particle, so that a rotation of the event changes nothing. 'high': only the task's engineered features of "
        "each event; every list is empty and there are no slots. 'complete': 'low' and 'high' together",
    ] = "raw"

    def represent(self, events: Events) -> Vectors:
        """Particles and features of these events.

        Raises
        ------
        UserError : for a number that is NaN or infinite, for a kind without a slot, and for "high" or "complete" if
            the task has no `candidate` record.
        """
        engineered = self.features in ("high", "complete")
        names, values = _candidate(events) if engineered else ((), np.zeros((len(events), 0), np.float32))
        common = {**truth(events), "features": torch.from_numpy(values), "feature_names": names}
        if self.features == "high":
            empty = torch.zeros(len(events) + 1, dtype=torch.int64)
            nothing = Ragged(torch.zeros(0, 0), empty), Ragged(torch.zeros(0, dtype=torch.int8), empty)
            return Vectors(**common, particles=nothing[0], kinds=nothing[1], names=(), slots={})
        particles = particles_of(events)
        slot = particles.slot()
        columns = _raw(particles) if self.features == "raw" else _low(particles)
        columns |= {f"is_{kind}": slot == i for i, kind in enumerate(events.info.slots)}
        order = np.lexsort((-particles.pt, particles.event))
        table = np.stack([np.asarray(column, np.float32) for column in columns.values()], axis=1)[order]
        offsets = torch.from_numpy(particles.offsets)
        return Vectors(
            **common,
            particles=Ragged(torch.from_numpy(table), offsets),
            kinds=Ragged(torch.from_numpy(slot[order]), offsets),
            names=tuple(columns),
            slots=dict(events.info.slots),
        )

    def columns(self, info: EventInfo) -> tuple[str, ...]:
        """The particles, the engineered numbers, or both."""
        return {"high": ("candidate",), "complete": (info.particles, "candidate")}.get(self.features, (info.particles,))


def _raw(particles: Particles) -> dict[str, NDArray[np.generic]]:
    return {name: getattr(particles, name) for name in ("pt", "eta", "phi", "mass", "charge")}


def _low(particles: Particles) -> dict[str, NDArray[np.generic]]:
    phi = particles.phi - _leading_phi(particles)
    return {
        "log_pt": np.maximum(particles.log_pt(), _LOG_FLOOR),
        "eta": particles.eta,
        "cos_phi": np.cos(phi),
        "sin_phi": np.sin(phi),
        "log_energy": np.maximum(particles.log_energy(), _LOG_FLOOR),
        "charge": particles.charge,
    }


def _leading_phi(particles: Particles) -> NDArray[np.float64]:
    """phi of the particle of highest pt of each particle's event, (total,)."""
    order = np.lexsort((-particles.pt, particles.event))
    return np.asarray(particles.phi[order][particles.offsets[particles.event]])


def _candidate(events: Events) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Names and values (events, features) of the task's engineered numbers."""
    task = events.info.task
    names = tuple(events.table["candidate"].fields) if events.has("candidate") else ()
    if not names:
        raise UserError(
            f"fourvectors: task '{task}' has no engineered features (a `candidate` record) for features=high or "
            "complete. Use features=raw or low."
        )
    return names, candidate(events, names)
