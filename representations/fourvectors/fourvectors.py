"""Events as lists of four-vectors, and the engineered features of their task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import numpy as np
import torch

from benchmark.core.errors import UserError
from representations.encoded import EncodedParticles, encoded_particles, particle_columns
from representations.kernels.candidate import candidate
from representations.kernels.particles import particles_of
from representations.representation import truth
from representations.samples import Ragged, Vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.events import EventInfo, Events

PAPER = ("pt1_over_m", "pt2_over_m", "eta1", "eta2", "cos_dphi")
"""The five numbers of arXiv:1807.11916: pt / m_yy and eta of both photons, and the cosine of their angle in phi."""


@dataclass(frozen=True, kw_only=True)
class FourVectors(EncodedParticles):
    """Particles as rows of numbers, in falling pt.

    All kinds are in one list; ties in pt keep the order of the event. Lists are ragged and hold every particle:
    cutting and padding is left to the reader. `Vectors.padded` gives the first particles and a mask; a table takes
    the first `slots[kind]` particles of each kind, zeros if there are fewer.
    """

    name = "fourvectors"
    version: ClassVar[str] = "2"  # standard columns

    features: Annotated[
        Literal["standard", "raw", "high", "complete", "kinematic"],
        "'standard': in jets and showers log_pt, log_share (ln of the share of the pt of the jet), log_energy (ln of "
        "GeV), delta_eta and delta_phi from the axis, delta_r; in whole events log_pt, eta, cos_phi, sin_phi, "
        "log_energy, where phi counts from the leading particle; then charge and is_<kind>. 'raw': pt, eta, phi, mass "
        "(GeV, radians), charge, is_<kind>. 'high': only the task's engineered features of each event; every list is "
        "empty and there are no slots. 'complete': 'standard' and 'high' together. 'kinematic': only the five numbers "
        "of the paper on diphoton: pt / m_yy and eta of both photons, and the cosine of their angle in phi",
    ] = "standard"

    def represent(self, events: Events) -> Vectors:
        """Particles and features of these events.

        Raises
        ------
        UserError : for a number that is NaN or infinite, for a kind without a slot, for "high" or "complete" if the
            task has no `candidate` record, and for "kinematic" if that lacks the five numbers.
        """
        names, values = self._features(events)
        common = {**truth(events), "features": torch.from_numpy(values), "feature_names": names}
        if self.features in ("high", "kinematic"):
            empty = torch.zeros(len(events) + 1, dtype=torch.int64)
            nothing = Ragged(torch.zeros(0, 0), empty), Ragged(torch.zeros(0, dtype=torch.int8), empty)
            return Vectors(**common, particles=nothing[0], kinds=nothing[1], names=(), slots={})
        particles = particles_of(events)
        order = np.lexsort((-particles.pt, particles.event))
        layout = None if self.features == "raw" else self.layout(events, particles)
        found = encoded_particles(particles, order, particles.offsets, layout)
        offsets = torch.from_numpy(particles.offsets)
        return Vectors(
            **common | {"masses": self.pair_masses(events.info)},
            particles=Ragged(found.table, offsets),
            kinds=Ragged(torch.from_numpy(particles.slot()[order]), offsets),
            names=found.names,
            slots=dict(events.info.slots),
            momenta=found.momenta,
            frames=found.frames,
        )

    def columns(self, info: EventInfo) -> tuple[str, ...]:
        """The particles, with the axes of their jet where the task has them, the engineered numbers, or all."""
        if self.features in ("high", "kinematic"):
            return ("candidate",)
        lists = particle_columns(info, axes=self.features != "raw")
        return (*lists, "candidate") if self.features == "complete" else lists

    def _features(self, events: Events) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        if self.features in ("standard", "raw"):
            return (), np.zeros((len(events), 0), np.float32)
        there = tuple(events.table["candidate"].fields) if events.has("candidate") else ()
        task = events.info.task
        if self.features == "kinematic" and not set(PAPER) <= set(there):
            raise UserError(
                f"fourvectors: features=kinematic are five numbers of two photons, which task '{task}' does not have. "
                "Use it on diphoton; use features=standard here."
            )
        if not there:
            raise UserError(
                f"fourvectors: task '{task}' has no engineered features (a `candidate` record) for features=high or "
                "complete. Use features=standard or raw."
            )
        names = PAPER if self.features == "kinematic" else there
        return names, candidate(events, names)
