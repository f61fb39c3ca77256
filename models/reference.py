"""Reference models, which run only if they are named: a constant, random scores, and a cut on one variable."""

from __future__ import annotations

from abc import ABC
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
import torch

from benchmark.core.errors import UserError, did_you_mean
from benchmark.core.hashing import splitmix64
from models.card import NO_INPUT, Card, ModelWithCard, read_tensors, write_tensors
from models.table_model import shape_of, table_of
from models.training.batches import balanced_weights
from models.training.loop import check_samples

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from models.model import Context
    from representations.samples import Samples

    Floats = NDArray[np.float64]

FILE = "model.safetensors"
_TYPES = {
    "column": torch.int64,
    "value": torch.float64,
    "sign": torch.int64,
    "scale": torch.float64,
    "auc": torch.float64,
}
"""The tensors of cuts: the fields of `Threshold`."""


@dataclass(kw_only=True)
class Reference(ModelWithCard, ABC):
    """A model whose fit only stores the classes and the seed."""

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        """Store the classes and the seed."""
        check_samples(self.name, train, valid)
        self._card = Card.of(self, train.classes, NO_INPUT, {"seed": float(context.seed)})

    def save(self, folder: Path) -> None:
        """Write `model.safetensors`: the card, and no tensors."""
        write_tensors(folder / FILE, {}, self._fitted())

    def load(self, folder: Path, context: Context) -> None:
        """Read a saved model."""
        _, self._card = read_tensors(folder / FILE, self, self._expected)
        self._context = context

    def _expected(self, card: Card, found: Mapping[str, Tensor]) -> Mapping[str, Tensor]:  # noqa: ARG002
        np.array([int(card.details["seed"])], np.uint64)  # raises if there is none
        return {}

    def parameters_count(self) -> int | None:
        """0, because nothing is fitted."""
        return 0 if self._card else None


@dataclass(kw_only=True)
class Constant(Reference):
    """The same probability for all classes and events; its AUC is 0.5.

    All scores are tied, which reveals a metric that depends on how ties are broken.
    """

    name = "constant"
    extra: ClassVar[bool] = True

    def predict_proba(self, samples: Samples) -> NDArray[np.float32]:
        """1 / number of classes, (events, classes)."""
        card = self._fitted()
        card.check(samples, NO_INPUT)
        return np.full((len(samples), len(card.classes)), 1 / len(card.classes), np.float32)


@dataclass(kw_only=True)
class Random(Reference):
    """Random probabilities for each event; its AUC is 0.5 within its interval.

    The probabilities are uniform among all that sum to 1. They depend only on the event id and the seed, so that the
    order of events and other events do not change them.
    """

    name = "random"
    extra: ClassVar[bool] = True

    def predict_proba(self, samples: Samples) -> NDArray[np.float32]:
        """Random class probabilities (events, classes)."""
        card = self._fitted()
        card.check(samples, NO_INPUT)
        classes = len(card.classes)
        key = splitmix64(np.array([int(card.details["seed"])], np.uint64))
        ids = samples.event_ids.cpu().numpy().astype(np.int64).view(np.uint64)
        word = np.asarray(splitmix64(ids + key)[:, None] + np.arange(classes, dtype=np.uint64), np.uint64)
        # the upper 53 bits are a number in (0, 1); exponential numbers divided by their sum are uniform spacings
        uniform = ((splitmix64(word) >> np.uint64(11)) + 0.5) / 2.0**53
        share = -np.log(uniform)
        return np.asarray(share / share.sum(axis=1, keepdims=True), np.float32)


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """The cut that selects a class: events with `sign * (column - value) > 0` pass.

    Parameters
    ----------
    column, value, sign : index of the column, threshold, and +1 or -1; sign 0 for a class without training events,
        which no event passes.
    scale : mean distance of the column's values from the threshold.
    auc : area under the ROC curve on training events; 0.5 for a class without any.
    """

    column: int
    value: float
    sign: int
    scale: float
    auc: float

    def probability(self, column: Floats) -> Floats:
        """Probabilities (events,): strictly monotonic in the column, 1/2 at the threshold; 0 if `sign` is 0."""
        if not self.sign:
            return np.zeros(len(column))
        distance = self.sign * (column - self.value) / self.scale
        return np.asarray(0.5 + 0.5 * distance / (1 + np.abs(distance)))


