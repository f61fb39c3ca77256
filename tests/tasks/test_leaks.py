"""What must not separate the classes does not: the true direction and momentum, alone and together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import awkward as ak
import numpy as np
import pytest
from xgboost import XGBClassifier

from tasks.detector.tracker import PHI, PT, PZ
from tasks.egamma.gun import gun
from tasks.wprime.wprime import FIELDS, WPrime

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDS = 5
pytestmark = pytest.mark.slow


def gun_truth(process: str, seed: int, count: int = 10_000) -> np.ndarray:
    """(pt, eta, phi) of the particles of the gun, (count, 3 for each particle of an event)."""
    states = gun(process, count, np.random.default_rng(seed)).states
    columns = np.stack([states[:, PT], np.arcsinh(states[:, PZ] / states[:, PT]), states[:, PHI]], axis=1)
    return columns.reshape(count, -1)


def jets(process: str, seed: int, count: int = 700) -> np.ndarray:
    """(pt, eta, phi) of jets of true particles, (count, 3)."""
    c = WPrime(multiparton=False).generate(process, "hadron", count, seed).constituents
    pt, eta, phi, _ = (ak.values_astype(c[name], np.float64) for name in FIELDS[:4])
    x, y, z = (ak.to_numpy(ak.sum(part, axis=1)) for part in (pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)))
    return np.stack([np.hypot(x, y), np.arcsinh(z / np.hypot(x, y)), np.arctan2(y, x)], axis=1)


def area(signal: np.ndarray, background: np.ndarray) -> float:
    """Mann and Whitney's statistic, ties counted half."""
    background = np.sort(background)
    below, above = (np.searchsorted(background, signal, side) for side in ("left", "right"))
    return float((below + above).mean() / 2 / len(background))


def boosted(signal: np.ndarray, background: np.ndarray) -> float:
    """AUC of boosted trees on all columns, each event scored by trees that were not trained on it."""
    x, y = np.concatenate([signal, background]), np.repeat([1, 0], [len(signal), len(background)])
    fold = np.random.default_rng(0).permutation(len(x)) % FOLDS
    scores = np.zeros(len(x))
    for part in range(FOLDS):
        model = XGBClassifier(n_estimators=60, max_depth=4, learning_rate=0.1, n_jobs=1)
        scores[fold == part] = model.fit(x[fold != part], y[fold != part]).predict_proba(x[fold == part])[:, 1]
    # folds are compared on one scale only if each has the same median
    return float(np.mean([area(scores[(fold == i) & (y == 1)], scores[(fold == i) & (y == 0)]) for i in range(FOLDS)]))


@pytest.mark.parametrize(
    ("truth", "processes"),
    [(gun_truth, ("electron", "photon")), (gun_truth, ("electron_pair", "photon_pair")), (jets, ("w", "qcd"))],
)
def test_pt_eta_and_phi_tell_nothing(truth: Callable[[str, int], np.ndarray], processes: tuple[str, str]):
    signal, background = (truth(process, seed) for seed, process in enumerate(processes, 1))
    error = 1 / np.sqrt(6 * len(signal))  # of an AUC of 0.5, with as many events in each class
    alone = [area(signal[:, i], background[:, i]) for i in range(signal.shape[1])]
    together = boosted(signal, background)
    print("AUC of pt, eta, phi:", np.round(alone, 4), "together:", round(together, 4), "+-", round(error, 4))
    assert alone == pytest.approx([0.5] * len(alone), abs=3 * error)
    assert together == pytest.approx(0.5, abs=3 * error)
