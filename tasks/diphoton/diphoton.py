"""Higgs bosons to two photons against continuum photon pairs and jets that look like photons, at 8 TeV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import awkward as ak
import numpy as np

from benchmark.core.plugin import Range
from tasks.diphoton.pairs import pair_masses, pair_table
from tasks.diphoton.settings import (
    CENTRAL,
    ENERGY,
    FORWARD,
    GAP,
    HADRONIC,
    HIGGS_MASS,
    MASS_MIN,
    PT_MIN,
    settings_of,
)
from tasks.events import EventInfo
from tasks.generator.pythia import accepted, collisions
from tasks.task import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.diphoton.reader import DiphotonReader
    from tasks.diphoton.validation import DiphotonValidation
    from tasks.generator.enrichment import Enrichment

NO_MULTIPARTON = (
    "multi-parton interactions are off in these events, so that photons are better isolated than in real collisions"
)
CVM_MAX = {"central": 0.002, "forward": 0.004}
"""By region: the largest CVM, on true photon pairs, of a row that is ranked (section 5.3)."""


@dataclass(frozen=True, kw_only=True)
class Diphoton(Task):
    """H(125) to two photons against quark-antiquark to two photons and photon + jet, with pile-up (fast simulation).

    Mass-decorrelated unless `mass_aware`: all energies of hits, tracks and photons of an event are multiplied by
    125 GeV / m_yy, so that no representation sees the mass. The column `mass` has it for the measure of decorrelation
    (CVM), which limits the rows that are ranked.

    As in the enriched CMS sample of photon + jet, the particles of an event of any class form two clusters of photons
    and electrons (radius 0.1, pt > 18) with less than 20% of their pt in other particles around them (radius 0.4). So a
    neutral meson dominates the jets. No two events share a collision.
    """

    name: ClassVar[str] = "diphoton"
    version: ClassVar[str] = "2"  # readout and pile-up have their own random numbers
    fast_simulation: ClassVar[bool] = True
    processes = ("higgs", "diphoton", "photon_jet")
    skipped_levels: ClassVar[Mapping[str, str]] = {
        "generator": "before hadronisation photon + jet has one photon: the class would be empty"
    }
    applied_parameters: ClassVar[frozenset[str]] = frozenset({"mass_aware"})
    shifts: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "shower": {"shower": "vincia"},
        "pileup": {"pileup_factor": 2.0},
    }
    expert: ClassVar[tuple[str, ...]] = (
        *("pt1_over_m", "pt2_over_m", "cos_dphi", "r91", "r92"),
        *("ecal_isolation1", "ecal_isolation2", "track_isolation1", "track_isolation2"),
    )
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"events_per_class": 80, "shard_events": 80, "pileup": 0.0, "multiparton": False},
        # 1,600 training events per class: photon + jet makes three or four per second on two cores
        "quick": {"events_per_class": 2000, "shard_events": 400, "multiparton": False},
        "standard": {"events_per_class": 25_000, "shard_events": 1250},
        # four fifths of the 63,502 events per class in the paper
        "paper": {"events_per_class": 51_000, "shard_events": 1250},
    }

    shard_events: int = 500
    region: Annotated[
        Literal["central", "forward"],
        "'central': both photons at abs(eta) < 1.44. 'forward': both at abs(eta) < 2.3, without 1.44 to 1.54",
    ] = "central"
    mass_aware: Annotated[bool, "leave energies as they are, and faint hits and tracks in place"] = False
    box: Annotated[bool, "add gluon fusion to two photons to the continuum"] = False
    pileup: Annotated[
        Literal["2010", "2011", "2012"] | float,
        Range(0, 200),
        "collisions on top of each event: as in a year of data taking (run eras with means of 18, 20 and 21 in 2012, "
        "in the same shares in every class), or their mean number",
    ] = "2012"
    multiparton: Annotated[
        bool,
        "multi-parton interactions, for all classes alike. With them photon + jet takes eight times as long, so "
        "quick and smoke have none; they add about as much as one more collision of pile-up (an estimate)",
    ] = True
    pileup_factor: Annotated[float, Range(0, 10), "factor on the mean number of collisions of pile-up"] = 1.0
    shower: Annotated[
        Literal["simple", "vincia", "halved_scale"],
        "parton shower of all classes (not of pile-up): Pythia's 'simple' one; 'vincia' with its tune, a tenth as fast "
        "with multi-parton interactions; or 'halved_scale', the simple one with half the renormalisation scale, so "
        "that it radiates more",
    ] = "simple"

    def info(self, level: str) -> EventInfo:
        """Two photons."""
        picture: Literal["photons", "detector"] = "photons" if self.region == "central" else "detector"
        bounds = {} if self.mass_aware else {"cvm": CVM_MAX[self.region]}
        note = "" if self.multiparton else NO_MULTIPARTON
        return EventInfo(
            self.name, self.processes, level, {"photon": 2}, picture=picture, nodes="photons", bounds=bounds, note=note
        )

    def settings(self, process: str, level: str) -> tuple[str, ...]:
        """Pythia's settings, and the pile-up's."""
        from tasks.detector.pileup import description

        line = f"{process}: {'; '.join(self._settings(process, level))}"
        over = description(self.pileup, ENERGY, self.pileup_factor) if level == "detector" else ""
        return (line, over) if over else (line,)

    def generate(self, process: str, level: str, count: int, seed: int) -> ak.Array:
        """Generate collisions with two photon candidates."""
        from tasks.detector.particles import final
        from tasks.generator.rehadronised import rehadronised

        rng, enrichment = np.random.default_rng(seed), self._enrichment
        what, settings = f"{self.name}, {process}", self._settings(process, level)
        if process == "photon_jet":
            batches = rehadronised(settings, seed, what, enrichment.promising, enrichment.fakes)
        else:
            batches = (final(events) for events in collisions(settings, seed, what))
        return accepted(batches, lambda particles: self._select(particles, level, rng), count, what)[:count]

    @property
    def _enrichment(self) -> Enrichment:
        from tasks.generator.enrichment import Enrichment

        return Enrichment(PT_MIN, MASS_MIN, CENTRAL if self.region == "central" else FORWARD)

    @property
    def reader(self) -> DiphotonReader:
        """Photons of CMS files (NanoAOD, HEP Tutorial): objects only, without hits."""
        from tasks.diphoton.reader import DiphotonReader

        return DiphotonReader(forward=self.region == "forward")

    @property
    def validation(self) -> DiphotonValidation:
        """The mass of the pair, shower shapes, the rest of the event, and pile-up."""
        from tasks.diphoton.validation import DiphotonValidation

        return DiphotonValidation(self.pileup)

    def apply_variant(self, table: ak.Array) -> ak.Array:
        """Scale energies to m_yy = 125 GeV unless the variant is aware of the mass."""
        return table if self.mass_aware else decorrelated(table)

    def _settings(self, process: str, level: str) -> tuple[str, ...]:
        return settings_of(process, level, box=self.box, multiparton=self.multiparton, shower=self.shower)

    def _select(self, particles: ak.Array, level: str, rng: np.random.Generator) -> ak.Array:
        """Select photon pairs; hits are simulated only for collisions whose particles may give one."""
        clusters = self._enrichment.clusters(particles)
        hopeful = ak.any(pair_masses(clusters) > 0.9 * MASS_MIN, axis=1)
        particles, clusters = particles[hopeful], clusters[hopeful]
        found = self._observe(particles, rng) if level == "detector" else {"photons": clusters}
        photons = found.pop("photons")
        eta = abs(photons.detector_eta if level == "detector" else photons.eta)
        inside = (eta < CENTRAL) | ((self.region == "forward") & (eta > GAP[1]) & (eta < FORWARD))
        photons = photons[inside & (photons.pt > PT_MIN)]
        two = ak.num(photons.pt) >= 2
        photons, found = photons[two][:, :2], {name: column[two] for name, column in found.items()}
        mass = ak.to_numpy(ak.flatten(pair_masses(photons))).astype(np.float64)
        heavy = mass > MASS_MIN
        columns = {name: column[heavy] for name, column in found.items()}
        return pair_table(photons[heavy], mass[heavy], columns)

    def _observe(self, particles: ak.Array, rng: np.random.Generator) -> dict[str, ak.Array]:
        """Hits, tracks and photon candidates of each event."""
        from tasks.detector.hits_and_tracks import observe
        from tasks.detector.photons import photons
        from tasks.detector.pileup import pileup

        seen = observe(particles, pileup(self.pileup, ENERGY, self.pileup_factor), rng)
        vertex, tracks = seen.draw_photon_origin(rng)
        candidates = photons(seen.hits, tracks, vertex, PT_MIN)
        return {**seen.columns(), "photons": candidates[candidates.hadronic < HADRONIC]}


def decorrelated(table: ak.Array) -> ak.Array:
    """Scale photons, hits and tracks of each event by 125 GeV / m_yy. `mass` does not change.

    Readout thresholds are fixed, so that the faintest scaled hit of an event would reveal the mass. Scaled hits and
    tracks below 125 / 90 times the highest threshold of their column are therefore dropped, at any mass. Pile-up is
    scaled as well, as in the paper, so that its amount tells of the mass: in pairs of photons the sums over all hits of
    the ECAL and over all tracks have rank correlations of -0.55 and -0.75 with it. Models that add up whole detectors
    use that, which is why rows need a small CVM to be ranked.
    """
    factor = HIGGS_MASS / table["mass"]
    for column, (field, threshold) in {"objects": ("pt", 0.0), **thresholds()}.items():
        if column in table.fields:
            scaled = ak.values_astype(table[column, field] * factor, "float32")
            rows = ak.with_field(table[column], scaled, field)
            table = ak.with_field(table, rows[scaled > threshold * HIGGS_MASS / MASS_MIN], column)
    return table


def thresholds() -> dict[str, tuple[str, float]]:
    """By column: the scaled field, and the highest threshold of the detector in GeV."""
    from tasks.detector import readout
    from tasks.detector.tracker import TRACK_PT_MIN

    return {
        "tracks": ("pt", TRACK_PT_MIN),
        "ecal": ("energy", readout.THRESHOLD * readout.BARREL_NOISE),
        "ecal_endcap": ("energy", readout.THRESHOLD * readout.ENDCAP_NOISE),
        "hcal": ("energy", readout.HCAL_THRESHOLD),
    }
