"""Collisions made by hand, in the shape that Pythia's `nextBatch` gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

Particle = tuple[int, int, float, float, float, float]


def particle(
    pdg_id: int, pt: float, eta: float = 0.0, phi: float = 0.0, *, mass: float = 0.0, status: int = 1
) -> Particle:
    """(id, status, px, py, pz, e); status > 0 is final, as in Pythia."""
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    return pdg_id, status, px, py, pz, float(np.sqrt(px**2 + py**2 + pz**2 + mass**2))


def collisions(*events: Sequence[Particle]) -> ak.Array:
    counts = np.array([len(event) for event in events], dtype=np.int64)
    rows = np.array([row for event in events for row in event], dtype=np.float64).reshape(-1, 6)
    momenta = ak.zip({axis: rows[:, 2 + number] for number, axis in enumerate(("px", "py", "pz", "e"))})
    columns = {"id": rows[:, 0].astype(np.int64), "status": rows[:, 1].astype(np.int64), "p": momenta}
    return ak.zip({"prt": ak.unflatten(ak.zip(columns, depth_limit=1), counts)}, depth_limit=1)
