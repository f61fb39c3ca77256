"""Higgs bosons to two photons against continuum photon pairs and jets that look like photons, at 8 TeV."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from benchmark.plugin import check_range
from tasks.task import Imported, Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import awkward as ak
    import numpy as np
    from numpy.typing import NDArray

    from tasks.events import EventInfo, Events
    from tasks.generator.rehadronised import Particle
    from tasks.validation.figure import Figure

    Floats = NDArray[np.float64]

BEAM = ("Beams:eCM=8000",)
# Cuts of the generator lie well outside those of the selection (pt > 20, mass > 90), or they would shape the events.
HIGGS = (*BEAM, "HiggsSM:gg2H=on", "25:m0=125", "25:onMode=off", "25:onIfMatch=22 22")
BORN = ("PromptPhoton:ffbar2gammagamma=on", "PhaseSpace:pTHatMin=15", "PhaseSpace:mHatMin=75")
BOX = ("PromptPhoton:gg2gammagamma=on",)
PHOTON_JET = (
    *BEAM,
    "PromptPhoton:qg2qgamma=on",
    "PromptPhoton:qqbar2ggamma=on",
    "PhaseSpace:pTHatMin=20",
    "PhaseSpace:mHatMin=75",
)

PT_MIN = 20.0
MASS_MIN = 90.0
"""GeV: the selection of the end-to-end paper (arXiv:1807.11916, section 2)."""
CENTRAL = 1.44
GAP = (1.44, 1.54)
FORWARD = 2.3
"""abs(eta) of photons: central; the edge between barrel and endcaps, left out; central and forward."""
HADRONIC = 0.15
"""HCAL over ECAL energy of any photon candidate that CMS keeps (JINST 10 (2015) P08010, section 4)."""
PHOTON = 22
SEED_PT, CORE, CONE, ISOLATION = 4.0, 0.1, 0.4, 0.2
"""Clusters of photons and electrons among the final particles: pt of the seed in GeV, their radius, the radius around
them, and how much of their pt other particles may have there (CMS's EM enrichment is as loose)."""
NARROW = 0.8
"""Of a jet's pt before hadronisation, the least within 0.1 of its hardest parton. Isolated clusters come from such
jets; about half have more spread and are not tried."""
HIGGS_MASS = 125.0
POOL = 2000
"""Minimum-bias collisions in the pool of pile-up."""
HITS = ("ecal", "ecal_endcap", "hcal")


@dataclass(frozen=True, kw_only=True)
class Diphoton(Task):
    """H(125) to two photons against quark-antiquark to two photons and photon + jet, with pile-up (fast simulation).

    Mass-decorrelated unless `mass_aware`: all energies of an event are multiplied by 125 GeV / m_yy, in hits, tracks
    and photons alike, so that no representation sees the mass; `mass` keeps it for the score of decorrelation (CVM).
    Photon + jet passes an enrichment as the CMS sample does: at the level of particles, two clusters of photons and
    electrons (radius 0.1, pt > 18) with less than 20% of their pt in other particles around them (radius 0.4). So jets
    are those that a neutral meson dominates; every event has a collision of its own, none is used twice.

    Parameters
    ----------
    region : both photons at abs(eta) < 1.44 ("central"), or up to 2.3 without 1.44 to 1.54 ("forward").
    mass_aware : leave energies as they are.
    box : gluon fusion to two photons as well, in the continuum.
    pileup : mean number of collisions over each event.
    multiparton : multi-parton interactions, for all classes alike. Off: with them photon + jet takes eight times as
        long. They would add to each event about what one more collision of pile-up does (a guess).
    """

    name: ClassVar[str] = "diphoton"
    processes = ("higgs", "diphoton", "photon_jet")
    skipped_levels: ClassVar[Mapping[str, str]] = {
        "generator": "before hadronisation photon + jet has one photon: the class would be empty"
    }
    view_parameters: ClassVar[frozenset[str]] = frozenset({"mass_aware"})
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"events_per_class": 100, "shard_events": 100, "pileup": 0.0},
        "standard": {"events_per_class": 31_250, "shard_events": 1250},
        # 63,502 events a class in the paper
        "paper": {"events_per_class": 63_750, "shard_events": 1250},
    }
    seconds: ClassVar[Mapping[str, float]] = {"smoke": 40, "quick": 750, "standard": 5700, "paper": 11_500}

    shard_events: int = 500
    region: Literal["central", "forward"] = "central"
    mass_aware: bool = False
    box: bool = False
    pileup: float = 20.0
    multiparton: bool = False

    def __post_init__(self) -> None:
        """Raise UserError for what can't be made."""
        super().__post_init__()
        check_range(self, "pileup", 0, 200)

    def info(self, level: str) -> EventInfo:
        """Two photons."""
        from tasks.events import EventInfo

        picture: Literal["barrel", "detector"] = "barrel" if self.region == "central" else "detector"
        return EventInfo(self.name, self.processes, level, {"photon": 2}, picture=picture)

    def settings(self, process: str, level: str) -> tuple[str, ...]:
        """Pythia's settings, and the pile-up's."""
        lines = [f"{process}: {'; '.join(self._settings(process, level))}"]
        if self.pileup and level == "detector":
            lines.append(f"pile-up {self.pileup:g} of {POOL}: Beams:eCM=8000; SoftQCD:inelastic=on")
        return tuple(lines)

    def generate(self, process: str, level: str, count: int, seed: int) -> ak.Array:
        """Collisions with two photon candidates."""
        import numpy as np

        from tasks.detector.particles import final
        from tasks.generator.pythia import accepted, collisions
        from tasks.generator.rehadronised import rehadronised

        rng = np.random.default_rng(seed)
        what, settings = f"{self.name}, {process}", self._settings(process, level)
        if process == "photon_jet":
            batches = rehadronised(settings, seed, what, self._narrow, self._fakes)
        else:
            batches = (final(events) for events in collisions(settings, seed, what))
        return accepted(batches, lambda particles: self._select(particles, process, level, rng), count, what)[:count]

    def _narrow(self, partons: list[Particle]) -> bool:
        """Whether a photon and a jet go where they may be selected, and the jet has most of its pt in one direction."""
        edge = (CENTRAL if self.region == "central" else FORWARD) + 0.1
        photons = [p for p in partons if p[0] == PHOTON and p[1] > 0.8 * PT_MIN and abs(p[2]) < edge]
        others = [p for p in partons if p[0] != PHOTON and abs(p[2]) < edge]
        if not photons or not others:
            return False
        photon, jet = max(photons, key=lambda p: p[1]), max(others, key=lambda p: p[1])
        around = sum_around(others, jet[2], jet[3], 0.4)
        narrow = sum_around(others, jet[2], jet[3], 0.1) > NARROW * around
        return narrow and around > PT_MIN and _mass(photon, (0, around, jet[2], jet[3])) > 0.9 * MASS_MIN

    def _fakes(self, hadrons: list[Particle]) -> bool:
        """A first look for `electromagnetic_clusters`: a second cluster, isolated, beside the photon."""
        light = [p for p in hadrons if abs(p[0]) in (11, PHOTON)]
        if sum(p[1] > SEED_PT for p in light) < 2:
            return False
        found = []
        for _, pt, eta, phi in light:
            if pt > SEED_PT:
                core = sum_around(light, eta, phi, CORE)
                if core > 0.9 * PT_MIN and sum_around(hadrons, eta, phi, CONE) < (1.0 + 1.25 * ISOLATION) * core:
                    found.append((PHOTON, core, eta, phi))
        return any(_mass(a, b) > 0.9 * MASS_MIN for a in found for b in found)

    def read(self, source: Path) -> Imported:
        """Photons of CMS files (NanoAOD, HEP Tutorial), a class a file: objects alone, without hits."""
        from tasks.sources.cms import read_diphoton

        return read_diphoton(source, forward=self.region == "forward")

    def view(self, table: ak.Array) -> ak.Array:
        """Energies on the scale of m_yy, unless the variant is aware of the mass."""
        return table if self.mass_aware else decorrelated(table)

    def validation(self, events: Events) -> Iterator[Figure]:
        """The pair's mass, shower shapes and what lies beside the photons as well."""
        from tasks.validation import diphoton

        yield from diphoton.figures(events, self.pileup)
        yield from super().validation(events)

    def detector_validation(self, count: int | None = None) -> Iterator[Figure]:
        """Pile-up, where there is some."""
        from tasks.validation import pileup

        if self.pileup:
            yield pileup.figure(self.pileup, 8000.0, count)

    def _settings(self, process: str, level: str) -> tuple[str, ...]:
        from tasks.generator.pythia import level_settings

        continuum = (*BEAM, *BORN, *(BOX if self.box else ()))
        hard = {"higgs": HIGGS, "diphoton": continuum, "photon_jet": PHOTON_JET}[process]
        return (*hard, *level_settings(level, multiparton=self.multiparton))

    def _select(self, particles: ak.Array, process: str, level: str, rng: np.random.Generator) -> ak.Array:
        """Photon pairs among the collisions: hits are made only where particles promise one."""
        import awkward as ak
        import numpy as np

        clusters = electromagnetic_clusters(particles, isolated=process == "photon_jet")
        hopeful = ak.any(pair_masses(clusters) > 0.9 * MASS_MIN, axis=1)
        particles, clusters = particles[hopeful], clusters[hopeful]
        found = self._observe(particles, rng) if level == "detector" else {"photons": clusters}
        photons = found.pop("photons")
        inside = (abs(photons.eta) < CENTRAL) | (
            (self.region == "forward") & (abs(photons.eta) > GAP[1]) & (abs(photons.eta) < FORWARD)
        )
        photons = photons[inside & (photons.pt > PT_MIN)]
        two = ak.num(photons.pt) >= 2
        photons, found = photons[two][:, :2], {name: column[two] for name, column in found.items()}
        mass = ak.to_numpy(ak.flatten(pair_masses(photons))).astype(np.float64)
        heavy = mass > MASS_MIN
        columns = {name: column[heavy] for name, column in found.items()}
        return _table(photons[heavy], mass[heavy], columns)

    def _observe(self, particles: ak.Array, rng: np.random.Generator) -> dict[str, ak.Array]:
        """Hits, tracks and photon candidates of each event."""

        from tasks.detector import tracks
        from tasks.detector.calorimeter import columns, hits
        from tasks.detector.incoming import VERTEX_SPREAD, incoming_of
        from tasks.detector.photons import photons
        from tasks.detector.pileup import PileUp, pool

        vertex = rng.normal(0.0, VERTEX_SPREAD, len(particles))
        pileup = PileUp(self.pileup, pool(8000.0, POOL)) if self.pileup else None
        found = hits(incoming_of(particles, vertex), rng, pileup)
        candidates = photons(found, vertex, PT_MIN)
        candidates = candidates[candidates.hadronic < HADRONIC]
        return {**columns(found), "tracks": tracks.reconstruct(particles, rng), "photons": candidates}


