"""The tracker as particles meet it on the way to the calorimeters: field, bremsstrahlung, conversions.

A particle steps from layer to layer on its helix. In a layer electrons radiate and photons convert, by the formulas of
complete screening (Particle Data Group, "Passage of particles through matter", Rev. Part. Phys. 2022, eq. 34.29 and
34.33). Left out: multiple scattering, nuclear interactions, energy loss by ionisation, decays in flight, particles that
curl in the field (pt below 0.74 GeV in the barrel), whose energy is lost, and that heavy ones are slower than light.
"""

from __future__ import annotations

import numpy as np

from tasks.detector.compiled import compiled
from tasks.detector.geometry import BARREL_ETA, FIELD, HALF_LENGTH, RADIUS

LAYERS = np.array([0.04, 0.07, 0.10, 0.26, 0.34, 0.42, 0.50, 0.61, 0.70, 0.78, 0.87, 0.97, 1.08, 1.15]) / RADIUS
"""Where the material is, as a fraction of the way to the ECAL: three pixel and ten strip layers (TDR 8.1, figure 3.1),
and the tracker's wall."""
SHARES = np.array([0.6, 0.8, 0.8, 1.0, 1.0, 1.0, 1.0, 1.1, 1.1, 1.1, 1.1, 1.1, 1.1, 1.2]) / 14.0
"""Of all material, what each layer has; a guess that follows figure 3.3 of JINST 3 (2008) S08004."""
BUDGET_ETA = np.array([0.0, 0.6, 0.9, 1.1, 1.3, 1.479, 1.6, 2.0, 2.5, 3.0])
BUDGET = np.array([0.40, 0.48, 0.65, 0.93, 1.33, 1.60, 1.65, 1.30, 1.10, 1.00])
"""Radiation lengths in front of the ECAL by abs(eta): JINST 3 (2008) S08004, figure 3.3, read by eye."""

SOFTEST = 0.03
"""GeV; electrons and photons below this are dropped. Radiation as soft is not followed: its energy stays with the
electron."""

BARREL_HALF = RADIUS * np.sinh(BARREL_ETA)  # the barrel's last crystal; beyond it the endcaps
_CURVE = 0.299792458 * FIELD  # GeV per metre

# Columns of a particle's state
X, Y, Z, PHI, PT, PZ, CHARGE, PATH = range(8)
STATE = 8
STACK = 1024
"""Electrons and photons of one cascade that can be followed at a time; more would be dropped. 1 TeV makes 200."""


@compiled
def step(state, radius, half, plane, middle):  # type: ignore[no-untyped-def]
    """Move a particle to the cylinder of this radius, or to abs(z) = plane if it leaves the cylinder beyond `half`.

    Lengths in metres, z of both counted from `middle`. Returns whether it gets there; a particle that curls does not.
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
def to_calorimeter(state):  # type: ignore[no-untyped-def]
    """Move a particle to the front faces of the ECAL; False when it does not get there."""
    return step(state, RADIUS, BARREL_HALF, HALF_LENGTH, 0.0)


@compiled
def cascade(first, rng, stack, arrived):  # type: ignore[no-untyped-def]
    """Electrons and photons that one of them becomes in the tracker, at the faces of the ECAL.

    first : (8,) its state, on the beam line. stack, arrived : workspaces (STACK, 8). Returns how many rows of `arrived`
    are filled; its states have charge 0 (photons) or +-1.
    """
    stack[0] = first
    layer = np.zeros(STACK, np.int64)  # the next layer of each particle in the stack
    waiting, done = 1, 0
    while waiting > 0:
        waiting -= 1
        particle = stack[waiting].copy()
        left, waiting = _through(particle, layer[waiting], first[Z], rng, stack, layer, waiting)
        if left and done < STACK and to_calorimeter(particle):
            arrived[done] = particle
            done += 1
    return done


@compiled
def _through(particle, next_layer, vertex, rng, stack, layer, waiting):  # type: ignore[no-untyped-def]
    """Take a particle through the layers that are left; returns whether it is still there, and the stack's size."""
    for k in range(next_layer, len(LAYERS)):
        scale = LAYERS[k]
        # All layers have the ECAL's shape, made smaller towards the vertex, wherever on the beam line that is: with
        # the detector's centre instead, a vertex at 10 cm would lie outside the first ones.
        if not step(particle, scale * RADIUS, scale * BARREL_HALF, scale * HALF_LENGTH, (1.0 - scale) * vertex):
            return False, waiting
        eta = abs(np.arcsinh(particle[PZ] / particle[PT]))
        depth = SHARES[k] * np.interp(eta, BUDGET_ETA, BUDGET)
        if particle[CHARGE] != 0.0:
            waiting = _radiate(particle, depth, k + 1, rng, stack, layer, waiting)
        elif rng.random() < 1.0 - np.exp(-7.0 / 9.0 * depth):
            return False, _convert(particle, k + 1, rng, stack, layer, waiting)
        if np.hypot(particle[PT], particle[PZ]) <= SOFTEST:
            return False, waiting
    return True, waiting


@compiled
def _convert(photon, next_layer, rng, stack, layer, waiting):  # type: ignore[no-untyped-def]
    """The electron pair of a photon, onto the stack; returns its new size."""
    share = _pair_share(rng)
    for charge, part in ((1.0, share), (-1.0, 1.0 - share)):
        if waiting < STACK:
            stack[waiting] = photon
            stack[waiting, CHARGE] = charge
            stack[waiting, PT] *= part
            stack[waiting, PZ] *= part
            layer[waiting] = next_layer
            waiting += 1
    return waiting


@compiled
def _radiate(electron, depth, next_layer, rng, stack, layer, waiting):  # type: ignore[no-untyped-def]
    """Bremsstrahlung photons of an electron in `depth` radiation lengths, onto the stack; returns its new size."""
    least = SOFTEST / np.hypot(electron[PT], electron[PZ])
    if least >= 1.0:
        return waiting
    for _ in range(rng.poisson(-4.0 / 3.0 * np.log(least) * depth)):
        # dN/dy = (4/3 - 4/3 y + y^2) / y, from 1/y by rejection
        share = least ** rng.random()
        if rng.random() < 1.0 - share + 0.75 * share * share and waiting < STACK:
            share = min(share, 0.999)
            stack[waiting] = electron
            stack[waiting, CHARGE] = 0.0
            stack[waiting, PT] *= share
            stack[waiting, PZ] *= share
            layer[waiting] = next_layer
            waiting += 1
            electron[PT] *= 1.0 - share
            electron[PZ] *= 1.0 - share
    return waiting


@compiled
def _pair_share(rng):  # type: ignore[no-untyped-def]
    """The share of a photon's energy that the positron gets: 1 - 4/3 x (1 - x)."""
    while True:
        share = rng.random()
        if rng.random() < 1.0 - 4.0 / 3.0 * share * (1.0 - share):
            return share
