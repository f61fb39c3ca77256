"""Top quarks, W and Z: expected peaks and edges, and the detector compared with the truth."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from tasks.detector.jets import RADIUS, flavour
from tasks.detector.particles import NEUTRINOS, heavy_flavour
from tasks.detector.response import CMS
from tasks.events import KINDS
from tasks.ttbar.settings import PARTON_FROM, WITH_PARTON, streams
from tasks.validation import hits
from tasks.validation.figure import Axis, Check, Curve, Figure, Floats, spectrum
from tasks.validation.generic import by_class, steps, whole_numbers
from tasks.validation.statistics import LEAST, SIGMAS, central_width, efficiency, fit_peak, median, medians, widths
from tasks.validation.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tasks.detector.reconstruction import Reconstructed
    from tasks.events import Events

Z_MASS, W_MASS = 91.188, 80.37
"""GeV (Particle Data Group 2024)."""
SEED = 20_110_701
COUNT = {"wjets": 1500, "ttbar": 1000, "recoil": 4000}
"""Collisions that `detector_figures` simulates: about ten seconds of each."""
HARD = 30.0
"""GeV: above it, neutrinos dominate the missing energy."""
NO_TAUS = ("23:onMode=off", "23:onIfAny=11 13", "24:onMode=off", "24:onIfAny=11 13")
"""W and Z decay to electrons and muons: the hadronic decay of a tau would be a jet without recoil."""


class TTbarValidation(Validation):
    """Figures of ttbar.

    Parameters
    ----------
    min_jets : jets that the selection requires; multiplicities have an expected range only for 0.
    multiparton : multi-parton interactions in the simulated sample.
    """

    def __init__(self, min_jets: int, multiparton: bool) -> None:
        self.min_jets = min_jets
        self.multiparton = multiparton

    def figures(self, events: Events) -> Iterator[Figure]:
        """Dilepton and transverse mass and multiplicities, hits and tracks around objects, and the generic figures."""
        scalars = {
            name: by_class(events, ak.to_numpy(events.table["candidate", name]))
            for name in ("mll", "mt", "n_jets", "n_bjets", "n_leptons")
        }
        yield dilepton(scalars["mll"])
        yield transverse_mass(scalars["mt"])
        yield multiplicities(scalars, inclusive=self.min_jets == 0)
        if events.has("ecal"):
            yield hits.figure(events)
        yield from super().figures(events)

    def detector_figures(self, count: int | None = None) -> Iterator[Figure]:
        """Missing energy against neutrinos in W + jets, and b-tags by flavour in top-quark pairs."""
        yield missing(_simulated("wjets", count or COUNT["wjets"], multiparton=self.multiparton))
        yield tags(_simulated("ttbar", count or COUNT["ttbar"], multiparton=self.multiparton))
        if self.min_jets >= PARTON_FROM:
            yield from (recoil(process, count or COUNT["recoil"]) for process in WITH_PARTON)


def dilepton(mll: dict[str, Floats]) -> Figure:
    """Mass of the two leading leptons of events with two."""
    two = {name: values[values > 0] for name, values in mll.items()}
    bins = steps(80.0, 102.0, 44)
    peak = fit_peak(two["drellyan"], bins, 2.5, core=1.5)
    axis = Axis(r"$m_{\ell\ell}$", "GeV")
    fitted = spectrum("Drell-Yan", axis, {"drellyan": two["drellyan"]}, bins, "events")
    checks = (
        Check("Drell-Yan: fitted dilepton mass", peak.place, Z_MASS - 1.0, Z_MASS + 1.0, "GeV", "Particle Data Group"),
        Check(
            "Drell-Yan: fitted width", peak.width, 0.9, 4.0, "GeV", "natural width and leptons of 1.6 to 4.5%; loosened"
        ),
    )
    panels = (
        spectrum("events with two leptons", axis, two, steps(0.0, 200.0), "events", lines={"Z": Z_MASS}),
        replace(fitted, lines={"Z": Z_MASS}, overlay=peak.overlay),
    )
    return Figure("dilepton-mass", "mass of the two leading leptons", panels, checks)


def transverse_mass(mt: dict[str, Floats]) -> Figure:
    """Transverse mass of the leading lepton and the missing energy; for W + jets it ends at the smeared W mass."""
    place = half_height(mt["wjets"])
    source = "Jacobian edge at the W's mass, 80.4 GeV, smeared by the missing energy (a guess: 10 GeV)"
    check = Check("W + jets: transverse mass at half height beyond its peak", place, 75.0, 95.0, "GeV", source)
    panel = spectrum("", Axis("$m_T$", "GeV"), mt, steps(0.0, 160.0), lines={"W": W_MASS})
    return Figure("transverse-mass", "transverse mass of the leading lepton and the missing energy", (panel,), (check,))


def half_height(values: Floats, step: float = 5.0, most: float = 160.0) -> float:
    """Where a histogram falls to half of its highest bin above 40 GeV, interpolated between bin centres; or NaN."""
    counts, edges = np.histogram(values, np.arange(40.0, most + step, step))
    if counts.sum() < 2 * LEAST:
        return math.nan
    top = int(counts.argmax())
    below = np.flatnonzero(counts[top:] < counts[top] / 2)
    if len(below) == 0:
        return math.nan
    after = top + int(below[0])
    share = (counts[after - 1] - counts[top] / 2) / (counts[after - 1] - counts[after])
    return float((edges[after - 1] + edges[after]) / 2 + share * step)


def multiplicities(scalars: dict[str, dict[str, Floats]], inclusive: bool) -> Figure:
    """Jets, b-jets and leptons by class; inclusive: whether the selection requires no jet, which the ranges assume."""
    jets, tagged = scalars["n_jets"], scalars["n_bjets"]
    names = (("n_jets", "jets"), ("n_bjets", "b-jets"), ("n_leptons", "leptons"))
    panels = tuple(whole_numbers(f"number of {text}", scalars[name], 15) for name, text in names)
    shower = "four or more partons against radiation of the shower; a guess"
    checks = (
        Check("tt: mean number of jets", _mean(jets["ttbar"]), 2.5, 5.5, "", shower),
        Check("W + jets: mean number of jets", _mean(jets["wjets"]), 0.05, 1.0, "", shower),
        Check("Drell-Yan: mean number of jets", _mean(jets["drellyan"]), 0.05, 1.0, "", shower),
        Check(
            "tt: mean number of b-jets", _mean(tagged["ttbar"]), 0.8, 2.0, "", "two b, 70% tagged, most in acceptance"
        ),
    )
    return Figure("multiplicities", "jets, b-jets and leptons", panels, checks if inclusive else ())


def _mean(values: NDArray[Any]) -> float:
    return float(values.mean()) if len(values) >= LEAST else math.nan


# --- with the truth --------------------------------------------------------------------------------------------------


def _simulated(
    process: str, count: int, *, multiparton: bool, min_jets: int = 0, more: tuple[str, ...] = ()
) -> Iterator[tuple[ak.Array, Reconstructed]]:
    """Batches of collisions from the first stream of a process, with `more` settings, and their reconstruction."""
    from tasks.detector.reconstruction import Cuts, reconstruct
    from tasks.generator.pythia import BATCH, collisions

    rng = np.random.default_rng(SEED)
    settings, _ = streams(process, "detector", min_jets=min_jets, multiparton=multiparton)[0]
    done = 0
    for events in collisions((*settings, *more), SEED, f"ttbar, {process}", min(BATCH, count)):
        yield events, reconstruct(events, "detector", Cuts(), rng)
        done += len(events)
        if done >= count:
            return


def missing(batches: Iterator[tuple[ak.Array, Reconstructed]]) -> Figure:
    """Missing energy along the momentum of the neutrinos and across it, in W + jets with a lepton."""
    rows = []
    for events, found in batches:
        prt = events.prt
        neutral = _neutrinos(prt)
        x, y = (ak.to_numpy(ak.sum(neutral.p[axis], axis=1)) for axis in ("px", "py"))
        kept = ak.to_numpy(ak.num(found.leptons.pt) >= 1)
        pt, angle = np.hypot(x, y), ak.to_numpy(found.met.phi[:, 0]) - np.arctan2(y, x)
        size = ak.to_numpy(found.met.pt[:, 0])
        rows.append(np.stack([pt, size * np.cos(angle), size * np.sin(angle)])[:, kept])
    pt, along, across = np.concatenate(rows, axis=1)
    edges = np.array([5.0, 15.0, 25.0, 30.0, 35.0, 40.0, 50.0, 70.0, 120.0])
    hard = pt > HARD
    axis = Axis(r"$p_T$ of the neutrinos", "GeV")
    panels = (
        Curve(
            "response",
            axis,
            Axis("missing energy along / $p_T$"),
            {"median": medians(pt, along / np.maximum(pt, 1e-9), edges)},
            {"1": 1.0},
        ),
        Curve(
            "resolution",
            axis,
            Axis("half of central 68%", "GeV"),
            {"along": widths(pt, along - pt, edges), "across": widths(pt, across, edges)},
            y_from=0.0,
        ),
    )
    source = "calibrated, 5 to 15 GeV (JINST 6 (2011) P09001, read by eye); less without multi-parton interactions"
    checks = (
        Check("missing energy over neutrinos above 30 GeV", median((along / pt)[hard]), 0.9, 1.1, "", source),
        Check("resolution of missing energy along them", central_width((along - pt)[hard]), 2.0, 15.0, "GeV", source),
        Check("resolution of missing energy across", central_width(across[hard]), 2.0, 15.0, "GeV", source),
    )
    sample = f"{len(pt):,} W + jets with a lepton"
    return Figure("missing-energy", "missing energy against the neutrinos", panels, checks, sample)


def recoil(process: str, count: int) -> Figure:
    """Jets of events that start from a boson and a parton, next to those that start from the boson alone.

    Events have a lepton, and neither multi-parton interactions nor taus, whose jets are the same in both. Both samples
    are valid where the leading jet has more than 30 GeV. `count` : collisions with a parton; four times as many start
    from the boson alone.
    """
    shares = {"boson alone": 4, "boson and parton": 1}
    leading, second = {}, {}
    for (name, share), min_jets in zip(shares.items(), (0, PARTON_FROM), strict=True):
        batches = _simulated(process, share * count, multiparton=False, min_jets=min_jets, more=NO_TAUS)
        jets = [found.jets.pt[ak.num(found.leptons.pt) >= 1] for _, found in batches]
        pt = ak.to_numpy(ak.fill_none(ak.pad_none(ak.concatenate(jets), 2, clip=True), 0.0)).astype(np.float64)
        leading[name], second[name] = pt[pt[:, 0] > 0, 0], pt[pt[:, 0] > 0, 1]
    panels = (
        spectrum("leading jet", Axis("$p_T$", "GeV"), leading, steps(30.0, 150.0, 24), log_y=True),
        spectrum("second jet", Axis("$p_T$", "GeV"), second, steps(30.0, 110.0, 16), log_y=True),
    )
    source = "the same first emission, by matrix elements; a guess of how well the showers agree beyond it"
    checks = (
        Check("mean pt of the leading jet", _over([_mean(v) for v in leading.values()]), 0.85, 1.25, "", source),
        Check("share with a second jet", _over([_mean(v > 0) for v in second.values()]), 0.5, 1.6, "", source),
    )
    sample = ", ".join(f"{len(values):,} of a {name}" for name, values in leading.items())
    return Figure(
        f"recoil-{process}", f"jets of {process}: ratios to events from the boson alone", panels, checks, sample
    )


def _over(values: list[float]) -> float:
    """The second number over the first; NaN where that is 0."""
    return values[1] / values[0] if values[0] else math.nan


def _neutrinos(prt: ak.Array) -> ak.Array:
    size = abs(prt.id)
    one = size == NEUTRINOS[0]
    for code in NEUTRINOS[1:]:
        one = one | (size == code)
    return prt[one & (prt.status > 0)]


def tags(batches: Iterator[tuple[ak.Array, Reconstructed]]) -> Figure:
    """Share of tagged jets by the heaviest hadron near them and by pt, in top-quark pairs."""
    rows = []
    for events, found in batches:
        codes = ak.flatten(flavour(found.jets, heavy_flavour(events, hadronised=True), RADIUS))
        flat = ak.flatten(found.jets)
        rows.append(np.stack([ak.to_numpy(part) for part in (codes, flat.pt, flat.kind == KINDS.index("bjet"))]))
    code, pt, tagged = np.concatenate(rows, axis=1)
    edges = np.array([30.0, 40.0, 50.0, 65.0, 80.0, 100.0, 140.0, 250.0])
    points, checks = {}, []
    for name, number, expected in zip(("b", "c", "light"), (5, 4, 0), CMS.tag_efficiency[::-1], strict=True):
        own = code == number
        passed = tagged[own] > 0
        points[name] = efficiency(pt[own], passed, edges)
        share = float(passed.mean()) if own.sum() >= LEAST else math.nan
        # 3 standard errors, and 0.02 for hadrons that move across the radius of a smeared jet
        margin = SIGMAS * math.sqrt(expected * (1 - expected) / max(own.sum(), 1)) + 0.02
        source = "CSV medium, JINST 8 (2013) P04013, as set in tasks/detector/response.py"
        checks.append(Check(f"tagged {name} jets", share, max(expected - margin, 0.0), expected + margin, "", source))
    panel = Curve(
        "", Axis("jet $p_T$", "GeV"), Axis("tagged share", log=True), points, {f"{v:g}": v for v in CMS.tag_efficiency}
    )
    return Figure("b-tags", "b-tag efficiency and mistags", (panel,), tuple(checks), f"{len(pt):,} jets of tt")
