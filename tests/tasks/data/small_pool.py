"""`egamma` under pile-up without Pythia, given to the store as a loose file; spawned workers import it by its path."""

from __future__ import annotations

from dataclasses import dataclass
from unittest.mock import patch

import awkward as ak
import numpy as np

from tasks.detector.cells import Deposits
from tasks.detector.geometry import BARREL
from tasks.detector.overlay import MinimumBias
from tasks.egamma.egamma import EGamma

HITS = 200


def pool(energy: float, size: int) -> MinimumBias:
    """Five collisions of random cells in the barrel, instead of minimum-bias ones: those take seconds to make."""
    rng = np.random.default_rng(int(energy))
    cells = np.concatenate([np.sort(rng.choice(BARREL[0] * BARREL[1], HITS, replace=False)) for _ in range(5)])
    deposits = Deposits(
        HITS * np.arange(6),
        cells.astype(np.int32),
        rng.exponential(0.5, 5 * HITS).astype(np.float32),
        np.zeros(5 * HITS, np.float32),
    )
    none = {name: ak.Array([[]] * 5) for name in ("pt", "eta", "phi")}
    return MinimumBias(deposits, ak.zip(none), np.zeros(5))


@dataclass(frozen=True, kw_only=True)
class SmallPool(EGamma):
    """Electrons against photons under a handful of collisions."""

    name = "small_pool"

    def generate(self, process: str, level: str, count: int, seed: int) -> ak.Array:
        with patch("tasks.detector.pileup.pool", pool):
            return super().generate(process, level, count, seed)
