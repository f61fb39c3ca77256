"""The particles of events as flat, checked columns: objects, constituents of a jet, or crystals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from benchmark.core.compiled import compiled
from benchmark.core.errors import UserError
from representations.kernels import moments
from representations.kernels.hits import hits_of, lengths, lists_of
from tasks.detector.geometry import BARREL, CRYSTAL, barrel_direction
from tasks.detector.shower_shapes import HALF
from tasks.events import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tasks.events import EventInfo, Events

FULL_SPAN = (3.0, math.pi)
JET_SPAN = (1.25, 1.25)
SHOWER_SPAN = (HALF * CRYSTAL, HALF * 2 * math.pi / BARREL[1])
"""Half widths in eta and phi of the detector, a jet, and 32 x 32 crystals around the hottest one."""
FROM_HOTTEST = r"$\Delta\eta$ and $\Delta\phi$ count from the hottest crystal"
FROM_CENTROID = r"$\Delta\eta$ and $\Delta\phi$ count from the centroid of the jet's $p_T$"
"""Notes for figures."""

MOMENTUM = ("pt", "eta", "phi", "mass", "charge")
"""Fields of objects and constituents, next to the code of their kind."""
_CODES = {"objects": "kind", "constituents": "pdg_id"}

PDG_CLASSES = ("photon", "electron", "muon", "charged_hadron", "neutral_hadron")
"""Kinds of jet constituent, by abs(pdg_id) and charge."""


@dataclass(frozen=True)
class Particles:
    """All particles of a table of events, end to end; those of event i lie at `offsets[i]:offsets[i + 1]`.

    Parameters
    ----------
    pt, eta, phi : (total,) float64, GeV and radians; missing energy has eta 0.
    kind : (total,) int8 index into `names`.
    others : `mass` and `charge` as in the table, (total,), converted only on demand.
    """

    info: EventInfo
    event_ids: NDArray[np.int64]
    offsets: NDArray[np.int64]
    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    kind: NDArray[np.int8]
    names: tuple[str, ...]
    others: Mapping[str, NDArray[Any]]

    @cached_property
    def mass(self) -> NDArray[np.float64]:
        """Mass in GeV, (total,)."""
        return np.asarray(self.others["mass"], np.float64)

    @cached_property
    def charge(self) -> NDArray[np.float64]:
        """Charge in units of the proton's, (total,)."""
        return np.asarray(self.others["charge"], np.float64)

    @cached_property
    def event(self) -> NDArray[np.int64]:
        """Position of each particle's event in the table, (total,)."""
        return np.repeat(np.arange(len(self.event_ids)), np.diff(self.offsets))

    def log_pt(self) -> NDArray[np.float64]:
        """ln(pt / GeV), minus infinity for pt 0."""
        return log_of(self.pt)

    def log_energy(self) -> NDArray[np.float64]:
        """ln(E / GeV), minus infinity for energy 0."""
        return log_energy(self.pt, self.eta, self.mass)

    def slot(self) -> NDArray[np.int8]:
        """Position in `info.slots` of each particle's kind, (total,).

        If a task declares one slot with a name that is no kind (such as `constituent`), all particles belong to it.
        Raises UserError for a particle of a kind that the task does not declare.
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

    @property
    def span(self) -> tuple[float, float]:
        """Half widths in eta and phi, as `span_of`."""
        return span_of(self.info)

    def directions(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """eta and phi in [-pi, pi), (total,) each, relative to `centre`: the detector's, a jet's, or a shower's."""
        eta, phi = self.centre()
        return self.eta - eta[self.event], principal(self.phi - phi[self.event])

    def centre(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """eta and phi of the centre of each event, (events,) each.

        The centre is 0 for the whole detector, the centroid of pt of a jet, or the hottest crystal of a shower.
        """
        if self.span == FULL_SPAN:
            return np.zeros(len(self.event_ids)), np.zeros(len(self.event_ids))
        return self.hardest() if self.info.particles == "ecal" else self.centroid()

    def hardest(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """eta and phi of the particle of highest pt of each event, (events,) each; 0 in an empty event."""
        found = moments.hardest(self.offsets, self.pt, self.eta, self.phi)
        return found[0], found[1]

    def centroid(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean eta and phi of each event's particles, weighted with pt, (events,) each; 0 in an empty event."""
        found = moments.centroid(self.offsets, self.pt, self.eta, self.phi)
        return found[0], found[1]

    def where(self, particle: int) -> str:
        """The name of a particle, for messages."""
        event = int(self.event[particle])
        column = self.info.particles
        return f"{self.info.task}: event {self.event_ids[event]}, {column}[{particle - self.offsets[event]}]"


def span_of(info: EventInfo) -> tuple[float, float]:
    """Half widths in eta and phi of the events of a task: of the detector, a jet or a shower."""
    if info.particles == "constituents":
        return JET_SPAN
    return SHOWER_SPAN if info.particles == "ecal" and info.picture == "crop" else FULL_SPAN


def origin_of(info: EventInfo) -> str:
    """What eta and phi count from, as a note for figures; empty if that is the detector's centre."""
    if span_of(info) == FULL_SPAN:
        return ""
    return FROM_CENTROID if info.particles == "constituents" else FROM_HOTTEST


def kinds_of(info: EventInfo) -> tuple[str, ...]:
    """The names of the kinds of particles that the events of a task can have."""
    return {"objects": KINDS, "constituents": PDG_CLASSES, "ecal": ("crystal",)}[info.particles]


def particles_of(events: Events) -> Particles:
    """The checked particles of `events.info.particles`, in the order of the table.

    Raises
    ------
    UserError : if the column or one of its fields is missing; and, naming the event, for a list that is missing or has
        decreasing offsets, a number that is missing, NaN or too large for float32, a negative pt, a `kind` that is no
        index into `KINDS`, and a crystal that does not exist.
    """
    info = events.info
    if not events.has(info.particles):
        raise UserError(
            f"{info.task}: its events have no column '{info.particles}' (found: {', '.join(events.table.fields)}), "
            "which this representation needs. Choose another representation or level."
        )
    counts, column = _crystals(events) if info.particles == "ecal" else _columns(events)
    kind, names = _kinds(column, info.particles)
    momentum = {name: column[name].astype(np.float64) for name in ("pt", "eta", "phi")}
    if "met" in names:
        momentum["eta"][kind == names.index("met")] = 0.0
    particles = Particles(
        info=info,
        event_ids=events.column("event_id"),
        offsets=np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]),
        kind=kind,
        names=names,
        others={name: column[name] for name in ("mass", "charge")},
        **momentum,
    )
    _check(particles, column)
    return particles


def _columns(events: Events) -> tuple[NDArray[np.int64], dict[str, NDArray[Any]]]:
    """How many objects or constituents each event has, (events,), and their fields, (total,) each.

    Missing numbers become NaN.
    """
    name = events.info.particles
    rows, fields = events.table[name], (*MOMENTUM, _CODES[name])
    if rows.ndim == 1 or not set(fields) <= set(rows.fields):  # a list for each field
        lengths(events, name, fields)
        rows = ak.zip({field: rows[field] for field in fields})
    counts, entries = lists_of(events, name, rows)
    plain = entries.layout.project() if entries.layout.is_indexed else entries.layout  # a split of events is indexed
    if plain.is_record and all(plain.content(field).is_numpy for field in fields):
        # the buffers themselves: Awkward would copy all of them
        return counts, {field: np.ascontiguousarray(plain.content(field).data) for field in fields}
    flat = {field: np.ma.asarray(ak.to_numpy(entries[field])) for field in fields}
    missing = {field: np.ma.getmaskarray(values).any() for field, values in flat.items()}
    return counts, {
        field: np.ma.filled(values.astype(np.float64), np.nan) if missing[field] else values.data
        for field, values in flat.items()
    }


def _kinds(column: dict[str, NDArray[Any]], particles: str) -> tuple[NDArray[np.int8], tuple[str, ...]]:
    """The index of each particle's kind, -1 for unknown ones, and the names of the kinds."""
    if particles == "objects":
        kind = column["kind"]
        known = kind if _good(kind, "kind", len(KINDS)) else np.where(_counts(kind, len(KINDS)), kind, -1)
        return known.astype(np.int8), KINDS
    if particles == "ecal":
        return np.zeros(len(column["pt"]), np.int8), ("crystal",)
    return _classes(column["pdg_id"], column["charge"]), PDG_CLASSES


@compiled
def _classes(pdg_id: NDArray[Any], charge: NDArray[Any]) -> NDArray[np.int8]:
    """Indices into `PDG_CLASSES`, in one pass; NumPy's `select` would write an array for each class."""
    kind = np.empty(len(pdg_id), np.int8)
    for i in range(len(pdg_id)):
        code = abs(pdg_id[i])
        kind[i] = 0 if code == 22 else 1 if code == 11 else 2 if code == 13 else 3 if charge[i] != 0 else 4
    return kind


def _crystals(events: Events) -> tuple[NDArray[np.int64], dict[str, NDArray[Any]]]:
    """Crystals as massless particles from the centre of the detector; energies below zero count as 0."""
    hits = hits_of(events, "ecal", ("row", "column", "energy"))
    eta, phi = barrel_direction(hits["row"], hits["column"])
    none = np.zeros(len(hits))
    pt = np.maximum(hits["energy"], 0.0) / np.cosh(eta)
    counts = np.bincount(hits.event, minlength=len(events))
    return counts, {"pt": pt, "eta": eta, "phi": phi, "mass": none, "charge": none}


def principal(phi: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles in [-pi, pi)."""
    return (phi + math.pi) % (2 * math.pi) - math.pi


def _check(particles: Particles, column: Mapping[str, NDArray[Any]]) -> None:
    for name, given in {
        **column,
        "eta": particles.eta,
    }.items():  # eta of missing energy is not used
        with np.errstate(over="ignore"):  # samples are in float32
            values = given.astype(np.float32) if given.dtype == np.float64 and name in MOMENTUM else given
        if _good(values, name, len(particles.names)):
            continue
        wrong, expected = ~np.isfinite(values), "a finite number"
        if name == "pt":
            wrong, expected = wrong | (values < 0), "a finite number, 0 or more"
        if name == "kind":
            wrong, expected = ~_counts(values, len(particles.names)), f"0 to {len(particles.names) - 1}"
        if len(first := np.flatnonzero(wrong)):
            where = particles.where(first[0])
            raise UserError(f"{where} has {name} {given[first[0]]}, expected {expected}. Remove or correct this event.")


def _good(values: NDArray[Any], name: str, kinds: int) -> bool:
    """Whether all values are valid, in one pass: a sum is finite only if all numbers are."""
    if name == "kind":
        return values.dtype.kind in "iu" and bool(values.min(initial=0) >= 0 and values.max(initial=0) < kinds)
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum())) and (name != "pt" or bool(values.min(initial=0.0) >= 0))


def _counts(values: NDArray[Any], number: int) -> NDArray[np.bool_]:
    """Which values are whole numbers from 0 to `number` - 1."""
    with np.errstate(invalid="ignore"):
        return np.asarray((values >= 0) & (values < number) & (values % 1 == 0))


def log_energy(pt: NDArray[np.float64], eta: NDArray[np.float64], mass: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln(E / GeV) with E^2 = (pt cosh eta)^2 + mass^2, in logarithms so that no float32 input overflows."""
    log_cosh = np.abs(eta) + np.log1p(np.exp(-2 * np.abs(eta))) - math.log(2)
    return np.asarray(np.logaddexp(2 * (log_of(pt) + log_cosh), 2 * log_of(np.abs(mass))) / 2)


def log_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """ln of numbers, minus infinity for 0."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(values))
