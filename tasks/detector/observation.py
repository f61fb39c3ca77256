"""Collisions as the whole detector sees them: hits, tracks, and the collisions that lie over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from tasks.detector import tracks
from tasks.detector.calorimeter import Deposits, columns, hits
from tasks.detector.incoming import incoming_of
from tasks.detector.vertex import chosen, vertices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.detector.pileup import Drawn, PileUp


@dataclass(frozen=True)
class Observation:
    """What is seen of each collision.

    vertex : (events,) where it lies along the beam, metres. hits : with pile-up. tracks : lists of {pt, eta, phi} of
    its own charged particles. over : the collisions over each, where there are some.
    """

    vertex: NDArray[np.float64]
    hits: Deposits
    tracks: ak.Array
    over: Drawn | None

    def columns(self) -> dict[str, ak.Array]:
        """The columns `ecal`, `ecal_endcap`, `hcal` and `tracks` (those of pile-up too) of the Events table."""
        found = self.tracks if self.over is None else ak.concatenate([self.tracks, self.over.tracks()], axis=1)
        return {**columns(self.hits), "tracks": found}

    def chosen_vertex(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Where photons are taken to come from, (events,): see `tasks.detector.vertex.chosen`."""
        return self.vertex if self.over is None else chosen(self.vertex, np.diff(self.over.offsets), rng)


def observe(particles: ak.Array, pileup: PileUp | None, rng: np.random.Generator) -> Observation:
    """The collisions whose final particles these are (`tasks.detector.particles.final`), with pile-up over them."""
    vertex = vertices(len(particles), rng)
    over = pileup.draw(len(particles), rng) if pileup else None
    found = hits(incoming_of(particles, vertex), rng, over)
    return Observation(vertex, found, tracks.reconstruct(particles, rng), over)
