"""Dimuons by mass class: J/psi, psi(2S), Upsilon, Z and none of them; recorded by CMS, or generated."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import awkward as ak
import numpy as np

from tasks.detector.muons import MuonResponse, in_acceptance
from tasks.dimuon import settings as physics
from tasks.dimuon.classes import label_of, selected
from tasks.dimuon.pairs import MuonPairs
from tasks.events import EventInfo
from tasks.generator.pythia import SHOWERS, Shower, accepted, collisions
from tasks.task import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from tasks.dimuon.reader import DimuonReader
    from tasks.dimuon.validation import DimuonValidation


@dataclass(frozen=True)
class Component:
    """A part of a class with its own generator: its share of the events, and its settings."""

    name: str
    share: float
    settings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Dimuon(Task):
    """J/psi, psi(2S), Upsilon, Z or none, from two muons only; the class is a window of their mass.

    Generated events (7 TeV) have the two muons of highest pT within the acceptance. Their charges are opposite: only
    the continuum has pairs of equal charge, which would identify it. Real files keep any charge, as in the paper.
    Multi-parton interactions are off in all classes: they do not change the muons, and the rest of the event is not
    stored. Light hadrons are made only where the muons come from them (heavy flavour).

    Levels: `generator` has muons as produced, without final-state photons; `hadron` has true momenta after photon
    radiation (also in onium decays); `detector` applies the efficiency and resolution of `MuonResponse`. Onia decay at
    every level. Mass and acceptance are those of the level, and the label follows from that mass. The level `detector`
    has the hits of the two muons in the calorimeters and no others. Its tracks are those of `objects`: a second
    measurement of the muons would improve the mass resolution. Recorded files count as level `detector`, without hits.

        class     mass of the two muons in GeV, both ends included
        jpsi      2.94 to 3.24
        psi2s     3.65 to 3.95
        upsilon   6.46 to 12.46
        z         83.69 to 98.69
        none      any other mass between 2 and 110 GeV
    """

    name = "dimuon"
    version = "4"  # the readout has its own random numbers
    fast_simulation = True
    processes = ("jpsi", "psi2s", "upsilon", "z", "none")
    applied_parameters = frozenset({"mass_feature"})
    applied_columns = frozenset({"objects", "candidate"})
    shifts: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "shower": {"shower": "vincia"},
        "radiation": {"shower": "halved_scale"},
    }
    expert_note = (
        "the classes are windows of the mass of the two muons, which every input determines: a cut on it would be the "
        "definition of the classes"
    )
    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"events_per_class": 160, "shard_events": 160},
        "quick": {"events_per_class": 3200, "shard_events": 1000},
        "standard": {"events_per_class": 25_000, "shard_events": 3125},
        # 44,000 training events per class, as in table 2 of the circle-images paper
        "paper": {"events_per_class": 55_000, "shard_events": 6250},
    }

    mass_feature: Annotated[
        bool,
        "add the mass itself to the engineered scalars, and to the edges of graphs. It defines the classes, so use "
        "it as a cross-check only",
    ] = False
    continuum: Annotated[
        bool,
        "put continuum (Drell-Yan) under the onium peaks too, in the share that recorded data have. Without it each "
        "onium class is a bare peak, and the empty rest of its window makes the task easier",
    ] = True
    shower: Annotated[
        Literal["simple", "vincia", "halved_scale"],
        "parton shower of all classes (not of pile-up): Pythia's 'simple' one; 'vincia' with its tune, a tenth as fast "
        "with multi-parton interactions; or 'halved_scale', the simple one with half the renormalisation scale, so "
        "that it radiates more",
    ] = "simple"

    def info(self, level: str) -> EventInfo:
        """Two muons, drawn by their energy. Representations get their mass only with `mass_feature`."""
        return EventInfo(
            self.name,
            self.processes,
            level,
            slots={"muon": 2},
            magnitude="energy",
            has_signal=False,
            pair_masses=self.mass_feature,
        )

    def generate(self, process: str, level: str, count: int, seed: int) -> ak.Array:
        """Generate `count` events of one class, its components interleaved in their fixed shares."""
        from tasks.detector.hits_and_tracks import with_hits

        components = self.components(process)
        tables, positions = [], []
        for index, (component, events) in enumerate(zip(components, _shares(components, count), strict=True)):
            if events == 0:
                continue
            generator_seed, own_seed = seeds_of(seed, index)
            what = f"{self.name} {process} ({component.name})"
            batches = collisions(_settings(component, level, self.shower), generator_seed, what)
            select = _Selection(self.processes.index(process), level, np.random.default_rng(own_seed))
            # a surplus would take the place of the next component
            tables.append(accepted(batches, select, events, what)[:events])
            positions.append((np.arange(events) + 0.5) / events)
        table = ak.to_packed(ak.concatenate(tables)[np.argsort(np.concatenate(positions), kind="stable")])
        if level != "detector":
            return table
        # a second random generator: objects must not depend on the simulation of hits
        rng = np.random.default_rng([seed, len(components)])
        return with_hits(table, None, rng, table["objects"][["pt", "eta", "phi"]])

    def components(self, process: str) -> tuple[Component, ...]:
        """The components of a class."""
        resonance = physics.RESONANCES.get(process, ())
        mixture = physics.CONTINUUM[process] if self.continuum or not resonance else ()
        rest = 1.0 - sum(share for _, share, _ in mixture)
        bare = ((process, rest, resonance),) if resonance else ()
        return tuple(Component(*part) for part in (*bare, *mixture))

    def settings(self, process: str, level: str) -> tuple[str, ...]:
        """Pythia's settings; each line starts with the component and its share."""
        return tuple(
            f"{component.name} ({component.share:g}): {'; '.join(_settings(component, level, self.shower))}"
            for component in self.components(process)
        )

    @property
    def reader(self) -> DimuonReader:
        """Recorded or simulated dimuons from CSV and ROOT files."""
        from tasks.dimuon.reader import DimuonReader

        return DimuonReader()

    @property
    def validation(self) -> DimuonValidation:
        """The mass spectrum, its peaks, and the edges of the classes."""
        from tasks.dimuon.validation import DimuonValidation

        return DimuonValidation()

    def apply_variant(self, table: ak.Array) -> ak.Array:
        """The stored events, with `candidate.mass` in the variant `mass_feature`."""
        if not self.mass_feature:
            return table
        muons = table["objects"]
        columns = (ak.to_numpy(muons[name]) for name in ("pt", "eta", "phi", "charge"))
        mass = MuonPairs(*columns).mass().astype(np.float32)
        return ak.with_field(table, ak.with_field(table["candidate"], mass, "mass"), "candidate")


