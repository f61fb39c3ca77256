"""Reconstructed tracks, as they start at the beam line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from tasks.detector.muons import MuonResponse

if TYPE_CHECKING:
    from numpy.typing import NDArray

PT_MIN = 0.5
"""GeV; softer tracks are hardly found."""
ETA_MAX = 2.5
CHARGED = (11, 13, 211, 321, 2212)
EFFICIENCY = {11: 0.90, 13: 0.99, 211: 0.92, 321: 0.92, 2212: 0.92}
"""Of high-purity tracks: muons 99%, pions 90 to 94% as nuclear interactions take their share (JINST 9 (2014) P10009);
electrons 90% is a guess."""


def reconstruct(particles: ak.Array, rng: np.random.Generator) -> ak.Array:
    """Tracks of the charged ones of `tasks.detector.particles.final`: lists of {pt, eta, phi} float32, in their order.

    All are of high purity (there are no fakes), and measured as well as muons are (`MuonResponse`): for hadrons that is
    a little too good.
    """
    size = abs(particles.pdg_id)
    charged = particles[(size == 11) | (size == 13) | (size == 211) | (size == 321) | (size == 2212)]
    charged = charged[(abs(charged.eta) < ETA_MAX) & (charged.pt > 0.5 * PT_MIN)]
    counts = ak.num(charged.pt)
    flat: dict[str, NDArray[np.float64]] = {
        name: np.asarray(ak.flatten(charged[name])) for name in ("pt", "eta", "phi", "pdg_id")
    }
    codes = np.array(CHARGED)
    chance = np.array([EFFICIENCY[code] for code in CHARGED])[np.searchsorted(codes, np.abs(flat["pdg_id"]))]
    pt, eta, phi = MuonResponse().smear(flat["pt"], flat["eta"], flat["phi"], rng)
    found = (rng.random(len(pt)) < chance) & (pt > PT_MIN) & (np.abs(eta) < ETA_MAX)
    columns = {name: values.astype(np.float32) for name, values in (("pt", pt), ("eta", eta), ("phi", phi))}
    return ak.unflatten(ak.zip(columns), counts)[ak.unflatten(found, counts)]
