"""The contract of a model: fit on samples, predict class probabilities, save and load."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmark.core.plugin import Plugin

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from representations.samples import Samples


Report = Callable[[str, float, float], None]


def silent(stage: str, done: float, total: float) -> None:
    """Ignore a progress report: the default of `Context.report`."""


@dataclass(frozen=True)
class Context:
    """Where and how a model runs: no hyperparameter, and no part of a saved model.

    Parameters
    ----------
    device : "cpu", "cuda" or one GPU as "cuda:1".
    seed : of all random numbers of the fit; the same seed gives the same model.
    report : called as report(stage, done, total), as often as the model likes.
    checkpoint : a file in which a long training may store its state, to continue from there after a kill. The caller
        deletes the checkpoint after the result is stored.
    sharing : number of cells that share the device, this one included.
    """

    device: str = "cpu"
    seed: int = 0
    report: Report = silent
    checkpoint: Path | None = None
    sharing: int = 1


@dataclass(kw_only=True)
class Model(Plugin, ABC):
    """The contract of a model.

    Subclass it as a dataclass whose fields are the hyperparameters. `models/inputs.py` arranges samples of any kind as
    a table, a sequence, pictures and so on. The same `context.seed` must give the same model.
    """

    def accept(self, samples: Samples) -> None:
        """Raise Skip for samples of a kind that the model cannot learn from.

        `--dry-run` calls it with samples of few or no events. `fit` raises Skip as well.
        """

    @abstractmethod
    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        """Learn from `train`; `valid` is only for early stopping."""

    @abstractmethod
    def predict_proba(self, samples: Samples) -> NDArray[np.float32]:
        """Class probabilities, shape (events, classes), rows summing to 1."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the fitted model to an existing folder, as data (no pickle)."""

    @abstractmethod
    def load(self, folder: Path, context: Context) -> None:
        """Read what `save` wrote, onto `context.device`; the scores are the same to 1e-6."""

    def parameters_count(self) -> int | None:
        """Number of fitted parameters (weights of a network, leaves of trees), or None if unknown."""
        return None

    def details(self) -> dict[str, float]:
        """Numbers about the fit to record with the result, such as the best epoch."""
        return {}
