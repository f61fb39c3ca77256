"""Electron and photon showers: containment in crystals, shapes, and that nothing else differs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from tasks.detector.calorimeter import columns, incoming
from tasks.detector.cells import Deposits, Hits, clear, lit, workspace
from tasks.detector.photons import DEPTH
from tasks.detector.pileup import vertices
from tasks.detector.readout import crystals, read_out
from tasks.detector.shower_shapes import HALF, around_hottest, relative, shower_shapes
from tasks.detector.showers import X0, electromagnetic, entry
from tasks.detector.tracker import CHARGE, PHI, PT, PZ, STACK, STATE, cascade, new_stack
from tasks.egamma.gun import ETA_MAX, gun
from tasks.validation.figure import Axis, Check, Figure, Floats, Map, spectrum
from tasks.validation.generic import by_class, steps
from tasks.validation.pileup import figure as pileup_figure
from tasks.validation.statistics import LEAST, blind, median
from tasks.validation.validation import Validation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tasks.detector.calorimeter import Incoming
    from tasks.detector.pileup import Era
    from tasks.events import Events

SEED = 20_071_004
COUNT = 2500
"""Particles of each kind that `detector_figures` simulates."""
ENERGIES = (40.0, 50.0)
"""GeV: energies of the photons for the containment."""
CENTRE = 0.15
"""Largest distance of a central photon from the centre of a crystal, in widths of a crystal."""
TEST_BEAM = "CMS test beam: 0.75 to 0.80 at the centre of a crystal (JINST 2 (2007) P04004, read by eye); loosened"
MOLIERE = "more than 90% of a shower is in 3 x 3 crystals of one Moliere radius (TDR 8.1); above 1 there is noise alone"


class EGammaValidation(Validation):
    """Figures of egamma.

    Parameters
    ----------
    pileup : as the task has it. beam : energy of its collisions, GeV.
    """

    def __init__(self, pileup: Era | float, beam: float) -> None:
        self.pileup = pileup
        self.beam = beam

    def figures(self, events: Events) -> Iterator[Figure]:
        """Energy and mean picture of the stored showers, and the generic figures."""
        yield crop_energy(events)
        yield picture(events)
        yield from super().figures(events)

    def detector_figures(self, count: int | None = None) -> Iterator[Figure]:
        """The gun, containment, shapes by the interactions in the tracker, and pile-up if the task has it."""
        number = count or COUNT
        yield aimed(number)
        yield containment(fired(_photons(number), SEED))
        species = ("electron", "photon")
        yield shapes({name: fired(gun(name, number, np.random.default_rng(SEED)), SEED) for name in species})
        if self.pileup:
            yield pileup_figure(self.pileup, self.beam, count)


def crop_energy(events: Events) -> Figure:
    """Energy of the crop, which must be equal in both classes."""
    energy = by_class(events, ak.to_numpy(events.table["candidate", "energy"]))
    first, second = events.info.classes
    top = float(np.quantile(np.concatenate(list(energy.values())), 0.995))
    check = blind("energy of the crop alone", energy[first], energy[second], least=0.02)
    panel = spectrum("", Axis("energy of the crop", "GeV"), energy, steps(0.0, top))
    return Figure("shower-energy", "energy of the crop, which must not separate the classes", (panel,), (check,))


def picture(events: Events) -> Figure:
    """Mean energy of each crystal around the hottest one, and the difference of the classes."""
    shown = {name: _mean_crop(events, index) for index, name in enumerate(events.info.classes)}
    x, y = Axis(r"crystals in $\phi$ from the hottest"), Axis(r"crystals in $\eta$ from the hottest")
    span = (-HALF - 0.5, HALF - 0.5)
    panels = [
        Map(name, x, y, Axis("mean energy", "GeV", log=True), np.where(values > 0, values, np.nan), span, span)
        for name, values in shown.items()
    ]
    first, second = shown.values()
    # without arsinh the hottest crystal would use up the colour scale
    difference = np.arcsinh((first - second) / 1e-3)
    title = " less ".join(shown)
    panels.append(Map(title, x, y, Axis("arsinh(difference / MeV)"), difference, span, span, diverging=True))
    return Figure("shower-picture", "mean picture of the showers", tuple(panels))


def _mean_crop(events: Events, label: int) -> Floats:
    near = relative(around_hottest(events.table["ecal"][events.column("label") == label]))
    flat = ak.flatten(near[["row", "column", "energy"]])
    place = (ak.to_numpy(flat.row) + HALF) * 2 * HALF + ak.to_numpy(flat.column) + HALF
    sums = np.bincount(place, ak.to_numpy(flat.energy), (2 * HALF) ** 2).reshape(2 * HALF, 2 * HALF)
    return np.asarray(sums / max(len(near), 1))


# --- with the truth --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fired:
    """Showers of single particles without pile-up.

    energy : (n,) GeV, the true one. whole : (n,) whether the photon crossed the tracker without conversion.
    centred : (n,) whether such a photon points at the centre of a crystal, at the depth of the shower. true : the
    crystals' energies without noise, read : with noise and thresholds, both as lists of hits.
    """

    energy: Floats
    whole: np.ndarray
    centred: np.ndarray
    true: ak.Array
    read: ak.Array


def fired(particles: Incoming, seed: int) -> Fired:
    """Propagate each particle through the tracker, record conversions, and simulate the showers."""
    rng = np.random.default_rng(seed)
    cells, stack, arrived = workspace(), new_stack(), np.zeros((STACK, STATE))
    states = particles.states
    whole, centred = np.zeros(len(states), dtype=bool), np.zeros(len(states), dtype=bool)
    true, read = [], []
    for number, state in enumerate(states):
        pieces = cascade(state, rng, stack, arrived)
        whole[number] = pieces == 1 and arrived[0, CHARGE] == 0.0
        centred[number] = whole[number] and _centred(arrived[0])
        for piece in range(pieces):
            electromagnetic(arrived[piece], cells, rng)
        true.append(lit(cells))
        read.append(read_out(cells, crystals(), rng))
        clear(cells)
    energy = np.hypot(states[:, PT], states[:, PZ])
    return Fired(energy, whole, centred, _hits(true), _hits(read))


def _centred(photon: Floats) -> bool:
    """Whether the axis of the shower passes the centre of a crystal at the depth where positions are measured."""
    _, _, row, column, rows, wide, in_row, in_column, *_ = entry(photon)
    depth = X0 * (DEPTH + math.log(math.hypot(photon[PT], photon[PZ])))
    places = (row + depth * in_row * rows, column + depth * in_column * wide)
    return all(abs(place % 1.0 - 0.5) < CENTRE for place in places)


def _hits(parts: list[Hits]) -> ak.Array:
    cell, energy, time = (np.concatenate(column) for column in zip(*parts, strict=True))
    offsets = np.concatenate([[0], np.cumsum([len(part[0]) for part in parts])])
    return columns(Deposits(offsets, cell.astype(np.int32), energy, time))["ecal"]


def _photons(count: int) -> Incoming:
    """Photons with energies flat between 40 and 50 GeV, within the acceptance of the gun."""
    rng = np.random.default_rng(SEED)
    energy, eta = rng.uniform(*ENERGIES, count), rng.uniform(-ETA_MAX, ETA_MAX, count)
    phi, z = rng.uniform(-np.pi, np.pi, count), vertices(count, rng)
    code = np.full(count, 22)
    return incoming(
        np.ones(count, np.int64), code, energy / np.cosh(eta), phi, energy * np.tanh(eta), np.zeros(count), z
    )


def aimed(count: int) -> Figure:
    """True pt, eta and phi of the gun by class, which must be equal."""
    rng = np.random.default_rng(SEED)
    states = {name: gun(name, 4 * count, rng).states for name in ("electron", "photon")}
    quantities = {
        "pt": (Axis("true $p_T$", "GeV"), {name: s[:, PT] for name, s in states.items()}),
        "eta": (Axis(r"true $\eta$"), {name: np.arcsinh(s[:, PZ] / s[:, PT]) for name, s in states.items()}),
        "phi": (Axis(r"true $\phi$", "rad"), {name: s[:, PHI] for name, s in states.items()}),
    }
    panels, checks = [], []
    for name, (axis, values) in quantities.items():
        reach = max(float(np.abs(column).max()) for column in values.values())
        panels.append(spectrum("", axis, values, steps(15.0 if name == "pt" else -reach, reach, 30)))
        checks.append(blind(f"true {name} alone", values["electron"], values["photon"]))
    sample = f"{8 * count:,} particles"
    return Figure("gun", "true kinematics, which must not separate the classes", tuple(panels), tuple(checks), sample)


def containment(photons: Fired) -> Figure:
    """Share of an unconverted photon's true energy in 1, 3 x 3 and 5 x 5 crystals, without noise."""
    shares = shower_shapes(photons.true[photons.whole])
    # shapes are shares of the energy of the crop, which does not include leakage
    of_crop = ak.to_numpy(shares.energy).astype(np.float64) / photons.energy[photons.whole]
    names = {"e1": "1 crystal", "e9": "3 x 3", "e25": "5 x 5"}
    values = {text: ak.to_numpy(shares[name]) * of_crop for name, text in names.items()}
    central = values["1 crystal"][photons.centred[photons.whole]]
    axis = Axis("share of the true energy")
    panels = (
        spectrum("anywhere on a crystal", axis, values, steps(0.2, 1.02, 41)),
        spectrum("at the centre of a crystal", axis, {"1 crystal": central}, steps(0.5, 1.0, 25)),
    )
    checks = (
        Check("unconverted photons: in 1 crystal, at its centre", median(central), 0.70, 0.82, "", TEST_BEAM),
        Check("unconverted photons: in 3 x 3 crystals", median(values["3 x 3"]), 0.90, 0.98, "", MOLIERE),
        Check("unconverted photons: in 5 x 5 crystals", median(values["5 x 5"]), 0.94, 1.00, "", MOLIERE),
    )
    low, high = ENERGIES
    sample = f"{photons.whole.sum():,} unconverted photons of {low:g} to {high:g} GeV, no pile-up, no noise"
    return Figure("containment", "containment of photon showers", panels, checks, sample)


