"""`TableModel`, the base class of classifiers with `fit(X, y)` and `predict_proba(X)` on a table."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from benchmark.core.errors import UserError
from benchmark.records.training import Training
from models.card import Card, ModelWithCard
from models.inputs import view_of
from models.training.batches import balanced_weights, mean_and_scale, whole
from models.training.loop import check_samples, deterministic

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from models.inputs import Shape
    from models.model import Context
    from representations.samples import Samples

TABLE = ("table",)


def shape_of(samples: Samples, model: str) -> Shape:
    """The shape of the table of these samples, with the names of its columns."""
    return view_of(TABLE, samples, model).shape(samples)


def table_of(samples: Samples, model: str, device: str = "cpu") -> NDArray[np.float32]:
    """The table (events, columns) of these samples, computed on a device. Raises UserError for NaN and infinities."""
    with deterministic(device):  # the order of sums on a GPU varies, and trees depend on the last bit
        (table,) = whole(view_of(TABLE, samples, model), samples.to(device))
    # XGBoost and others take NaN as "missing"; networks fail on it, so all models refuse it
    if table.numel() and not torch.isfinite(torch.stack(table.aminmax())).all():
        raise UserError(
            f"{model}: the samples hold NaN or infinities, expected finite numbers. Look at the representation."
        )
    array: NDArray[np.float32] = table.cpu().numpy()
    return array


def course_of(classifier: Any) -> Training | None:
    """What a fitted classifier says of its iterations, as those of scikit-learn do; None if it has none or no limit.

    It has no history, and counts as converged if it ended before its limit, `max_iter`.
    """
    done: Any = getattr(classifier, "n_iter_", None)
    cap: Any = getattr(classifier, "max_iter", None)
    try:
        epochs, most = int(np.max(done)), int(cap)
        return Training(epochs=epochs, best=epochs, cap=most, converged=epochs < most) if most > 0 else None
    except (TypeError, ValueError):
        return None


@dataclass(kw_only=True)
class TableModel(ModelWithCard, ABC):
    """A classifier on a table of pooled pixels, leading particles or graph moments, as a numpy array.

    Subclass as a dataclass whose fields are the hyperparameters, and write `classifier`. All classes have the same
    total weight if `fit` of the classifier takes `sample_weight`; validation events are not used.
    """

    standardise: ClassVar[bool] = True
    """Whether columns are scaled to mean 0 and deviation 1 on training events; constant columns become 0."""

    _moments: tuple[NDArray[np.float32], NDArray[np.float32]] | None = field(
        default=None, init=False, repr=False, compare=False
    )
    _classifier: Any = field(default=None, init=False, repr=False, compare=False)

    @abstractmethod
    def classifier(self, seed: int) -> Any:
        """A new classifier, with `fit(X, y)`, which may take `sample_weight`, and `predict_proba(X)`."""

    def accept(self, samples: Samples) -> None:
        """Raise Skip for samples without a table."""
        view_of(TABLE, samples, self.name)

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        """Fit a new classifier to `train`."""
        check_samples(self.name, train, valid)
        table, labels = table_of(train, self.name), train.labels.cpu().numpy()
        (moments,) = mean_and_scale([(torch.from_numpy(table),)]) if self.standardise else (None,)
        self._moments = moments and (moments[0].numpy(), moments[1].numpy())
        classifier = self.classifier(context.seed)
        weights = {"sample_weight": balanced_weights(train).cpu().numpy()}
        weighted = "sample_weight" in inspect.signature(classifier.fit).parameters
        classifier.fit(self._scaled(table), labels, **(weights if weighted else {}))
        self._context, self._classifier = context, classifier
        self._card = Card.of(self, train.classes, shape_of(train, self.name), training=course_of(classifier))

    def predict_proba(self, samples: Samples) -> NDArray[np.float32]:
        """Class probabilities (events, classes); 0 for a class without training events."""
        card = self._fitted()
        card.check(samples, shape_of(samples, self.name))
        scores = np.zeros((len(samples), len(card.classes)), np.float32)
        if len(samples):
            columns = getattr(self._classifier, "classes_", np.arange(len(card.classes)))
            table = self._scaled(table_of(samples, self.name))
            scores[:, np.asarray(columns, np.int64)] = self._classifier.predict_proba(table)
        return scores

    def _scaled(self, table: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._moments is None:
            return table
        mean, scale = self._moments
        return (table - mean) * scale

    def save(self, folder: Path) -> None:  # noqa: ARG002 - for those who override it
        """Raise UserError: a classifier has no general file format."""
        self._fitted()
        raise UserError(
            f"{self.name}: this classifier can't be saved, because it has no file format that holds only data. "
            "Write `save` and `load` (models/bdt.py is an example), or choose bdt or a network."
        )

    def load(self, folder: Path, context: Context) -> None:  # noqa: ARG002 - for those who override it
        """Raise UserError: a classifier has no general file format."""
        raise UserError(f"{self.name}: this classifier can't be loaded. Write `save` and `load`.")
