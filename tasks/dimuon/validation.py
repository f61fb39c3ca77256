"""Dimuons: positions and widths of the mass peaks, and no step at the edge of a class."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from tasks.dimuon.classes import MASS_RANGE, WINDOWS
from tasks.dimuon.pairs import MuonPairs
from tasks.validation.figure import Axis, Check, Figure, Floats, spectrum
from tasks.validation.generic import by_class
from tasks.validation.statistics import LEAST, fit_peak
from tasks.validation.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.events import Events

PDG = "Particle Data Group 2024"
PEAKS = (
    # name, class, mass, range of the fit, largest distance from the mass, smallest and largest width: GeV
    (r"$J/\psi$", "jpsi", 3.0969, (2.94, 3.24), 0.015, (0.012, 0.065)),
    (r"$\psi(2S)$", "psi2s", 3.6861, (3.65, 3.95), 0.025, (0.015, 0.080)),
    (r"$\Upsilon(1S)$", "upsilon", 9.4603, (9.0, 9.85), 0.040, (0.040, 0.19)),
    ("Z", "z", 91.188, (83.69, 98.69), 0.6, (1.1, 3.0)),
)
RESOLUTION = "muons of 0.8 to 2% (JINST 9 (2014) P10009) are 0.6 to 1.4% of the mass; loosened by a third"
Z_WIDTH = "natural width 2.495 GeV (sigma 1.06) and the muons' resolution; loosened"
EDGE_BIN = 0.015
"""Relative width of the bins next to an edge: narrower than any structure of the spectrum."""
EDGE_PULL = 3.5
"""Bound of the largest of eight pulls; one in 270 is larger by chance."""


class DimuonValidation(Validation):
    """Figures of dimuon."""

    def figures(self, events: Events) -> Iterator[Figure]:
        """The mass spectrum, its four peaks, the class "none" next to the others' windows, and the generic figures."""
        muons = events.table["objects"]
        columns = (ak.to_numpy(muons[name]) for name in ("pt", "eta", "phi", "charge"))
        mass = by_class(events, MuonPairs(*columns).mass())
        yield whole(mass)
        yield peaks(mass, smeared=events.info.level == "detector")
        yield edges(mass["none"])
        yield from super().figures(events)


def whole(mass: dict[str, Floats]) -> Figure:
    """2 to 110 GeV, both axes logarithmic."""
    axis = Axis(r"$m_{\mu\mu}$", "GeV", log=True)
    lines = {name: place for name, _, place, *_ in PEAKS}
    # bins about 2% wide, with edges at the boundaries of classes
    ends = (MASS_RANGE[0], *(end for window in WINDOWS for end in window), MASS_RANGE[1])
    parts = [np.geomspace(a, b, 1 + math.ceil(math.log(b / a) / 0.02)) for a, b in pairwise(ends)]
    bins = np.unique(np.concatenate(parts))
    return Figure(
        "mass-spectrum",
        "dimuon mass by class",
        (spectrum("", axis, mass, bins, "density", log_y=True, lines=lines),),
    )


def peaks(mass: dict[str, Floats], smeared: bool) -> Figure:
    """Each peak with a Gaussian over a straight line (the continuum), fitted in its window; the core of the Z's.

    smeared : whether a detector measured the muons; without one, onia have no smallest width.
    """
    panels, checks = [], []
    for name, own, place, (low, high), far, (narrow, wide) in PEAKS:
        # one class only: the shares of classes are arbitrary, which gives a step at the edge of a window
        values = mass[own][(mass[own] > low) & (mass[own] < high)]
        bins = np.linspace(low, high, 41)
        peak = fit_peak(values, bins, (narrow + wide) / 3, core=1.5 if own == "z" else None)
        panel = spectrum(name, Axis(r"$m_{\mu\mu}$", "GeV"), {own: values}, bins, "events")
        panels.append(replace(panel, lines={"PDG": place}, overlay=peak.overlay))
        plain = {"jpsi": "J/psi", "psi2s": "psi(2S)", "upsilon": "Upsilon(1S)", "z": "Z"}[own]
        checks.append(Check(f"{plain}: fitted mass", peak.place, place - far, place + far, "GeV", PDG))
        source = Z_WIDTH if own == "z" else RESOLUTION
        least = narrow if smeared or own == "z" else 0.0
        checks.append(Check(f"{plain}: fitted width", peak.width, least, wide, "GeV", source))
    return Figure("mass-peaks", "dimuon mass peaks", tuple(panels), tuple(checks))


def edges(none: Floats) -> Figure:
    """The class "none" on both sides of each window, and whether it is smooth at the edges."""
    panels, pulls = [], []
    for (low, high), (name, *_) in zip(WINDOWS, PEAKS, strict=True):
        step = EDGE_BIN * (low + high) / 2
        below, above = low - step * np.arange(6, -1, -1), high + step * np.arange(7)
        ends = np.concatenate([below, above])
        title = f"none, around the window of {name.replace('(1S)', '')}"
        lines = {"window from": low, "to": high}
        panels.append(
            spectrum(
                title, Axis(r"$m_{\mu\mu}$", "GeV"), {"none": none}, ends[ends > MASS_RANGE[0]], "density", lines=lines
            )
        )
        pulls += [edge_pull(none, low, -EDGE_BIN * low), edge_pull(none, high, EDGE_BIN * high)]
    known = [abs(pull) for pull in pulls if not math.isnan(pull)]
    worst = max(known) if known else math.nan
    check = Check("none: step at an edge of a window", worst, 0.0, EDGE_PULL, "sigma", "smooth continuum; 8 edges")
    return Figure("mass-edges", "the class none around the windows of the others", tuple(panels), (check,))


def edge_pull(mass: Floats, edge: float, step: float) -> float:
    """Deviation of the bin next to an edge from the extrapolation of the next two, in standard errors.

    A smooth spectrum is a straight line in log(events) over three such bins: n1 n3 = n2^2. Errors are Poisson. NaN if a
    bin has fewer than ten events.
    """
    ends = np.sort(edge + step * np.arange(4))
    counts, _ = np.histogram(mass, ends)
    if counts.min() < LEAST / 3:
        return math.nan
    near, middle, far = counts if step > 0 else counts[::-1]
    error = math.sqrt(1 / near + 4 / middle + 1 / far)
    return float(math.log(near * far / middle**2) / error)