def sum_around(particles: list[Particle], eta: float, phi: float, radius: float) -> float:
    """Scalar sum of pt (GeV) within a radius of a direction."""
    total = 0.0
    for _, pt, eta_i, phi_i in particles:
        away = abs(phi_i - phi)
        away = min(away, 2.0 * math.pi - away)
        if (eta_i - eta) ** 2 + away * away < radius * radius:
            total += pt
    return total


def _mass(a: Particle, b: Particle) -> float:
    """Mass in GeV of two massless particles."""
    return math.sqrt(max(2.0 * a[1] * b[1] * (math.cosh(a[2] - b[2]) - math.cos(a[3] - b[3])), 0.0))


def decorrelated(table: ak.Array) -> ak.Array:
    """The events with all energies times 125 GeV / m_yy: photons, hits and tracks. `mass` stays as it is."""
    import awkward as ak

    factor = HIGGS_MASS / table["mass"]
    for column, field in (("objects", "pt"), ("tracks", "pt"), *((name, "energy") for name in HITS)):
        if column in table.fields:
            scaled = ak.values_astype(table[column, field] * factor, "float32")
            table = ak.with_field(table, scaled, [column, field])
    return table


def _table(photons: ak.Array, mass: Floats, columns: dict[str, ak.Array]) -> ak.Array:
    """The Events table of photon pairs; `candidate` has nothing that gives m_yy away."""
    import awkward as ak
    import numpy as np

    from tasks.events import KINDS
    from tasks.sources.cms import photon_scalars

    none = ak.zeros_like(photons.pt)
    rows = {"pt": photons.pt, "eta": photons.eta, "phi": photons.phi, "mass": none, "charge": none}
    objects = {name: ak.values_astype(values, np.float32) for name, values in rows.items()}
    objects["kind"] = ak.values_astype(none + KINDS.index("photon"), np.int8)
    candidate = photon_scalars(photons)
    for shape in ("r9", "sigma_ieta_ieta", "hadronic"):
        for place in (0, 1):
            if shape in photons.fields:
                values = ak.to_numpy(photons[shape][:, place]).astype(np.float32)
                candidate = ak.with_field(candidate, values, f"{shape}{place + 1}")
    table = {"mass": mass.astype(np.float32), "objects": ak.zip(objects), "candidate": candidate}
    return ak.zip({**table, **columns}, depth_limit=1)


