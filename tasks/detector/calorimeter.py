"""The calorimeters of whole events: from particles to the hits that are read out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from tasks.detector.cells import ENDCAP_START, HCAL_START, clear, lit, workspace
from tasks.detector.compiled import compiled
from tasks.detector.geometry import BARREL, ENDCAPS, HCAL
from tasks.detector.incoming import GAMMA, HADRON, MUON, Incoming
from tasks.detector.readout import read_out, tables
from tasks.detector.showers import electromagnetic, hadronic, minimum_ionising
from tasks.detector.transport import STACK, STATE, cascade, to_calorimeter

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tasks.detector.pileup import Drawn


@dataclass(frozen=True)
class Deposits:
    """Cells with energy, in rising order within an event; those of event i at `offsets[i]:offsets[i + 1]`.

    cell : (total,) int32 as `tasks.detector.cells` counts them. energy : GeV. time : ns after light from the centre.
    """

    offsets: NDArray[np.int64]
    cell: NDArray[np.int32]
    energy: NDArray[np.float32]
    time: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def between(self, start: int, stop: int) -> ak.Array:
        """Lists of {cell, energy, time} of the cells in [start, stop), an event each, cells counted from `start`."""
        inside = (self.cell >= start) & (self.cell < stop)
        counts = np.diff(np.concatenate([[0], np.cumsum(inside)])[self.offsets])
        columns = {"cell": self.cell[inside] - start, "energy": self.energy[inside], "time": self.time[inside]}
        return ak.unflatten(ak.zip(columns), counts)


def deposits(particles: Incoming, rng: np.random.Generator) -> Deposits:
    """Showers of all particles as they are, without noise and thresholds."""
    return _simulate(particles, rng, None, lambda cells: lit(cells))


def hits(
    particles: Incoming, rng: np.random.Generator, pileup: Drawn | None = None, each: Callable[[], None] | None = None
) -> Deposits:
    """What is read out of each event, with pile-up where there is some. `each` is called when an event is done."""

    def read(cells: Any) -> Any:
        found = read_out(cells, tables(), rng)
        if each is not None:
            each()
        return found

    return _simulate(particles, rng, pileup, read)


def columns(found: Deposits, *, time: bool = True) -> dict[str, ak.Array]:
    """The columns `ecal`, `ecal_endcap` and `hcal` of the Events table.

    time : whether hits of the ECAL have one.
    """
    cells = {"ecal": (0, ENDCAP_START, BARREL[1]), "ecal_endcap": (ENDCAP_START, HCAL_START, ENDCAPS[1])}
    table = {name: _rows(found.between(start, stop), wide) for name, (start, stop, wide) in cells.items()}
    hcal = _rows(found.between(HCAL_START, HCAL_START + HCAL[0] * HCAL[1]), HCAL[1])
    timeless = ["row", "column", "energy"]
    if not time:
        table = {name: rows[timeless] for name, rows in table.items()}
    return {**table, "hcal": hcal[timeless]}


def _rows(found: ak.Array, wide: int) -> ak.Array:
    place = {"row": found.cell // wide, "column": found.cell % wide}
    typed = {name: ak.values_astype(values, np.int16) for name, values in place.items()}
    return ak.zip({**typed, "energy": found.energy, "time": found.time})


def _simulate(particles: Incoming, rng: np.random.Generator, pileup: Drawn | None, read: Any) -> Deposits:
    cells, stack, arrived = workspace(), np.zeros((STACK, STATE)), np.zeros((STACK, STATE))
    events = len(particles.offsets) - 1
    parts = [(np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, np.float32))]  # also where there is no event
    for event in range(events):
        inside = slice(particles.offsets[event], particles.offsets[event + 1])
        states, seen, kinetic = particles.states[inside], particles.seen[inside], particles.kinetic[inside]
        _shower(states, seen, kinetic, rng, cells, stack, arrived)
        if pileup:
            pileup.overlay(cells, event)
        parts.append(read(cells))
        clear(cells)
    sizes = np.array([len(cell) for cell, _, _ in parts], dtype=np.int64)
    cell, energy, time = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Deposits(np.cumsum(sizes), cell.astype(np.int32), energy, time)


@compiled
def _shower(states, seen, kinetic, rng, cells, stack, arrived):  # type: ignore[no-untyped-def]
    """All particles of one event into the cells."""
    for i in range(len(states)):
        if seen[i] == GAMMA:
            for j in range(cascade(states[i], rng, stack, arrived)):
                electromagnetic(arrived[j], cells, rng)
            continue
        state = states[i].copy()
        if to_calorimeter(state):
            if seen[i] == MUON:
                minimum_ionising(state, cells, rng)
            else:
                hadronic(state, kinetic[i], seen[i] == HADRON, cells, rng)