@dataclass(kw_only=True)
class Cut(Reference):
    """A cut on the best column of the table, which every other model should beat.

    For each class against the rest, it takes the column and direction with the largest area under the ROC curve on
    training events, and the threshold with the largest balanced accuracy. With `fourvectors[features=high]` the columns
    are the task's engineered variables. The scores of the first class, the signal, order events as its column does; the
    other classes share the remaining probability in proportion to their own scores.
    """

    name = "cut"
    extra: ClassVar[bool] = True

    column: Annotated[str, "name of the column to cut on for all classes, instead of the best one"] = ""

    _cuts: tuple[Threshold, ...] = field(default=(), init=False, repr=False, compare=False)

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:  # noqa: ARG002
        """Choose the columns on `train`. Raises UserError for an unknown column, and for NaN."""
        check_samples(self.name, train, valid)
        shape = shape_of(train, self.name)
        if self.column and self.column not in shape.columns:
            raise UserError(
                f"cut: the table of {len(shape.columns)} columns has no '{self.column}'. "
                f"{did_you_mean(self.column, shape.columns)}"
            )
        table, labels = table_of(train, self.name).astype(np.float64), train.labels.cpu().numpy()
        columns = [shape.columns.index(self.column)] if self.column else range(table.shape[1])
        weights = balanced_weights(train).cpu().numpy().astype(np.float64)
        tried = [thresholds(table[:, column], column, labels, weights, len(train.classes)) for column in columns]
        if not tried:
            raise UserError("cut: the table has no columns, expected at least one. Choose another representation.")
        # the first of equal columns
        self._cuts = tuple(max(cuts, key=lambda cut: cut.auc) for cuts in zip(*tried, strict=True))
        self._card = Card.of(self, train.classes, shape, {"train_auc": self._cuts[0].auc})

    def predict_proba(self, samples: Samples) -> NDArray[np.float32]:
        """Class probabilities (events, classes)."""
        card = self._fitted()
        card.check(samples, shape_of(samples, self.name))
        empty = np.empty((0, len(card.shape.columns)))
        table = table_of(samples, self.name).astype(np.float64) if len(samples) else empty
        signal, *others = (cut.probability(table[:, cut.column]) for cut in self._cuts)
        left = (1 - signal) / np.sum(others, axis=0).clip(min=1e-300)
        return np.stack([signal, *(left * other for other in others)], axis=1).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write `model.safetensors`: the threshold of each class, and the card."""
        card = self._fitted()
        rows = [asdict(cut) for cut in self._cuts]
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        tensors = {name: torch.tensor(values, dtype=_TYPES[name]) for name, values in columns.items()}
        write_tensors(folder / FILE, tensors, card)

    def load(self, folder: Path, context: Context) -> None:
        """Read a saved model."""
        tensors, card = read_tensors(folder / FILE, self, self._expected)
        rows = zip(*(tensors[name].tolist() for name in _TYPES), strict=True)
        self._cuts = tuple(Threshold(**dict(zip(_TYPES, row, strict=True))) for row in rows)
        self._card, self._context = card, context

    def _expected(self, card: Card, found: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        columns = found["column"]
        if len(columns) and not 0 <= int(columns.min()) <= int(columns.max()) < len(card.shape.columns):
            raise ValueError(f"cuts on the columns {columns.tolist()[:9]}, expected {len(card.shape.columns)} columns")
        return {name: torch.empty(len(card.classes), dtype=kind, device="meta") for name, kind in _TYPES.items()}

    def parameters_count(self) -> int | None:
        """One threshold for each class."""
        return len(self._cuts) or None


def thresholds(
    values: Floats, column: int, labels: NDArray[np.int64], weights: Floats, classes: int
) -> list[Threshold]:
    """The best cut on a column for each class against the rest. All arrays are (events,)."""
    distinct, place = np.unique(values, return_inverse=True)
    each = np.bincount(labels * len(distinct) + place, weights, classes * len(distinct)).reshape(classes, -1)
    # halfway between neighbouring values; the smallest and the largest value stand for no cut
    between = np.concatenate([distinct[:1], (distinct[1:] + distinct[:-1]) / 2, distinct[-1:]])
    cuts = []
    for own in each:
        if not own.sum():
            cuts.append(Threshold(column=column, value=float(between[0]), sign=0, scale=1.0, auc=0.5))
            continue
        rest = each.sum(axis=0) - own
        own, rest = own / own.sum(), rest / rest.sum()
        area = float(own @ (np.cumsum(rest) - rest / 2))  # ties count one half
        sign = 1 if area >= 0.5 else -1
        gain = sign * np.concatenate([[0.0], np.cumsum(rest - own)])  # efficiencies of signal minus background
        value = float(between[int(np.argmax(gain))])
        scale = float(np.average(np.abs(values - value), weights=weights))
        cuts.append(
            Threshold(column=column, value=value, sign=sign, scale=scale or 1.0, auc=area if sign > 0 else 1 - area)
        )
    return cuts
