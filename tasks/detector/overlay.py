"""Pile-up over events: energy in cells and tracks of minimum-bias collisions, added to those of an event.

A collision is rotated in phi by a whole number of HCAL towers, so that cells fall on cells, and half of the time
mirrored in z, which is a symmetry of proton collisions. Each collision thus gives 144 different ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from benchmark.core.compiled import compiled
from tasks.detector.cells import ENDCAP_START, HCAL_START, TOTAL, Deposits, Workspace, put
from tasks.detector.geometry import BARREL, ENDCAP_PITCH, ENDCAPS, HCAL, HCAL_SINGLE, TOWER, endcap_mask

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Indices = NDArray[np.int32]
    Energies = tuple[NDArray[np.int64], Indices, NDArray[np.float32], NDArray[np.float32]]
    Copies = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]


@dataclass(frozen=True)
class MinimumBias:
    """A pool of minimum-bias collisions.

    Attributes
    ----------
    deposits : energy in cells
    tracks : lists of {pt, eta, phi}
    vertex : (collisions,) position along the beam, metres
    """

    deposits: Deposits
    tracks: ak.Array
    vertex: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.deposits)


@dataclass(frozen=True)
class Overlay:
    """Collisions drawn from a pool; those over event i are at `offsets[i]:offsets[i + 1]`.

    Attributes
    ----------
    pool : all collisions
    offsets : (events + 1,)
    picked : (total,) index in the pool
    turns : (total,) rotation in phi, in HCAL towers
    mirrored : (total,) whether z is mirrored
    """

    pool: MinimumBias
    offsets: NDArray[np.int64]
    picked: NDArray[np.int64]
    turns: NDArray[np.int64]
    mirrored: NDArray[np.bool_]

    def add_to(self, cells: Workspace, event: int) -> None:
        """Add the collisions of an event to the workspace."""
        inside, made = slice(self.offsets[event], self.offsets[event + 1]), self.pool.deposits
        drawn = self.picked[inside], self.turns[inside], self.mirrored[inside]
        _overlay(cells, (made.offsets, made.cell, made.energy, made.time), drawn, turned(), mirror())

    def counts(self) -> NDArray[np.int64]:
        """Number of collisions over each event, (events,)."""
        return np.diff(self.offsets)

    def copies(self) -> ak.Array:
        """The tracks of each collision after rotation and mirroring: (total,) lists of {pt, eta, phi} float32."""
        copies = self.pool.tracks[self.picked]
        phi = copies.phi + 2.0 * np.pi / HCAL[1] * self.turns
        moved = {"eta": copies.eta * self._side(), "phi": (phi + np.pi) % (2.0 * np.pi) - np.pi}
        return ak.zip({"pt": copies.pt, **{name: ak.values_astype(axis, np.float32) for name, axis in moved.items()}})

    def vertex(self) -> NDArray[np.float64]:
        """Position of each collision along the beam after mirroring, (total,) metres."""
        return self.pool.vertex[self.picked] * self._side()

    def _side(self) -> NDArray[np.float64]:
        return np.where(self.mirrored, -1.0, 1.0)

    def tracks(self) -> ak.Array:
        """The tracks of all collisions over each event: lists of {pt, eta, phi} float32."""
        return ak.flatten(ak.unflatten(self.copies(), self.counts()), axis=2)


@compiled
def _overlay(cells: Workspace, pool: Energies, drawn: Copies, turned: Indices, mirror: Indices) -> None:
    """Add rotated and mirrored collisions of a pool to the cells."""
    offsets, cell, energy, time = pool
    picked, turns, mirrored = drawn
    for i in range(len(picked)):
        for k in range(offsets[picked[i]], offsets[picked[i] + 1]):
            place = turned[turns[i], mirror[cell[k]] if mirrored[i] else cell[k]]
            if place >= 0:
                put(cells, place, energy[k], time[k])


@lru_cache(maxsize=1)
def turned() -> Indices:
    """The cell that each cell becomes after each rotation, (72, TOTAL); -1 outside the endcap crystals."""
    turn = np.arange(HCAL[1])[:, np.newaxis]
    return np.concatenate([_turned_barrel(turn), _turned_endcaps(turn), _turned_towers(turn)], axis=1, dtype=np.int32)


@lru_cache(maxsize=1)
def mirror() -> Indices:
    """The cell that each cell becomes when z is mirrored, (TOTAL,)."""
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
    """Towers of two columns keep even columns: odd rotations are rounded down."""
    row, column = np.divmod(np.arange(TOTAL - HCAL_START), HCAL[1])
    column = (column + turn) % HCAL[1]
    wide = (row < HCAL[0] // 2 - HCAL_SINGLE) | (row >= HCAL[0] // 2 + HCAL_SINGLE)
    return HCAL_START + row * HCAL[1] + np.where(wide, column - column % 2, column)
