"""Photon pairs: the Higgs peak, falling backgrounds, and pile-up that is the same in all classes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from tasks.detector.geometry import barrel_direction
from tasks.diphoton.settings import ENERGY, HIGGS_MASS, MASS_MIN
from tasks.validation.figure import Axis, Check, Figure, Floats, spectrum
from tasks.validation.generic import by_class, steps
from tasks.validation.pileup import figure as pileup_figure
from tasks.validation.statistics import LEAST, central_width, median
from tasks.validation.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.detector.pileup import Era
    from tasks.events import Events

FAR = 0.4
"""In eta and phi: hits further than this from both photons belong to the rest of the event."""
RESOLUTION = "CMS, 1 to 2.3% by category (JINST 10 (2015) P08010, figures 17 and 18, read by eye); loosened"
ALIKE = "pile-up dominates, and all classes share it; the recoil differs, for which 25% are a guess"


class DiphotonValidation(Validation):
    """Figures of diphoton.

    Parameters
    ----------
    pileup : the parameter of the task. With pile-up, all classes must have the same hits away from the photons.
    """

    def __init__(self, pileup: Era | float) -> None:
        self.pileup = pileup

    def figures(self, events: Events) -> Iterator[Figure]:
        """Mass and shapes of the photons, the rest of the event, and the generic figures."""
        yield mass(by_class(events, events.column("mass")), smeared=events.info.level == "detector")
        if {"r91", "sigma_ieta_ieta1"} <= set(events.table["candidate"].fields):
            yield shapes(events)
        if events.has("ecal"):
            yield rest(events, bool(self.pileup))
        yield from super().figures(events)

    def detector_figures(self, count: int | None = None) -> Iterator[Figure]:
        """Pile-up, if there is any."""
        if self.pileup:
            yield pileup_figure(self.pileup, ENERGY, count)


def mass(values: dict[str, Floats], smeared: bool) -> Figure:
    """m_yy before decorrelation: the peak, its width, and the fall of the backgrounds.

    smeared : whether a detector measured the photons; without one, the peak is a line.
    """
    higgs = values["higgs"]
    far = [abs(higgs - HIGGS_MASS) > 10.0]
    width = 100.0 * central_width(higgs) / HIGGS_MASS
    checks = [
        Check(
            "Higgs: median of m_yy", median(higgs), HIGGS_MASS - 1.0, HIGGS_MASS + 1.0, "GeV", "generated at 125 GeV"
        ),
        Check("Higgs: half of the central 68% of m_yy", width, 0.8 * smeared, 2.5, "% of 125 GeV", RESOLUTION),
        Check("Higgs: beyond 10 GeV", 100.0 * float(np.mean(far)), 0.0, 10.0, "%", "tails; a guess"),
    ]
    for name in ("diphoton", "photon_jet"):
        near, away = (_between(values[name], *ends) for ends in ((110.0, 130.0), (150.0, 170.0)))
        ratio = near / away if near + away >= LEAST and away else math.nan
        checks.append(
            Check(
                f"{name}: events of 110 to 130 GeV over 150 to 170", ratio, 1.5, 8.0, "", "falling continuum; a guess"
            )
        )
    axis = Axis(r"$m_{\gamma\gamma}$", "GeV")
    lines = {"Higgs": HIGGS_MASS}
    return Figure(
        "diphoton-mass",
        "mass of the photon pair, as measured",
        (
            spectrum("by class", axis, values, steps(MASS_MIN, 250.0), log_y=True, lines=lines),
            spectrum("Higgs", axis, {"higgs": higgs}, steps(115.0, 135.0), "events", lines=lines),
        ),
        tuple(checks),
    )


def _between(values: Floats, low: float, high: float) -> int:
    return int(np.count_nonzero((values > low) & (values < high)))


def shapes(events: Events) -> Figure:
    """R9 and sigma_ieta_ieta of both photons: jets are wider."""
    panels = []
    for name, axis, edges in (
        ("r9", "$R_9$", steps(0.2, 1.02, 41)),
        ("sigma_ieta_ieta", r"$\sigma_{i\eta i\eta}$", steps(0.0, 0.03)),
    ):
        for place, which in ((1, "leading photon"), (2, "second photon")):
            values = by_class(events, ak.to_numpy(events.table["candidate", f"{name}{place}"]))
            panels.append(spectrum(which, Axis(axis), values, edges))
    second = by_class(events, ak.to_numpy(events.table["candidate", "r92"]))
    high = 100.0 * float(np.mean(second["higgs"] > 0.94)) if len(second["higgs"]) >= LEAST else math.nan
    source = "unconverted photons, about half or more in the barrel (JINST 10 (2015) P08010); loosened"
    check = Check("Higgs: second photon with R9 above 0.94", high, 35.0, 85.0, "%", source)
    return Figure("photon-shapes", "shower shapes of the photons", tuple(panels), (check,))


def rest(events: Events, alike: bool) -> Figure:
    """Hits of the ECAL barrel away from both photons, and energy of the HCAL: pile-up, and the recoil.

    alike : whether pile-up dominates, so that the classes must agree.
    """
    found, photons = events.table["ecal"], events.table["objects"]
    counts = ak.num(found.row)
    eta, phi = barrel_direction(*(ak.to_numpy(ak.flatten(found[name])) for name in ("row", "column")))
    eta, phi = ak.unflatten(eta, counts), ak.unflatten(phi, counts)
    away = eta == eta
    for place in (0, 1):
        across = (phi - photons.phi[:, place] + np.pi) % (2 * np.pi) - np.pi
        away = away & (np.hypot(eta - photons.eta[:, place], across) > FAR)
    number = by_class(events, ak.to_numpy(ak.sum(away, axis=1)))
    energy = by_class(events, ak.to_numpy(ak.sum(found.energy[away], axis=1)))
    panels = [
        spectrum("ECAL barrel away from the photons", Axis("hits"), number, _edges(number)),
        spectrum("ECAL barrel away from the photons", Axis("energy", "GeV"), energy, _edges(energy)),
    ]
    checks = [*_alike("hits away from the photons", number), *_alike("ECAL energy away from the photons", energy)]
    if events.has("hcal"):
        hadronic = by_class(events, ak.to_numpy(ak.sum(events.table["hcal"].energy, axis=1)))
        panels.append(spectrum("HCAL", Axis("energy", "GeV"), hadronic, _edges(hadronic)))
        checks += _alike("HCAL energy", hadronic)
    return Figure("diphoton-pile-up", "the rest of the event", tuple(panels), tuple(checks) if alike else ())


def _edges(values: dict[str, Floats]) -> Floats:
    most = max((float(np.quantile(column, 0.995)) for column in values.values() if len(column)), default=1.0)
    return steps(0.0, max(most, 1.0), 30)


def _alike(what: str, values: dict[str, Floats]) -> list[Check]:
    """Medians of the backgrounds over the signal's."""
    higgs = median(values["higgs"])
    return [
        Check(f"{what}: {name} over Higgs", median(column) / higgs if higgs else math.nan, 0.75, 1.25, "", ALIKE)
        for name, column in values.items()
        if name != "higgs"
    ]
