"""Cross-sections after the selection, from which `tasks.ttbar.yields` has its numbers."""

from __future__ import annotations

import awkward as ak
import numpy as np

from tasks.detector.reconstruction import Cuts, reconstruct
from tasks.generator.pythia import start
from tasks.ttbar.selection import Selection
from tasks.ttbar.settings import streams


def measured(process: str, min_jets: int, collisions: int, seed: int) -> tuple[float, float]:
    """Cross-section in pb of a process after the selection, and its statistical error."""
    selection, rng = Selection("at_least_one", min_jets), np.random.default_rng(seed)
    found, error = 0.0, 0.0
    for number, (settings, share) in enumerate(streams(process, "detector", min_jets=min_jets, multiparton=True)):
        pythia = start(settings, seed + number, f"ttbar, {process}")
        events = pythia.nextBatch(int(collisions * share))
        passed = int(ak.sum(selection.passed(reconstruct(events, "detector", Cuts(), rng))))
        weight = pythia.infoPython().sigmaGen() * 1e9 / len(events)  # mb to pb
        found += weight * passed
        error += weight**2 * passed
    return found, float(np.sqrt(error))
