"""The particles of events as flat, checked columns: what representations of objects and of constituents share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from benchmark.errors import UserError
from tasks.events import KINDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.events import EventInfo, Events

PDG_CLASSES = ("photon", "electron", "muon", "charged_hadron", "neutral_hadron")
"""Kinds of jet constituent, by abs(pdg_id) and charge."""


@dataclass(frozen=True)
class Particles:
    """All particles of a table of events, end to end; those of event i lie at `offsets[i]:offsets[i + 1]`.

    pt, eta, phi, mass, charge : (total,) float64, GeV and radians; missing energy has eta 0.
    kind : (total,) int8 index into `names`.
    """

    info: EventInfo
    event_ids: NDArray[np.int64]
    offsets: NDArray[np.int64]
    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    mass: NDArray[np.float64]
    charge: NDArray[np.float64]
    kind: NDArray[np.int8]
    names: tuple[str, ...]

    @cached_property
    def event(self) -> NDArray[np.int64]:
        """Position in the table of the event that each particle belongs to, shape (total,)."""
        return np.repeat(np.arange(len(self.event_ids)), np.diff(self.offsets))

    def log_pt(self) -> NDArray[np.float64]:
        """ln(pt / GeV), minus infinity for pt 0."""
        return _log(self.pt)

    def log_energy(self) -> NDArray[np.float64]:
        """ln(E / GeV) with E^2 = (pt cosh eta)^2 + mass^2, in logarithms so that no float32 input overflows."""
        log_cosh = np.abs(self.eta) + np.log1p(np.exp(-2 * np.abs(self.eta))) - math.log(2)
        return np.asarray(np.logaddexp(2 * (self.log_pt() + log_cosh), 2 * _log(np.abs(self.mass))) / 2)

    def slot(self) -> NDArray[np.int8]:
        """Position in `info.slots` of each particle's kind, shape (total,).

        A task that declares one slot with a name of its own (such as `constituent`) puts all particles there.
        Raises UserError for a particle whose kind the task does not declare.
        """
        slots = tuple(self.info.slots)
        if len(slots) == 1 and slots[0] not in self.names:
            return np.zeros(len(self.kind), dtype=np.int8)
        code = np.array([slots.index(name) if name in slots else -1 for name in self.names], dtype=np.int8)[self.kind]
        if len(first := np.flatnonzero(code < 0)):
            kind = self.names[self.kind[first[0]]]
            raise UserError(
                f"{self.where(first[0])} is of kind '{kind}', expected one of {', '.join(slots) or 'none'}. "
                f"Declare a slot for '{kind}' in the task's EventInfo, or select these objects away."
            )
        return code

    def where(self, particle: int) -> str:
        """Name a particle for an error message."""
        event = int(self.event[particle])
        column = self.info.particles
        return f"{self.info.task}: event {self.event_ids[event]}, {column}[{particle - self.offsets[event]}]"


def particles_of(events: Events) -> Particles:
    """The checked particles of `events.info.particles`, in the order of the table.

    Raises UserError, naming the event, when the column is absent, a momentum is NaN or infinite,
    pt is negative or `kind` is not an index into `KINDS`.
    """
    info = events.info
    if not events.has(info.particles):
        raise UserError(
            f"{info.task}: its events have no column '{info.particles}' (found: {', '.join(events.table.fields)}), "
            "which this representation draws on. Choose another representation or level."
        )
    rows = events.table[info.particles]
    counts = ak.to_numpy(ak.num(rows, axis=1))
    flat = ak.flatten(rows, axis=1)
    column = {name: np.asarray(ak.to_numpy(flat[name])) for name in flat.fields}
    kind, names = _kinds(column, info.particles)
    momentum = {name: column[name].astype(np.float64) for name in ("pt", "eta", "phi", "mass", "charge")}
    if "met" in names:
        momentum["eta"][kind == names.index("met")] = 0.0
    particles = Particles(
        info=info,
        event_ids=events.column("event_id"),
        offsets=np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]),
        kind=kind,
        names=names,
        **momentum,
    )
    _check(particles)
    return particles


def _kinds(column: dict[str, NDArray[Any]], particles: str) -> tuple[NDArray[np.int8], tuple[str, ...]]:
    if particles == "objects":
        return column["kind"].astype(np.int8), KINDS
    pdg_id, charged = np.abs(column["pdg_id"]), column["charge"] != 0
    classes = [pdg_id == 22, pdg_id == 11, pdg_id == 13, charged]
    return np.select(classes, [0, 1, 2, 3], default=4).astype(np.int8), PDG_CLASSES


def _check(particles: Particles) -> None:
    for name in ("pt", "eta", "phi", "mass", "charge", "kind"):
        values = getattr(particles, name)
        wrong, expected = ~np.isfinite(values), "a finite number"
        if name == "pt":
            wrong, expected = wrong | (values < 0), "a finite number, 0 or more"
        if name == "kind":
            wrong, expected = (values < 0) | (values >= len(particles.names)), f"0 to {len(particles.names) - 1}"
        if len(first := np.flatnonzero(wrong)):
            where = particles.where(first[0])
            raise UserError(f"{where} has {name} {values[first[0]]}, expected {expected}. Remove or mend this event.")


def _log(values: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(values))
