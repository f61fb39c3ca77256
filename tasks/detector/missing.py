"""Missing transverse energy: minus the sum of everything visible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from tasks.events import KINDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.detector.response import Response


def missing_energy(
    particles: ak.Array, true: ak.Array, measured: ak.Array, response: Response, rng: np.random.Generator
) -> ak.Array:
    """One object of kind `met` an event, at eta = 0 and without mass.

    True jets and leptons (`true`, lists of {pt, phi}) are replaced by the measured ones in the sum over visible
    particles; what is left over, the soft energy, is smeared in x and y.
    """
    seen = particles[particles.visible]
    x = -ak.to_numpy(ak.sum(seen.px, axis=1)) - _sum(measured, np.cos) + _sum(true, np.cos)
    y = -ak.to_numpy(ak.sum(seen.py, axis=1)) - _sum(measured, np.sin) + _sum(true, np.sin)
    soft = np.maximum(ak.to_numpy(ak.sum(seen.pt, axis=1)) - ak.to_numpy(ak.sum(true.pt, axis=1)), 0.0)
    noise = response.soft_met * np.sqrt(soft) * rng.standard_normal((2, len(soft)))
    x, y = x + noise[0], y + noise[1]
    flat = {
        "pt": np.hypot(x, y),
        "eta": np.zeros(len(x)),
        "phi": np.arctan2(y, x),
        "mass": np.zeros(len(x)),
        "charge": np.zeros(len(x)),
        "kind": np.full(len(x), KINDS.index("met")),
    }
    return ak.unflatten(ak.zip(flat), np.ones(len(x), dtype=np.int64))


def _sum(objects: ak.Array, axis: np.ufunc) -> NDArray[np.float64]:
    return np.asarray(ak.to_numpy(ak.sum(objects.pt * axis(objects.phi), axis=1)))
