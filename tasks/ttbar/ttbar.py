"""Top-quark pairs against single W and Z bosons with jets, at 7 TeV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from benchmark.core.plugin import Range
from tasks.task import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import awkward as ak
    import numpy as np

    from tasks.detector.reconstruction import Reconstructed
    from tasks.events import EventInfo, Events
    from tasks.sources.labels import FileClass
    from tasks.task import Imported
    from tasks.validation.figure import Figure

HADRONIC_W = 0.6758
"""Branching fraction of W to quarks in Pythia's table (PDG 2024: 0.674)."""

GENERATED = 0.7
"""Share of the work on an event until it is accepted, as its progress is told; the hits are the rest."""
ENERGY = 7000.0
"""GeV, of the two beams together."""
BEAM = (f"Beams:eCM={ENERGY:g}",)
TOP = (*BEAM, "Top:gg2ttbar=on", "Top:qqbar2ttbar=on", "24:onMode=off")
# W+jets and Drell-Yan both start from one boson, so that recoil does not tell them apart.
W_JETS = (*BEAM, "WeakSingleBoson:ffbar2W=on", "24:onMode=off", "24:onIfAny=11 13 15")
DRELL_YAN = (
    *BEAM,
    "WeakSingleBoson:ffbar2gmZ=on",
    "PhaseSpace:mHatMin=50",
    "23:onMode=off",
    "23:onIfAny=11 13 15",
)
STREAMS: Mapping[str, tuple[tuple[tuple[str, ...], float], ...]] = {
    # At least one lepton: the W+ decays to one and the W- to anything, or the W+ to quarks and the W- to a lepton.
    # Tried in the ratio 1 : B(W to quarks), the two give every final state its branching fraction, and none is wasted.
    "ttbar": (
        ((*TOP, "24:onIfAny=11 13 15", "24:onNegIfAny=1 2 3 4 5"), 1.0),
        ((*TOP, "24:onPosIfAny=1 2 3 4 5", "24:onNegIfAny=11 13 15"), HADRONIC_W),
    ),
    "wjets": ((W_JETS, 1.0),),
    "drellyan": ((DRELL_YAN, 1.0),),
}


