"""Boosted decision trees: XGBoost on a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
import torch
import xgboost

from benchmark.core.errors import UserError, did_you_mean
from benchmark.core.plugin import Range
from benchmark.records.training import Epoch, Training
from models.boosted import check_trees, parse_ubjson
from models.card import WEIGHTS, Card, ModelWithCard
from models.table_model import shape_of, table_of
from models.training.batches import balanced_weights
from models.training.loop import check_samples
from models.training.validation import mean_auc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from models.inputs import Shape
    from models.model import Context
    from representations.samples import Samples


ROUNDS_KEPT = 100
"""Rounds in the history of a training at most, besides the best one."""


class _Report(xgboost.callback.TrainingCallback):  # type: ignore[misc]
    """Reports progress in rounds, and appends training and validation losses to `losses`."""

    def __init__(self, context: Context, rounds: int, losses: list[tuple[float, float]]) -> None:
        super().__init__()
        self.context, self.rounds, self.losses = context, rounds, losses

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ARG002
        """Report, and continue."""
        (train,), (valid,) = (evals_log[name].values() for name in ("train", "valid"))
        self.losses.append((float(train[-1]), float(valid[-1])))
        self.context.report("train", epoch + 1, self.rounds)
        return False


@dataclass(kw_only=True)
class BDT(ModelWithCard):
    """Boosted decision trees (XGBoost, histograms) on a table of pooled pixels, leading particles or graph moments.

    `recipe=paper` is the best of 1000 settings on shower-shape features (DLPS workshop, NIPS 2017, e/gamma
    identification): 400 trees of depth 5 at learning rate 0.5.
    """

    name = "bdt"
    version: ClassVar[str] = "4"  # tables of pictures hold the shapes of clusters
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"smoke": {"trees": 20, "depth": 3, "learning_rate": 0.5}}
    recipes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {"trees": 400, "depth": 5, "learning_rate": 0.5, "patience": 20}
    }

    recipe: Annotated[
        Literal["standard", "paper"],
        "'standard': small steps until the validation loss rises. 'paper': as in the workshop, see above",
    ] = "standard"
    trees: Annotated[
        int,
        Range(1, 1_000_000),
        "largest number of boosting rounds; each adds one tree, or one per class for more than two classes",
    ] = 2000
    depth: Annotated[int, Range(1, 30), "largest depth of a tree"] = 5
    learning_rate: Annotated[float, Range(1e-6, 10), "factor on the scores that each tree adds"] = 0.1
    patience: Annotated[
        int,
        Range(1, 1_000_000),
        "training stops after this many rounds without a smaller validation loss",
    ] = 50
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
        losses: list[tuple[float, float]] = []
        with xgboost.config_context(verbosity=0):
            table = table_of(valid, self.name, context.device)
            matrix = _matrix(train, table_of(train, self.name, context.device))
            booster = xgboost.train(
                self._settings(train.classes, shape),
                matrix,
                num_boost_round=self.trees,
                evals=[(matrix, "train"), (_matrix(valid, table, reference=matrix), "valid")],
                # the first to stop is the last to be called
                callbacks=[
                    _Report(context, self.trees, losses),
                    xgboost.callback.EarlyStopping(rounds=self.patience),
                ],
                verbose_eval=False,
            )
            training = self._course(booster, valid, table, losses)
            self._booster = booster[: training.best]
        # set after training, because XGBoost compares the names of both matrices in every round
        self._booster.feature_names = list(shape.columns)
        context.report("train", self.trees, self.trees)
        self._card = Card.of(self, train.classes, shape, training=training)

    def _course(
        self, booster: Any, valid: Samples, table: NDArray[np.float32], losses: Sequence[tuple[float, float]]
    ) -> Training:
        """The course of a training, from the losses on training and validation events of each round."""
        best = 1 + min(range(len(losses)), key=lambda place: losses[place][1])
        kept = kept_rounds(len(losses), best)
        aucs = _aucs(booster, table, valid, kept)
        return Training(
            epochs=len(losses),
            best=best,
            cap=self.trees,
            converged=len(losses) - best >= self.patience,
            history=tuple(
                Epoch(train_loss=train, valid_loss=loss, valid_auc=auc, learning_rate=self.learning_rate)
                for (train, loss), auc in zip((losses[number - 1] for number in kept), aucs, strict=True)
            ),
        )

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
        # not `save_model`, which leaves half a file and says nothing where the disk is full
        (folder / "model.ubj").write_bytes(self._booster.save_raw("ubj"))

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

    def comparisons(self) -> int | None:
        """Trees times the largest depth: an upper bound, since branches may end above it."""
        return None if self._booster is None else len(self._booster.get_dump()) * self.depth

    def parameters_count(self) -> int | None:
        """Number of leaves of all trees."""
        return None if self._booster is None else sum(tree.count("leaf=") for tree in self._booster.get_dump())

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


def _matrix(samples: Samples, table: NDArray[np.float32], reference: Any = None) -> Any:
    labels, weights = samples.labels.cpu().numpy(), balanced_weights(samples).cpu().numpy()
    return xgboost.QuantileDMatrix(table, labels, weight=weights, ref=reference)


def kept_rounds(rounds: int, best: int) -> list[int]:
    """The rounds in the history of a training: the first, the last, equally spaced ones between, and the best."""
    spaced = np.linspace(1, rounds, min(rounds, ROUNDS_KEPT)).round().astype(int).tolist()
    return sorted({*spaced, best})


def _aucs(booster: Any, table: NDArray[np.float32], samples: Samples, rounds: Sequence[int]) -> list[float | None]:
    """AUC of the samples after each of these rounds; each continues from the scores of the one before."""
    matrix = xgboost.DMatrix(table)
    labels, weights = samples.labels.cpu().numpy(), samples.weights.cpu().numpy()
    aucs = []
    for before, number in pairwise([0, *rounds]):
        margins = booster.predict(matrix, output_margin=True, iteration_range=(before, number))
        matrix.set_base_margin(margins)
        both = np.stack([-margins, margins], axis=1) if margins.ndim == 1 else margins
        aucs.append(mean_auc(labels, torch.from_numpy(both).double().softmax(dim=1).numpy(), weights))
    return aucs
