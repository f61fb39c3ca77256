"""Pile-up: minimum-bias collisions, simulated once as energy in cells, laid over events again and again.

Each copy is turned in phi by a whole number of HCAL towers, so that cells fall on cells; the pool need not be large,
because 72 turns of it differ. Only collisions of the same crossing are there: what is left in the calorimeters from
crossings before (out-of-time pile-up) is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from tasks.detector.cells import ENDCAP_START, HCAL_START, put
from tasks.detector.compiled import compiled
from tasks.detector.geometry import BARREL, ENDCAP_PITCH, ENDCAPS, HCAL, HCAL_SINGLE, TOWER, endcap_mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.detector.calorimeter import Deposits
    from tasks.detector.cells import Cells

SEED = 20_120_704
"""Of the pool: the same collisions for every shard, whatever its own seed."""
MEANS = {"2010": 2.0, "2011": 9.0, "2012": 20.0}
"""Collisions a crossing by year of data taking, rounded (CMS luminosity results); 18 to 21 in the simulated 2012."""


@dataclass(frozen=True)
class PileUp:
    """How many collisions lie over each event on average, and the pool that they are drawn from."""

    mean: float
    pool: Deposits

    def draw(self, events: int, rng: np.random.Generator) -> Drawn:
        """Which collisions of the pool lie over each of these events, and by how much each is turned."""
        counts = rng.poisson(self.mean, events)
        total = int(counts.sum())
        picked = rng.integers(0, max(len(self.pool), 1), total)
        return Drawn(np.concatenate([[0], np.cumsum(counts)]), picked, rng.integers(0, HCAL[1], total))


@dataclass(frozen=True)
class Drawn:
    """Collisions over events: those of event i at `offsets[i]:offsets[i + 1]`."""

    offsets: NDArray[np.int64]
    picked: NDArray[np.int64]
    turns: NDArray[np.int64]


@lru_cache(maxsize=2)
def pool(energy: float, size: int) -> Deposits:
    """`size` inelastic collisions at this energy (GeV) as deposits; the same in every process.

    Takes seconds: Pythia's start, and some milliseconds a collision.
    """
    from tasks.detector.calorimeter import deposits
    from tasks.detector.incoming import VERTEX_SPREAD, incoming_of
    from tasks.detector.particles import final
    from tasks.generator.pythia import BATCH, collisions

    settings = (f"Beams:eCM={energy:g}", "SoftQCD:inelastic=on")
    rng = np.random.default_rng(SEED)
    parts, made = [], 0
    for events in collisions(settings, SEED, "pile-up", min(size, BATCH)):
        parts.append(final(events))
        made += len(events)
        if made >= size:
            break
    vertex = rng.normal(0.0, VERTEX_SPREAD, size)
    return deposits(incoming_of(ak.concatenate(parts)[:size], vertex), rng)


def overlay(cells: Cells, pool: Deposits, drawn: Drawn, event: int) -> None:
    """Add the collisions of an event to the workspace."""
    inside = slice(drawn.offsets[event], drawn.offsets[event + 1])
    _overlay(
        cells, pool.offsets, pool.cell, pool.energy, pool.time, drawn.picked[inside], drawn.turns[inside], turned()
    )


@compiled
def _overlay(cells, offsets, cell, energy, time, picked, turns, turned):  # type: ignore[no-untyped-def]
    for i in range(len(picked)):
        for k in range(offsets[picked[i]], offsets[picked[i] + 1]):
            place = cell[k]
            if place < ENDCAP_START:
                row, column = place // BARREL[1], place % BARREL[1]
                place = row * BARREL[1] + (column + TOWER * turns[i]) % BARREL[1]
            elif place < HCAL_START:
                place = turned[turns[i], place - ENDCAP_START]
                if place < 0:
                    continue
            else:
                row, column = (place - HCAL_START) // HCAL[1], (place - HCAL_START) % HCAL[1]
                column = (column + turns[i]) % HCAL[1]
                if row < HCAL[0] // 2 - HCAL_SINGLE or row >= HCAL[0] // 2 + HCAL_SINGLE:
                    column -= column % 2
                place = HCAL_START + row * HCAL[1] + column
            put(cells, place, energy[k], time[k])


@lru_cache(maxsize=1)
def turned() -> NDArray[np.int32]:
    """Where each endcap crystal comes to lie after each turn, (72, 20000) cells; -1 off the ring of crystals."""
    row, column = np.divmod(np.arange(ENDCAPS[0] * ENDCAPS[1]), ENDCAPS[1])
    x, y = ((index + 0.5 - 50) * ENDCAP_PITCH for index in (column, row % 100))
    angle = (2.0 * np.pi / HCAL[1] * np.arange(HCAL[1]))[:, np.newaxis]
    new_column = np.floor((x * np.cos(angle) - y * np.sin(angle)) / ENDCAP_PITCH + 50).astype(int)
    new_row = np.floor((x * np.sin(angle) + y * np.cos(angle)) / ENDCAP_PITCH + 50).astype(int)
    inside = (new_row >= 0) & (new_row < 100) & (new_column >= 0) & (new_column < 100)
    exists = inside & endcap_mask()[np.clip(new_row, 0, 99), np.clip(new_column, 0, 99)]
    cell = ENDCAP_START + (new_row + row // 100 * 100) * 100 + new_column
    return np.where(exists, cell, -1).astype(np.int32)
