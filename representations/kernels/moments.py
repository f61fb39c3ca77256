"""Sums over the particles of each event, compiled: one pass, where NumPy would need an array for each step.

Particles of event i lie at `offsets[i]:offsets[i + 1]` and are summed in this order.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from benchmark.core.compiled import compiled

if TYPE_CHECKING:
    from representations.kernels.arrays import Floats, Ints


class Chosen(NamedTuple):
    """Particles of all events, and some events with a centre each.

    offsets : (all events + 1,). events : (chosen,). pt, eta, phi : (particles,). centre : eta and phi, (2, chosen).
    """

    offsets: Ints
    events: Ints
    pt: Floats
    eta: Floats
    phi: Floats
    centre: Floats


@compiled
def principal(phi: Floats, zero: float, angles: Floats) -> None:
    """Write phi - zero in [-pi, pi) to `angles`, bit for bit as `particles.principal`.

    The remainder is slow and rarely needed. The first loop does without, so that it can be vectorised.
    """
    beyond = False
    for i in range(len(phi)):
        turned = (phi[i] - zero) + math.pi
        beyond |= (turned < 0) | (turned >= 2 * math.pi)
        angles[i] = turned - math.pi
    if beyond:
        for i in range(len(phi)):
            angles[i] = ((phi[i] - zero) + math.pi) % (2 * math.pi) - math.pi


@compiled
def hardest(offsets: Ints, pt: Floats, eta: Floats, phi: Floats) -> Floats:
    """eta and phi (2, events) of the particle of highest pt, the first of equal ones; 0 in an empty event."""
    found = np.zeros((2, len(offsets) - 1))
    for event in range(len(offsets) - 1):
        if offsets[event + 1] > offsets[event]:
            best = offsets[event]
            for i in range(offsets[event] + 1, offsets[event + 1]):
                best = i if pt[i] > pt[best] else best
            found[0, event], found[1, event] = eta[best], phi[best]
    return found


@compiled
def centroid(offsets: Ints, pt: Floats, eta: Floats, phi: Floats) -> Floats:
    """eta and phi (2, events) of all particles on average, weighted with pt; 0 in an empty event."""
    found, y = np.zeros((2, len(offsets) - 1)), np.empty(_most(offsets))
    for event in range(len(offsets) - 1):
        start, end = offsets[event], offsets[event + 1]
        if end > start:
            # phi is averaged from the first particle on, so that a jet on the seam stays whole
            principal(phi[start:end], phi[start], y)
            total = sum_eta = sum_phi = 0.0
            for i in range(start, end):
                weight = pt[i] + 1e-30  # so that pt 0 alone has a centre, too
                total += weight
                sum_eta += weight * eta[i]
                sum_phi += weight * y[i - start]
            found[0, event], found[1, event] = sum_eta / total, phi[start] + sum_phi / total
    return found


@compiled
def second(chosen: Chosen) -> Floats:
    """Sums of pt x^2, pt y^2 and pt x y, (3, chosen), about the centre."""
    offsets, events, pt, eta, phi, centre = chosen
    found, y = np.zeros((3, len(events))), np.empty(_most(offsets))
    for k in range(len(events)):
        start, end = offsets[events[k]], offsets[events[k] + 1]
        principal(phi[start:end], centre[1, k], y)
        for i in range(end - start):
            weight, x = pt[start + i], eta[start + i] - centre[0, k]
            found[0, k] += weight * (x * x)
            found[1, k] += weight * (y[i] * y[i])
            found[2, k] += weight * (x * y[i])
    return found


@compiled
def along(chosen: Chosen, cos: Floats, sin: Floats, power: int) -> Floats:
    """Sums of pt times a power of x cos + y sin, (chosen,), about the centre."""
    offsets, events, pt, eta, phi, centre = chosen
    found, y = np.zeros(len(events)), np.empty(_most(offsets))
    for k in range(len(events)):
        start, end = offsets[events[k]], offsets[events[k] + 1]
        principal(phi[start:end], centre[1, k], y)
        for i in range(end - start):
            found[k] += pt[start + i] * ((eta[start + i] - centre[0, k]) * cos[k] + y[i] * sin[k]) ** power
    return found


@compiled
def _most(offsets: Ints) -> int:
    """Particles of the largest event."""
    most = 0
    for event in range(len(offsets) - 1):
        most = max(most, offsets[event + 1] - offsets[event])
    return most
