"""Boosted decision trees: XGBoost on a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import torch
import xgboost

from benchmark.core.errors import UserError, did_you_mean
from benchmark.core.plugin import Range
from models.card import Card
from models.inputs import view_of
from models.model import Context, Model
from models.training.batches import balanced_weights, whole
from models.training.loop import check_samples, deterministic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.inputs import Shape
    from representations.samples import Samples

TABLE = ("table",)


class _Report(xgboost.callback.TrainingCallback):  # type: ignore[misc]
    """Progress in rounds; the validation losses go to `losses`."""

    def __init__(self, context: Context, rounds: int, losses: list[float]) -> None:
        super().__init__()
        self.context, self.rounds, self.losses = context, rounds, losses

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
        """Report, and go on."""
        (history,) = evals_log["valid"].values()
        self.losses.append(float(history[-1]))
        self.context.report("train", epoch + 1, self.rounds)
        return False


@dataclass(kw_only=True)
class BDT(Model):
    """Boosted decision trees (XGBoost, histograms) on a table of pooled pixels, leading particles or graph moments.

    400 trees of depth 5 at learning rate 0.5 won a scan of 1000 settings on shower-shape features (DLPS workshop,
    NIPS 2017, e/gamma identification), and are the reference.
    """

    name = "bdt"
    version: ClassVar[str] = "2"  # sums over pixels in float64
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"smoke": {"trees": 20, "depth": 3}}

    trees: Annotated[
        int,
        Range(1, 1_000_000),
        "largest number of boosting rounds; each adds one tree, or one per class for more than two classes",
    ] = 400
    depth: Annotated[int, Range(1, 30), "largest depth of a tree"] = 5
    learning_rate: Annotated[float, Range(1e-6, 10), "factor on the scores that each tree adds"] = 0.5
    patience: Annotated[
        int,
        Range(1, 1_000_000),
        "training stops after this many rounds without a smaller validation loss",
    ] = 20
    subsample: Annotated[float, Range(0.01, 1), "fraction of the events that each tree is trained on"] = 1.0
    columns: Annotated[float, Range(0.01, 1), "fraction of the columns that each tree is trained on"] = 1.0
    min_weight: Annotated[float, Range(0, np.inf), "smallest sum of hessians in a leaf"] = 1.0
    l2: Annotated[float, Range(0, np.inf), "L2 penalty on the scores of leaves"] = 1.0
    monotone: Annotated[
        str,
        "columns in which the score of the first class may only rise (+) or fall (-), such as '+jet1_pt "
        "-missing_energy1_pt', named as in the table; for two classes only",
    ] = ""

    _booster: Any = field(default=None, init=False, repr=False, compare=False)
    _card: Card | None = field(default=None, init=False, repr=False, compare=False)
    _context: Context = field(default=Context(), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        for word in self.monotone.split():
            if word[0] not in "+-" or not word[1:]:
                raise UserError(
                    f"bdt: parameter 'monotone' has '{word}', expected + or - and the name of a column, as in "
                    "monotone=+jet1_pt -jet1_eta."
                )

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        """Boost on `train` until the loss on `valid` no longer falls; keep the best round."""
        check_samples(self.name, train, valid)
        self._context = context
        view = view_of(TABLE, train, self.name)
        shape = view.shape(train)
        rounds: list[float] = []
        with xgboost.config_context(verbosity=0):
            matrix = self._matrix(train)
            self._booster = xgboost.train(
                self._settings(train.classes, shape),
                matrix,
                num_boost_round=self.trees,
                evals=[(self._matrix(valid, reference=matrix), "valid")],
                callbacks=[
                    xgboost.callback.EarlyStopping(rounds=self.patience, save_best=True),
                    _Report(context, self.trees, rounds),
                ],
                verbose_eval=False,
            )
        # only now: XGBoost would look through the names of both matrices in every round
        self._booster.feature_names = list(shape.columns)
        context.report("train", self.trees, self.trees)
        best = min(range(len(rounds)), key=rounds.__getitem__)
        details = {"epochs": float(len(rounds)), "best_epoch": float(best + 1), "valid_loss": rounds[best]}
        self._card = Card.of(self, train.classes, shape, details)

    def predict_proba(self, samples: Samples) -> NDArray[np.float32]:
        """Class probabilities from the trees of the best round and those before it."""
        card = self._fitted()
        card.check(samples, view_of(TABLE, samples, self.name).shape(samples))
        if not len(samples):
            return np.empty((0, len(card.classes)), np.float32)
        with xgboost.config_context(verbosity=0):
            matrix = xgboost.DMatrix(self._table(samples))
            # the names were checked above, with a shorter message
            found = np.asarray(self._booster.predict(matrix, validate_features=False), np.float32)
        # two classes have one tree a round, for the second class
        return np.stack([1 - found, found], axis=1) if found.ndim == 1 else found

    def save(self, folder: Path) -> None:
        """Write `model.ubj` (the trees, as XGBoost's universal binary JSON) and `model.json` (the rest)."""
        card = self._fitted()
        self._booster.save_model(folder / "model.ubj")
        card.write(folder)

    def load(self, folder: Path, context: Context) -> None:
        """Read what `save` wrote; the hyperparameters become those that were saved."""
        card = Card.read(folder, self)
        try:
            booster = xgboost.Booster(model_file=folder / "model.ubj")
        except xgboost.core.XGBoostError as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"bdt: {folder}/model.ubj can't be read: {reason}. Fit it again.") from error
        self._context = context
        booster.set_param({"device": context.device, "nthread": 0})
        self._booster, self._card = booster, card

    def parameters_count(self) -> int | None:
        """Leaves of all trees."""
        return None if self._booster is None else sum(tree.count("leaf=") for tree in self._booster.get_dump())

    def details(self) -> dict[str, float]:
        """Rounds boosted (`epochs`), the `best_epoch` (from 1) that was kept, and its `valid_loss`."""
        return dict(self._card.details) if self._card else {}

    def _fitted(self) -> Card:
        if self._booster is None or self._card is None:
            raise UserError("bdt: not fitted yet. Call fit or load first.")
        return self._card

    def _settings(self, classes: Sequence[str], shape: Shape) -> dict[str, Any]:
        many = {"objective": "multi:softprob", "num_class": len(classes), "eval_metric": "mlogloss"}
        two = {"objective": "binary:logistic", "eval_metric": "logloss"}
        return {
            **(many if len(classes) > 2 else two),
            **self._constraints(classes, shape),
            "tree_method": "hist",
            "device": self._context.device,
            "seed": self._context.seed,
            "nthread": 0,  # all that OpenMP may use
            "max_depth": self.depth,
            "learning_rate": self.learning_rate,
            "subsample": self.subsample,
            "colsample_bytree": self.columns,
            "min_child_weight": self.min_weight,
            "reg_lambda": self.l2,
        }

    def _constraints(self, classes: Sequence[str], shape: Shape) -> dict[str, Any]:
        """Of columns by name. The trees are those of the second class, whose score falls where the first one's rises.

        Raises UserError for a column that there is not, and for more than two classes: XGBoost would hold the trees of
        every class to it, and the probabilities, which share 1, would still rise and fall.
        """
        signs = {word[1:]: -1 if word[0] == "+" else 1 for word in self.monotone.split()}
        for name in signs:
            if name not in shape.columns:
                raise UserError(
                    f"bdt: parameter 'monotone' names the column '{name}', which the table of {len(shape.columns)} "
                    f"columns does not have. {did_you_mean(name, shape.columns)}"
                )
        if signs and len(classes) != 2:
            raise UserError(
                f"bdt: parameter 'monotone' is for two classes, but there are {len(classes)} ({', '.join(classes)}). "
                "Use a variant with two, such as ttbar[classes_count=2], or leave it out."
            )
        return {"monotone_constraints": tuple(signs.get(name, 0) for name in shape.columns)} if signs else {}

    def _matrix(self, samples: Samples, reference: Any = None) -> Any:
        labels, weights = samples.labels.cpu().numpy(), balanced_weights(samples).cpu().numpy()
        return xgboost.QuantileDMatrix(self._table(samples), labels, weight=weights, ref=reference)

    def _table(self, samples: Samples) -> NDArray[np.float32]:
        with deterministic(self._context.device):  # a GPU adds up pixels as they come, and trees part at the last bit
            (table,) = whole(view_of(TABLE, samples, self.name), samples.to(self._context.device))
        # XGBoost takes NaN for "missing"; here it would be a mistake that no network could make up for
        if table.numel() and not torch.isfinite(torch.stack(table.aminmax())).all():
            raise UserError(
                "bdt: the samples hold NaN or infinities, expected finite numbers. Look at the representation."
            )
        found: NDArray[np.float32] = table.cpu().numpy()
        return found
