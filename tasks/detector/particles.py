"""From the event record of Pythia to the particles that a detector can measure, and the flavours of jets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ETA_MAX = 5.0
"""abs(eta) of the edge of the forward calorimeters."""

NEUTRINOS = (12, 14, 16)

HEAVY_PT_MIN = 5.0
"""GeV. Softer bottom and charm does not count for the flavour of a jet."""


def final(events: ak.Array) -> ak.Array:
    """Final-state particles as lists of {px, py, pz, e, pt, eta, phi, pdg_id, visible}.

    These are stable particles after hadronisation, or the last partons if it is switched off. Particles with
    abs(eta) < 5 that are not neutrinos are `visible`.
    """
    kept = events.prt[events.prt.status > 0]
    counts = ak.num(kept.id)
    px, py, pz, e = (np.asarray(ak.flatten(kept.p[axis])) for axis in ("px", "py", "pz", "e"))
    pdg_id = np.asarray(ak.flatten(kept.id))
    pt, eta, phi = cylindrical(px, py, pz)
    columns = {"px": px, "py": py, "pz": pz, "e": e, "pt": pt, "eta": eta, "phi": phi, "pdg_id": pdg_id}
    columns["visible"] = is_visible(pdg_id, eta)
    return ak.zip({name: ak.unflatten(column, counts) for name, column in columns.items()})


def is_visible(pdg_id: NDArray[Any], eta: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether a calorimeter can measure a particle: not for neutrinos, and only up to abs(eta) = 5."""
    seen: NDArray[np.bool_] = (np.abs(eta) < ETA_MAX) & ~np.isin(np.abs(pdg_id), NEUTRINOS)
    return seen


def cylindrical(
    px: NDArray[Any], py: NDArray[Any], pz: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """(pt, eta, phi) of momenta in GeV; eta = asinh(pz / pt), large but finite along the beam."""
    pt = np.hypot(px, py)
    eta = np.arcsinh(pz / np.maximum(pt, 1e-9))
    return pt, eta, np.arctan2(py, px)


def heavy_flavour(events: ak.Array, *, hadronised: bool) -> ak.Array:
    """Directions of bottom and charm with pt > 5 GeV: lists of {eta, phi, flavour}, flavour 5 or 4.

    With `hadronised`, of hadrons (their excited states have the same direction), otherwise of the last quarks.
    """
    prt = events.prt
    size = np.abs(np.asarray(ak.flatten(prt.id)))
    if hadronised:
        flavour = np.where(_has_quark(size, 5), 5, np.where(_has_quark(size, 4), 4, 0))
    else:
        final_quark = (np.asarray(ak.flatten(prt.status)) > 0) & ((size == 5) | (size == 4))
        flavour = np.where(final_quark, size, 0)
    heavy = prt.p[ak.unflatten(flavour > 0, ak.num(prt.id))]
    counts = ak.num(heavy.px)
    pt, eta, phi = cylindrical(*(np.asarray(ak.flatten(heavy[axis])) for axis in ("px", "py", "pz")))
    columns = {"pt": pt, "eta": eta, "phi": phi, "flavour": flavour[flavour > 0]}
    rows = ak.zip({name: ak.unflatten(column, counts) for name, column in columns.items()})
    return rows[rows.pt > HEAVY_PT_MIN]


def _has_quark(size: NDArray[Any], quark: int) -> NDArray[Any]:
    """Whether a PDG code is that of a hadron with this heaviest quark (digits n_q of mesons and baryons)."""
    meson = (size // 100 % 10 == quark) & (size // 1000 % 10 == 0)
    hadron: NDArray[Any] = (size > 100) & (size < 10_000_000) & (meson | (size // 1000 % 10 == quark))
    return hadron


def delta_r(a: ak.Array, b: ak.Array) -> ak.Array:
    """sqrt(Delta eta^2 + Delta phi^2) of every pair in an event: lists over `a` of lists over `b`."""
    first, second = ak.unzip(ak.cartesian([a[["eta", "phi"]], b[["eta", "phi"]]], nested=True))
    d_phi = np.abs(first.phi - second.phi)
    d_phi = np.minimum(d_phi, 2.0 * np.pi - d_phi)
    return np.hypot(first.eta - second.eta, d_phi)