@dataclass
class _Selection:
    """Selects dimuons of one class among collisions: detector, acceptance, two muons, charge, mass.

    At the level `detector`, the table has the true muons as `particles` (`tasks.detector.particles.final`).
    """

    label: int
    level: str
    rng: np.random.Generator
    response: MuonResponse = field(default_factory=MuonResponse)

    def __call__(self, events: ak.Array) -> ak.Array:
        pairs, true = self._pairs(events.prt)
        mass = pairs.mass()
        opposite = pairs.charge[:, 0] * pairs.charge[:, 1] < 0
        kept = opposite & selected(mass) & (label_of(mass) == self.label)
        table = pairs[kept].table()
        return ak.with_field(table, true[kept], "particles") if self.level == "detector" else table

    def _pairs(self, particles: ak.Array) -> tuple[MuonPairs, ak.Array]:
        """The two leading muons of each event with two or more: as measured, and true."""
        muons = particles[(abs(particles.id) == 13) & (particles.status > 0)]
        counts = ak.to_numpy(ak.num(muons))
        event = np.repeat(np.arange(len(counts)), counts)
        flat = ak.flatten(muons)
        px, py, pz, energy = (ak.to_numpy(flat.p[name]) for name in ("px", "py", "pz", "e"))
        pdg_id = ak.to_numpy(flat.id)
        charge = -np.sign(pdg_id).astype(np.float64)
        pt, phi = np.hypot(px, py), np.arctan2(py, px)
        eta = np.arcsinh(pz / pt)
        true = {"pdg_id": pdg_id, "pt": pt, "eta": eta, "phi": phi, "pz": pz, "e": energy}
        true["visible"] = np.ones(len(pt), dtype=bool)
        keep = np.ones(len(pt), dtype=bool)
        if self.level == "detector":
            pt, eta, phi = self.response.smear(pt, eta, phi, self.rng)
            keep = self.response.reconstructed(len(pt), self.rng)
        keep &= in_acceptance(pt, eta)
        first, second = leading_two(event[keep], pt[keep])
        pick = np.flatnonzero(keep)[np.stack([first, second], axis=1)]
        particles = ak.zip({name: ak.from_regular(ak.from_numpy(values[pick])) for name, values in true.items()})
        return MuonPairs.from_pt_eta_phi(pt[pick], eta[pick], phi[pick], charge[pick]), particles


def leading_two(event: NDArray[Any], pt: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Indices of the muons of highest and second highest pt, for each event with two or more."""
    order = np.lexsort((-pt, event))
    ordered = event[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(ordered) else np.empty(0, np.intp)
    two = starts[np.diff(np.r_[starts, len(ordered)]) >= 2]
    return order[two], order[two + 1]


def seeds_of(seed: int, component: int) -> tuple[int, np.uint32]:
    """The seeds of Pythia, from 1 to 900,000,000 as it takes them, and of the detector, for a component of a shard."""
    pythia, detector = np.random.SeedSequence([seed, component]).generate_state(2)
    return int(pythia % 900_000_000) + 1, detector


def _shares(components: tuple[Component, ...], count: int) -> Iterator[int]:
    """Whole numbers in the ratio of the shares, with the sum `count`."""
    edges = np.rint(count * np.cumsum([0.0, *(component.share for component in components)])).astype(int)
    return (int(number) for number in np.diff(edges))


def _settings(component: Component, level: str, shower: Shower) -> tuple[str, ...]:
    return (*physics.COMMON, *component.settings, *physics.radiation(level, shower), *SHOWERS[shower])
