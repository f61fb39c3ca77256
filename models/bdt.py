"""Boosted decision trees: XGBoost on a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
import xgboost

from benchmark.core.errors import UserError, did_you_mean
from benchmark.core.plugin import Range
from models.boosted import check_trees, parse_ubjson
from models.card import WEIGHTS, Card, ModelWithCard
from models.table_model import shape_of, table_of
from models.training.batches import balanced_weights
from models.training.loop import check_samples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.inputs import Shape
    from models.model import Context
    from representations.samples import Samples


class _Report(xgboost.callback.TrainingCallback):  # type: ignore[misc]
    """Reports progress in rounds, and appends validation losses to `losses`."""

    def __init__(self, context: Context, rounds: int, losses: list[float]) -> None:
        super().__init__()
        self.context, self.rounds, self.losses = context, rounds, losses

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
        """Report, and continue."""
        (history,) = evals_log["valid"].values()
        self.losses.append(float(history[-1]))
        self.context.report("train", epoch + 1, self.rounds)
        return False


@dataclass(kw_only=True)
class BDT(ModelWithCard):
    """Boosted decision trees (XGBoost, histograms) on a table of pooled pixels, leading particles or graph moments.

    400 trees of depth 5 at learning rate 0.5 were the best of 1000 settings on shower-shape features (DLPS workshop,
    NIPS 2017, e/gamma identification).
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

    def __post_init__(self) -> None:
        super().__post_init__()
        for word in self.monotone.split():
            if word[0] not in "+-" or not word[1:]:
                raise UserError(
                    f"bdt: parameter 'monotone' has '{word}', expected + or - and the name of a column, as in "
                    "monotone=+jet1_pt -jet1_eta."
                )

    def fit(self, train: Samples, valid: Samples, context: Context) -> None:
        """Boost on `train` until the loss on `valid` no longer falls; trees after the best round are removed."""
        check_samples(self.name, train, valid)
        self._context = context
        shape = shape_of(train, self.name)
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
        # set after training, because XGBoost compares the names of both matrices in every round
        self._booster.feature_names = list(shape.columns)
        context.report("train", self.trees, self.trees)
        best = min(range(len(rounds)), key=rounds.__getitem__)
        details = {"epochs": float(len(rounds)), "best_epoch": float(best + 1), "valid_loss": rounds[best]}
        self._card = Card.of(self, train.classes, shape, details)

    def predict_proba(self, samples: Samples) -> NDArray[np.float32]:
        """Class probabilities (events, classes)."""
        card = self._fitted()
        card.check(samples, shape_of(samples, self.name))
        if not len(samples):
            return np.empty((0, len(card.classes)), np.float32)
        with xgboost.config_context(verbosity=0):
            matrix = xgboost.DMatrix(table_of(samples, self.name, self._context.device))
            # the card has checked the names
            scores = np.asarray(self._booster.predict(matrix, validate_features=False), np.float32)
        # with two classes, the scores are those of the second class
        return np.stack([1 - scores, scores], axis=1) if scores.ndim == 1 else scores

    def save(self, folder: Path) -> None:
        """Write `model.ubj`, XGBoost's universal binary JSON: the trees and, as an attribute, the card."""
        card = self._fitted()
        self._booster.set_attr(card=card.text())
        self._booster.save_model(folder / "model.ubj")

    def load(self, folder: Path, context: Context) -> None:
        """Read saved trees and their hyperparameters."""
        self._booster, self._card = WEIGHTS.parse(folder / "model.ubj", self._parse)
        self._context = context
        self._booster.set_param({"device": context.device, "nthread": 0})

    def _parse(self, content: bytes) -> tuple[Any, Card]:
        document = parse_ubjson(content)
        card = Card.parse(document["learner"]["attributes"].get("card"), self)
        check_trees(document, len(card.shape.columns), len(card.classes))
        return xgboost.Booster(model_file=bytearray(content)), card

    def parameters_count(self) -> int | None:
        """Number of leaves of all trees."""
        return None if self._booster is None else sum(tree.count("leaf=") for tree in self._booster.get_dump())

    def details(self) -> dict[str, float]:
        """Number of rounds (`epochs`), the best round (`best_epoch`, counted from 1), and its `valid_loss`."""
        return super().details()

    def _settings(self, classes: Sequence[str], shape: Shape) -> dict[str, Any]:
        many = {"objective": "multi:softprob", "num_class": len(classes), "eval_metric": "mlogloss"}
        two = {"objective": "binary:logistic", "eval_metric": "logloss"}
        return {
            **(many if len(classes) > 2 else two),
            **self._constraints(classes, shape),
            "tree_method": "hist",
            "device": self._context.device,
            "seed": self._context.seed,
            "nthread": 0,  # as many as OpenMP allows
            "max_depth": self.depth,
            "learning_rate": self.learning_rate,
            "subsample": self.subsample,
            "colsample_bytree": self.columns,
            "min_child_weight": self.min_weight,
            "reg_lambda": self.l2,
        }

    def _constraints(self, classes: Sequence[str], shape: Shape) -> dict[str, Any]:
        """Monotonic constraints; signs are reversed, because the trees are those of the second class.

        Raises UserError for an unknown column, and for more than two classes: XGBoost would constrain the trees of
        every class, but not the probabilities, which are normalised to 1.
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
        table = table_of(samples, self.name, self._context.device)
        labels, weights = samples.labels.cpu().numpy(), balanced_weights(samples).cpu().numpy()
        return xgboost.QuantileDMatrix(table, labels, weight=weights, ref=reference)
