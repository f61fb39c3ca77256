"""The classes of dimuons: windows of the invariant mass of the two muons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOWS = ((2.94, 3.24), (3.65, 3.95), (6.46, 12.46), (83.69, 98.69))
"""Dimuon mass in GeV, both ends included: J/psi, psi(2S), Upsilon, Z (circle-images paper, table 1)."""

MASS_RANGE = (2.0, 110.0)
"""GeV, both ends excluded: the selection."""


def label_of(mass: NDArray[np.float64]) -> NDArray[np.int8]:
    """Index of the class of each mass (GeV): a window, or "none" outside all of them."""
    label = np.full(len(mass), len(WINDOWS), dtype=np.int8)
    for index, (low, high) in enumerate(WINDOWS):
        label[(mass >= low) & (mass <= high)] = index
    return label


def selected(mass: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each mass (GeV) is in the range of the task."""
    return (mass > MASS_RANGE[0]) & (mass < MASS_RANGE[1])
