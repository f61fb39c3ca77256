"""The tracker: field, bremsstrahlung and conversions on the way to the calorimeters, and reconstructed tracks.

A particle moves from layer to layer on its helix. In a layer electrons radiate and photons convert, by the formulas of
complete screening (Particle Data Group, "Passage of particles through matter", Rev. Part. Phys. 2022, eq. 34.29 and
34.33). Not simulated: multiple scattering, nuclear interactions, energy loss by ionisation, decays in flight, and that
heavy particles are slower than light. The energy of particles that curl in the field (pt below 0.74 GeV in the barrel)
is lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import awkward as ak
import numpy as np

from benchmark.core.compiled import compiled
from tasks.detector.geometry import BARREL_ETA, FIELD, HALF_LENGTH, RADIUS
from tasks.detector.muons import MuonResponse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LAYERS = np.array([0.04, 0.07, 0.10, 0.26, 0.34, 0.42, 0.50, 0.61, 0.70, 0.78, 0.87, 0.97, 1.08, 1.15]) / RADIUS
"""Positions of the material, as fractions of the way to the ECAL: three pixel layers, ten strip layers (TDR 8.1,
figure 3.1) and the wall of the tracker."""
SHARES = np.array([0.6, 0.8, 0.8, 1.0, 1.0, 1.0, 1.0, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.2]) / 14.0
"""Fraction of the material in each layer; a guess that follows figure 3.3 of JINST 3 (2008) S08004."""
BUDGET_ETA = np.array([0.0, 0.6, 0.9, 1.1, 1.3, 1.479, 1.6, 2.0, 2.5, 3.0])
BUDGET = np.array([0.40, 0.48, 0.65, 0.93, 1.33, 1.60, 1.65, 1.30, 1.10, 1.00])
"""Radiation lengths in front of the ECAL by abs(eta): JINST 3 (2008) S08004, figure 3.3, read by eye."""

SOFTEST = 0.03
"""GeV. Softer electrons and photons are dropped. Softer radiation is not simulated: its energy stays with the
electron."""

BARREL_HALF = RADIUS * np.sinh(BARREL_ETA)  # metres: abs(z) of the edge of the barrel
_CURVE = 0.299792458 * FIELD  # GeV per metre

# Columns of the state of a particle: position (m), direction, transverse and longitudinal momentum (GeV), charge, path
X, Y, Z, PHI, PT, PZ, CHARGE, PATH = range(8)
STATE = 8
STACK = 1024
"""Largest number of electrons and photons of one cascade; more would be dropped. 1 TeV makes 200."""


class Stack(NamedTuple):
    """The electrons and photons of a cascade that are still to be moved: a workspace.

    Attributes
    ----------
    states : (STACK, 8)
    layer : (STACK,) the next layer of each
    material : factor on the radiation lengths of the layers
    """

    states: Floats
    layer: NDArray[np.int64]
    material: float


def new_stack(material: float = 1.0) -> Stack:
    """An empty stack."""
    return Stack(np.zeros((STACK, STATE)), np.zeros(STACK, np.int64), material)


@compiled
def step(state: Floats, radius: float, half: float, plane: float, middle: float) -> bool:
    """Move a particle to a cylinder, or to abs(z) = `plane` if it crosses the cylinder beyond abs(z) = `half`.

    Lengths are in metres, z is relative to `middle`. Returns False for a particle that curls and does not arrive.
    """
    x, y, phi, pt = state[X], state[Y], state[PHI], state[PT]
    slope = state[PZ] / pt
    curvature = -_CURVE * state[CHARGE] / pt  # of the direction in phi, a metre of transverse path
    away = 1e30
    if curvature == 0.0:
        along = x * np.cos(phi) + y * np.sin(phi)
        inside = along * along + radius * radius - x * x - y * y
        if inside >= 0.0:
            away = np.sqrt(inside) - along
    else:
        # on a circle about c: r^2 = c^2 + 1/k^2 + 2 c/k sin(phi - beta)
        cx, cy = x - np.sin(phi) / curvature, y + np.cos(phi) / curvature
        centre = np.hypot(cx, cy)
        sine = curvature * (radius * radius - centre * centre - 1.0 / (curvature * curvature)) / (2.0 * centre)
        if abs(sine) <= 1.0:
            now = phi - np.arctan2(cy, cx)
            now -= 2.0 * np.pi * np.rint(now / (2.0 * np.pi))
            away = (np.arcsin(sine) - now) / curvature
    if away < 0.0 or away > 1e29 or abs(state[Z] + slope * away - middle) > half:
        if abs(slope) < 1e-9:
            return False
        away = (middle + np.sign(slope) * plane - state[Z]) / slope
        if away < 0.0 or abs(curvature * away) > np.pi:
            return False
    if curvature == 0.0:
        state[X] += away * np.cos(phi)
        state[Y] += away * np.sin(phi)
    else:
        turned = phi + curvature * away
        state[X] += (np.sin(turned) - np.sin(phi)) / curvature
        state[Y] -= (np.cos(turned) - np.cos(phi)) / curvature
        state[PHI] = turned
    state[Z] += slope * away
    state[PATH] += away * np.sqrt(1.0 + slope * slope)
    return True


@compiled
def to_calorimeter(state: Floats) -> bool:
    """Move a particle to the front faces of the ECAL; False if it does not arrive."""
    return step(state, RADIUS, BARREL_HALF, HALF_LENGTH, 0.0)


@compiled
def cascade(first: Floats, rng: np.random.Generator, stack: Stack, arrived: Floats) -> int:
    """Simulate the electrons and photons that one of them becomes in the tracker, up to the faces of the ECAL.

    Parameters
    ----------
    first : (8,) state of the electron or photon, on the beam line
    stack : workspace
    arrived : (STACK, 8) filled with the states at the ECAL, with charge 0 (photons) or +-1

    Returns
    -------
    Number of rows of `arrived` that are filled.
    """
    stack.states[0], stack.layer[0] = first, 0
    waiting, done = 1, 0
    while waiting > 0:
        waiting -= 1
        particle = stack.states[waiting].copy()
        left, waiting = _through(particle, stack.layer[waiting], first[Z], rng, stack, waiting)
        if left and done < STACK and to_calorimeter(particle):
            arrived[done] = particle
            done += 1
    return done


@compiled
def _through(
    particle: Floats, next_layer: int, vertex: float, rng: np.random.Generator, stack: Stack, waiting: int
) -> tuple[bool, int]:
    """Move a particle through the remaining layers; returns whether it survives, and the new size of the stack."""
    for k in range(next_layer, len(LAYERS)):
        scale = LAYERS[k]
        # The layers have the shape of the ECAL, scaled towards the vertex. Scaled towards the centre of the detector,
        # the first layers would not contain a vertex at 10 cm.
        if not step(particle, scale * RADIUS, scale * BARREL_HALF, scale * HALF_LENGTH, (1.0 - scale) * vertex):
            return False, waiting
        eta = abs(np.arcsinh(particle[PZ] / particle[PT]))
        depth = stack.material * SHARES[k] * np.interp(eta, BUDGET_ETA, BUDGET)
        if particle[CHARGE] != 0.0:
            waiting = _radiate(particle, depth, k + 1, rng, stack, waiting)
        elif rng.random() < 1.0 - np.exp(-7.0 / 9.0 * depth):
            return False, _convert(particle, k + 1, rng, stack, waiting)
        if np.hypot(particle[PT], particle[PZ]) <= SOFTEST:
            return False, waiting
    return True, waiting


@compiled
def _convert(photon: Floats, next_layer: int, rng: np.random.Generator, stack: Stack, waiting: int) -> int:
    """Put the electron pair of a photon on the stack; returns the new size of the stack."""
    share = pair_share(rng)
    for charge, part in ((1.0, share), (-1.0, 1.0 - share)):
        if waiting < STACK:
            stack.states[waiting] = photon
            stack.states[waiting, CHARGE] = charge
            stack.states[waiting, PT] *= part
            stack.states[waiting, PZ] *= part
            stack.layer[waiting] = next_layer
            waiting += 1
    return waiting


@compiled
def _radiate(
    electron: Floats, depth: float, next_layer: int, rng: np.random.Generator, stack: Stack, waiting: int
) -> int:
    """Put the photons that an electron radiates in `depth` radiation lengths on the stack; returns its new size."""
    least = SOFTEST / np.hypot(electron[PT], electron[PZ])
    if least >= 1.0:
        return waiting
    for _ in range(rng.poisson(-4.0 / 3.0 * np.log(least) * depth)):
        # dN/dy = (4/3 - 4/3 y + y^2) / y, from 1/y by rejection
        share = least ** rng.random()
        if rng.random() < 1.0 - share + 0.75 * share * share and waiting < STACK:
            share = min(share, 0.999)
            stack.states[waiting] = electron
            stack.states[waiting, CHARGE] = 0.0
            stack.states[waiting, PT] *= share
            stack.states[waiting, PZ] *= share
            stack.layer[waiting] = next_layer
            waiting += 1
            electron[PT] *= 1.0 - share
            electron[PZ] *= 1.0 - share
    return waiting


@compiled
def pair_share(rng: np.random.Generator) -> float:
    """Draw the fraction x of a photon's energy that the positron gets, from 1 - 4/3 x (1 - x)."""
    while True:
        share = rng.random()
        if rng.random() < 1.0 - 4.0 / 3.0 * share * (1.0 - share):
            return share


