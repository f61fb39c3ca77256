"""Electrons against photons, from the crystals of the ECAL barrel only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import awkward as ak
import numpy as np

from benchmark.core.plugin import Range
from tasks.events import EventInfo
from tasks.task import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tasks.egamma.reader import EGammaReader
    from tasks.egamma.validation import EGammaValidation

SAMPLES = {
    "electrons": ("electron", "photon"),
    "pairs": ("electron_pair", "photon_pair"),
    "pions": ("pion", "photon"),
}
NO_SHOWER = "before the detector an electron and a photon are single particles that differ only by their charge"
BEAM = 8000.0
"""GeV: of the pile-up."""


@dataclass(frozen=True, kw_only=True)
class EGamma(Task):
    """Electron or photon showers in the ECAL barrel, one per event, with pile-up (fast simulation).

    A particle gun with pt flat from 20 to 60 GeV, abs(eta) < 1.4 and any phi, the same for both classes. An event has
    crystals only: a track or a charge would make the task trivial. Energies in GeV are those of the readout, not
    calibrated to the particle.
    """

    name: ClassVar[str] = "egamma"
    fast_simulation: ClassVar[bool] = True
    skipped_levels: ClassVar[Mapping[str, str]] = dict.fromkeys(("generator", "hadron"), NO_SHOWER)
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"events_per_class": 300, "shard_events": 300, "pileup": 0.0},
        "standard": {"events_per_class": 31_250, "shard_events": 3125},
        # 249,000 showers a class in the public files
        "paper": {"events_per_class": 249_000, "shard_events": 3000},
    }

    sample: Annotated[
        Literal["electrons", "pairs", "pions"],
        "'electrons' against photons; 'pairs' of opposite electrons against pairs of photons, where the two "
        "particles are independent except for their charge (the whole barrel is stored); neutral 'pions' against "
        "photons",
    ] = "electrons"
    area: Annotated[
        Literal["crop", "barrel"],
        "crystals that are stored: a 'crop' of 32 x 32 around the hottest one, or the whole 'barrel'",
    ] = "crop"
    pileup: Annotated[
        Literal["2010", "2011", "2012"] | float,
        Range(0, 200),
        "collisions on top of each event, at 8 TeV: as in a year of data taking (run eras with means of 18, 20 and "
        "21 in 2012), or their mean number",
    ] = "2012"
    digis: Annotated[bool, "store the ten time samples of each crystal's pulse as well"] = False

    @property
    def processes(self) -> tuple[str, ...]:
        """The two particles (or pairs) of the sample."""
        return SAMPLES[self.sample]

    def info(self, level: str) -> EventInfo:
        """Crystals, of which a table holds the 25 hottest."""
        picture: Literal["crop", "barrel"] = "barrel" if self._whole else "crop"
        return EventInfo(
            self.name, self.processes, level, {"crystal": 25}, particles="ecal", picture=picture, magnitude="energy"
        )

    @property
    def _whole(self) -> bool:
        return self.area == "barrel" or self.sample == "pairs"

    def settings(self, process: str, level: str) -> tuple[str, ...]:  # noqa: ARG002
        """The gun, and the generator of the pile-up."""
        from tasks.detector.pileup import description
        from tasks.egamma.gun import ETA_MAX, PT

        gun = f"gun: {process}, pt flat {PT[0]:g} to {PT[1]:g} GeV, abs(eta) < {ETA_MAX:g}"
        over = description(self.pileup, BEAM)
        return (gun, over) if over else (gun,)

    def generate(self, process: str, level: str, count: int, seed: int) -> ak.Array:  # noqa: ARG002
        """Generate showers as hits of the barrel, with shower shapes in `candidate`."""
        from tasks.detector.calorimeter import columns, hits
        from tasks.detector.digis import BARREL, with_samples
        from tasks.detector.pileup import pileup
        from tasks.detector.shower_shapes import around_hottest, shower_shapes
        from tasks.egamma.gun import gun

        rng = np.random.default_rng(seed)
        shots, over = gun(process, count, rng), pileup(self.pileup, BEAM)
        ecal = columns(hits(shots, rng, over.draw(count, rng) if over else None))["ecal"]
        crop = around_hottest(ecal)
        kept = ecal if self._whole else crop
        if self.digis:
            kept = with_samples(kept, BARREL, rng)
        return ak.zip({"ecal": kept, "candidate": shower_shapes(crop)}, depth_limit=1)

    @property
    def reader(self) -> EGammaReader:
        """Showers from the public HDF5 files (32 x 32 crops of full simulation)."""
        from tasks.egamma.reader import EGammaReader

        return EGammaReader(self.sample, self.area, self.digis)

    @property
    def validation(self) -> EGammaValidation:
        """Energy and mean picture of the showers, the gun, containment, shower shapes, and pile-up."""
        from tasks.egamma.validation import EGammaValidation

        return EGammaValidation(self.pileup, BEAM)
