"""Figures of any task, by its columns: objects, candidate scalars, mass, hits and tracks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from tasks.detector.geometry import HCAL_SINGLE
from tasks.events import KINDS
from tasks.validation.figure import Axis, Check, Figure, Floats, Map, Panel, Spectrum, spectrum
from tasks.validation.statistics import LEAST

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tasks.events import Events

PAGE = 12
"""Scalars on a figure."""
BINS, FEW_BINS, FEW = 40, 15, 400
"""Bins of a spectrum; fewer if a class has fewer than `FEW` entries."""
UNITS = dict.fromkeys(("energy", "ht", "mass", "met", "mjets", "mll", "mt", "pt", "pt_dimuon", "st"), "GeV")
UNITS |= dict.fromkeys(("delta_phi", "phi"), "rad")
"""Units of scalars by name; others have none."""
UNEVEN = 4.0
"""Largest asymmetry of directions in standard errors: exceeded by chance in one of 3,000 (phi) to 16,000 (eta)."""


def figures(events: Events) -> Iterator[Figure]:
    """Figures of the columns of a table, by class."""
    if events.has("objects"):
        for kind in KINDS:
            yield from particles(kind, _KINDS.get(kind, kind), events, of_kind(events, kind))
    for column in ("constituents", "tracks"):
        if events.has(column):
            yield from particles(column, column.removesuffix("s"), events, events.table[column])
    if events.has("candidate"):
        yield from candidate(events)
    if events.has("mass"):
        panel = scalar("mass", by_class(events, events.column("mass")))
        yield Figure("mass", "the mass that a classifier must not sculpt", (panel,))
    for column in ("ecal", "ecal_endcap", "hcal"):
        if events.has(column) and ak.any(ak.num(events.table[column].energy) > 0):
            yield hits(column, events)


def by_class(events: Events, values: Any, keep: Any = None) -> dict[str, Floats]:
    """A column of (events,), or the flat content of a column of lists, for each class; `keep` (events,) chooses."""
    label = events.column("label")
    chosen = np.ones(len(label), dtype=bool) if keep is None else np.asarray(keep)
    found = {}
    for index, name in enumerate(events.info.classes):
        part = values[(label == index) & chosen]
        flat = part if isinstance(part, np.ndarray) else ak.to_numpy(ak.flatten(part, axis=None))
        found[name] = np.asarray(flat, dtype=np.float64)
    return found


def of_kind(events: Events, kind: str) -> ak.Array:
    """The reconstructed objects of one kind, a list per event."""
    objects = events.table["objects"]
    return objects[objects.kind == KINDS.index(kind)]


def particles(name: str, one: str, events: Events, found: ak.Array) -> Iterator[Figure]:
    """Number (if it varies), pt, eta and phi of the objects of one kind; nothing if there are none."""
    number = ak.to_numpy(ak.num(found.pt))
    if not number.any():
        return
    many, constant = one if one == MISSING else f"{one}s", number.min() == number.max()
    title = f"{many}, {number[0]} in every event" if constant and one != MISSING else many
    panels = [] if constant else [whole_numbers(f"number of {many}", by_class(events, number), 30)]
    pt = by_class(events, found.pt)
    panels.append(spectrum("transverse momentum", Axis("$p_T$", "GeV", log=True), pt, log_edges(pt), log_y=True))
    leading = ak.firsts(found[ak.argmax(found.pt, axis=1, keepdims=True)])
    there = leading[~ak.is_none(leading)]
    checks = []
    if ak.any(found.eta != 0):  # missing energy has none
        reach = math.ceil(10 * float(ak.max(abs(found.eta))) + 1e-9) / 10
        edges = steps(-reach, reach, bins_for(pt))
        panels.append(spectrum("pseudorapidity", Axis(r"$\eta$"), by_class(events, found.eta), edges))
        checks.append(forward_backward(one, ak.to_numpy(there.eta)))
    phi = by_class(events, found.phi)
    panels.append(spectrum("azimuth", Axis(r"$\phi$", "rad"), phi, steps(-math.pi, math.pi, bins_for(phi))))
    checks.append(azimuthal(one, ak.to_numpy(there.phi)))
    yield Figure(name, title, tuple(panels), tuple(checks))


MISSING = "missing energy"
_KINDS = {"bjet": "b-jet", "met": MISSING}


def azimuthal(one: str, phi: Floats) -> Check:
    """Check that no azimuth is preferred: length of the sum of n unit vectors over sqrt(n / 2), one object per event.

    Its chance to be above x is exp(-x^2 / 2) (Rayleigh's test).
    """
    many = len(phi) >= LEAST
    value = float(abs(np.exp(1j * phi).sum())) / math.sqrt(len(phi) / 2) if many else math.nan
    return Check(f"leading {one}: azimuth preferred", value, 0.0, UNEVEN, "sigma", "symmetry of the beams (Rayleigh)")


def forward_backward(one: str, eta: Floats) -> Check:
    """Check that positive and negative eta are equally frequent, in standard errors; one object per event."""
    value = float(np.sign(eta).sum()) / math.sqrt(len(eta)) if len(eta) >= LEAST else math.nan
    name = f"leading {one}: more forward than backward"
    return Check(name, value, -UNEVEN, UNEVEN, "sigma", "symmetry of pp collisions")


def candidate(events: Events) -> Iterator[Figure]:
    """Every engineered scalar by class, twelve to a figure."""
    names = events.table["candidate"].fields
    pages = [names[start : start + PAGE] for start in range(0, len(names), PAGE)]
    for number, page in enumerate(pages, 1):
        panels = tuple(
            scalar(name, by_class(events, np.asarray(ak.to_numpy(events.table["candidate", name])))) for name in page
        )
        suffix = f"-{number}" if len(pages) > 1 else ""
        yield Figure(f"candidate{suffix}", "engineered scalars of the event", panels)


def scalar(name: str, values: Mapping[str, Floats]) -> Spectrum:
    """A scalar between its 0.1% and 99.5% quantiles over all classes; of whole numbers, a bin each."""
    every = np.concatenate(list(values.values()))
    # per class, so that rare classes are not cut off
    ends = [np.quantile(column, [0.001, 0.995]) for column in values.values() if len(column)]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    if np.array_equal(every, np.rint(every)):
        inside = {label: column[(column >= low) & (column <= high)] for label, column in values.items()}
        return whole_numbers(name, inside, BINS)
    edges = steps(float(low), float(high) if high > low else float(low) + 1.0, bins_for(values))
    return spectrum(name, Axis(name, UNITS.get(name, "")), values, edges)


def whole_numbers(quantity: str, values: Mapping[str, Floats], most: int) -> Spectrum:
    """Counts with a bin for each number; for a range of more than `most` numbers, several numbers per bin."""
    every = np.concatenate([np.asarray(column, dtype=np.float64) for column in values.values()])
    low, high = float(every.min(initial=0.0)), float(every.max(initial=1.0))
    step = math.ceil((high - low + 1) / most)
    bins = math.ceil((high - low + 1) / step)
    return spectrum(quantity, Axis(quantity), values, low - 0.5 + step * np.arange(bins + 1))


def hits(column: str, events: Events) -> Figure:
    """Number and energy of the hits of a calorimeter by class, and the mean energy of each cell over all classes."""
    found = events.table[column]
    count, total = by_class(events, ak.to_numpy(ak.num(found.energy))), by_class(events, _sums(found.energy))
    energy = by_class(events, found.energy)
    sum_edges = steps(0.0, max(float(np.quantile(values, 0.995)) for values in total.values() if len(values)))
    panels: tuple[Panel, ...] = (
        whole_numbers("hits", count, BINS),
        spectrum("energy of a hit", Axis("energy", "GeV", log=True), energy, log_edges(energy), log_y=True),
        spectrum("energy of all hits", Axis("energy", "GeV"), total, sum_edges),
        *(occupancy(column, found, len(events), part) for part in _PARTS[column]),
    )
    return Figure(column.replace("_", "-"), f"hits of {_NAMES[column]}", panels)


Part = tuple[str, int, tuple[int, int], int]
_PARTS: dict[str, tuple[Part, ...]] = {
    "ecal": (("", 0, (170, 360), 5),),
    "ecal_endcap": (("negative z", 0, (100, 100), 2), ("positive z", 100, (100, 100), 2)),
    "hcal": (("", 0, (56, 72), 1),),
}
"""Title, first row, rows and columns of each picture, and how many cells wide and high its pixels are."""
_NAMES = {"ecal": "the ECAL barrel", "ecal_endcap": "the ECAL endcaps", "hcal": "the HCAL"}
_AXES = {
    "ecal": (r"crystal in $\phi$", r"crystal in $\eta$"),
    "ecal_endcap": ("iX", "iY"),
    "hcal": (r"tower in $\phi$", r"tower in $\eta$"),
}


def occupancy(column: str, found: ak.Array, events: int, part: Part) -> Map:
    """Mean energy per event of each pixel, GeV, over all classes; white where there is none."""
    title, first, (rows, columns), side = part
    flat = ak.flatten(found[["row", "column", "energy"]])
    place = [ak.to_numpy(flat[name]).astype(np.int64) for name in ("row", "column")]
    inside = (place[0] >= first) & (place[0] < first + rows)
    row, across = (place[0][inside] - first) // side, place[1][inside] // side
    shape = (rows // side, columns // side)
    sums = np.bincount(row * shape[1] + across, ak.to_numpy(flat.energy)[inside], shape[0] * shape[1])
    energy = sums.reshape(shape) / events
    if column == "hcal":  # wide towers are stored at their even column
        wide = np.abs(np.arange(rows) - rows / 2 + 0.5) > HCAL_SINGLE
        energy[wide] = np.repeat(energy[wide, ::2] / 2, 2, axis=1)
    values = np.where(energy > 0, energy, np.nan)
    cells = "" if side == 1 else f"mean of pixels of {side} x {side} crystals"
    x, y = (Axis(name) for name in _AXES[column])
    z = Axis("energy", "GeV per event", log=True)
    return Map(", ".join(filter(None, (title, cells))) or "mean energy", x, y, z, values, (0, columns), (0, rows))


def bins_for(values: Mapping[str, Floats]) -> int:
    """Bins that the class with the fewest entries can fill."""
    return FEW_BINS if 0 < min((len(column) for column in values.values() if len(column)), default=0) < FEW else BINS


def steps(low: float, high: float, bins: int = BINS) -> Floats:
    """Equal bins."""
    return np.linspace(low, high, bins + 1)


def log_edges(values: Mapping[str, Floats]) -> Floats:
    """Bins of equal ratio from the smallest value above 0 to the largest."""
    every = np.concatenate(list(values.values()))
    every = every[every > 0]
    low, high = (float(every.min()), float(every.max())) if len(every) else (1.0, 10.0)
    low = max(low, high / 1e6)
    return np.geomspace(low * (1 - 1e-6), max(high, low * 1.01) * (1 + 1e-6), bins_for(values) + 1)


def _sums(lists: ak.Array) -> Any:
    return ak.to_numpy(ak.sum(lists, axis=1))
