"""Pile-up: minimum-bias collisions, simulated once as energy in cells and tracks, laid over events again and again.

Each copy is turned in phi by a whole number of HCAL towers, so that cells fall on cells, and every other one is
mirrored in z, as nothing tells one proton from the other: 144 pictures of each collision, so that the pool need not be
large. Only collisions of the same crossing are there: what is left in the calorimeters from
crossings before (out-of-time pile-up) is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import awkward as ak
import numpy as np

from tasks.detector.cells import ENDCAP_START, HCAL_START, TOTAL, put
from tasks.detector.compiled import compiled
from tasks.detector.geometry import BARREL, ENDCAP_PITCH, ENDCAPS, HCAL, HCAL_SINGLE, TOWER, endcap_mask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tasks.detector.calorimeter import Deposits
    from tasks.detector.cells import Cells

SEED = 20_120_704
"""Of the pool: the same collisions for every shard, whatever its own seed."""
SIZE = 2000
"""Collisions in the pool."""
Era = Literal["2010", "2011", "2012"]
ERAS: Mapping[str, tuple[tuple[float, float], ...]] = {
    "2010": ((1.0, 2.0),),
    "2011": ((1.0, 9.0),),
    "2012": ((16_308, 18.0), (24_538, 20.0), (22_206, 21.0)),
}
"""(weight, mean number of collisions) of each run era of a year. 2012: arXiv:1807.11916, table 1 (events of its three
eras, central: 26%, 39% and 35%; forward 26%, 35% and 39%) and section 2 (means of 18 to 21; that the middle one is 20
is a guess). Before: one mean a year, rounded (CMS luminosity results)."""


@dataclass(frozen=True)
class Pool:
    """Collisions to draw from: their energy in cells, lists of tracks {pt, eta, phi}, and places along the beam, m."""

    deposits: Deposits
    tracks: ak.Array
    vertex: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.deposits)


@dataclass(frozen=True)
class PileUp:
    """How many collisions lie over an event on average, by run era as in `ERAS`, and the pool that they come from."""

    eras: tuple[tuple[float, float], ...]
    pool: Pool

    def draw(self, events: int, rng: np.random.Generator) -> Drawn:
        """Which collisions of the pool lie over each of these events, how far each is turned, which are mirrored."""
        weights, means = np.array(self.eras).T
        counts = rng.poisson(rng.choice(means, events, p=weights / weights.sum()))
        total = int(counts.sum())
        picked = rng.integers(0, max(len(self.pool), 1), total)
        turns, mirrored = rng.integers(0, HCAL[1], total), rng.random(total) < 0.5
        return Drawn(self.pool, np.concatenate([[0], np.cumsum(counts)]), picked, turns, mirrored)


@dataclass(frozen=True)
class Drawn:
    """Collisions over events: those of event i at `offsets[i]:offsets[i + 1]`."""

    pool: Pool
    offsets: NDArray[np.int64]
    picked: NDArray[np.int64]
    turns: NDArray[np.int64]
    mirrored: NDArray[np.bool_]

    def overlay(self, cells: Cells, event: int) -> None:
        """Add the collisions of an event to the workspace."""
        inside, made = slice(self.offsets[event], self.offsets[event + 1]), self.pool.deposits
        drawn = self.picked[inside], self.turns[inside], self.mirrored[inside]
        _overlay(cells, made.offsets, made.cell, made.energy, made.time, *drawn, turned(), mirror())

    def counts(self) -> NDArray[np.int64]:
        """How many lie over each event, (events,)."""
        return np.diff(self.offsets)

    def copies(self) -> ak.Array:
        """The tracks of each collision as it is laid over: lists of {pt, eta, phi} float32, those of event i at its
        offsets."""
        copies = self.pool.tracks[self.picked]
        phi = copies.phi + 2.0 * np.pi / HCAL[1] * self.turns
        moved = {"eta": copies.eta * self._side(), "phi": (phi + np.pi) % (2.0 * np.pi) - np.pi}
        return ak.zip({"pt": copies.pt, **{name: ak.values_astype(axis, np.float32) for name, axis in moved.items()}})

    def vertex(self) -> NDArray[np.float64]:
        """Where each collision lies along the beam, metres, as it is laid over."""
        return self.pool.vertex[self.picked] * self._side()

    def _side(self) -> NDArray[np.float64]:
        return np.where(self.mirrored, -1.0, 1.0)

    def tracks(self) -> ak.Array:
        """The tracks of all collisions over each event: lists of {pt, eta, phi} float32."""
        return ak.flatten(ak.unflatten(self.copies(), self.counts()), axis=2)


def pileup(asked: Era | float, energy: float) -> PileUp | None:
    """Pile-up as in a year of data taking, or with this mean number of collisions, at this energy (GeV); None for 0."""
    return PileUp(eras(asked), pool(energy, SIZE)) if asked else None


def eras(asked: Era | float) -> tuple[tuple[float, float], ...]:
    """Weights and means of the run eras of a year, or the one mean that is given."""
    return ERAS[asked] if isinstance(asked, str) else ((1.0, asked),)


def description(asked: Era | float, energy: float) -> str:
    """A line for the settings of a data set; empty without pile-up."""
    if not asked:
        return ""
    total = sum(weight for weight, _ in eras(asked))
    means = ", ".join(f"{mean:g} in {weight / total:.1%}" for weight, mean in eras(asked))
    return f"pile-up of mean {means} from {SIZE} collisions: {'; '.join(_settings(energy))}"


def _settings(energy: float) -> tuple[str, ...]:
    return f"Beams:eCM={energy:g}", "SoftQCD:inelastic=on"


@lru_cache(maxsize=2)
def pool(energy: float, size: int) -> Pool:
    """`size` inelastic collisions at this energy (GeV), without noise and thresholds; the same in every process.

    Takes seconds: Pythia's start, and some milliseconds a collision.
    """
    from tasks.detector import tracks
    from tasks.detector.calorimeter import deposits
    from tasks.detector.incoming import incoming_of
    from tasks.detector.particles import final
    from tasks.detector.vertex import vertices
    from tasks.generator.pythia import BATCH, collisions

    rng = np.random.default_rng(SEED)
    parts, made = [], 0
    for events in collisions(_settings(energy), SEED, "pile-up", min(size, BATCH)):
        parts.append(final(events))
        made += len(events)
        if made >= size:
            break
    particles = ak.concatenate(parts)[:size]
    vertex = vertices(size, rng)
    return Pool(deposits(incoming_of(particles, vertex), rng), tracks.reconstruct(particles, rng), vertex)


@compiled
def _overlay(  # type: ignore[no-untyped-def]
    cells, offsets, cell, energy, time, picked, turns, mirrored, turned, mirror
):
    for i in range(len(picked)):
        for k in range(offsets[picked[i]], offsets[picked[i] + 1]):
            place = turned[turns[i], mirror[cell[k]] if mirrored[i] else cell[k]]
            if place >= 0:
                put(cells, place, energy[k], time[k])


@lru_cache(maxsize=1)
def turned() -> NDArray[np.int32]:
    """Where each cell comes to lie after each turn, (72, TOTAL); -1 off the ring of endcap crystals."""
    turn = np.arange(HCAL[1])[:, np.newaxis]
    return np.concatenate([_turned_barrel(turn), _turned_endcaps(turn), _turned_towers(turn)], axis=1, dtype=np.int32)


@lru_cache(maxsize=1)
def mirror() -> NDArray[np.int32]:
    """The cell on the other side of the centre of the detector, with the same phi, (TOTAL,)."""
    barrel = np.arange(ENDCAP_START).reshape(BARREL)[::-1]
    endcaps = np.arange(ENDCAP_START, HCAL_START).reshape(2, -1)[::-1]
    towers = np.arange(HCAL_START, TOTAL).reshape(HCAL)[::-1]
    return np.concatenate([barrel.ravel(), endcaps.ravel(), towers.ravel()], dtype=np.int32)


def _turned_barrel(turn: NDArray[np.int64]) -> NDArray[np.int64]:
    row, column = np.divmod(np.arange(ENDCAP_START), BARREL[1])
    return row * BARREL[1] + (column + TOWER * turn) % BARREL[1]


def _turned_endcaps(turn: NDArray[np.int64]) -> NDArray[np.int64]:
    row, column = np.divmod(np.arange(HCAL_START - ENDCAP_START), ENDCAPS[1])
    x, y = ((index + 0.5 - 50) * ENDCAP_PITCH for index in (column, row % 100))
    angle = 2.0 * np.pi / HCAL[1] * turn
    new_column = np.floor((x * np.cos(angle) - y * np.sin(angle)) / ENDCAP_PITCH + 50).astype(int)
    new_row = np.floor((x * np.sin(angle) + y * np.cos(angle)) / ENDCAP_PITCH + 50).astype(int)
    inside = (new_row >= 0) & (new_row < 100) & (new_column >= 0) & (new_column < 100)
    exists = inside & endcap_mask()[np.clip(new_row, 0, 99), np.clip(new_column, 0, 99)]
    return np.where(exists, ENDCAP_START + (new_row + row // 100 * 100) * 100 + new_column, -1)


def _turned_towers(turn: NDArray[np.int64]) -> NDArray[np.int64]:
    """Towers of two columns stay at even ones: an odd turn is rounded down."""
    row, column = np.divmod(np.arange(TOTAL - HCAL_START), HCAL[1])
    column = (column + turn) % HCAL[1]
    wide = (row < HCAL[0] // 2 - HCAL_SINGLE) | (row >= HCAL[0] // 2 + HCAL_SINGLE)
    return HCAL_START + row * HCAL[1] + np.where(wide, column - column % 2, column)