def electromagnetic_clusters(particles: ak.Array, *, isolated: bool) -> ak.Array:
    """Photons and electrons of the final state gathered around the hard ones: lists of {pt, eta, phi}, in falling pt.

    A cluster is all photons and electrons within 0.1 of a photon of pt > 4 GeV, has pt > 18 GeV, and its seed is the
    hardest within 0.1. isolated : less than 20% of its pt in other particles within 0.4.
    """
    import awkward as ak
    import numpy as np

    from tasks.detector.particles import delta_r

    seen = particles[particles.visible & (abs(particles.eta) < FORWARD + 0.4)]
    light = seen[(seen.pdg_id == 22) | (abs(seen.pdg_id) == 11)]
    seeds = light[light.pt > SEED_PT]
    near = delta_r(seeds, light) < CORE
    pt = ak.broadcast_arrays(light.pt[:, np.newaxis], near)[0]
    core = ak.sum(ak.where(near, pt, 0.0), axis=-1)
    leads = seeds.pt >= ak.fill_none(ak.max(ak.where(near, pt, 0.0), axis=-1), 0.0)
    kept = leads & (core > 0.9 * PT_MIN)
    if isolated:
        around = delta_r(seeds, seen) < CONE
        cone = ak.sum(ak.where(around, ak.broadcast_arrays(seen.pt[:, np.newaxis], around)[0], 0.0), axis=-1)
        kept = kept & (cone - core < ISOLATION * core)
    found = ak.zip({"pt": core[kept], "eta": seeds.eta[kept], "phi": seeds.phi[kept]})
    return found[ak.argsort(found.pt, ascending=False, stable=True)]


def pair_masses(photons: ak.Array) -> ak.Array:
    """Mass in GeV of every pair of massless objects of an event."""
    import awkward as ak
    import numpy as np

    first, second = ak.unzip(ak.combinations(photons, 2))
    cosh, cos = np.cosh(first.eta - second.eta), np.cos(first.phi - second.phi)
    return np.sqrt(np.maximum(2.0 * first.pt * second.pt * (cosh - cos), 0.0))
