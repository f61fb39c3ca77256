"""Jet substructure: trimming, subjets, N-subjettiness and energy correlators.

Distances are in rapidity and phi, as in fastjet and its contributions.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from tasks.detector.jets import cluster_with_members, jet_rows, sequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUBJET_RADIUS = 0.3
TRIM_FRACTION = 0.05
"""Trimming as in the papers on jet images: kt subjets of radius 0.3 with less than 5% of the jet's pt are dropped."""


def total(particles: ak.Array) -> ak.Array:
    """The sum of each list of particles: one {px, py, pz, e, pt, eta, phi, mass} for each event."""
    sums = {name: ak.sum(particles[axis], axis=1)[:, np.newaxis] for name, axis in _AXES}
    return jet_rows(ak.zip(sums))[:, 0]


_AXES = (("px", "px"), ("py", "py"), ("pz", "pz"), ("E", "e"))


def leading_jet(particles: ak.Array, radius: float, pt_min: float) -> tuple[ak.Array, NDArray[np.bool_]]:
    """The particles of the anti-kt jet of highest pt, and which events have one above pt_min.

    `particles` : lists of {px, py, pz, e, ...}. Returns the particles of those events, and a mask over all events.
    """
    jets, members = cluster_with_members(particles, radius, "antikt", pt_min)
    some = ak.to_numpy(ak.num(jets.pt) > 0)
    return ak.to_packed(particles[some][members[some][:, 0]]), some


def trim(particles: ak.Array) -> tuple[ak.Array, ak.Array]:
    """Trimmed jets (Krohn, Thaler and Wang, JHEP 02 (2010) 084), and their subjets.

    `particles` : lists of the particles of one jet per event.
    Returns the remaining particles in their order, and the remaining subjets in falling pt.
    """
    subjets, members = cluster_with_members(particles, SUBJET_RADIUS, "kt", 0.0)
    stays = subjets.pt >= TRIM_FRACTION * total(particles).pt
    index = ak.sort(ak.flatten(members[stays], axis=2), axis=1)
    return ak.to_packed(particles[index]), subjets[stays]


def n_subjettiness(particles: ak.Array, radius: float) -> NDArray[np.float64]:
    """tau_1 and tau_2 of each jet, shape (jets, 2): Thaler and Van Tilburg, JHEP 03 (2011) 015, equation 2.1.

    beta = 1; the axes are exclusive kt subjets with the winner-takes-all scheme, which needs no minimisation
    (Larkoski, Neill and Thaler, JHEP 04 (2014) 017); tau_N = sum pt min(Delta R) / (sum pt radius).
    """
    found = sequence(particles, radius, "kt").njettiness("NormalizedMeasure", "WTA_KT_Axes", [1, 2], 1.0, radius)
    return np.asarray(found, dtype=np.float64).reshape(len(particles), 2)


def energy_correlators(particles: ak.Array, beta: float) -> NDArray[np.float64]:
    """e_2 and e_3 of each jet, shape (jets, 2): Larkoski, Salam and Thaler, JHEP 06 (2013) 108, equation 2.

    e_2 = sum_{i<j} z_i z_j R_ij^beta and e_3 = sum_{i<j<k} z_i z_j z_k (R_ij R_jk R_ki)^beta with z = pt / sum pt:
    in terms of A_ij = z_i R_ij^beta, whose diagonal is zero, they are sum_ij A_ij z_j / 2 and trace(A^3) / 6.
    """
    pt, phi = (np.asarray(ak.flatten(particles[name]), dtype=np.float64) for name in ("pt", "phi"))
    rapidity = np.arctanh(np.asarray(ak.flatten(particles.pz / particles.e), dtype=np.float64))
    ends = np.concatenate([[0], np.cumsum(ak.to_numpy(ak.num(particles.pt)))])
    found = np.zeros((len(ends) - 1, 2))
    for jet, (begin, end) in enumerate(pairwise(ends)):
        z = pt[begin:end] / pt[begin:end].sum()
        d_phi = np.abs(phi[begin:end, None] - phi[None, begin:end])
        d_phi = np.minimum(d_phi, 2.0 * np.pi - d_phi)
        squared = (rapidity[begin:end, None] - rapidity[None, begin:end]) ** 2 + d_phi**2
        a = z[:, None] * squared ** (beta / 2.0)
        # einsum, not BLAS, because the order of sums in BLAS depends on the number of threads
        found[jet] = (z * a.sum(axis=0)).sum() / 2.0, (np.einsum("ij,jk->ik", a, a) * a.T).sum() / 6.0
    return found
