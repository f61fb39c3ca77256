"""Electron candidates: photon candidates that a track points to.

The idea is that of CMS (JINST 10 (2015) P06005): a cluster of the ECAL, a track that the field bends towards
it, and the energy of the one over the momentum of the other. The cuts are guesses, on the loose side. Converted photons
are never electrons here, as their pairs leave no tracks (`tasks.detector.tracks`).
"""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np

from tasks.detector.geometry import FIELD, RADIUS
from tasks.detector.photons import ISOLATION_CONE, TRACK_VETO

D_ETA, D_PHI = 0.02, 0.03
"""How far track and cluster may lie apart; in phi beyond what the field bends. Guesses: a crystal is 0.0174 wide."""
BEND = 0.299792458 * FIELD * RADIUS / 2
"""GeV: over a track's pt, the angle in phi between its start and where it meets the barrel (0.735; small angles). It is
less in the endcaps, which are nearer to the beam, so that the window there is wider than it need be."""
E_OVER_P_MIN = 0.5
"""A guess; most hadrons leave less in the ECAL. There is no upper bound: an electron that radiates early has a soft
track, while the cluster has its photons too."""
TRACK_PT_MIN = 2.0
"""GeV, a guess. Softer tracks bend by more than 0.37: where there is a track above 0.5 GeV in a unit of eta and phi, as
around hard collisions, 6% of photons would be taken for electrons without this, and next to none with it."""
SHAPES = ("r9", "sigma_ieta_ieta", "hadronic", "ecal_isolation", "track_isolation")


def electrons(candidates: ak.Array, tracks: ak.Array) -> ak.Array:
    """Those photon candidates that are electrons too, in falling pt: lists of {pt, eta, phi, r9, sigma_ieta_ieta,
    hadronic, ecal_isolation, track_isolation, e_over_p}; GeV and radians.

    candidates : of `tasks.detector.photons.photons`. tracks : lists of {pt, eta, phi} at the beam line; their charge is
    not known, so that they may bend either way. Each candidate is taken once, with the nearest of the tracks that match
    it; a track may serve two. pt is the cluster's energy in the direction of the track. track_isolation is the
    candidate's less its own track, e_over_p its energy over that track's momentum.
    """
    cluster, track = ak.unzip(ak.cartesian([candidates, tracks[["pt", "eta", "phi"]]], nested=True))
    d_eta, d_phi = abs(cluster.eta - track.eta), _apart(cluster.phi, track.phi)
    e_over_p = cluster.energy / (track.pt * np.cosh(track.eta))
    near = (d_eta < D_ETA) & (d_phi < BEND / track.pt + D_PHI)
    matches = near & (e_over_p >= E_OVER_P_MIN) & (track.pt >= TRACK_PT_MIN)
    distance = np.hypot(d_eta, d_phi)
    nearest = ak.argmin(ak.mask(distance, matches), axis=-1, keepdims=True)
    own, away, ratio = (ak.firsts(each[nearest], axis=-1) for each in (track, distance, e_over_p))
    return _sorted(candidates, own, away, ratio)


def _apart(phi: ak.Array, other: ak.Array) -> Any:
    d_phi = abs(phi - other)
    return np.minimum(d_phi, 2.0 * np.pi - d_phi)


def _sorted(candidates: ak.Array, own: ak.Array, away: ak.Array, ratio: ak.Array) -> ak.Array:
    """The candidates that have a track of their own, in falling pt.

    own : {pt, eta, phi} of the track of each candidate, or None; away : how far it is; ratio : energy over momentum.
    """
    inside = (away >= TRACK_VETO) & (away < ISOLATION_CONE)
    others = candidates.track_isolation - ak.where(inside, own.pt, 0.0)
    found = {
        "pt": candidates.energy / np.cosh(own.eta),
        "eta": own.eta,
        "phi": own.phi,
        **{name: candidates[name] for name in SHAPES},
        "track_isolation": np.maximum(others, 0.0),
        "e_over_p": ratio,
    }
    taken = ~ak.is_none(own.pt, axis=1)
    rows = ak.zip({name: ak.drop_none(column[taken], axis=1) for name, column in found.items()})
    return rows[ak.argsort(rows.pt, ascending=False, stable=True)]
