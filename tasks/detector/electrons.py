"""Electron candidates: photon candidates with a matching track.

As in CMS (JINST 10 (2015) P06005), they need a cluster of the ECAL, a track that points to it after bending in the
field, and a ratio of energy to momentum. The cuts are loose guesses. Converted photons do not become electrons here,
because their pairs have no tracks (`tasks.detector.tracker`).
"""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np

from tasks.detector.geometry import FIELD, RADIUS
from tasks.detector.photons import ISOLATION_CONE, TRACK_VETO

D_ETA, D_PHI = 0.02, 0.03
"""Largest distance between track and cluster; in phi in addition to the bending. Guesses: a crystal is 0.0174 wide."""
BEND = 0.299792458 * FIELD * RADIUS / 2
"""GeV: divided by the pt of a track, the angle in phi between its start and the barrel (0.735; for small angles). It
is smaller in the endcaps, which are closer to the beam, so that the window there is wider than necessary."""
E_OVER_P_MIN = 0.5
"""A guess; most hadrons deposit less in the ECAL. There is no upper limit, because an electron that radiates early has
a soft track but a cluster that includes its photons."""
TRACK_PT_MIN = 2.0
"""GeV, a guess. Softer tracks bend by more than 0.37. With one track above 0.5 GeV in a unit of eta and phi, as around
hard collisions, 6% of photons would match a track without this cut, and almost none with it."""
SHAPES = ("r9", "sigma_ieta_ieta", "hadronic", "ecal_isolation", "track_isolation")


def electrons(candidates: ak.Array, tracks: ak.Array) -> ak.Array:
    """Photon candidates that are electron candidates too, in falling pt.

    Each candidate is matched to the nearest track that passes the cuts; a track may match two candidates.

    Parameters
    ----------
    candidates : as `tasks.detector.photons.photons` returns them
    tracks : lists of {pt, eta, phi} at the beam line; their charge is unknown, so they may bend either way

    Returns
    -------
    Lists of {pt, eta, phi, r9, sigma_ieta_ieta, hadronic, ecal_isolation, track_isolation, e_over_p}; GeV and radians.
    pt : energy of the cluster in the direction of the track
    track_isolation : that of the candidate, without the matched track
    e_over_p : energy of the cluster over the momentum of the track
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
    """Candidates with a matched track, in falling pt.

    `own` : {pt, eta, phi} of the matched track, or None; `away` : its distance; `ratio` : energy over momentum.
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
