"""The contract of a model: fit on samples, predict class probabilities, save and load."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmark.core.plugin import Plugin

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from representations.samples import Samples


def silent(stage: str, done: float, total: float) -> None:
    """Report to nobody."""


@dataclass
class Runtime:
    """Where and how a model runs: not a hyperparameter, and no part of what is saved.

    report(stage, done, total) may be called as often as one likes.
    checkpoint : a file that a training which takes long may keep what it has in, to go on from there after a kill.
        Whoever named it deletes it, once what came out is safe.
    batch : events shown at once where nothing is learned from them; less where memory turns out too small for it.
    abreast : cells that share the device, this one among them.
    """

    device: str = "cpu"
    seed: int = 0
    report: Callable[[str, float, float], None] = silent
    checkpoint: Path | None = None
    batch: int = 1024
    abreast: int = 1


@dataclass(kw_only=True)
class Model(Plugin, ABC):
    """A learner.

    Subclass as a dataclass whose fields are the hyperparameters. `models/inputs.py` shows any kind of samples as a
    table, a sequence or pictures. The same `runtime.seed` must give the same model.
    """

    runtime: Runtime = field(default_factory=Runtime, init=False, repr=False, compare=False)

    def accept(self, samples: Samples) -> None:
        """Raise Skip for samples of a kind that it can't learn from; there may be none of them at all.

        What `--dry-run` asks, and no more than that: `fit` raises Skip as well.
        """

    @abstractmethod
    def fit(self, train: Samples, valid: Samples) -> None:
        """Learn from `train`; `valid` is for early stopping alone."""

    @abstractmethod
    def predict_proba(self, samples: Samples) -> NDArray[np.float32]:
        """Class probabilities, shape (events, classes), rows summing to 1."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the fitted model to an existing folder, as data (no pickle)."""

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Read what `save` wrote, onto `runtime.device`; the scores are the same to 1e-6."""

    def parameters_count(self) -> int | None:
        """Number of fitted parameters (weights of a network, leaves of trees), or None when unknown."""
        return None

    def details(self) -> dict[str, float]:
        """What is worth recording of the fit, such as the best epoch."""
        return {}
