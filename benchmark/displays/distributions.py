"""Distributions of lists of particles and of graphs, by class: counts, and the columns of the two leading particles."""

from __future__ import annotations

import math
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from representations.circles.colours import name_of
from tasks.validation.figure import Axis, Figure, Spectrum, spectrum
from tasks.validation.generic import bins_for, log_edges, scalar, steps, whole_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from benchmark.displays.overview import Overview
    from benchmark.displays.statistics import ListStatistics
    from tasks.validation.figure import Floats

PLACES = ("leading", "second")
TEXTS = {
    "pt": ("$p_T$", "GeV"),
    "energy": ("$E$", "GeV"),
    "mass": ("$m$", "GeV"),
    "eta": (r"$\eta$", ""),
    "phi": (r"$\phi$", "rad"),
    "log_pt": (r"ln($p_T$ / GeV)", ""),
    "log_energy": (r"ln($E$ / GeV)", ""),
    "log_share": (r"ln($p_T$ / $p_T^{\mathrm{all}}$)", ""),
    "delta_eta": (r"$\Delta\eta$ from the axis", ""),
    "delta_phi": (r"$\Delta\phi$ from the axis", "rad"),
    "delta_r": (r"$\Delta R$ from the axis", ""),
    "cos_phi": (r"cos($\phi - \phi_{\mathrm{leading}}$)", ""),
    "sin_phi": (r"sin($\phi - \phi_{\mathrm{leading}}$)", ""),
}
"""Texts and units of columns; others use their name."""
LOGARITHMIC = ("pt", "energy")


def figure(overview: Overview, statistics: ListStatistics, title: str) -> Figure:
    """Counts of particles (or nodes and edges), columns of the leading and of the second particle, and features."""
    panels = (*_counts(overview, statistics), *_leading(overview, statistics), *_features(overview, statistics))
    same = [f"number of {name}" for name in statistics.counted if _all_equal(statistics.column(name))]
    columns = ((number, name) for number, name in enumerate(statistics.names) if not name.startswith("is_"))
    same += [name for number, name in columns if _constant(statistics, number)]
    known = f" (the same in all: {', '.join(same)})" if same else ""
    return Figure("distributions", f"{title}: distributions{known}", panels)


def _constant(statistics: ListStatistics, column: int) -> bool:
    """Whether a column has the same value in the leading particles of all events, so that it is not worth drawing."""
    values = statistics.column("leading")[:, :, column]
    return _all_equal(values[np.isfinite(values)])


def _all_equal(values: NDArray[Any]) -> bool:
    return len(values) > 0 and bool((values == values[0]).all())


def _by_class(overview: Overview, statistics: ListStatistics, values: Any) -> dict[str, Floats]:
    """(events,) for each class, without NaN."""
    label = statistics.column("label")
    parts = {name: values[label == code] for code, name in enumerate(overview.info.classes)}
    return {name: part[np.isfinite(part)].astype(np.float64) for name, part in parts.items()}


def _counts(overview: Overview, statistics: ListStatistics) -> Iterator[Spectrum]:
    for name in statistics.counted:
        values = statistics.column(name)
        if not _all_equal(values):
            yield whole_numbers(f"{name} an event", _by_class(overview, statistics, values), 40)


def _leading(overview: Overview, statistics: ListStatistics) -> Iterator[Spectrum]:
    kinds = [name for name in statistics.names if name.startswith("is_")]
    rows = statistics.column("leading")
    for place, text in enumerate(PLACES):
        for number, name in enumerate(statistics.names):
            values = _by_class(overview, statistics, rows[:, place, number])
            if name not in kinds and any(map(len, values.values())) and not _constant(statistics, number):
                yield _column(name, f"{text} {_noun(statistics)}", values)
        if len(kinds) > 1 and np.isfinite(rows[:, place]).any():
            of = [statistics.names.index(name) for name in kinds]
            there = rows[:, place, of]
            kind = np.where(np.isfinite(there).all(axis=1), np.nan_to_num(there).argmax(axis=1), np.nan)
            values = _by_class(overview, statistics, kind)
            names = ", ".join(f"{code} {name_of(name.removeprefix('is_'))}" for code, name in enumerate(kinds))
            edges = np.arange(len(kinds) + 1) - 0.5
            yield spectrum(f"{text} {_noun(statistics)}", Axis(fill(f"kind: {names}", 42)), values, edges)


def _features(overview: Overview, statistics: ListStatistics) -> Iterator[Spectrum]:
    rows = statistics.column("features")
    for number, name in enumerate(statistics.feature_names):
        yield scalar(name, _by_class(overview, statistics, rows[:, number]))


def _column(name: str, title: str, values: dict[str, Floats]) -> Spectrum:
    quantity, unit = TEXTS.get(name, (name.replace("_", " "), ""))
    every = np.concatenate(list(values.values()))
    if name in LOGARITHMIC:
        return spectrum(title, Axis(quantity, unit, log=True), values, log_edges(values), log_y=True)
    if name == "charge":
        return spectrum(title, Axis("charge"), values, np.arange(math.floor(every.min()), every.max() + 2) - 0.5)
    if name == "phi" and np.abs(every).max() > math.pi / 2:
        edges = steps(-math.pi, math.pi, bins_for(values))
    else:
        low, high = float(every.min()), float(every.max())
        edges = steps(low, high if high > low else low + 1.0, bins_for(values))
    return spectrum(title, Axis(quantity, unit), values, edges)


def _noun(statistics: ListStatistics) -> str:
    return statistics.counted[0].removesuffix("s")
