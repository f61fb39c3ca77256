"""From Pythia's event record to the particles that a detector can see, and the flavours that tag a jet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ETA_MAX = 5.0
"""Edge of the forward calorimeters."""

NEUTRINOS = (12, 14, 16)

HEAVY_PT_MIN = 5.0
"""GeV; softer bottom and charm does not name a jet."""


def final(events: ak.Array) -> ak.Array:
    """Final-state particles as lists of {px, py, pz, e, pt, eta, phi, pdg_id, visible}.

    Stable particles after hadronisation, or the last partons where it is switched off. `visible` are those with
    abs(eta) < 5 that are no neutrinos.
    """
    kept = events.prt[events.prt.status > 0]
    counts = ak.num(kept.id)
    px, py, pz, e = (np.asarray(ak.flatten(kept.p[axis])) for axis in ("px", "py", "pz", "e"))
    pdg_id = np.asarray(ak.flatten(kept.id))
    pt, eta, phi = cylindrical(px, py, pz)
    visible = is_visible(pdg_id, eta)
    columns = {
        "px": px,
        "py": py,
        "pz": pz,
        "e": e,
        "pt": pt,
        "eta": eta,
        "phi": phi,
        "pdg_id": pdg_id,
        "visible": visible,
    }
    return ak.zip({name: ak.unflatten(column, counts) for name, column in columns.items()})


def is_visible(pdg_id: NDArray[Any], eta: NDArray[Any]) -> NDArray[np.bool_]:
    """Which particles a calorimeter may see: no neutrinos, abs(eta) < 5."""
    seen: NDArray[np.bool_] = (np.abs(eta) < ETA_MAX) & ~np.isin(np.abs(pdg_id), NEUTRINOS)
    return seen


def cylindrical(
    px: NDArray[Any], py: NDArray[Any], pz: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """(pt, eta, phi) of momenta in GeV; eta = asinh(pz / pt), huge but finite along the beam."""
    pt = np.hypot(px, py)
    eta = np.arcsinh(pz / np.maximum(pt, 1e-9))
    return pt, eta, np.arctan2(py, px)


def heavy_flavour(events: ak.Array, *, hadronised: bool) -> ak.Array:
    """Directions of bottom and charm with pt > 5 GeV: lists of {eta, phi, flavour}, flavour 5 or 4.

    Hadrons where there are any (their excited states lie in the same direction), the last quarks otherwise.
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
    """Whether a PDG code is a hadron with this as its heaviest quark (digits n_q of mesons and baryons)."""
    meson = (size // 100 % 10 == quark) & (size // 1000 % 10 == 0)
    hadron: NDArray[Any] = (size > 100) & (size < 10_000_000) & (meson | (size // 1000 % 10 == quark))
    return hadron


def delta_r(a: ak.Array, b: ak.Array) -> ak.Array:
    """sqrt(Delta eta^2 + Delta phi^2) of every pair in an event: lists over `a` of lists over `b`."""
    first, second = ak.unzip(ak.cartesian([a[["eta", "phi"]], b[["eta", "phi"]]], nested=True))
    d_phi = np.abs(first.phi - second.phi)
    d_phi = np.minimum(d_phi, 2.0 * np.pi - d_phi)
    return np.hypot(first.eta - second.eta, d_phi)