@dataclass(frozen=True, kw_only=True)
class TTbar(Task):
    """tt+jets against W+jets and Drell-Yan with at least one isolated lepton, pp at 7 TeV.

    At the level `generator` nothing decays after the parton shower: a tau is a jet, and gives no lepton.
    At the level `detector` events have hits and tracks as well, of the same particles as the objects, but simulated
    apart from them: objects come from particles by efficiencies and resolutions, not from the hits.
    """

    name: ClassVar[str] = "ttbar"
    version: ClassVar[str] = "2"  # hits and tracks beside the objects, which are as they were
    processes: ClassVar[tuple[str, ...]] = ("ttbar", "wjets", "drellyan")
    applied_parameters: ClassVar[frozenset[str]] = frozenset({"classes_count"})
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"events_per_class": 300, "shard_events": 300, "multiparton": False},
        "standard": {"events_per_class": 31_250, "shard_events": 3125},
        "paper": {"events_per_class": 60_000, "shard_events": 3000},
    }

    classes_count: Annotated[
        Literal[2, 3],
        "3, or 2 with both backgrounds as one class (of the same stored events)",
    ] = 3
    leptons: Annotated[
        Literal["at_least_one", "exactly_one"],
        "at least one, or exactly one, isolated electron or muon with pt > 20 GeV",
    ] = "at_least_one"
    min_jets: Annotated[Literal[0, 1, 2, 3, 4], "smallest number of jets with pt > 30 GeV and abs(eta) < 2.4"] = 0
    multiparton: Annotated[bool, "multi-parton interactions, for all classes alike"] = True
    pileup: Annotated[
        Literal["2010", "2011", "2012"] | float,
        Range(0, 200),
        "collisions on top of each event: as in a year of data taking, or their mean number. They add hits and "
        "tracks only; objects and scalars do not change",
    ] = 0.0

    @property
    def classes(self) -> tuple[str, ...]:
        """Signal first."""
        return self.processes if self.classes_count == 3 else ("ttbar", "background")

    def info(self, level: str) -> EventInfo:
        """Objects: two leptons of each kind, six jets, three b-jets and the missing energy fit a table."""
        from tasks.events import EventInfo

        slots = {"electron": 2, "muon": 2, "jet": 6, "bjet": 3, "met": 1}
        return EventInfo(self.name, self.classes, level, slots)

    def settings(self, process: str, level: str) -> tuple[str, ...]:
        """Pythia's settings: a line a stream, each with the share in which collisions are tried; and the pile-up's."""
        from tasks.detector.pileup import description

        streams = (f"{process} ({share:g}): {'; '.join(line)}" for line, share in self._streams(process, level))
        over = description(self.pileup, ENERGY) if level == "detector" else ""
        return (*streams, over) if over else tuple(streams)

    def generate(self, process: str, level: str, count: int, seed: int) -> ak.Array:
        """Collisions that pass the selection: `objects`, the scalars of `candidate`, and what the detector saw."""
        import awkward as ak
        import numpy as np

        from tasks.detector.observation import with_hits
        from tasks.detector.pileup import pileup
        from tasks.generator import progress
        from tasks.generator.pythia import BATCH, accepted, collisions

        rng = np.random.default_rng(seed)
        what = f"{self.name}, {process}"
        streams = [
            collisions(settings, seed + 450_000_000 * number, what, batch=int(BATCH * share))
            for number, (settings, share) in enumerate(self._streams(process, level))
        ]

        def mixed() -> Iterator[ak.Array]:
            for batches in zip(*streams, strict=True):
                yield from batches

        def select(events: ak.Array) -> ak.Array:
            return self._select(events, level, rng)

        # A whole number of batches is mixed before the cut to `count`, in random order, so that the streams keep
        # their share in what is kept.
        share = GENERATED if level == "detector" else 1.0
        rows = accepted(mixed(), select, count, what, whole_batches=len(streams), share=share)
        rows = ak.to_packed(rows[np.sort(rng.permutation(len(rows))[:count])])
        if level != "detector":
            return rows
        # random numbers of their own, so that objects do not depend on what is simulated of hits
        over, own = pileup(self.pileup, ENERGY), np.random.default_rng([seed, 1])
        return with_hits(rows, over, own, each=lambda: progress.report(1.0 - GENERATED))

    def read(self, source: Path) -> Imported:
        """Simulated or recorded collisions from CMS NanoAOD and HEP Tutorial files, with the selection of this task.

        A file holds one class, and its name or its sub-folder's says which: ttbar, wjets or drellyan, also as
        TTJets, WJets and DYJets. Raises UserError when a file's name or content is not what is needed.
        """
        from tasks.sources.labels import TTBAR_FILES

        return self._read(source, TTBAR_FILES)

    def read_new(self, source: Path) -> Imported:
        """The same of files whatever their names, the class of their events unknown."""
        return self._read(source, ())

    def _read(self, source: Path, classes: Sequence[FileClass]) -> Imported:
        import awkward as ak
        import numpy as np

        from tasks.detector.reconstruction import Cuts
        from tasks.sources.cms import LEPTONS_AND_JETS, Content, Selection, leptons_and_jets, read_cms

        def build(parts: Mapping[str, ak.Array]) -> Content:
            found = leptons_and_jets(parts, Cuts())
            passed = np.asarray(ak.to_numpy(self._passed(found)))
            found = found[passed]
            words = [found.met.pt[:, 0], found.met.phi[:, 0], *(found.leptons[name][:, 0] for name in ("pt", "eta"))]
            return passed, {"objects": found.objects(), "candidate": high_level(found)}, words

        wanted = f"{self.leptons.replace('_', ' ')} isolated lepton of pt > 20 GeV and {self.min_jets} jets or more"
        return read_cms(self.name, source, classes, Selection(LEPTONS_AND_JETS, wanted, build))

    def apply_variant(self, table: ak.Array) -> ak.Array:
        """With two classes, both backgrounds get label 1."""
        import awkward as ak
        import numpy as np

        if self.classes_count == 3:
            return table
        label = np.minimum(ak.to_numpy(table["label"]), 1).astype(np.int8)
        return ak.with_field(table, label, "label")

    def validation(self, events: Events) -> Iterator[Figure]:
        """Dilepton and transverse mass, multiplicities, and hits and tracks beside objects as well."""
        from tasks.ttbar import validation as ttbar
        from tasks.validation import hits

        yield from ttbar.figures(events, self.min_jets)
        if events.has("ecal"):
            yield hits.figure(events)
        yield from super().validation(events)

    def detector_validation(self, count: int | None = None) -> Iterator[Figure]:
        """Missing energy against the neutrinos, and b-tags by flavour."""
        from tasks.ttbar import validation as ttbar

        return ttbar.detector_figures(self, count)

    def _streams(self, process: str, level: str) -> list[tuple[tuple[str, ...], float]]:
        from tasks.generator.pythia import level_settings

        extra = level_settings(level, multiparton=self.multiparton)
        return [((*settings, *extra), share) for settings, share in STREAMS[process]]

    def _select(self, events: ak.Array, level: str, rng: np.random.Generator) -> ak.Array:
        """Events that pass, and at the level `detector` the particles that its calorimeters and tracker may see."""
        import awkward as ak

        from tasks.detector.observation import observable
        from tasks.detector.particles import final
        from tasks.detector.reconstruction import Cuts, reconstruct

        found = reconstruct(events, level, Cuts(), rng)
        passed = self._passed(found)
        found = found[passed]
        columns = {"objects": found.objects(), "candidate": high_level(found)}
        if level == "detector":
            columns["particles"] = observable(final(events[passed]))
        return ak.zip(columns, depth_limit=1)

    def _passed(self, found: Reconstructed) -> ak.Array:
        import awkward as ak

        leptons = ak.num(found.leptons.pt)
        enough = (leptons >= 1) if self.leptons == "at_least_one" else (leptons == 1)
        return enough & (ak.num(found.jets.pt) >= self.min_jets)


