"""A cut on one variable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

import numpy as np
from pydantic import TypeAdapter, ValidationError

from benchmark.core.errors import UserError, did_you_mean
from models.card import Card
from models.inputs import view_of
from models.reference import Reference
from models.training.batches import balanced_weights, whole
from models.training.loop import check_samples

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from models.model import Context
    from representations.samples import Samples

    Floats = NDArray[np.float64]

TABLE = ("table",)


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """For one class the column, and the value beyond which (sign +1) or below which (sign -1) events pass.

    scale : mean distance of the column's values from there. auc : area under the curve on training events.
    """

    column: int
    value: float
    sign: int
    scale: float
    auc: float

    def probability(self, column: Floats) -> Floats:
        """(events,), 1/2 at the threshold and rising strictly with the distance from it: the order is the column's."""
        distance = self.sign * (column - self.value) / self.scale
        return np.asarray(0.5 + 0.5 * distance / (1 + np.abs(distance)))


@dataclass(kw_only=True)
class Cut(Reference):
    """A cut on the one column of the table that tells most: what every other model has to beat.

    For each class against the rest the column, and its direction, of the largest area under the ROC curve on the
    training events; the cut is where the balanced accuracy is largest. With `fourvectors[features=high]` the columns
    are the task's engineered variables. The order of events by the first class, the signal, is exactly that of its
    column; the other classes share what it leaves in proportion to their own.
    """

    name = "cut"
    extra: ClassVar[bool] = True

    column: Annotated[str, "name of the column to cut on for all classes, instead of the best one"] = ""

    _cuts: tuple[Threshold, ...] = field(default=(), init=False, repr=False, compare=False)

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:  # noqa: ARG002
        """Look for the columns on `train`. Raises UserError for a column that there is not, and for NaN."""
        check_samples(self.name, train, valid)
        shape = view_of(TABLE, train, self.name).shape(train)
        if self.column and self.column not in shape.columns:
            raise UserError(
                f"cut: the table of {len(shape.columns)} columns has no '{self.column}'. "
                f"{did_you_mean(self.column, shape.columns)}"
            )
        table, labels = self._table(train), train.labels.cpu().numpy()
        columns = [shape.columns.index(self.column)] if self.column else range(table.shape[1])
        weights = balanced_weights(train).cpu().numpy().astype(np.float64)
        found = [thresholds(table[:, column], column, labels, weights, len(train.classes)) for column in columns]
        if not found:
            raise UserError("cut: the table has no columns, expected at least one. Choose another representation.")
        # of equal columns the first
        self._cuts = tuple(max(cuts, key=lambda cut: cut.auc) for cuts in zip(*found, strict=True))
        self._card = Card.of(self, train.classes, shape, {"train_auc": self._cuts[0].auc})

    def predict_proba(self, samples: Samples) -> NDArray[np.float32]:
        """(events, classes)."""
        card = self._fitted()
        card.check(samples, view_of(TABLE, samples, self.name).shape(samples))
        table = self._table(samples) if len(samples) else np.empty((0, len(card.shape.columns)))
        signal, *others = (cut.probability(table[:, cut.column]) for cut in self._cuts)
        left = (1 - signal) / np.sum(others, axis=0).clip(min=1e-300)
        return np.stack([signal, *(left * other for other in others)], axis=1).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write `cuts.json` (columns, directions and values, class by class) and `model.json` (the rest)."""
        super().save(folder)
        (folder / "cuts.json").write_bytes(TypeAdapter(tuple[Threshold, ...]).dump_json(self._cuts, indent=1))

    def load(self, folder: Path, context: Context) -> None:
        """Read what `save` wrote."""
        super().load(folder, context)
        try:
            self._cuts = TypeAdapter(tuple[Threshold, ...]).validate_json((folder / "cuts.json").read_bytes())
        except (OSError, ValidationError) as error:
            raise UserError(f"cut: {folder}/cuts.json can't be read as cuts of this model. Fit it again.") from error

    def parameters_count(self) -> int | None:
        """One value for each class."""
        return len(self._cuts) or None

    def _table(self, samples: Samples) -> Floats:
        (table,) = whole(view_of(TABLE, samples, self.name), samples)
        found = table.cpu().numpy().astype(np.float64)
        if not np.isfinite(found).all():
            raise UserError(
                "cut: the samples hold NaN or infinities, expected finite numbers. Look at the representation."
            )
        return found


def thresholds(
    values: Floats, column: int, labels: NDArray[np.int64], weights: Floats, classes: int
) -> list[Threshold]:
    """The best cut on a column for each class against the rest. All arrays are (events,)."""
    distinct, place = np.unique(values, return_inverse=True)
    each = np.bincount(labels * len(distinct) + place, weights, classes * len(distinct)).reshape(classes, -1)
    # between neighbouring values, and below and above all of them, which is no cut
    between = np.concatenate([distinct[:1], (distinct[1:] + distinct[:-1]) / 2, distinct[-1:]])
    found = []
    for own in each:
        rest = each.sum(axis=0) - own
        own, rest = own / max(own.sum(), 1e-300), rest / rest.sum()
        area = float(own @ (np.cumsum(rest) - rest / 2))  # ties count one half
        sign = 1 if area >= 0.5 else -1
        gain = sign * np.concatenate([[0.0], np.cumsum(rest - own)])  # efficiencies of signal minus background
        value = float(between[int(np.argmax(gain))])
        scale = float(np.average(np.abs(values - value), weights=weights))
        found.append(
            Threshold(column=column, value=value, sign=sign, scale=scale or 1.0, auc=area if sign > 0 else 1 - area)
        )
    return found
