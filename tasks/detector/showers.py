"""Showers in ECAL and HCAL, as spots of energy that are added to cells.

Electromagnetic showers follow G. Grindhammer and S. Peters, "The parameterized simulation of electromagnetic showers in
homogeneous and sampling calorimeters" (hep-ex/0001020), for a homogeneous calorimeter of lead tungstate: length and
shape fluctuate together (equations 9 to 15), spots lie around the axis as a core and a tail (equations 22 to 27). A
photon converts after an exponential depth of 9/7 radiation lengths, and showers as its two electrons. Hadronic showers
are simpler; their sources are given with the constants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from benchmark.core.compiled import compiled
from tasks.detector.cells import crystal, put, tower
from tasks.detector.geometry import BARREL, CRYSTAL, ENDCAP_PITCH, RADIUS
from tasks.detector.tracker import BARREL_HALF, CHARGE, PATH, PHI, PT, PZ, X, Y, Z, pair_share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tasks.detector.cells import Workspace

    Floats = NDArray[np.float64]
    Entry = tuple[bool, bool, float, float, float, float, float, float, float, float, float]

# Lead tungstate (Particle Data Group; Z as hep-ex/0001020 averages it)
X0, MOLIERE, CRITICAL, ATOMIC = 0.0089, 0.022, 9.64e-3, 68.4
LENGTH = 25.8
"""Radiation lengths of a barrel crystal (23 cm)."""
TILT = np.tan(np.radians(3.0))
"""Barrel crystals point three degrees past the centre of the detector (TDR 8.1, section 4.1)."""
FOCUS = 1.3
"""Metres beyond the centre of the detector: where the endcap crystals point (JINST 3 (2008) S08004, section 4.2)."""
LIGHT = 0.299792458  # metres a nanosecond

INTERACTION = 1.1
"""Nuclear interaction lengths of a crystal (TDR 8.1)."""
HADRON_STOCHASTIC, HADRON_CONSTANT = 1.0, 0.05
"""Resolution of single hadrons in ECAL and HCAL together, 100%/sqrt(E) + 5% (JINST 3 (2008) S08004, section 5)."""
EARLY = (1.2, 1.8)
"""Beta distribution of the fraction of energy in the ECAL of hadrons that shower there, 40% on average: a guess."""
ECAL_SPREAD, HCAL_SPREAD = 0.03, 0.07
"""Metres: radius that contains half of a hadronic shower; guesses, a third of an interaction length."""
HCAL_RADIUS, HCAL_PLANE = 1.9, 4.0
"""Metres: distance of the HCAL towers from the beam and in z, for spots off the axis of a shower."""
MUON_ECAL, MUON_HCAL = 0.25, 2.0
"""GeV: most probable energy loss of a muon in 23 cm of lead tungstate, and as measured in the HCAL (JINST 3 S08004)."""

_BARREL_CELL = RADIUS * CRYSTAL  # metres, in both directions


@compiled
def entry(state: Floats) -> Entry:
    """Position and direction of a particle that enters the ECAL.

    Returns (barrel, positive z, row, column, rows per metre, columns per metre, slope along rows, slope along columns,
    eta, phi, arrival in ns after light from the centre). Rows and columns are fractional. The slopes are relative to
    the axis of the crystal, in metres per metre of depth.
    """
    x, y, z = state[X], state[Y], state[Z]
    radius, distance = np.hypot(x, y), np.sqrt(x * x + y * y + z * z)
    eta, phi = np.arcsinh(z / radius), np.arctan2(y, x)
    late = (state[PATH] - distance) / LIGHT
    p = np.hypot(state[PT], state[PZ])
    ux, uy, uz = state[PT] / p * np.cos(state[PHI]), state[PT] / p * np.sin(state[PHI]), state[PZ] / p
    positive = z > 0.0
    if abs(z) <= BARREL_HALF * 1.0001:
        cos, sin = radius / distance, z / distance  # of the angle from the transverse plane
        cp, sp = x / radius, y / radius
        forward = ux * cos * cp + uy * cos * sp + uz * sin
        in_eta = (-ux * sin * cp - uy * sin * sp + uz * cos) / forward
        in_phi = (-ux * sp + uy * cp) / forward
        row = eta / CRYSTAL + BARREL[0] / 2
        column = (phi + np.pi) / (2.0 * np.pi) * BARREL[1]
        rate = 1.0 / _BARREL_CELL
        return True, positive, row, column, rate, rate, in_eta + np.sign(eta) * TILT, in_phi + TILT, eta, phi, late
    depth = abs(z) + FOCUS
    row, column = y / ENDCAP_PITCH + 50.0, x / ENDCAP_PITCH + 50.0
    rate = 1.0 / ENDCAP_PITCH
    return False, positive, row, column, rate, rate, uy / abs(uz) - y / depth, ux / abs(uz) - x / depth, eta, phi, late


@compiled
def electromagnetic(state: Floats, cells: Workspace, rng: np.random.Generator) -> None:
    """Add the shower of an electron or photon, given its state at the ECAL."""
    energy = np.hypot(state[PT], state[PZ])
    place = entry(state)
    if state[CHARGE] != 0.0:
        _shower(energy, 0.0, place, cells, rng)
        return
    start = rng.standard_exponential() * 9.0 / 7.0
    share = pair_share(rng)
    _shower(energy * share, start, place, cells, rng)
    _shower(energy * (1.0 - share), start, place, cells, rng)


@compiled
def _shower(energy: float, start: float, place: Entry, cells: Workspace, rng: np.random.Generator) -> None:
    """Add the shower of one electron that starts `start` radiation lengths behind the front face."""
    barrel, positive, row, column, rows, columns, in_row, in_column, eta, phi, late = place
    # The parametrisation of fluctuations is not valid below 0.1 GeV: the shape stays that of 0.1 GeV.
    scale = np.log(max(energy, 0.1) / CRITICAL)
    log_energy = np.log(max(energy, 0.1))
    spread_t, spread_a = 1.0 / (-1.4 + 1.26 * scale), 1.0 / (-0.58 + 0.86 * scale)
    rho = 0.705 - 0.023 * scale
    first, second = rng.standard_normal(), rng.standard_normal()
    even, odd = np.sqrt((1.0 + rho) / 2.0), np.sqrt((1.0 - rho) / 2.0)
    # equations 9 to 13: logarithms of depth and shape, correlated
    deepest = np.exp(np.log(max(scale - 0.812, 0.5)) + spread_t * (even * first + odd * second))
    shape = np.exp(np.log(0.81 + (0.458 + 2.26 / ATOMIC) * scale) + spread_a * (even * first - odd * second))
    shape = max(shape, 1.05)
    stretch = deepest / (shape - 1.0)
    # radii of spots, equations 22 to 27, as functions of depth over the depth of the maximum
    core0, core1 = 0.0251 + 0.00319 * log_energy, 0.1162 - 0.000381 * ATOMIC
    tail0, tail1 = 0.659 - 0.00309 * ATOMIC, 0.3585 + 0.0421 * log_energy
    peak, width = 0.401 + 0.00187 * ATOMIC, 1.313 - 0.0686 * log_energy
    spots = max(1, int(93.0 * np.log(ATOMIC) * energy**0.876))  # equation 36
    part = energy / spots
    for _ in range(spots):
        depth = rng.standard_gamma(shape) * stretch
        tau = depth / deepest
        depth += start
        if depth > LENGTH:
            behind = tower(eta, phi)
            if behind >= 0:
                put(cells, behind, part, late)
            continue
        bend = (peak - tau) / width
        in_core = (2.632 - 0.00094 * ATOMIC) * np.exp(bend - np.exp(bend))
        if rng.random() < in_core:
            size = core0 + core1 * tau
        else:
            size = tail0 * (np.exp(-2.59 * (tau - 0.645)) + np.exp(tail1 * (tau - 0.645)))
        u = rng.random()
        radius = size * MOLIERE * np.sqrt(u / (1.0 - u))
        angle = 2.0 * np.pi * rng.random()
        metres = depth * X0
        cell = crystal(
            barrel,
            positive,
            row + (radius * np.cos(angle) + metres * in_row) * rows,
            column + (radius * np.sin(angle) + metres * in_column) * columns,
        )
        if cell >= 0:
            put(cells, cell, part, late)


@compiled
def hadronic(state: Floats, kinetic: float, charged: bool, cells: Workspace, rng: np.random.Generator) -> None:
    """Add the shower of a hadron of this kinetic energy (GeV) in ECAL and HCAL."""
    place = entry(state)
    relative = np.hypot(HADRON_STOCHASTIC / np.sqrt(max(kinetic, 0.1)), HADRON_CONSTANT)
    # Gamma, not normal: at low energy the width is as large as the energy, and a normal distribution without its
    # negative part would have a higher mean (by 8% at 1 GeV, by half at 0.2 GeV).
    seen = kinetic * relative * relative * rng.standard_gamma(1.0 / (relative * relative))
    early = 0.0
    if rng.random() < 1.0 - np.exp(-INTERACTION):
        head = rng.standard_gamma(EARLY[0])
        early = seen * head / (head + rng.standard_gamma(EARLY[1]))
        _cloud(early, ECAL_SPREAD, place, True, cells, rng)
    elif charged:
        early = min(_ionised(MUON_ECAL, rng), seen)
        _track(early, place, cells)
    _cloud(seen - early, HCAL_SPREAD, place, False, cells, rng)


@compiled
def minimum_ionising(state: Floats, cells: Workspace, rng: np.random.Generator) -> None:
    """Add the energy that a muon deposits in ECAL and HCAL."""
    place = entry(state)
    energy = np.hypot(state[PT], state[PZ])
    _track(min(_ionised(MUON_ECAL, rng), energy), place, cells)
    cell = tower(place[8], place[9])
    if cell >= 0:
        put(cells, cell, min(_ionised(MUON_HCAL, rng), energy), place[10])


@compiled
def _ionised(probable: float, rng: np.random.Generator) -> float:
    """Draw the energy lost by ionisation: Moyal's approximation of a Landau distribution, 10% wide (a guess)."""
    lost: float = probable * (1.0 + 0.1 * -np.log(rng.standard_normal() ** 2 + 1e-12))
    return lost