def high_level(found: Reconstructed) -> ak.Array:
    """Engineered scalars of an event, float32, GeV.

    ht: scalar sum of jet pt · st: ht + met + lepton pt · met · mt: transverse mass of the leading lepton and the
    missing energy, sqrt(2 pt met (1 - cos Delta phi)) · mll: mass of the two leading leptons (0 with one) ·
    mjets: mass of all jets (0 without) · n_leptons, n_jets, n_bjets.
    """
    import awkward as ak
    import numpy as np

    from tasks.events import KINDS

    met, lepton = found.met[:, 0], ak.firsts(found.leptons)
    ht = ak.sum(found.jets.pt, axis=1)
    cos = np.cos(lepton.phi - met.phi)
    scalars = {
        "ht": ht,
        "st": ht + met.pt + ak.sum(found.leptons.pt, axis=1),
        "met": met.pt,
        "mt": ak.fill_none(np.sqrt(np.maximum(2.0 * lepton.pt * met.pt * (1.0 - cos), 0.0)), 0.0),
        "mll": ak.where(ak.num(found.leptons.pt) >= 2, _mass(found.leptons[:, :2]), 0.0),
        "mjets": _mass(found.jets),
        "n_leptons": ak.num(found.leptons.pt),
        "n_jets": ak.num(found.jets.pt),
        "n_bjets": ak.sum(found.jets.kind == KINDS.index("bjet"), axis=1),
    }
    return ak.zip({name: ak.values_astype(ak.to_numpy(column), np.float32) for name, column in scalars.items()})


def _mass(objects: ak.Array) -> ak.Array:
    """Invariant mass of all objects of each event, in GeV; 0 for none."""
    import awkward as ak
    import numpy as np

    pz = objects.pt * np.sinh(objects.eta)
    energy = np.sqrt(objects.pt**2 + pz**2 + objects.mass**2)
    px, py = objects.pt * np.cos(objects.phi), objects.pt * np.sin(objects.phi)
    total = [ak.to_numpy(ak.sum(part, axis=1)) for part in (energy, px, py, pz)]
    return np.sqrt(np.maximum(total[0] ** 2 - total[1] ** 2 - total[2] ** 2 - total[3] ** 2, 0.0))
