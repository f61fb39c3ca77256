"""Photon pairs: their mass, their engineered scalars, and the columns of the Events table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import awkward as ak
import numpy as np

from tasks.events import KINDS
from tasks.sources.files import scalars

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def pair_table(photons: ak.Array, mass: Floats, columns: dict[str, ak.Array]) -> ak.Array:
    """The Events table of generated photon pairs.

    `candidate` has neither the mass nor the energies of the photons. Isolation is in GeV: pile-up adds the same to any
    photon, so that isolation over pt would reveal the mass.
    """
    none = ak.zeros_like(photons.pt)
    rows = {"pt": photons.pt, "eta": photons.eta, "phi": photons.phi, "mass": none, "charge": none}
    objects = {name: ak.values_astype(values, np.float32) for name, values in rows.items()}
    objects["kind"] = ak.values_astype(none + KINDS.index("photon"), np.int8)
    candidate = photon_scalars(photons)
    for shape in ("r9", "sigma_ieta_ieta", "hadronic", "ecal_isolation", "track_isolation"):
        for place in (0, 1):
            if shape in photons.fields:
                values = ak.to_numpy(photons[shape][:, place]).astype(np.float32)
                candidate = ak.with_field(candidate, values, f"{shape}{place + 1}")
    table = {"mass": mass.astype(np.float32), "objects": ak.zip(objects), "candidate": candidate}
    return ak.zip({**table, **columns}, depth_limit=1)


def pair_masses(photons: ak.Array) -> ak.Array:
    """Mass in GeV of every pair of massless objects of an event."""
    first, second = ak.unzip(ak.combinations(photons, 2))
    cosh, cos = np.cosh(first.eta - second.eta), np.cos(first.phi - second.phi)
    return np.sqrt(np.maximum(2.0 * first.pt * second.pt * (cosh - cos), 0.0))


def diphoton_mass(photons: ak.Array) -> NDArray[np.float64]:
    """m_yy in GeV, shape (events,): m^2 = 2 pt1 pt2 (cosh(eta1 - eta2) - cos(phi1 - phi2)), for massless photons."""
    pt, eta, phi = (
        np.asarray(ak.to_numpy(ak.to_regular(photons[name])), np.float64).reshape(-1, 2)
        for name in ("pt", "eta", "phi")
    )
    squared = 2.0 * pt[:, 0] * pt[:, 1] * (np.cosh(eta[:, 0] - eta[:, 1]) - np.cos(phi[:, 0] - phi[:, 1]))
    return np.asarray(np.sqrt(np.maximum(squared, 0.0)))


def photon_scalars(photons: ak.Array) -> ak.Array:
    """pt / m_yy and eta of both photons, and cos(phi1 - phi2), none of which is the mass (arXiv:1807.11916)."""
    mass = diphoton_mass(photons)
    return scalars(
        {
            "pt1_over_m": photons.pt[:, 0] / mass,
            "pt2_over_m": photons.pt[:, 1] / mass,
            "eta1": photons.eta[:, 0],
            "eta2": photons.eta[:, 1],
            "cos_dphi": np.cos(photons.phi[:, 0] - photons.phi[:, 1]),
        }
    )
