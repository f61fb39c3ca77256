"""Electrons against photons, from the crystals of the ECAL barrel alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from benchmark.core.errors import UserError
from benchmark.core.plugin import Range
from tasks.task import Imported, Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import awkward as ak
    import numpy as np
    from numpy.typing import NDArray

    from tasks.detector.calorimeter import Incoming
    from tasks.events import EventInfo, Events
    from tasks.validation.figure import Figure

    Floats = NDArray[np.float64]

PT = (20.0, 60.0)
"""GeV: flat, as in the end-to-end paper's particle guns (arXiv:1807.11916, section 6)."""
ETA_MAX = 1.4
"""Of the gun: the barrel ends at 1.479."""
SAMPLES = {
    "electrons": ("electron", "photon"),
    "pairs": ("electron_pair", "photon_pair"),
    "pions": ("pion", "photon"),
}
NO_SHOWER = "before the detector an electron and a photon are single particles, told apart by their charge alone"
BEAM = 8000.0
"""GeV: of the pile-up."""


@dataclass(frozen=True, kw_only=True)
class EGamma(Task):
    """Electron or photon showers in the ECAL barrel, one a collision, with pile-up (fast simulation).

    A particle gun: pt flat from 20 to 60 GeV, abs(eta) < 1.4, any phi, the same for both classes. Whatever the
    representation, an event is its crystals: with a track or a charge it would be no task. Energies are as they are
    read out, in GeV, not calibrated to the particle.
    """

    name: ClassVar[str] = "egamma"
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
        """Crystals stand for the event: the 25 hottest fit a table."""
        from tasks.events import EventInfo

        picture: Literal["crop", "barrel"] = "barrel" if self._whole else "crop"
        return EventInfo(
            self.name, self.processes, level, {"crystal": 25}, particles="ecal", picture=picture, magnitude="energy"
        )

    @property
    def _whole(self) -> bool:
        return self.area == "barrel" or self.sample == "pairs"

    def settings(self, process: str, level: str) -> tuple[str, ...]:  # noqa: ARG002
        """The gun, and the pile-up's generator."""
        from tasks.detector.pileup import description

        gun = f"gun: {process}, pt flat {PT[0]:g} to {PT[1]:g} GeV, abs(eta) < {ETA_MAX:g}"
        over = description(self.pileup, BEAM)
        return (gun, over) if over else (gun,)

    def generate(self, process: str, level: str, count: int, seed: int) -> ak.Array:  # noqa: ARG002
        """Showers as hits of the barrel, with the shower shapes in `candidate`."""
        import awkward as ak
        import numpy as np

        from tasks.detector.calorimeter import columns, hits
        from tasks.detector.digis import BARREL, with_samples
        from tasks.detector.pileup import pileup
        from tasks.detector.shower_shapes import around_hottest, shower_shapes

        rng = np.random.default_rng(seed)
        shots, over = gun(process, count, rng), pileup(self.pileup, BEAM)
        ecal = columns(hits(shots, rng, over.draw(count, rng) if over else None))["ecal"]
        crop = around_hottest(ecal)
        kept = ecal if self._whole else crop
        if self.digis:
            kept = with_samples(kept, BARREL, rng)
        return ak.zip({"ecal": kept, "candidate": shower_shapes(crop)}, depth_limit=1)

    def validation(self, events: Events) -> Iterator[Figure]:
        """Energy and mean picture of the showers as well."""
        from tasks.egamma import validation as egamma

        yield from egamma.figures(events)
        yield from super().validation(events)

    def detector_validation(self, count: int | None = None) -> Iterator[Figure]:
        """The gun, containment, shower shapes by what happened in the tracker, and pile-up."""
        from tasks.egamma import validation as egamma

        return egamma.detector_figures(self, count)

    def read(self, source: Path) -> Imported:
        """Showers from the public HDF5 files (32 x 32 crops of full simulation)."""
        return self._read(source, labelled=True)

    def read_new(self, source: Path) -> Imported:
        """The same of files that need not say what their showers are."""
        return self._read(source, labelled=False)

    def _read(self, source: Path, *, labelled: bool) -> Imported:
        from tasks.egamma.reader import read_showers

        if self.sample != "electrons" or self._whole or self.digis:
            raise UserError(
                f"egamma: files hold crops of electrons and photons with one energy and time a crystal, not "
                f"sample={self.sample}, area={self.area}, digis={self.digis}. Leave these out, or --source."
            )
        found = read_showers(source, labelled=labelled)
        return replace(found, chunks=_shaped(found))


def _shaped(found: Imported) -> Iterator[ak.Array]:
    """Showers from files, with the shapes that generated ones have."""
    import awkward as ak

    from tasks.detector.shower_shapes import shower_shapes

    for table in found.chunks:
        yield ak.with_field(table, shower_shapes(table["ecal"]), "candidate")


def gun(process: str, count: int, rng: np.random.Generator) -> Incoming:
    """Single particles (or pairs of them) from the beam line; a neutral pion as its two photons."""
    import numpy as np

    from tasks.detector.calorimeter import incoming
    from tasks.detector.pileup import vertices

    shots = count * (2 if process.endswith("pair") else 1)
    pt, eta = rng.uniform(*PT, shots), rng.uniform(-ETA_MAX, ETA_MAX, shots)
    phi, sign = rng.uniform(-np.pi, np.pi, shots), rng.choice((-1, 1), shots)
    z = vertices(count, rng)
    if process.startswith("electron"):
        if process.endswith("pair"):
            sign[1::2] = -sign[::2]
        pdg_id, mass = 11 * sign, 0.000511
    else:
        pdg_id, mass = np.full(shots, 22), 0.0
    pz = pt * np.sinh(eta)
    if process == "pion":
        pt, phi, pz = _pion_decay(pt, phi, pz, rng)
        pdg_id = np.full(2 * shots, 22)
    each = len(pt) // count
    return incoming(np.full(count, each), pdg_id, pt, phi, pz, np.full(len(pt), mass), np.repeat(z, each))


PION_MASS = 0.1349768
"""GeV (Particle Data Group)."""


def _pion_decay(pt: Floats, phi: Floats, pz: Floats, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """(pt, phi, pz) of the two photons of each neutral pion, one after the other."""
    import numpy as np

    pion = np.stack([pt * np.cos(phi), pt * np.sin(phi), pz])
    energy = np.sqrt((pion**2).sum(0) + PION_MASS**2)
    cos, azimuth = rng.uniform(-1, 1, len(pt)), rng.uniform(0, 2 * np.pi, len(pt))
    sin = np.sqrt(1 - cos**2)
    at_rest = PION_MASS / 2 * np.stack([sin * np.cos(azimuth), sin * np.sin(azimuth), cos])
    along = (pion * at_rest).sum(0) / (energy + PION_MASS)
    first = at_rest + pion / PION_MASS * (along + PION_MASS / 2)
    photons = np.stack([first, pion - first], axis=2)
    x, y, z = photons.reshape(3, -1)
    return np.hypot(x, y), np.arctan2(y, x), z
