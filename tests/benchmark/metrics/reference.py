"""Slow and simple forms of the metrics, and scores to test them with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from benchmark.metrics.metric import Scored

if TYPE_CHECKING:
    from numpy.typing import NDArray


def delong(is_signal: NDArray[np.bool_], scores: NDArray[np.float64]) -> tuple[float, float]:
    """Area and variance by the definitions of DeLong et al. (1988), over all pairs."""
    x, y = scores[is_signal], scores[~is_signal]
    psi = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    s10, s01 = np.var(psi.mean(axis=1), ddof=1), np.var(psi.mean(axis=0), ddof=1)
    return float(psi.mean()), float(s10 / len(x) + s01 / len(y))


def delong_covariance(is_signal: NDArray[np.bool_], a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Covariance of two areas on the same events, by the definitions of DeLong et al. (1988)."""
    components = []
    for scores in (a, b):
        x, y = scores[is_signal], scores[~is_signal]
        psi = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
        components.append((psi.mean(axis=1), psi.mean(axis=0)))
    (a10, a01), (b10, b01) = components
    return float(np.cov(a10, b10)[0, 1] / len(a10) + np.cov(a01, b01)[0, 1] / len(a01))


def gaussians(
    rng: np.random.Generator, signal: int, background: int, distance: float
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Scores of unit width, those of the signal shifted by `distance`."""
    is_signal = np.arange(signal + background) < signal
    return is_signal, rng.normal(size=len(is_signal)) + distance * is_signal


def multiclass(seed: int = 1, events: int = 300, classes: tuple[str, ...] = ("ttbar", "wjets", "zjets")) -> Scored:
    """Probabilities with some separation, rounded so that there are ties, with weights and a mass."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(len(classes), size=events)
    logits = rng.normal(size=(events, len(classes))) + 1.2 * np.eye(len(classes))[labels]
    weights, mass = rng.uniform(0.2, 2, events), rng.uniform(90, 180, events)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Scored(labels, np.round(probabilities, 2), classes, weights, mass)


@st.composite
def samples(draw: st.DrawFn) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """(is_signal, scores with many ties, weights), with two events or more in each class."""
    events = draw(st.lists(st.tuples(st.booleans(), st.integers(-3, 3), st.integers(1, 5)), max_size=25))
    events += [(label, draw(st.integers(-3, 3)), 1) for label in (True, True, False, False)]
    is_signal, scores, weights = zip(*events, strict=True)
    return np.array(is_signal), np.array(scores, dtype=float), np.array(weights, dtype=float)
