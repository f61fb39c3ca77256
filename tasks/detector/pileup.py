"""Pile-up: how many minimum-bias collisions occur in a bunch crossing, where along the beam, and their simulation.

Only collisions of the same bunch crossing are simulated: out-of-time pile-up, energy left in the calorimeters by
earlier crossings, is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import awkward as ak
import numpy as np

from tasks.detector.calorimeter import deposits, incoming_of
from tasks.detector.geometry import HCAL
from tasks.detector.overlay import MinimumBias, Overlay
from tasks.detector.particles import final
from tasks.detector.tracker import reconstruct_tracks
from tasks.generator.pythia import BATCH, collisions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SEED = 20_120_704
"""Seed of the pool: all shards use the same collisions."""
SIZE = 2000
"""Collisions in the pool."""
Era = Literal["2010", "2011", "2012"]
ERAS: Mapping[str, tuple[tuple[float, float], ...]] = {
    "2010": ((1.0, 2.0),),
    "2011": ((1.0, 9.0),),
    "2012": ((16_308, 18.0), (24_538, 20.0), (22_206, 21.0)),
}
"""(weight, mean number of collisions) of each run era of a year. 2012: arXiv:1807.11916, table 1 (events of its three
eras, central: 26%, 39% and 35%; forward 26%, 35% and 39%) and section 2 (means of 18 to 21; 20 for the middle era is a
guess). 2010 and 2011: one rounded mean a year (CMS luminosity results)."""


SPREAD = 0.05
"""Metres along the beam: 5 cm, as in 2012 (JINST 9 (2014) P10009, rounded)."""
CONFUSION = 0.01
"""Probability of each other collision to be taken for the origin of the photons. With twenty of them, 80% of events
have the right vertex, as in CMS for Higgs bosons at 8 TeV (Eur. Phys. J. C 74 (2014) 3076). That the probability is
linear, and does not depend on the pt of the pair, is a guess; it is the same in every class."""


def vertices(events: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw the position of each event along the beam, (events,) metres from the centre of the detector."""
    return rng.normal(0.0, SPREAD, events)


def mistaken(others: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw which collision is taken for the origin of the photons, (events,): -1 for the right one, else another.

    `others` : (events,) the number of other collisions in each event; they are counted from 0.
    """
    wrong = rng.random(len(others)) < np.minimum(CONFUSION * others, 1.0)
    return np.where(wrong, (rng.random(len(others)) * others).astype(np.int64), -1)


@dataclass(frozen=True)
class PileUp:
    """The mean number of collisions over an event by run era, as in `ERAS`, and the pool that they are drawn from."""

    eras: tuple[tuple[float, float], ...]
    pool: MinimumBias

    def draw(self, events: int, rng: np.random.Generator) -> Overlay:
        """Draw the collisions over each event, their rotations and which are mirrored."""
        weights, means = np.array(self.eras).T
        counts = rng.poisson(rng.choice(means, events, p=weights / weights.sum()))
        total = int(counts.sum())
        picked = rng.integers(0, max(len(self.pool), 1), total)
        turns, mirrored = rng.integers(0, HCAL[1], total), rng.random(total) < 0.5
        return Overlay(self.pool, np.concatenate([[0], np.cumsum(counts)]), picked, turns, mirrored)


def pileup(asked: Era | float, energy: float, factor: float = 1.0) -> PileUp | None:
    """Pile-up of a year, or with a mean number of collisions, at an energy in GeV; None for a mean of 0.

    `factor` multiplies every mean.
    """
    if not asked or not factor:
        return None
    return PileUp(tuple((weight, factor * mean) for weight, mean in eras(asked)), pool(energy, SIZE))


def eras(asked: Era | float) -> tuple[tuple[float, float], ...]:
    """Weights and means of the run eras of a year, or the given mean."""
    return ERAS[asked] if isinstance(asked, str) else ((1.0, asked),)


def description(asked: Era | float, energy: float, factor: float = 1.0) -> str:
    """Describe pile-up in one line, for the manifest of a data set; empty without pile-up."""
    if not asked or not factor:
        return ""
    total = sum(weight for weight, _ in eras(asked))
    means = ", ".join(f"{factor * mean:g} in {weight / total:.1%}" for weight, mean in eras(asked))
    return f"pile-up of mean {means} from {SIZE} collisions: {'; '.join(_settings(energy))}"


def _settings(energy: float) -> tuple[str, ...]:
    return f"Beams:eCM={energy:g}", "SoftQCD:inelastic=on"


@lru_cache(maxsize=2)
def pool(energy: float, size: int) -> MinimumBias:
    """Simulate `size` inelastic collisions at an energy (GeV), without noise and thresholds.

    The collisions are the same in every process. This takes seconds: the start of Pythia, and milliseconds a collision.
    """
    rng = np.random.default_rng(SEED)
    parts, made = [], 0
    for events in collisions(_settings(energy), SEED, "pile-up", min(size, BATCH)):
        parts.append(final(events))
        made += len(events)
        if made >= size:
            break
    particles = ak.concatenate(parts)[:size]
    vertex = vertices(size, rng)
    return MinimumBias(deposits(incoming_of(particles, vertex), rng), reconstruct_tracks(particles, rng), vertex)
