"""Top-quark pairs against single W and Z bosons with jets, at 7 TeV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import awkward as ak
import numpy as np

from benchmark.core.plugin import Range
from tasks.events import EventInfo
from tasks.generator import progress
from tasks.generator.pythia import BATCH, accepted, collisions
from tasks.task import Task
from tasks.ttbar.selection import Selection, high_level
from tasks.ttbar.settings import ENERGY, streams
from tasks.ttbar.yields import yields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tasks.ttbar.reader import TTbarReader
    from tasks.ttbar.validation import TTbarValidation

GENERATION_SHARE = 0.7
"""Share of the progress bar for generating an event; simulating its hits is the rest."""


@dataclass(frozen=True, kw_only=True)
class TTbar(Task):
    """tt+jets against W+jets and Drell-Yan with at least one isolated lepton, pp at 7 TeV.

    At the level `generator` nothing decays after the parton shower: a tau is a jet and yields no lepton.
    At the level `detector` events also have hits and tracks. They come from the same particles as the objects, but are
    simulated separately: objects come from particles by efficiencies and resolutions, not from hits.
    """

    name: ClassVar[str] = "ttbar"
    version: ClassVar[str] = "3"  # the readout has its own random numbers; with jets, bosons recoil against a parton
    processes: ClassVar[tuple[str, ...]] = ("ttbar", "wjets", "drellyan")
    fast_simulation: ClassVar[bool] = True
    applied_parameters: ClassVar[frozenset[str]] = frozenset({"classes_count"})
    shifts: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "shower": {"shower": "vincia"},
        "radiation": {"shower": "halved_scale"},
    }
    expert: ClassVar[tuple[str, ...]] = ("ht", "n_jets", "n_bjets", "met")
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"events_per_class": 250, "shard_events": 250, "multiparton": False},
        "standard": {"events_per_class": 25_000, "shard_events": 3125},
        "paper": {"events_per_class": 48_000, "shard_events": 3000},
    }

    classes_count: Annotated[
        Literal[2, 3],
        "3, or 2 with both backgrounds as one class (of the same stored events)",
    ] = 3
    leptons: Annotated[
        Literal["at_least_one", "exactly_one"],
        "at least one, or exactly one, isolated electron or muon with pt > 20 GeV",
    ] = "at_least_one"
    min_jets: Annotated[
        Literal[0, 1, 2, 3, 4],
        "smallest number of jets with pt > 30 GeV and abs(eta) < 2.4; from 2 on W and Drell-Yan start from a boson and "
        "a parton instead of a boson alone",
    ] = 0
    multiparton: Annotated[bool, "multi-parton interactions, for all classes alike"] = True
    pileup: Annotated[
        Literal["2010", "2011", "2012"] | float,
        Range(0, 200),
        "collisions on top of each event: as in a year of data taking, or their mean number. They add hits and "
        "tracks only; objects and scalars do not change",
    ] = 0.0
    shower: Annotated[
        Literal["simple", "vincia", "halved_scale"],
        "parton shower of all classes (not of pile-up): Pythia's 'simple' one; 'vincia' with its tune, a tenth as fast "
        "with multi-parton interactions; or 'halved_scale', the simple one with half the renormalisation scale, so "
        "that it radiates more",
    ] = "simple"

    @property
    def classes(self) -> tuple[str, ...]:
        """Signal first."""
        return self.processes if self.classes_count == 3 else ("ttbar", "background")

    def info(self, level: str) -> EventInfo:
        """A table has places for two leptons of each kind, six jets, three b-jets and the missing energy.

        Three classes rank by the mean over them: the signal against the rest is above 0.98 for anything.
        """
        slots = {"electron": 2, "muon": 2, "jet": 6, "bjet": 3, "met": 1}
        headline = "auc_macro" if self.classes_count == 3 else "auc"
        expected = self._yields if level == "detector" else {}
        return EventInfo(self.name, self.classes, level, slots, headline=headline, yields=expected)

    def settings(self, process: str, level: str) -> tuple[str, ...]:
        """Pythia's settings, a line per stream with its share of the tries, and those of the pile-up."""
        from tasks.detector.pileup import description

        parts = self._streams(process, level)
        lines = (f"{process} ({share:g}): {'; '.join(line)}" for line, share in parts)
        over = description(self.pileup, ENERGY) if level == "detector" else ""
        return (*lines, over) if over else tuple(lines)

    def generate(self, process: str, level: str, count: int, seed: int) -> ak.Array:
        """Generate collisions that pass the selection: `objects`, the scalars of `candidate`, hits and tracks."""
        from tasks.detector.hits_and_tracks import with_hits
        from tasks.detector.pileup import pileup

        rng = np.random.default_rng(seed)
        what = f"{self.name}, {process}"
        parts = self._streams(process, level)
        generators = [
            collisions(settings, seed + 450_000_000 * number, what, batch=int(BATCH * share))
            for number, (settings, share) in enumerate(parts)
        ]

        def mixed() -> Iterator[ak.Array]:
            for batches in zip(*generators, strict=True):
                yield from batches

        def select(events: ak.Array) -> ak.Array:
            return self._select(events, level, rng)

        # A whole number of batches is mixed and cut to `count` at random, so that each stream keeps its share.
        share = GENERATION_SHARE if level == "detector" else 1.0
        rows = accepted(mixed(), select, count, what, whole_batches=len(generators), share=share)
        rows = ak.to_packed(rows[np.sort(rng.permutation(len(rows))[:count])])
        if level != "detector":
            return rows
        # a second random generator: objects must not depend on the simulation of hits
        over, own = pileup(self.pileup, ENERGY), np.random.default_rng([seed, 1])
        return with_hits(rows, over, own, on_event=lambda: progress.report(1.0 - GENERATION_SHARE))

    @property
    def reader(self) -> TTbarReader:
        """Simulated or recorded collisions from CMS NanoAOD and HEP Tutorial files."""
        from tasks.ttbar.reader import TTbarReader

        return TTbarReader(self._selection)

    @property
    def validation(self) -> TTbarValidation:
        """Dilepton and transverse mass, multiplicities, hits and tracks around objects, missing energy, b-tags."""
        from tasks.ttbar.validation import TTbarValidation

        return TTbarValidation(self.min_jets, self.multiparton)

    def apply_variant(self, table: ak.Array) -> ak.Array:
        """With two classes, both backgrounds get label 1."""
        if self.classes_count == 3:
            return table
        label = np.minimum(ak.to_numpy(table["label"]), 1).astype(np.int8)
        return ak.with_field(table, label, "label")

    def _streams(self, process: str, level: str) -> list[tuple[tuple[str, ...], float]]:
        return streams(process, level, min_jets=self.min_jets, multiparton=self.multiparton, shower=self.shower)

    @property
    def _yields(self) -> dict[str, float]:
        """Expected events of each class in 5 inverse femtobarns; empty for variants that were not measured."""
        found = yields(self.min_jets, self.leptons, multiparton=self.multiparton)
        if not found or self.classes_count == 3:
            return found
        return {"ttbar": found["ttbar"], "background": found["wjets"] + found["drellyan"]}

    @property
    def _selection(self) -> Selection:
        return Selection(self.leptons, self.min_jets)

    def _select(self, events: ak.Array, level: str, rng: np.random.Generator) -> ak.Array:
        """Events that pass; at the level `detector`, with the particles that can reach calorimeters and tracker."""
        from tasks.detector.hits_and_tracks import observable
        from tasks.detector.particles import final
        from tasks.detector.reconstruction import Cuts, reconstruct

        found = reconstruct(events, level, Cuts(), rng)
        passed = self._selection.passed(found)
        found = found[passed]
        columns = {"objects": found.objects(), "candidate": high_level(found)}
        if level == "detector":
            columns["particles"] = observable(final(events[passed]))
        return ak.zip(columns, depth_limit=1)
