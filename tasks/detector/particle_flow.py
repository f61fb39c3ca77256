"""Particle flow: each particle once, measured by the part of the detector that measures it best.

A fast simulation of the particle-flow candidates of CMS (JINST 12 (2017) P10003): charged hadrons and leptons from
their tracks, photons from crystals of the ECAL, neutral hadrons from towers of the HCAL. The kind and charge of a
candidate are those that the detector measures, not those of the generator.

Not simulated, though each makes real jets a little harder to analyse: conversions and bremsstrahlung, hadronic energy
in the ECAL, neutral energy lost under charged showers, fake tracks, and decays in flight (tracks of hadrons from
displaced decays have the efficiency of all others).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from tasks.detector.leptons import BARREL, CHAMBERS_PT_MIN
from tasks.detector.muons import MuonResponse

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHARGED_HADRONS = (211, 321, 2212)
"""Stable charged hadrons in Pythia: pions, kaons, protons."""

MASS = {11: 0.000511, 13: 0.10566, 22: 0.0, 130: 0.0, 211: 0.13957}
"""GeV, by kind of candidate: charged hadrons get the mass of a pion, calorimeters measure only energy."""

FIELDS = ("px", "py", "pz", "e", "pt", "eta", "phi", "mass", "charge", "pdg_id")


@dataclass(frozen=True)
class CalorimeterResponse:
    """Granularity, resolution and threshold of a calorimeter.

    Attributes
    ----------
    divisions : number of cells in phi, up to 360; cells are as wide in eta. 0: every particle has its own cell
    stochastic, noise, constant : sigma(E)/E = stochastic / sqrt(E) + noise / E + constant in quadrature, E in GeV
    threshold : GeV, smallest energy of a cell in the barrel and in the endcaps (from abs(eta) = 1.479)
    """

    divisions: int
    stochastic: float
    noise: float
    constant: float
    threshold: tuple[float, float]

    def measure(
        self, event: NDArray[Any], energy: NDArray[Any], eta: NDArray[Any], phi: NDArray[Any], rng: np.random.Generator
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
        """(event, energy, eta, phi) of the centres of cells above threshold, from those of particles."""
        if self.divisions:
            width = 2.0 * np.pi / self.divisions
            row = np.floor(eta / width).astype(np.int64) + self.divisions  # above 0 up to abs(eta) = 2 pi
            column = np.floor(phi / width).astype(np.int64) % self.divisions
            cells, of_cell = np.unique((event * 1000 + row) * 1000 + column, return_inverse=True)
            energy = np.bincount(of_cell, energy, len(cells))
            event, eta = cells // 1_000_000, (cells // 1000 % 1000 - self.divisions + 0.5) * width
            phi = _principal((cells % 1000 + 0.5) * width)
        sigma = np.sqrt((self.stochastic**2 * energy) + self.noise**2 + (self.constant * energy) ** 2)
        measured = energy + sigma * rng.standard_normal(len(energy))
        lit = measured > np.asarray(self.threshold)[(np.abs(eta) > BARREL).astype(int)]
        return event[lit], measured[lit], eta[lit], phi[lit]


CMS_TRACKS = MuonResponse(scattering=(0.012, 0.025), curvature=(2.5e-4, 7.0e-4))
CMS_ECAL = CalorimeterResponse(360, 0.028, 0.12, 0.003, (0.23, 0.60))
CMS_HCAL = CalorimeterResponse(72, 1.0, 0.0, 0.05, (0.8, 1.1))


@dataclass(frozen=True)
class FlowResponse:
    """Efficiencies and resolutions of particle flow. The defaults are CMS-like; no value was tuned on a score.

    Attributes
    ----------
    tracks : resolution of pt, eta and phi. 1.5% for hadrons of some GeV and 2.8% at 100 GeV for abs(eta) < 1.4, as
        JINST 9 (2014) P10009 sums up; the growth to abs(eta) 2.4 is a guess, so are the angles (1 mrad).
    track_efficiency : of charged particles with pt > 0.9 GeV and abs(eta) below 0.9, or from there to 2.5: the same
        paper (94% and 85%). Softer ones: `soft_efficiency`, a guess between these and nothing.
    track_pt_min : GeV, a guess: CMS finds tracks down to 0.1 GeV, few of them and with many fakes.
    field_radius : metres from the beam to the ECAL. A particle of charge 1 bends with the radius pt / (0.3 B), B = 3.8
        T: below 0.74 GeV it curls and reaches no calorimeter.
    electron_id, muon_id : the probability to identify an electron or muon with a track; otherwise it becomes a charged
        hadron. Guesses: 60% for electrons in jets, and the 95% of isolated muons.
    electron_pt_min, muon_pt_min : GeV, thresholds of the identification: particle flow identifies electrons from 2 GeV
        on (JINST 12 (2017) P10003); muons below 3 GeV stop before the chambers.
    ecal : crystals of 0.0174; resolution of the test beam (2.8%, 0.12 GeV, 0.3%: JINST 3 (2008) S08004); thresholds
        of the cluster seeds of particle flow (0.23 and 0.60 GeV: JINST 12 (2017) P10003, table 2). Beyond
        abs(eta) = 1.479 the crystals of the endcaps have the same size here.
    hcal : towers of 0.087; 100%/sqrt(E) and 5% (as in JINST 3 (2008) S08004); seeds of 0.8 and 1.1 GeV (JINST 12).
    eta_tracker, eta_max : edges of the tracker and of the endcap calorimeters; nothing is measured beyond.
    """

    tracks: MuonResponse = CMS_TRACKS
    track_efficiency: tuple[float, float] = (0.94, 0.85)
    soft_efficiency: float = 0.70
    track_pt_min: float = 0.3
    field_radius: float = 1.29
    field: float = 3.8
    electron_id: float = 0.60
    muon_id: float = 0.95
    electron_pt_min: float = 2.0
    muon_pt_min: float = CHAMBERS_PT_MIN
    ecal: CalorimeterResponse = CMS_ECAL
    hcal: CalorimeterResponse = CMS_HCAL
    eta_tracker: float = 2.5
    eta_max: float = 3.0

    def efficiency(self, pt: NDArray[Any], eta: NDArray[Any]) -> NDArray[np.float64]:
        """Probability that the track of a charged particle is reconstructed."""
        hard = np.asarray(self.track_efficiency)[(np.abs(eta) > 0.9).astype(int)]
        chance = np.where(pt > 0.9, hard, self.soft_efficiency)
        return np.where((pt > self.track_pt_min) & (np.abs(eta) < self.eta_tracker), chance, 0.0)

    def bend(self, pt: NDArray[Any], charge: NDArray[Any]) -> NDArray[np.float64]:
        """phi at the ECAL minus phi at the beam line, radians; NaN for particles that curl and do not reach it."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return -charge * np.arcsin(0.3 * self.field * self.field_radius / (2.0 * pt))