TRACK_PT_MIN = 0.5
"""GeV. Softer tracks are rarely reconstructed."""
TRACK_ETA_MAX = 2.5
CHARGED = (11, 13, 211, 321, 2212)
EFFICIENCY = {11: 0.90, 13: 0.99, 211: 0.92, 321: 0.92, 2212: 0.92}
"""Efficiency of high-purity tracks: muons 99%, pions 90 to 94% because of nuclear interactions (JINST 9 (2014) P10009);
90% for electrons is a guess."""


def reconstruct_tracks(particles: ak.Array, rng: np.random.Generator) -> ak.Array:
    """Tracks of the charged particles of `tasks.detector.particles.final`, in their order.

    Returns lists of {pt, eta, phi} float32. There are no fake tracks, and all tracks have the resolution of muons
    (`MuonResponse`), which is a little too good for hadrons.
    """
    size = abs(particles.pdg_id)
    charged = particles[(size == 11) | (size == 13) | (size == 211) | (size == 321) | (size == 2212)]
    charged = charged[(abs(charged.eta) < TRACK_ETA_MAX) & (charged.pt > 0.5 * TRACK_PT_MIN)]
    counts = ak.num(charged.pt)
    flat: dict[str, NDArray[np.float64]] = {
        name: np.asarray(ak.flatten(charged[name])) for name in ("pt", "eta", "phi", "pdg_id")
    }
    codes = np.array(CHARGED)
    chance = np.array([EFFICIENCY[code] for code in CHARGED])[np.searchsorted(codes, np.abs(flat["pdg_id"]))]
    pt, eta, phi = MuonResponse().smear(flat["pt"], flat["eta"], flat["phi"], rng)
    found = (rng.random(len(pt)) < chance) & (pt > TRACK_PT_MIN) & (np.abs(eta) < TRACK_ETA_MAX)
    columns = {name: values.astype(np.float32) for name, values in (("pt", pt), ("eta", eta), ("phi", phi))}
    return ak.unflatten(ak.zip(columns), counts)[ak.unflatten(found, counts)]
