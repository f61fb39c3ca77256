"""Sums over the particles of each event, by numba: one pass, where NumPy would need an array a step and one of events.

Particles of event i lie at `offsets[i]:offsets[i + 1]`; they are summed up in this order.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def principal(phi, zero, angles):  # type: ignore[no-untyped-def]
    """Write phi - zero in [-pi, pi) to `angles`, as `particles.principal` has it, bit for bit.

    The remainder is slow, and angles that need one are rare: first a loop without, which can be vectorised.
    """
    beyond = False
    for i in range(len(phi)):
        turned = (phi[i] - zero) + math.pi
        beyond |= (turned < 0) | (turned >= 2 * math.pi)
        angles[i] = turned - math.pi
    if beyond:
        for i in range(len(phi)):
            angles[i] = ((phi[i] - zero) + math.pi) % (2 * math.pi) - math.pi


@njit(cache=True, nogil=True)
def hardest(offsets, pt, eta, phi):  # type: ignore[no-untyped-def]
    """eta and phi (2, events) of the particle of highest pt, the first of equal ones; 0 in an empty event."""
    found = np.zeros((2, len(offsets) - 1))
    for event in range(len(offsets) - 1):
        if offsets[event + 1] > offsets[event]:
            best = offsets[event]
            for i in range(offsets[event] + 1, offsets[event + 1]):
                best = i if pt[i] > pt[best] else best
            found[0, event], found[1, event] = eta[best], phi[best]
    return found


@njit(cache=True, nogil=True)
def centroid(offsets, pt, eta, phi):  # type: ignore[no-untyped-def]
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


@njit(cache=True, nogil=True)
def second(offsets, events, pt, eta, phi, centre):  # type: ignore[no-untyped-def]
    """Sums of pt x^2, pt y^2 and pt x y, (3, chosen), of some events about their centre.

    centre : eta and phi, (2, chosen).
    """
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


@njit(cache=True, nogil=True)
def along(offsets, events, pt, eta, phi, centre, cos, sin, power):  # type: ignore[no-untyped-def]
    """Sums of pt times a power of x cos + y sin, (chosen,), of some events about their centre."""
    found, y = np.zeros(len(events)), np.empty(_most(offsets))
    for k in range(len(events)):
        start, end = offsets[events[k]], offsets[events[k] + 1]
        principal(phi[start:end], centre[1, k], y)
        for i in range(end - start):
            found[k] += pt[start + i] * ((eta[start + i] - centre[0, k]) * cos[k] + y[i] * sin[k]) ** power
    return found


@njit(cache=True, nogil=True)
def _most(offsets):  # type: ignore[no-untyped-def]
    """Particles of the largest event."""
    most = 0
    for event in range(len(offsets) - 1):
        most = max(most, offsets[event + 1] - offsets[event])
    return most
