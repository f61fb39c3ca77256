"""Jets of W bosons from W' -> WZ against QCD jets, at 13 TeV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import awkward as ak
import numpy as np

from benchmark.core.plugin import Range
from tasks.events import EventInfo
from tasks.generator.pythia import collisions, level_settings
from tasks.generator.strata import filled, quotas
from tasks.task import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tasks.wprime.reader import WPrimeReader
    from tasks.wprime.validation import WPrimeValidation

BEAM = ("Beams:eCM=13000",)
SETTINGS: Mapping[str, tuple[str, ...]] = {
    # 590 GeV puts the pt of the W just above the middle of the window; the Z is invisible.
    "w": (
        *BEAM,
        "NewGaugeBoson:ffbar2Wprime=on",
        "34:m0=590",
        "34:onMode=off",
        "34:onIfAll=24 23",
        "Wprime:coup2WZ=1",
        "23:onMode=off",
        "23:onIfAny=12 14 16",
        "24:onMode=off",
        "24:onIfAny=1 2 3 4 5",
    ),
    "qcd": (*BEAM, "HardQCD:all=on", "PhaseSpace:pTHatMax=400"),
}

RADIUS = 1.0
PT = (250.0, 300.0)  # GeV
ETA_MAX = 2.0
MASS_WINDOW = (65.0, 95.0)  # GeV

PT_SHARES = np.linspace(0.13, 0.07, 10)
ETA_SHARES = np.array([0.28, 0.28, 0.25, 0.19])
"""Share of the jets in each step of 5 GeV in pt, and of 0.5 in abs(eta), in every class: rounded means of the two
classes before selection, so that few jets are rejected. Other numbers would do as well."""

FIELDS = ("pt", "eta", "phi", "mass", "charge", "pdg_id")


@dataclass(frozen=True, kw_only=True)
class WPrime(Task):
    """Jets of W bosons from W' -> WZ (Z to neutrinos) against QCD jets, pp at 13 TeV.

    The jet is the leading anti-kt jet (R = 1.0) of particle-flow candidates with abs(eta) < 3; it has
    250 < pt < 300 GeV and abs(eta) < 2.0. It is not matched to the truth: 1 to 2% of the signal are jets that recoil
    against the W.

    Every bin of pt and abs(eta) gets a fixed share of the jets of a shard, the same in both classes, so that pt and
    eta do not separate the classes. This needs neither weights (which not every model takes) nor the other shards; a
    fitted flattening function would depend on level and variant. A third of the selected jets is rejected for it, and
    the mass window keeps one QCD jet in seven.

    Levels: `generator` has partons after the shower and `hadron` stable particles, both measured perfectly but with the
    species and masses of particle flow; `detector` is the fast simulation of `tasks.detector.particle_flow`.
    `mass` and `candidate.mass` are always those of the trimmed jet (kt subjets of R = 0.3, 5% of the jet's pt).
    """

    name: ClassVar[str] = "wprime"
    fast_simulation: ClassVar[bool] = True
    processes: ClassVar[tuple[str, ...]] = ("w", "qcd")
    shifts: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "shower": {"shower": "vincia"},
        "radiation": {"shower": "halved_scale"},
    }
    # D2 with beta = 1 as ATLAS takes it for W jets (Eur. Phys. J. C 76 (2016) 154)
    expert: ClassVar[tuple[str, ...]] = ("mass", "tau21", "d2_beta1")
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"events_per_class": 250, "shard_events": 250, "multiparton": False},
        # shards of 1000, so that two workers share the work evenly
        "quick": {"events_per_class": 3200, "shard_events": 1000},
        "standard": {"events_per_class": 25_000, "shard_events": 3125},
        # 64,000 training jets per class, about the training set of the recursive networks (an estimate)
        "paper": {"events_per_class": 80_000, "shard_events": 5000},
    }

    grooming: Annotated[
        Literal["trimmed", "none"],
        "'trimmed', or 'none' for the whole jet: pt, constituents and substructure are then those of the whole jet",
    ] = "trimmed"
    mass_window: Annotated[bool, "require 65 < trimmed mass < 95 GeV, as the jet-image papers do"] = False
    multiparton: Annotated[bool, "multi-parton interactions, for both classes alike"] = True
    pthat_min: Annotated[
        float,
        Range(50, 250),
        "smallest pT-hat of QCD in GeV; the W' has no such cut. Radiation lifts jets of softer scatterings into the "
        "window: at the level detector, 180 to 200 GeV would add 14% to the QCD jets and 160 to 180 GeV another 13%, "
        "with median trimmed masses of about 40 GeV instead of 31. 160 takes 2.2 times as long as 200",
    ] = 200.0
    shower: Annotated[
        Literal["simple", "vincia", "halved_scale"],
        "parton shower of all classes (not of pile-up): Pythia's 'simple' one; 'vincia' with its tune, a tenth as fast "
        "with multi-parton interactions; or 'halved_scale', the simple one with half the renormalisation scale, so "
        "that it radiates more",
    ] = "simple"

    def info(self, level: str) -> EventInfo:
        """Constituents of one jet, of which a table holds the 60 of highest pt."""
        return EventInfo(
            self.name, self.processes, level, slots={"constituent": 60}, particles="constituents", picture="jet"
        )

    def settings(self, process: str, level: str) -> tuple[str, ...]:
        """Pythia's settings."""
        lowest = (f"PhaseSpace:pTHatMin={self.pthat_min:g}",) if process == "qcd" else ()
        return (*SETTINGS[process], *lowest, *level_settings(level, multiparton=self.multiparton, shower=self.shower))

    def generate(self, process: str, level: str, count: int, seed: int) -> ak.Array:
        """Generate `count` jets, with the same numbers in the bins of pt and abs(eta) in both processes."""
        rng = np.random.default_rng(seed)
        what = f"{self.name}, {process}"

        def select(events: ak.Array) -> tuple[ak.Array, NDArray[np.int64]]:
            return self._select(events, level, rng)

        shares = np.outer(PT_SHARES, ETA_SHARES).ravel()
        return filled(collisions(self.settings(process, level), seed, what), select, quotas(shares, count), what)

    @property
    def reader(self) -> WPrimeReader:
        """Jets from the public HDF5 images of 25 x 25 pixels."""
        from tasks.wprime.reader import WPrimeReader

        return WPrimeReader()

    @property
    def validation(self) -> WPrimeValidation:
        """Mass, kinematics, substructure and mean picture of the jets."""
        from tasks.wprime.validation import WPrimeValidation

        return WPrimeValidation()

    def _select(self, events: ak.Array, level: str, rng: np.random.Generator) -> tuple[ak.Array, NDArray[np.int64]]:
        """Events whose leading jet is in the window, and the bin of pt and abs(eta) of each."""
        from tasks.detector.particle_flow import flow_response_of, particle_flow
        from tasks.detector.particles import final
        from tasks.detector.substructure import leading_jet, total, trim

        seen = particle_flow(final(events), flow_response_of(level), rng)
        whole, _ = leading_jet(seen, RADIUS, PT[0])
        trimmed, subjets = trim(whole)
        groomed = total(trimmed)
        shown, jet = (trimmed, groomed) if self.grooming == "trimmed" else (whole, total(whole))
        pt, eta, mass = (ak.to_numpy(x) for x in (jet.pt, abs(jet.eta), groomed.mass))
        passed = (pt > PT[0]) & (pt < PT[1]) & (eta < ETA_MAX)
        if self.mass_window:
            passed &= (mass > MASS_WINDOW[0]) & (mass < MASS_WINDOW[1])
        rows = jet_table(shown[passed], jet[passed], mass[passed], subjets[passed])
        return rows, cell_of(pt[passed], eta[passed])


def cell_of(pt: NDArray[Any], eta: NDArray[Any]) -> NDArray[np.int64]:
    """The bin of each jet, (jets,), from its pt and abs(eta); abs(eta) runs fastest."""
    row = ((pt - PT[0]) / (PT[1] - PT[0]) * len(PT_SHARES)).astype(np.int64)
    return row * len(ETA_SHARES) + (eta / ETA_MAX * len(ETA_SHARES)).astype(np.int64)


def jet_table(particles: ak.Array, jet: ak.Array, mass: NDArray[Any], subjets: ak.Array) -> ak.Array:
    """The columns constituents (in falling pt), mass, candidate and axes of the Events table.

    Parameters
    ----------
    particles : lists of the constituents of the jets.
    jet : {pt, eta, phi}, one per jet.
    mass : of the trimmed jets, GeV, shape (jets,).
    subjets : lists of {pt, eta, phi} in falling pt, one or more per jet.
    """
    rows = particles[ak.argsort(particles.pt, ascending=False, stable=True)]
    columns = {name: ak.values_astype(rows[name], np.float32) for name in FIELDS[:-1]}
    axes = subjet_axes(jet, subjets)
    apart = np.hypot(axes["subjet1_eta"] - axes["subjet2_eta"], axes["subjet1_phi"] - axes["subjet2_phi"])
    return ak.zip(
        {
            "constituents": ak.zip({**columns, "pdg_id": ak.values_astype(rows.pdg_id, np.int32)}),
            "mass": mass.astype(np.float32),
            "candidate": _record({**scalars(particles, mass), "dr_subjets": apart}),
            "axes": _record(axes),
        },
        depth_limit=1,
    )


def scalars(particles: ak.Array, mass: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Engineered features of each jet. By construction its pt, eta and phi carry no information.

    mass (GeV, trimmed) · tau1, tau2, tau21 = tau2 / tau1 (N-subjettiness) · c2 = e3 / e2^2, d2 = e3 / e2^3 (energy
    correlators, beta 1 and 2: Larkoski, Moult and Neill, JHEP 12 (2014) 009) · n_constituents. A ratio over 0 is 0.
    Mass, tau21, c2 and d2 are the six expert variables of Baldi et al., PRD 93 (2016) 094034.
    """
    from tasks.detector.substructure import energy_correlators, n_subjettiness

    tau = n_subjettiness(particles, RADIUS)
    found = {"mass": mass, "tau1": tau[:, 0], "tau2": tau[:, 1], "tau21": _ratio(tau[:, 1], tau[:, 0])}
    for beta in (1, 2):
        e2, e3 = energy_correlators(particles, beta).T
        found |= {f"c2_beta{beta}": _ratio(e3, e2**2), f"d2_beta{beta}": _ratio(e3, e2**3)}
    return {**found, "n_constituents": ak.to_numpy(ak.num(particles.pt))}


def subjet_axes(jet: ak.Array, subjets: ak.Array) -> dict[str, NDArray[Any]]:
    """Directions of a jet and its two leading subjets, by which an image of the jet is rotated. They are no features.

    eta, phi of the jet; subjet1_eta ... subjet2_phi relative to it, phi in [-pi, pi). A single subjet counts twice.
    """
    last = np.minimum(ak.to_numpy(ak.num(subjets.pt)) - 1, 1)
    first, second = subjets[:, 0], subjets[np.arange(len(subjets)), last]
    found = {"eta": ak.to_numpy(jet.eta), "phi": ak.to_numpy(jet.phi)}
    for name, axis in (("subjet1", first), ("subjet2", second)):
        found[f"{name}_eta"] = ak.to_numpy(axis.eta) - found["eta"]
        found[f"{name}_phi"] = (ak.to_numpy(axis.phi) - found["phi"] + np.pi) % (2.0 * np.pi) - np.pi
    return found


def _ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[Any]:
    ratio: NDArray[Any] = np.divide(above, below, out=np.zeros_like(above), where=below > 0)
    return ratio


def _record(columns: Mapping[str, NDArray[Any]]) -> ak.Array:
    return ak.zip({name: np.asarray(values, dtype=np.float32) for name, values in columns.items()})
