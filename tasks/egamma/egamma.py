"""Electrons against photons, from the crystals of the ECAL barrel only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError
from benchmark.core.plugin import Range
from tasks.detector.conditions import Conditions
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
BACK_TO_BACK = (
    "the angle between two opposite particles tells whether a field bent them, which it does in no collision; these "
    "pairs are a test of published numbers"
)
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
    version: ClassVar[str] = "2"  # readout and pile-up have their own random numbers
    fast_simulation: ClassVar[bool] = True
    skipped_levels: ClassVar[Mapping[str, str]] = dict.fromkeys(("generator", "hadron"), NO_SHOWER)
    # a particle gun has no parton shower; the material is as uncertain as in CMS's search for H to two photons
    shifts: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "material": {"material": 1.1},
        "pileup": {"pileup_factor": 2.0},
    }
    expert: ClassVar[tuple[str, ...]] = ("r9", "sigma_ieta_ieta", "sigma_iphi_iphi")
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"events_per_class": 250, "shard_events": 250, "pileup": 0.0},
        "standard": {"events_per_class": 25_000, "shard_events": 3125},
        # four fifths of the 249,000 showers a class in the public files
        "paper": {"events_per_class": 199_200, "shard_events": 3000},
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
    pileup_factor: Annotated[float, Range(0, 10), "factor on the mean number of collisions of pile-up"] = 1.0
    material: Annotated[float, Range(0, 3), "factor on the material in front of the ECAL, for all but pile-up"] = 1.0
    noise: Annotated[bool, "electronic noise of the crystals"] = True
    suppression: Annotated[
        bool,
        "zero suppression: crystals below 2 to 4 standard deviations of the noise are no hits; without it all crystals "
        "above 0 GeV are, also those that have noise alone",
    ] = True
    pairs: Annotated[
        Literal["independent", "back_to_back"],
        "with sample=pairs: particles of 'independent' momenta, or of opposite ones, as CMS's particle gun adds an "
        "antiparticle to each particle",
    ] = "independent"
    digis: Annotated[bool, "store the ten time samples of each crystal's pulse as well"] = False

    def __post_init__(self) -> None:
        """Check that only pairs are back to back."""
        super().__post_init__()
        if self.pairs != "independent" and self.sample != "pairs":
            raise UserError(
                f"egamma: parameter 'pairs' is '{self.pairs}' with sample={self.sample}, expected sample=pairs. Add "
                "it, or leave pairs out."
            )

    @property
    def processes(self) -> tuple[str, ...]:
        """The two particles (or pairs) of the sample."""
        return SAMPLES[self.sample]

    def info(self, level: str) -> EventInfo:
        """Crystals, of which a table holds the 25 hottest."""
        picture: Literal["crop", "barrel"] = "barrel" if self._whole else "crop"
        return EventInfo(
            self.name,
            self.processes,
            level,
            {"crystal": 25},
            particles="ecal",
            picture=picture,
            magnitude="energy",
            unranked=BACK_TO_BACK if self.pairs == "back_to_back" else "",
        )

    @property
    def _conditions(self) -> Conditions:
        return Conditions(self.material, self.noise, self.suppression)

    @property
    def _whole(self) -> bool:
        return self.area == "barrel" or self.sample == "pairs"

    def settings(self, process: str, level: str) -> tuple[str, ...]:  # noqa: ARG002
        """The gun, and the generator of the pile-up."""
        from tasks.detector.pileup import description
        from tasks.egamma.gun import ETA_MAX, PT

        gun = f"gun: {process}, pt flat {PT[0]:g} to {PT[1]:g} GeV, abs(eta) < {ETA_MAX:g}"
        gun += ", back to back" if self.pairs == "back_to_back" else ""
        over = description(self.pileup, BEAM, self.pileup_factor)
        return tuple(line for line in (gun, str(self._conditions), over) if line)

    def generate(self, process: str, level: str, count: int, seed: int) -> ak.Array:  # noqa: ARG002
        """Generate showers as hits of the barrel, with shower shapes in `candidate`."""
        from tasks.detector.calorimeter import columns, hits
        from tasks.detector.digis import BARREL, with_samples
        from tasks.detector.pileup import pileup
        from tasks.detector.shower_shapes import around_hottest, shower_shapes
        from tasks.egamma.gun import gun

        rng = np.random.default_rng(seed)
        over = pileup(self.pileup, BEAM, self.pileup_factor)
        # random numbers of its own: the showers are the same with and without pile-up
        drawn = over.draw(count, np.random.default_rng([seed, 1])) if over else None
        shots = gun(process, count, rng, back_to_back=self.pairs == "back_to_back")
        ecal = columns(hits(shots, rng, drawn, conditions=self._conditions))["ecal"]
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
