"""The contract of a metric, and what it is given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

CONFIDENCE = 0.95
"""Two-sided confidence of every interval unless told otherwise."""


@dataclass(frozen=True)
class Estimate:
    """A number with its interval. An undefined value is None, with the reason; its bounds may still be known."""

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Scored:
    """The test events of one cell.

    labels (n,) int, 0 the signal · scores (n, classes) probabilities · weights (n,) or None for 1 each ·
    classes: names, signal first · mass (n,) GeV where the task has one.
    """

    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    classes: tuple[str, ...]
    weights: NDArray[np.float64] | None = None
    mass: NDArray[np.float64] | None = None


class Metric(ABC):
    """One family of scores. Subclass with a literal `name` and a docstring whose first line says what it is."""

    name: ClassVar[str]
    higher_is_better: ClassVar[bool] = True

    @abstractmethod
    def __call__(self, scored: Scored, confidence: float = CONFIDENCE) -> dict[str, Estimate]:
        """The estimates by name, such as ``{"auc": ..., "auc_ttbar_vs_wjets": ...}``."""