@compiled
def _track(energy: float, place: Entry, cells: Workspace) -> None:
    """Add the energy of a particle that crosses the ECAL without a shower, in five steps along its path."""
    barrel, positive, row, column, rows, columns, in_row, in_column, _, _, late = place
    for piece in range(5):
        metres = (piece + 0.5) / 5 * LENGTH * X0
        cell = crystal(barrel, positive, row + metres * in_row * rows, column + metres * in_column * columns)
        if cell >= 0:
            put(cells, cell, energy / 5, late)


@compiled
def _cloud(
    energy: float, spread: float, place: Entry, in_ecal: bool, cells: Workspace, rng: np.random.Generator
) -> None:
    """Add a hadronic shower as spots around its axis, in the ECAL or in the HCAL."""
    barrel, positive, row, column, rows, columns, in_row, in_column, eta, phi, late = place
    if energy <= 0.0:
        return
    spots = min(10 + int(5.0 * energy), 200)
    for _ in range(spots):
        u = rng.random()
        radius = spread * np.sqrt(u / (1.0 - u))
        angle = 2.0 * np.pi * rng.random()
        if in_ecal:
            metres = rng.random() * LENGTH * X0
            cell = crystal(
                barrel,
                positive,
                row + (radius * np.cos(angle) + metres * in_row) * rows,
                column + (radius * np.sin(angle) + metres * in_column) * columns,
            )
        else:
            aside, along = radius * np.cos(angle), radius * np.sin(angle)
            if barrel:
                cell = tower(eta + aside / HCAL_RADIUS, phi + along / HCAL_RADIUS)
            else:
                out = HCAL_PLANE / np.sinh(abs(eta))
                away = np.hypot(out + aside, along)
                cell = tower(np.sign(eta) * np.arcsinh(HCAL_PLANE / away), phi + np.arctan2(along, out + aside))
        if cell >= 0:
            put(cells, cell, energy / spots, late)
