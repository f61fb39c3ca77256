"""Distributions of lists of particles and of graphs by class: what the columns of the leading two hold, and counts."""

from __future__ import annotations

import math
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.displays.kinds import words
from representations.kernels.particles import FULL_SPAN, span_of
from tasks.validation.figure import Axis, Figure, Spectrum, spectrum
from tasks.validation.generic import bins_for, log_edges, scalar, steps, whole_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from benchmark.displays.look import Look
    from benchmark.displays.tally import Lists
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
    "cos_phi": (r"cos($\phi - \phi_{\mathrm{leading}}$)", ""),
    "sin_phi": (r"sin($\phi - \phi_{\mathrm{leading}}$)", ""),
}
"""What a reader calls the columns, and their units; others go by their name."""
LOGARITHMIC = ("pt", "energy")


def figure(look: Look, tally: Lists, title: str) -> Figure:
    """Particles an event (or nodes and edges), then each column of the leading and of the second, then features."""
    panels = (*_counts(look, tally), *_leading(look, tally), *_features(look, tally))
    same = [f"number of {name}" for name in tally.counted if _varies_not(tally.column(name))]
    same += [name for number, name in enumerate(tally.names) if not name.startswith("is_") and _constant(tally, number)]
    known = f" (the same in all: {', '.join(same)})" if same else ""
    return Figure("distributions", f"{title}: distributions{known}", panels)


def _constant(tally: Lists, column: int) -> bool:
    """Whether a column has one value in the leading particles of all events, so that there is nothing to draw."""
    values = tally.column("leading")[:, :, column]
    return _varies_not(values[np.isfinite(values)])


def _varies_not(values: NDArray[Any]) -> bool:
    return len(values) > 0 and bool((values == values[0]).all())


def _by_class(look: Look, tally: Lists, values: Any) -> dict[str, Floats]:
    """(events,) for each class, without those that are NaN."""
    label = tally.column("label")
    parts = {name: values[label == code] for code, name in enumerate(look.info.classes)}
    return {name: part[np.isfinite(part)].astype(np.float64) for name, part in parts.items()}


def _counts(look: Look, tally: Lists) -> Iterator[Spectrum]:
    for name in tally.counted:
        values = tally.column(name)
        if not _varies_not(values):
            yield whole_numbers(f"{name} an event", _by_class(look, tally, values), 40)


def _leading(look: Look, tally: Lists) -> Iterator[Spectrum]:
    kinds = [name for name in tally.names if name.startswith("is_")]
    rows = tally.column("leading")
    # nodes of a jet or a shower count from its middle; particles of lists do not
    near = tally.counted[0] == "nodes" and span_of(look.info) != FULL_SPAN
    for place, text in enumerate(PLACES):
        for number, name in enumerate(tally.names):
            values = _by_class(look, tally, rows[:, place, number])
            if name not in kinds and any(map(len, values.values())) and not _constant(tally, number):
                yield _column(name, f"{text} {_noun(tally)}", values, near=near)
        if len(kinds) > 1 and np.isfinite(rows[:, place]).any():
            of = [tally.names.index(name) for name in kinds]
            there = rows[:, place, of]
            kind = np.where(np.isfinite(there).all(axis=1), np.nan_to_num(there).argmax(axis=1), np.nan)
            values = _by_class(look, tally, kind)
            names = ", ".join(f"{code} {words(name.removeprefix('is_'))}" for code, name in enumerate(kinds))
            edges = np.arange(len(kinds) + 1) - 0.5
            yield spectrum(f"{text} {_noun(tally)}", Axis(fill(f"kind: {names}", 42)), values, edges)


def _features(look: Look, tally: Lists) -> Iterator[Spectrum]:
    rows = tally.column("features")
    for number, name in enumerate(tally.feature_names):
        yield scalar(name, _by_class(look, tally, rows[:, number]))


def _column(name: str, title: str, values: dict[str, Floats], *, near: bool) -> Spectrum:
    quantity, unit = TEXTS.get(name, (name.replace("_", " "), ""))
    quantity = rf"$\Delta${quantity}" if near and name in ("eta", "phi") else quantity
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


def _noun(tally: Lists) -> str:
    return tally.counted[0].removesuffix("s")