CMS_FLOW = FlowResponse()

_EXACT = CalorimeterResponse(0, 0.0, 0.0, 0.0, (0.0, 0.0))
IDEAL_FLOW = FlowResponse(
    tracks=MuonResponse((0.0, 0.0), (0.0, 0.0), 0.0, 0.0),
    track_efficiency=(1.0, 1.0),
    soft_efficiency=1.0,
    track_pt_min=0.0,
    field=0.0,
    electron_id=1.0,
    muon_id=1.0,
    electron_pt_min=0.0,
    muon_pt_min=0.0,
    ecal=_EXACT,
    hcal=_EXACT,
    eta_tracker=3.0,
)
"""Exact measurements of all particles with abs(eta) < 3, with kinds as above: the levels `generator` and `hadron`."""


def flow_response_of(level: str) -> FlowResponse:
    """The response at a level of realism."""
    return CMS_FLOW if level == "detector" else IDEAL_FLOW


def particle_flow(particles: ak.Array, response: FlowResponse, rng: np.random.Generator) -> ak.Array:
    """Particle-flow candidates from the final particles of each collision (`tasks.detector.particles.final`).

    Returns lists of `FIELDS` (GeV, radians) in falling pt. pdg_id is 22, 211, 130, 11 or 13 with the sign of the
    charge; partons become 130, without charge.
    """
    events = len(particles)
    event = np.repeat(np.arange(events), ak.to_numpy(ak.num(particles.pt)))
    flat = {name: np.asarray(ak.flatten(particles[name])) for name in ("pt", "eta", "phi", "e", "pdg_id", "visible")}
    kept = flat["visible"] & (np.abs(flat["eta"]) < response.eta_max)
    pt, eta, phi, e, pdg_id = (flat[name][kept] for name in ("pt", "eta", "phi", "e", "pdg_id"))
    event, size, charge = event[kept], np.abs(pdg_id), charge_of(pdg_id)

    found = (charge != 0) & (rng.random(len(pt)) < response.efficiency(pt, eta))
    track = _tracks(pt[found], eta[found], phi[found], charge[found], size[found], response, rng)
    bend = response.bend(pt, charge)
    missed = (charge != 0) & ~found & np.isfinite(bend) & (size != 13)
    phi = np.where(missed, _principal(phi + np.nan_to_num(bend)), phi)
    shower = (size == 22) | (missed & (size == 11))
    hadron = (charge == 0) & (size != 22) | (missed & (size != 11))
    rows = [(event[found], *track)]
    for code, calorimeter, chosen in ((22, response.ecal, shower), (130, response.hcal, hadron)):
        where, energy, *angles = calorimeter.measure(event[chosen], e[chosen], eta[chosen], phi[chosen], rng)
        rows.append((where, energy / np.cosh(angles[0]), *angles, np.zeros(len(where)), np.full(len(where), code)))
    columns = [np.concatenate(column) for column in zip(*rows, strict=True)]
    return _lists(events, *columns)


