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

    from benchmark.records.training import Training
    from representations.samples import Samples


Report = Callable[[str, float, float], None]


def silent(stage: str, done: float, total: float) -> None:
    """Ignore a progress report: the default of `Context.report`."""


def untimed(seconds: float) -> None:
    """Ignore a duration: the default of `Context.resumed`."""


@dataclass(frozen=True)
class Context:
    """Where and how a model runs; neither hyperparameters nor part of a saved model.

    Parameters
    ----------
    device : "cpu", "cuda", or one GPU such as "cuda:1".
    seed : seed of all random numbers of the fit.
    report : progress report, called as report(stage, done, total) at any time.
    checkpoint : a file in which a long training may store its state, to resume after a kill. The caller deletes the
        checkpoint after the result is stored.
    sharing : number of cells that share the device, this one included.
    resumed : called with the seconds of a training before a kill, when it resumes; they count as time of the fit.
    """

    device: str = "cpu"
    seed: int = 0
    report: Report = silent
    checkpoint: Path | None = None
    sharing: int = 1
    resumed: Callable[[float], None] = untimed


@dataclass(kw_only=True)
class Model(Plugin, ABC):
    """The contract of a model.

    Subclass it as a dataclass whose fields are the hyperparameters. `models/inputs.py` arranges samples of any kind as
    a table, a sequence, pictures and so on. The same `context.seed` must give the same model.
    """

    def accept(self, samples: Samples) -> None:
        """Raise Skip if the model cannot use such samples, as `fit` does.

        `--dry-run` calls it with samples of few or zero events.
        """

    @abstractmethod
    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        """Fit to `train`; `valid` is only for early stopping."""

    @abstractmethod
    def predict_proba(self, samples: Samples) -> NDArray[np.float32]:
        """Class probabilities (events, classes); each row sums to 1."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the fitted model to an existing folder, as data, not pickle."""

    @abstractmethod
    def load(self, folder: Path, context: Context) -> None:
        """Read a saved model onto `context.device`; its scores are the same to 1e-6."""

    def parameters_count(self) -> int | None:
        """Number of fitted parameters (weights of a network, leaves of trees), or None if unknown."""
        return None

    def training(self) -> Training | None:
        """The course of the training; None for a model that is not trained in steps."""
        return None

    def comparisons(self) -> int | None:
        """Comparisons with thresholds in the prediction of one event; None for a model that is no tree."""
        return None

    def details(self) -> dict[str, float]:
        """Numbers about the fit to record with the result, such as the best epoch."""
        return {}