def shapes(showers: dict[str, Fired]) -> Figure:
    """R9 and sigma_ieta_ieta of electrons and of photons with and without conversion in the tracker."""
    photons = showers["photon"]
    parts = {
        "electron": showers["electron"].read,
        "converted photon": photons.read[~photons.whole],
        "unconverted photon": photons.read[photons.whole],
    }
    found = {name: shower_shapes(around_hottest(hits)) for name, hits in parts.items()}
    r9, width = ({name: ak.to_numpy(s[column]) for name, s in found.items()} for column in ("r9", "sigma_ieta_ieta"))
    panels = (
        spectrum("", Axis("$R_9$"), r9, steps(0.3, 1.02, 36), log_y=True),
        spectrum("", Axis(r"$\sigma_{i\eta i\eta}$"), width, steps(0.0, 0.025)),
    )
    material = "material of 0.4 to 1.5 X0 by eta (JINST 3 (2008) S08004): 1 - exp(-7/9 X/X0), 27 to 69%"
    cut = "CMS takes R9 above 0.94 for unconverted, about 70% of those and 40% of the others (JINST 10 (2015) P08010)"
    bend = "electrons and pairs spread in phi; JINST 10 (2015) P08010, section 4"
    sieie = "CMS selects electrons and photons below 0.011 to 0.013 in the barrel"
    converted = float(np.mean(~photons.whole)) if len(photons.whole) >= LEAST else math.nan
    checks = (
        Check("photons that convert in the tracker", converted, 0.25, 0.60, "", material),
        Check("unconverted photons: median R9", median(r9["unconverted photon"]), 0.93, 1.00, "", cut),
        Check("R9: unconverted less converted photons", _apart(r9, "converted photon"), 0.005, 0.35, "", bend),
        Check("R9: unconverted photons less electrons", _apart(r9, "electron"), 0.005, 0.35, "", bend),
        *(
            Check(f"{name}s: median sigma_ieta_ieta", median(values), 0.006, 0.012, "", sieie)
            for name, values in width.items()
        ),
    )
    sample = f"{sum(len(hits) for hits in parts.values()):,} particles of 20 to 60 GeV pt, no pile-up"
    return Figure("shower-shapes", "shower shapes by the interactions in the tracker", panels, checks, sample)


def _apart(values: dict[str, Floats], other: str) -> float:
    """Median of unconverted photons minus that of others."""
    return median(values["unconverted photon"]) - median(values[other])
