"""Collisions as the whole detector sees them: hits, tracks, and the collisions that lie over them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from tasks.detector import tracks
from tasks.detector.calorimeter import Deposits, columns, hits
from tasks.detector.incoming import ETA_MAX, incoming_of
from tasks.detector.vertex import mistaken, vertices

if TYPE_CHECKING:
    from collections.abc import Callable

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

    def columns(self, *, time: bool = True) -> dict[str, ak.Array]:
        """The columns `ecal`, `ecal_endcap`, `hcal`, `tracks` and `pileup` of the Events table.

        Tracks are those of pile-up too, in falling pt: their order must not tell which are the event's own.
        time : whether hits of the ECAL have one.
        """
        found, counts = self.tracks, np.zeros(len(self.vertex), np.int16)
        if self.over is not None:
            found, counts = ak.concatenate([found, self.over.tracks()], axis=1), self.over.counts().astype(np.int16)
        found = found[ak.argsort(found.pt, ascending=False, stable=True)]
        return {**columns(self.hits, time=time), "tracks": found, "pileup": counts}

    def chosen(self, rng: np.random.Generator) -> tuple[NDArray[np.float64], ak.Array]:
        """The collision that photons are taken to come from: (its place along the beam (events,), its tracks).

        Mostly the right one (`tasks.detector.vertex.mistaken`), else one of those that lie over it.
        """
        if self.over is None:
            return self.vertex, self.tracks
        events = len(self.vertex)
        other = mistaken(self.over.counts(), rng)
        wrong = other >= 0
        place = np.where(wrong, self.over.offsets[:-1] + other, 0)
        vertex = self.vertex.copy()
        vertex[wrong] = self.over.vertex()[place[wrong]]
        both = ak.concatenate([self.tracks, self.over.copies()])
        return vertex, both[np.where(wrong, events + place, np.arange(events))]


def observe(
    particles: ak.Array,
    pileup: PileUp | None,
    rng: np.random.Generator,
    found: ak.Array | None = None,
    each: Callable[[], None] | None = None,
) -> Observation:
    """The collisions whose final particles these are (`tasks.detector.particles.final`), with pile-up over them.

    found : their tracks, lists of {pt, eta, phi} float32, where these are reconstructed already. each : called as the
    hits of each event are done.
    """
    vertex = vertices(len(particles), rng)
    over = pileup.draw(len(particles), rng) if pileup else None
    left = hits(incoming_of(particles, vertex), rng, over, each)
    return Observation(vertex, left, tracks.reconstruct(particles, rng) if found is None else found, over)


def observable(particles: ak.Array) -> ak.Array:
    """Those of the final particles that `observe` looks at, and no more of each than it needs."""
    kept = particles[particles.visible & (abs(particles.eta) < ETA_MAX)]
    return kept[["pdg_id", "pt", "eta", "phi", "pz", "e", "visible"]]


def with_hits(
    table: ak.Array,
    pileup: PileUp | None,
    rng: np.random.Generator,
    found: ak.Array | None = None,
    each: Callable[[], None] | None = None,
) -> ak.Array:
    """An Events table with the columns of what is observed in place of `particles`: hits without times, and tracks.

    `pileup` is among them only where there is some. The rest of the arguments are those of `observe`.
    """
    seen = observe(table["particles"], pileup, rng, found, each).columns(time=False)
    if pileup is None:
        del seen["pileup"]
    kept = {name: table[name] for name in table.fields if name != "particles"}
    return ak.zip({**kept, **seen}, depth_limit=1)
