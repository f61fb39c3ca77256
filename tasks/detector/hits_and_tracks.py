"""Whole events in the detector: hits and tracks, with pile-up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from tasks.detector.calorimeter import ETA_MAX, columns, hits, incoming_of
from tasks.detector.pileup import mistaken, vertices
from tasks.detector.tracker import reconstruct_tracks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tasks.detector.cells import Deposits
    from tasks.detector.overlay import Overlay
    from tasks.detector.pileup import PileUp


@dataclass(frozen=True)
class Observation:
    """The measurements of each collision.

    Attributes
    ----------
    vertex : (events,) position along the beam, metres
    hits : hits of the calorimeters, with pile-up
    tracks : lists of {pt, eta, phi} of its own charged particles
    pileup : further collisions, None without
    """

    vertex: NDArray[np.float64]
    hits: Deposits
    tracks: ak.Array
    pileup: Overlay | None

    def columns(self, *, time: bool = True) -> dict[str, ak.Array]:
        """The columns `ecal`, `ecal_endcap`, `hcal`, `tracks` and `pileup` of the Events table.

        Tracks include those of pile-up, in falling pt, so that their order does not reveal the event's own tracks.
        `time` : whether hits of the ECAL have a time.
        """
        found, counts = self.tracks, np.zeros(len(self.vertex), np.int16)
        if self.pileup is not None:
            found, counts = ak.concatenate([found, self.pileup.tracks()], axis=1), self.pileup.counts().astype(np.int16)
        found = found[ak.argsort(found.pt, ascending=False, stable=True)]
        return {**columns(self.hits, time=time), "tracks": found, "pileup": counts}

    def draw_photon_origin(self, rng: np.random.Generator) -> tuple[NDArray[np.float64], ak.Array]:
        """Draw the collision that is taken for the origin of photons: position along the beam (events,), and tracks.

        It is the event's own collision or, with the probability in `tasks.detector.pileup.mistaken`, one of pile-up.
        """
        if self.pileup is None:
            return self.vertex, self.tracks
        events = len(self.vertex)
        other = mistaken(self.pileup.counts(), rng)
        wrong = other >= 0
        place = np.where(wrong, self.pileup.offsets[:-1] + other, 0)
        vertex = self.vertex.copy()
        vertex[wrong] = self.pileup.vertex()[place[wrong]]
        both = ak.concatenate([self.tracks, self.pileup.copies()])
        return vertex, both[np.where(wrong, events + place, np.arange(events))]


def observe(
    particles: ak.Array,
    pileup: PileUp | None,
    rng: np.random.Generator,
    tracks: ak.Array | None = None,
    on_event: Callable[[], None] | None = None,
) -> Observation:
    """Simulate hits and tracks of collisions, with pile-up.

    Parameters
    ----------
    particles : as `tasks.detector.particles.final` returns them
    tracks : lists of {pt, eta, phi} float32, if they are reconstructed already
    on_event : called when the hits of an event are done
    """
    vertex = vertices(len(particles), rng)
    over = pileup.draw(len(particles), rng.spawn(1)[0]) if pileup else None
    left = hits(incoming_of(particles, vertex), rng, over, on_event)
    return Observation(vertex, left, reconstruct_tracks(particles, rng) if tracks is None else tracks, over)


def observable(particles: ak.Array) -> ak.Array:
    """Select the final particles and columns that `observe` needs."""
    kept = particles[particles.visible & (abs(particles.eta) < ETA_MAX)]
    return kept[["pdg_id", "pt", "eta", "phi", "pz", "e", "visible"]]


def with_hits(
    table: ak.Array,
    pileup: PileUp | None,
    rng: np.random.Generator,
    tracks: ak.Array | None = None,
    on_event: Callable[[], None] | None = None,
) -> ak.Array:
    """Replace the column `particles` of an Events table by hits without times, tracks and, if there is some, `pileup`.

    The other parameters are those of `observe`.
    """
    seen = observe(table["particles"], pileup, rng, tracks, on_event).columns(time=False)
    if pileup is None:
        del seen["pileup"]
    kept = {name: table[name] for name in table.fields if name != "particles"}
    return ak.zip({**kept, **seen}, depth_limit=1)