def charge_of(pdg_id: NDArray[Any]) -> NDArray[np.float64]:
    """Charge of a stable particle: +1, -1, or 0 for neutral particles and partons."""
    size = np.abs(pdg_id)
    sign = np.sign(pdg_id).astype(np.float64)
    return np.where(np.isin(size, CHARGED_HADRONS), sign, np.where((size == 11) | (size == 13), -sign, 0.0))


def _tracks(
    pt: NDArray[Any],
    eta: NDArray[Any],
    phi: NDArray[Any],
    charge: NDArray[Any],
    size: NDArray[Any],
    response: FlowResponse,
    rng: np.random.Generator,
) -> tuple[NDArray[Any], ...]:
    """Measured (pt, eta, phi, charge, pdg_id) of tracks."""
    measured = response.tracks.smear(pt, eta, phi, rng)
    draw = rng.random(len(pt))
    electron = (size == 11) & (draw < response.electron_id) & (pt > response.electron_pt_min)
    muon = (size == 13) & (draw < response.muon_id) & (pt > response.muon_pt_min)
    # a lepton of charge -1 has the code +11 or +13
    code = np.where(electron, -11 * charge, np.where(muon, -13 * charge, 211 * charge)).astype(np.int64)
    return (*measured, charge, code)


def _lists(
    events: int,
    event: NDArray[Any],
    pt: NDArray[Any],
    eta: NDArray[Any],
    phi: NDArray[Any],
    charge: NDArray[Any],
    pdg_id: NDArray[Any],
) -> ak.Array:
    order = np.lexsort((-pt, event))
    event, pt, eta, phi, charge, pdg_id = (x[order] for x in (event, pt, eta, phi, charge, pdg_id))
    mass = np.zeros(len(pt))
    for code, value in MASS.items():
        mass[np.abs(pdg_id) == code] = value
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    e = np.sqrt(px**2 + py**2 + pz**2 + mass**2)
    columns = dict(zip(FIELDS, (px, py, pz, e, pt, eta, phi, mass, charge, pdg_id), strict=True))
    counts = np.bincount(event, minlength=events)
    return ak.zip({name: ak.unflatten(column, counts) for name, column in columns.items()})


def _principal(phi: NDArray[Any]) -> NDArray[np.float64]:
    """phi in [-pi, pi)."""
    return np.asarray((phi + np.pi) % (2.0 * np.pi) - np.pi)
