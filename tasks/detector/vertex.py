"""Where collisions lie along the beam, and which of them the photons are taken to come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPREAD = 0.05
"""Metres along the beam: 5 cm, as in 2012 (JINST 9 (2014) P10009, rounded)."""
CONFUSION = 0.01
"""Chance of each other collision to be taken for that of the photons. Twenty of them leave the 80% of events in which
CMS finds the right one for Higgs bosons at 8 TeV (Eur. Phys. J. C 74 (2014) 3076). That it is linear, and the same for
any pt of the pair, is a guess; it is the same in every class."""


def vertices(events: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Metres along the beam from the centre of the detector, (events,)."""
    return rng.normal(0.0, SPREAD, events)


def mistaken(others: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Which collision is taken for that of the photons, (events,): -1 for the right one, else one of the others.

    others : (events,) how many further collisions there are in each event; they are numbered from 0.
    """
    wrong = rng.random(len(others)) < np.minimum(CONFUSION * others, 1.0)
    return np.where(wrong, (rng.random(len(others)) * others).astype(np.int64), -1)
