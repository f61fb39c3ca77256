"""Conversion of the constituents of jets from files to columns of the Events table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from tasks.sources.files import scalars

if TYPE_CHECKING:
    from numpy.typing import NDArray

MASSES = {
    11: 0.000511,
    13: 0.10566,
    22: 0.0,
    130: 0.49761,
    211: 0.13957,
    310: 0.49761,
    321: 0.49368,
    2112: 0.93957,
    2212: 0.93827,
    3112: 1.19745,
    3122: 1.11568,
    3222: 1.18937,
    3312: 1.32171,
    3322: 1.31486,
    3334: 1.67245,
}
"""GeV, by abs(PDG code), of stable particles in jets (Particle Data Group 2024, rounded); else 0."""

CHARGES = {11: -1, 13: -1, 211: 1, 321: 1, 2212: 1, 3112: -1, 3222: 1, 3312: -1, 3334: -1}
"""Charges of particles by PDG code; antiparticles have the opposite charge, others are neutral."""


def four_momenta(values: NDArray[Any]) -> ak.Array:
    """Lists of {pt, eta, phi, mass} from E, px, py, pz of shape (jets, particles, 4); pt = 0 is padding."""
    e, px, py, pz = np.moveaxis(values.astype(np.float64), 2, 0)
    pt = np.hypot(px, py)
    jet, place = np.nonzero(pt > 0)
    e, px, py, pz, pt = (column[jet, place] for column in (e, px, py, pz, pt))
    columns = {
        "pt": pt,
        "eta": np.arcsinh(pz / pt),
        "phi": np.arctan2(py, px),
        "mass": np.sqrt(np.maximum(e**2 - px**2 - py**2 - pz**2, 0.0)),
    }
    return ak.unflatten(ak.zip(columns), np.bincount(jet, minlength=len(values)))


def eta_of(pt: NDArray[Any], y: NDArray[Any], mass: NDArray[Any]) -> NDArray[np.float64]:
    """Pseudorapidity from rapidity: sinh eta = sqrt(1 + m^2 / pt^2) sinh y, for pt > 0."""
    return np.asarray(np.arcsinh(np.sqrt(1.0 + (mass / pt) ** 2) * np.sinh(y)))


def wrapped(phi: NDArray[Any]) -> NDArray[Any]:
    """Azimuth in [-pi, pi)."""
    return np.asarray((phi + np.pi) % (2 * np.pi) - np.pi)


def of_species(table: dict[int, float] | dict[int, int], pdg_id: NDArray[np.int64]) -> NDArray[np.float64]:
    """The value of each abs(PDG code), 0 for codes that are not in the table."""
    codes = np.array(sorted(table))
    place = np.minimum(np.searchsorted(codes, np.abs(pdg_id)), len(codes) - 1)
    values = np.array([float(table[int(code)]) for code in codes])
    return np.where(codes[place] == np.abs(pdg_id), values[place], 0.0)


def charges(pdg_id: NDArray[np.int64]) -> NDArray[np.float64]:
    """Electric charge of each PDG code."""
    return of_species(CHARGES, pdg_id) * np.sign(pdg_id)


def constituents(particles: ak.Array) -> ak.Array:
    """The column `constituents`: float32, in falling pt; charge and pdg_id are 0 if unknown."""
    particles = particles[ak.argsort(particles.pt, ascending=False, stable=True)]
    zero = ak.zeros_like(particles.pt)
    columns = {name: particles[name] for name in ("pt", "eta", "phi", "mass")}
    columns["charge"] = particles["charge"] if "charge" in particles.fields else zero
    typed = {name: ak.values_astype(values, np.float32) for name, values in columns.items()}
    pdg_id = particles["pdg_id"] if "pdg_id" in particles.fields else zero
    return ak.zip({**typed, "pdg_id": ak.values_astype(pdg_id, np.int32)})


def jet_scalars(particles: ak.Array) -> ak.Array:
    """pt and mass (GeV) of the sum of the constituents of each jet, and their number."""
    px, py = particles.pt * np.cos(particles.phi), particles.pt * np.sin(particles.phi)
    pz = particles.pt * np.sinh(particles.eta)
    e = np.sqrt(particles.pt**2 + pz**2 + particles.mass**2)
    total = [np.asarray(ak.to_numpy(ak.sum(part, axis=1)), np.float64) for part in (e, px, py, pz)]
    squared = total[0] ** 2 - total[1] ** 2 - total[2] ** 2 - total[3] ** 2
    number = ak.num(particles.pt)
    return scalars(
        {
            "pt": np.hypot(total[1], total[2]),
            "mass": np.sqrt(np.maximum(squared, 0.0)),
            "n_constituents": number,
        }
    )
