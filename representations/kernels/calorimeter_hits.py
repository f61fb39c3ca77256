"""Hits of the calorimeters as particles: of the whole detector, or crystals around photon candidates."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from representations.kernels.encoding import Frames, nearest
from representations.kernels.hits import DIRECTIONS, hits_of
from representations.kernels.particles import Particles, particles_of, principal
from tasks.events import KINDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from representations.kernels.arrays import Floats, Ints
    from tasks.events import EventInfo, Events

SEARCH = 0.15
"""Half width in eta and phi of the box around a photon candidate in which its hottest crystal lies. Candidates point to
the collision, crystals to the centre of the detector: 5 cm along the beam are 0.04 in eta."""
_FIELDS = ("row", "column", "energy")
_KINDS = {"ecal": "crystal", "ecal_endcap": "crystal", "hcal": "tower"}


class _Cells(NamedTuple):
    """Hits of all events, sorted by event, (total,) each; kind: 0 for crystals, 1 for towers."""

    event: Ints
    pt: Floats
    eta: Floats
    phi: Floats
    kind: Ints

    def only(self, kept: NDArray[Any]) -> _Cells:
        """Some of the hits."""
        return _Cells(self.event[kept], self.pt[kept], self.eta[kept], self.phi[kept], self.kind[kept])


def whole_detector(events: Events) -> Particles:
    """All crystals and towers as massless particles from the centre; energies below zero count as 0.

    Raises Skip for events without hits; UserError, naming the event, as `hits_of`.
    """
    return _as_particles(events, _cells(events, tuple(_KINDS)), ("crystal", "tower"))


def around_photons(events: Events, window: float) -> tuple[Particles, Frames]:
    """Crystals within a window around each photon candidate, and a frame per photon, in falling pt of the photons.

    The hottest crystal of a photon is the origin of its frame, and the middle of its window. A crystal belongs to the
    nearest photon: it is of the kind photon1, photon2, ...

    Parameters
    ----------
    window : half width in eta and phi.

    Raises
    ------
    Skip : for events without hits. UserError : naming the event, as `hits_of` and `particles_of`.
    """
    endcaps = ("ecal_endcap",) if events.info.picture == "detector" else ()
    cells = _cells(events, ("ecal", *endcaps))
    offsets, directions = _photons(particles_of(events), events.info.slots["photon"])
    origins = _hottest(cells, offsets, directions)
    frames = Frames(offsets, np.tile(np.array([0.0, 0.0, 1.0, 0.0, 1.0, 0.0]), (len(origins), 1)))
    frames.rows[:, :2] = origins
    own = nearest(frames, cells.event, cells.eta, cells.phi)
    inside = np.diff(offsets)[cells.event] > 0
    own = np.where(inside, own, 0)
    if len(origins):
        inside &= np.abs(cells.eta - origins[own, 0]) <= window
        inside &= np.abs(principal(cells.phi - origins[own, 1])) <= window
    kept = cells.only(inside)
    frames.rows[:, 5] = np.bincount(own[inside], kept.pt, len(origins))
    kept = kept._replace(kind=own[inside] - offsets[kept.event])
    most = int(np.diff(offsets).max(initial=0))
    return _as_particles(events, kept, tuple(f"photon{place + 1}" for place in range(max(most, 1)))), frames


def _cells(events: Events, columns: tuple[str, ...]) -> _Cells:
    parts: list[_Cells] = []
    names = list(dict.fromkeys(_KINDS.values()))
    for column in columns:
        hits = hits_of(events, column, _FIELDS)
        eta, phi = DIRECTIONS[column](hits["row"], hits["column"])
        pt = np.maximum(hits["energy"], 0.0) / np.cosh(eta)
        parts.append(_Cells(hits.event, pt, eta, phi, np.full(len(pt), names.index(_KINDS[column]))))
    event, pt, eta, phi, kind = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _Cells(event, pt, eta, phi, kind).only(np.argsort(event, kind="stable"))


def _photons(particles: Particles, most: int) -> tuple[Ints, Floats]:
    """Offsets (events + 1,) and eta and phi (photons, 2) of the hardest photons of each event, at most `most` each."""
    chosen = np.flatnonzero(particles.kind == KINDS.index("photon"))
    event = particles.event[chosen]
    chosen = chosen[np.lexsort((-particles.pt[chosen], event))]
    counts = np.bincount(event, minlength=len(particles.event_ids))
    place = np.arange(len(chosen)) - np.repeat(np.cumsum(counts) - counts, counts)
    chosen = chosen[place < most]
    ends = np.cumsum(np.minimum(counts, most), dtype=np.int64)
    return np.concatenate([[0], ends]), np.stack([particles.eta[chosen], particles.phi[chosen]], axis=1)


def _hottest(cells: _Cells, offsets: Ints, directions: Floats) -> Floats:
    """eta and phi (photons, 2) of the crystal of highest pt near each photon; the photon's own if there is none."""
    origins = directions.copy()
    for place in range(int(np.diff(offsets).max(initial=0))):
        row = np.minimum(offsets[cells.event] + place, len(directions) - 1)
        near = offsets[cells.event] + place < offsets[cells.event + 1]
        near &= np.abs(cells.eta - directions[row, 0]) <= SEARCH
        near &= np.abs(principal(cells.phi - directions[row, 1])) <= SEARCH
        found = np.flatnonzero(near)
        found = found[np.argsort(cells.pt[found], kind="stable")]  # of one photon the last one stays
        origins[row[found], 0], origins[row[found], 1] = cells.eta[found], cells.phi[found]
    return origins


def _as_particles(events: Events, cells: _Cells, names: tuple[str, ...]) -> Particles:
    info: EventInfo = replace(events.info, particles="ecal", picture="detector", slots=dict.fromkeys(names, 1))
    none = np.zeros(len(cells.pt))
    counts = np.bincount(cells.event, minlength=len(events))
    return Particles(
        info=info,
        event_ids=events.column("event_id"),
        offsets=np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]),
        pt=cells.pt,
        eta=cells.eta,
        phi=cells.phi,
        kind=cells.kind.astype(np.int8),
        names=names,
        others={"mass": none, "charge": none},
    )
