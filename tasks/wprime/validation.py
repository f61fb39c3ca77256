"""W jets against QCD jets: the mass of the W, and that neither pt nor eta separates the classes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from tasks.validation.figure import Axis, Check, Figure, Floats, Map, spectrum
from tasks.validation.generic import by_class, steps
from tasks.validation.statistics import blind, fit_peak, median
from tasks.validation.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.events import Events

W_MASS = 80.37
"""GeV (Particle Data Group 2024)."""
MASS_SOURCE = "Particle Data Group 2024 for the W; plus or minus 3 GeV for trimming and response (a guess)"
WIDTH_SOURCE = (
    "at least the W's own (2.1 GeV, sigma 0.9); CMS and ATLAS have 7 to 10 GeV, which particle flow without confusion "
    "of charged and neutral energy does not reach"
)
PIXELS, REACH = 25, 1.25
"""Pixels of the mean picture, and its extent to each side in eta and phi, as in the jet-image papers."""


class WPrimeValidation(Validation):
    """Figures of wprime."""

    def figures(self, events: Events) -> Iterator[Figure]:
        """Mass, kinematics, substructure and mean picture of the jets where their columns are, and generic figures."""
        yield mass(by_class(events, events.column("mass")))
        if events.has("axes"):
            yield kinematics(events)
            yield substructure(events)
            yield picture(events)
        yield from super().figures(events)


def mass(values: dict[str, Floats]) -> Figure:
    """Trimmed mass by class, and the W's peak."""
    bins = steps(60.0, 100.0)
    peak = fit_peak(values["w"], bins, 7.0, core=1.5)
    check = Check("W jets: fitted trimmed mass", peak.place, W_MASS - 3.0, W_MASS + 3.0, "GeV", MASS_SOURCE)
    width = Check("W jets: fitted width", peak.width, 1.1, 12.0, "GeV", WIDTH_SOURCE)
    axis = Axis("trimmed mass", "GeV")
    fitted = spectrum("W jets", axis, {"w": values["w"]}, bins, "events")
    return Figure(
        "jet-mass",
        "mass of the trimmed jet",
        (
            spectrum("by class", axis, values, steps(0.0, 160.0), lines={"W": W_MASS}),
            replace(fitted, lines={"W": W_MASS}, overlay=peak.overlay),
        ),
        (check, width),
    )


def kinematics(events: Events) -> Figure:
    """Transverse momentum and pseudorapidity of the jets, which must not separate the classes."""
    found = events.table["constituents"]
    parts = [ak.to_numpy(ak.sum(found.pt * axis(found.phi), axis=1)) for axis in (np.cos, np.sin)]
    pt = by_class(events, np.hypot(*parts))
    eta = by_class(events, np.abs(ak.to_numpy(events.table["axes", "eta"])))
    return Figure(
        "jet-kinematics",
        "variables that must not separate the classes",
        (
            spectrum("of the constituents together", Axis("jet $p_T$", "GeV"), pt, steps(245.0, 305.0, 30)),
            spectrum("", Axis(r"jet $|\eta|$"), eta, steps(0.0, 2.0, 20)),
        ),
        (blind("jet pt alone", pt["w"], pt["qcd"]), blind("abs(eta) alone", eta["w"], eta["qcd"])),
    )


def substructure(events: Events) -> Figure:
    """N-subjettiness and energy correlators, which separate the classes."""
    columns = {name: by_class(events, ak.to_numpy(events.table["candidate", name])) for name in ("tau21", "d2_beta2")}
    tau21, d2 = columns["tau21"], columns["d2_beta2"]
    difference = median(tau21["qcd"]) - median(tau21["w"])
    source = "two prongs against one: Thaler and Van Tilburg, JHEP 03 (2011) 015, figure 4 (about 0.2)"
    return Figure(
        "jet-substructure",
        "substructure of the jet",
        (
            spectrum("N-subjettiness", Axis(r"$\tau_{21}$"), tau21, steps(0.0, 1.0)),
            spectrum(r"energy correlators, $\beta = 2$", Axis(r"$D_2$", log=True), d2, np.geomspace(0.05, 500.0, 41)),
        ),
        (Check("tau21: median of QCD jets less that of W jets", difference, 0.05, 0.5, "", source),),
    )


def picture(events: Events) -> Figure:
    """Mean share of pt in eta and phi around the leading subjet, turned so that the second lies below it.

    Jets of one subjet are rotated by a quarter turn: below the centre there are second subjets only.
    """
    shown = {name: _mean_picture(events, index) for index, name in enumerate(events.info.classes)}
    x, y = Axis(r"$\Delta\eta$, turned"), Axis(r"$\Delta\phi$, turned")
    span = (-REACH, REACH)
    share = Axis("mean share of $p_T$", log=True)
    panels = [Map(name, x, y, share, values, span, span) for name, values in shown.items()]
    first, second = shown.values()
    titles = " less ".join(shown)
    panels.append(Map(titles, x, y, Axis("difference of the shares"), first - second, span, span, diverging=True))
    return Figure("jet-picture", "mean picture of the jets, second subjet below the first", tuple(panels))


def _mean_picture(events: Events, label: int) -> Floats:
    table = events.table[events.column("label") == label]
    axes, found = table["axes"], table["constituents"]
    eta = found.eta - axes.eta - axes.subjet1_eta
    phi = (found.phi - axes.phi - axes.subjet1_phi + np.pi) % (2 * np.pi) - np.pi
    turn = np.arctan2(axes.subjet2_phi - axes.subjet1_phi, axes.subjet2_eta - axes.subjet1_eta) + np.pi / 2
    x, y = eta * np.cos(turn) + phi * np.sin(turn), phi * np.cos(turn) - eta * np.sin(turn)
    share = found.pt / ak.sum(found.pt, axis=1)
    flat = [ak.to_numpy(ak.flatten(part)) for part in (y, x, share)]
    edges = np.linspace(-REACH, REACH, PIXELS + 1)
    sums, _, _ = np.histogram2d(flat[0], flat[1], [edges, edges], weights=flat[2])
    return np.asarray(sums / max(len(table), 1))
