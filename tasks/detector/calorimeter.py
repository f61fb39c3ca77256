"""The calorimeters in whole events: from particles to hits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from benchmark.core.compiled import compiled
from tasks.detector.cells import ENDCAP_START, HCAL_START, Deposits, Hits, Workspace, clear, lit, workspace
from tasks.detector.conditions import NOMINAL
from tasks.detector.geometry import BARREL, ENDCAPS, HCAL
from tasks.detector.readout import crystals, read_out
from tasks.detector.showers import electromagnetic, hadronic, minimum_ionising
from tasks.detector.tracker import CHARGE, PHI, PT, PZ, STACK, STATE, Z, cascade, new_stack, to_calorimeter

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tasks.detector.conditions import Conditions
    from tasks.detector.overlay import Overlay
    from tasks.detector.tracker import Stack

GAMMA, HADRON, NEUTRAL, MUON = range(4)
"""Kinds of particles in the calorimeters: electron or photon, charged hadron, neutral hadron, muon."""

ETA_MAX = 3.2
"""Particles beyond this abs(eta) miss barrel and endcaps."""


@dataclass(frozen=True)
class Incoming:
    """Particles that leave collisions; those of event i are at `offsets[i]:offsets[i + 1]`.

    Attributes
    ----------
    offsets : (events + 1,)
    states : (total, 8) columns as in `tasks.detector.tracker`
    kind : (total,) GAMMA, HADRON, NEUTRAL or MUON
    kinetic : (total,) the energy that a hadron can deposit, GeV
    """

    offsets: NDArray[np.int64]
    states: NDArray[np.float64]
    kind: NDArray[np.int64]
    kinetic: NDArray[np.float64]


def incoming(
    counts: NDArray[np.int64],
    pdg_id: NDArray[np.int64],
    pt: NDArray[np.float64],
    phi: NDArray[np.float64],
    pz: NDArray[np.float64],
    mass: NDArray[np.float64],
    z: NDArray[np.float64],
) -> Incoming:
    """Collect stable, visible particles.

    Parameters
    ----------
    counts : (events,) number of particles in each event
    pdg_id, pt, phi, pz, mass : (total,) GeV and radians
    z : (total,) where each particle starts along the beam, metres
    """
    size = np.abs(pdg_id)
    sign = np.where((size == 11) | (size == 13), -1.0, np.isin(size, (211, 321, 2212)) * 1.0)
    charge = np.sign(pdg_id) * sign
    states = np.zeros((len(pt), STATE))
    for column, values in ((Z, z), (PHI, phi), (PT, np.maximum(pt, 1e-6)), (PZ, pz), (CHARGE, charge)):
        states[:, column] = values
    kind = np.select([(size == 11) | (size == 22), size == 13, charge != 0], [GAMMA, MUON, HADRON], NEUTRAL)
    # Nucleons keep their mass, antinucleons annihilate with another nucleon, mesons deposit all their energy.
    rest = np.where(np.isin(size, (2212, 2112)), np.sign(pdg_id) * mass, 0.0)
    energy = np.sqrt(pt**2 + pz**2 + mass**2)
    return Incoming(np.concatenate([[0], np.cumsum(counts)]), states, kind, np.maximum(energy - rest, 0.0))


def incoming_of(particles: ak.Array, vertex: NDArray[np.float64]) -> Incoming:
    """Collect visible particles of `tasks.detector.particles.final`; `vertex` : (events,) start of each event, m."""
    kept = particles[particles.visible & (abs(particles.eta) < ETA_MAX)]
    counts = ak.to_numpy(ak.num(kept.pt))
    flat: dict[str, Any] = {name: np.asarray(ak.flatten(kept[name])) for name in ("pdg_id", "pt", "phi", "pz", "e")}
    mass = np.sqrt(np.maximum(flat["e"] ** 2 - flat["pt"] ** 2 - flat["pz"] ** 2, 0.0))
    return incoming(counts, flat["pdg_id"], flat["pt"], flat["phi"], flat["pz"], mass, np.repeat(vertex, counts))


def deposits(particles: Incoming, rng: np.random.Generator) -> Deposits:
    """Energy of the showers of all particles, without noise and thresholds."""
    return _simulate(particles, rng, None, lit)


def hits(
    particles: Incoming,
    rng: np.random.Generator,
    pileup: Overlay | None = None,
    on_event: Callable[[], None] | None = None,
    conditions: Conditions = NOMINAL,
) -> Deposits:
    """Hits that are read out of each event, with pile-up if there is some. Calls `on_event` after each event.

    The readout has random numbers of its own, so that the showers are the same whatever is read.
    """
    own = rng.spawn(1)[0]

    def read(cells: Workspace) -> Hits:
        found = read_out(cells, crystals(conditions), own)
        if on_event is not None:
            on_event()
        return found

    return _simulate(particles, rng, pileup, read, conditions.material)


def columns(found: Deposits, *, time: bool = True) -> dict[str, ak.Array]:
    """The columns `ecal`, `ecal_endcap` and `hcal` of the Events table.

    `time` : whether hits of the ECAL have a time.
    """
    parts = {"ecal": (0, ENDCAP_START, BARREL[1]), "ecal_endcap": (ENDCAP_START, HCAL_START, ENDCAPS[1])}
    table = {name: _rows(found.between(start, stop), wide) for name, (start, stop, wide) in parts.items()}
    hcal = _rows(found.between(HCAL_START, HCAL_START + HCAL[0] * HCAL[1]), HCAL[1])
    timeless = ["row", "column", "energy"]
    if not time:
        table = {name: rows[timeless] for name, rows in table.items()}
    return {**table, "hcal": hcal[timeless]}


def _rows(found: ak.Array, wide: int) -> ak.Array:
    place = {"row": found.cell // wide, "column": found.cell % wide}
    typed = {name: ak.values_astype(values, np.int16) for name, values in place.items()}
    return ak.zip({**typed, "energy": found.energy, "time": found.time})


def _simulate(
    particles: Incoming,
    rng: np.random.Generator,
    pileup: Overlay | None,
    read: Callable[[Workspace], Hits],
    material: float = 1.0,
) -> Deposits:
    cells, stack, arrived = workspace(), new_stack(material), np.zeros((STACK, STATE))
    events = len(particles.offsets) - 1
    none: Hits = np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0, np.float32)
    parts = [none]  # for input without events
    for event in range(events):
        inside = slice(particles.offsets[event], particles.offsets[event + 1])
        states, kind, kinetic = particles.states[inside], particles.kind[inside], particles.kinetic[inside]
        _shower(states, kind, kinetic, rng, cells, stack, arrived)
        if pileup:
            pileup.add_to(cells, event)
        parts.append(read(cells))
        clear(cells)
    sizes = np.array([len(cell) for cell, _, _ in parts], dtype=np.int64)
    cell, energy, time = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Deposits(np.cumsum(sizes), cell.astype(np.int32), energy, time)


@compiled
def _shower(
    states: NDArray[np.float64],
    kind: NDArray[np.int64],
    kinetic: NDArray[np.float64],
    rng: np.random.Generator,
    cells: Workspace,
    stack: Stack,
    arrived: NDArray[np.float64],
) -> None:
    """Put the showers of all particles of one event into the cells. `stack`, `arrived` : workspaces of `cascade`."""
    for i in range(len(states)):
        if kind[i] == GAMMA:
            for j in range(cascade(states[i], rng, stack, arrived)):
                electromagnetic(arrived[j], cells, rng)
            continue
        state = states[i].copy()
        if to_calorimeter(state):
            if kind[i] == MUON:
                minimum_ionising(state, cells, rng)
            else:
                hadronic(state, kinetic[i], kind[i] == HADRON, cells, rng)
