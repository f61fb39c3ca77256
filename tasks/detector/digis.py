"""The ten samples of the pulse of a crystal that CMS reads out ("digis"), 25 ns apart.

A pulse of amplitude A with its peak at the time t has the shape

    A f(x) = A (1 + x / (alpha beta))^alpha exp(-x / beta),    x = time - t,    0 before x = -alpha beta,

(Eur. Phys. J. C 46 S1 (2006) 23). Energy and time of a hit include noise already, so the samples are such that a
least-squares fit of f returns them: the pulse, and noise of each sample without its component along f and df/dx.
Each sample is then rounded to the counts of the converter. Simplifications: the noise of samples is uncorrelated and as
large as that of the crystal; there are no pulses of earlier bunch crossings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import awkward as ak
import numpy as np

from tasks.detector.readout import BARREL_NOISE, ENDCAP_NOISE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

SAMPLES, SPACING = 10, 25.0
"""Number of samples, and ns from one to the next."""
PEAK = 5
"""The sample at the peak of a particle with the speed of light; the first three come before any pulse (TDR 8.1)."""
FIELDS = tuple(f"sample{k}" for k in range(SAMPLES))
GAINS = (1.0, 2.0, 12.0)
COUNTS = 3_900
"""Largest number of counts. A sample is measured in units of 1, 2 or 12 counts, the finest that can represent it. (The
converter has 12 bits, of which 200 counts are the pedestal, and amplifies by 12, 6 or 1: TDR 8.1.)"""


class Channel(NamedTuple):
    """Shape of a pulse (beta in ns), noise of one sample and least count, GeV."""

    alpha: float
    beta: float
    noise: float
    least_count: float


# Shapes as CMS fits them (alpha, and beta in units of 25 ns: 1.138 and 1.655; 1.890 and 1.400); counts of TDR 8.1.
BARREL = Channel(1.138, 1.655 * SPACING, BARREL_NOISE, 0.035)
ENDCAP = Channel(1.890, 1.400 * SPACING, ENDCAP_NOISE, 0.060)


def with_samples(hits: ak.Array, channel: Channel, rng: np.random.Generator) -> ak.Array:
    """Add the fields `sample0` to `sample9` to lists of hits {energy, time, ...}: float32, GeV above the pedestal."""
    energy, time = (ak.to_numpy(ak.flatten(hits[name])).astype(np.float64) for name in ("energy", "time"))
    # each field contiguous, as Arrow needs it
    found = np.ascontiguousarray(samples(energy, time, channel, rng).astype(np.float32).T)
    counts = ak.num(hits.energy)
    for k, name in enumerate(FIELDS):
        hits = ak.with_field(hits, ak.unflatten(found[k], counts), name)
    return hits


def samples(energy: Floats, time: Floats, channel: Channel, rng: np.random.Generator) -> Floats:
    """Draw the samples of hits, (hits, 10) GeV, from their energies (GeV) and times (ns), (hits,) each."""
    x = SPACING * (np.arange(SAMPLES) - PEAK) - time[:, np.newaxis]
    value, slope = pulse(x, channel), derivative(x, channel)
    noise = channel.noise * rng.standard_normal(x.shape)
    first = _unit(value)
    second = _unit(slope - _along(slope, first))
    noise = noise - _along(noise, first) - _along(noise, second)
    return _counted(energy[:, np.newaxis] * value + noise, channel)


def pulse(x: Floats, channel: Channel) -> Floats:
    """f(x), 1 at its peak; x in ns after the peak."""
    rise = np.maximum(1.0 + x / (channel.alpha * channel.beta), 0.0)
    return np.asarray(rise**channel.alpha * np.exp(-x / channel.beta))


def derivative(x: Floats, channel: Channel) -> Floats:
    """df/dx, per ns: f(x) (1 / (beta + x / alpha) - 1 / beta)."""
    begun = x > -channel.alpha * channel.beta
    inverse = np.divide(1.0, channel.beta + x / channel.alpha, out=np.zeros_like(x), where=begun)
    return np.where(begun, pulse(x, channel) * (inverse - 1.0 / channel.beta), 0.0)


def _unit(vectors: Floats) -> Floats:
    """Normalise each row to length 1; rows of zeros (pulses outside the ten samples) stay zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0))


def _along(vectors: Floats, unit: Floats) -> Floats:
    return np.asarray((vectors * unit).sum(axis=1, keepdims=True) * unit)


def _counted(values: Floats, channel: Channel) -> Floats:
    """Round to whole counts of the finest gain that can represent the values; the coarsest gain saturates."""
    gain = np.select([values < COUNTS * channel.least_count * step for step in GAINS], GAINS, GAINS[-1])
    unit = gain * channel.least_count
    return np.asarray(np.clip(np.rint(values / unit), -200, COUNTS) * unit)
