"""The boosted trees of the suite against XGBoost alone on the same table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
import xgboost

from models.bdt import BDT
from models.inputs import VIEWS
from models.model import Context
from models.training.batches import balanced_weights, whole
from representations.samples import Images, Vectors
from tests.models.conftest import particles, rings
from tests.performance.sizes import MEASURED

if TYPE_CHECKING:
    from representations.samples import Samples
    from tests.performance.conftest import SideBySide
EVENTS, ROUNDS = (10_000, 200) if MEASURED else (1000, 20)


def bare(train: tuple[np.ndarray, ...], valid: tuple[np.ndarray, ...], settings: dict[str, object]) -> xgboost.Booster:
    """From arrays to the trees of all rounds, of which the best are kept, and nothing else."""
    matrix = xgboost.QuantileDMatrix(train[0], train[1], weight=train[2])
    watched = xgboost.QuantileDMatrix(valid[0], valid[1], weight=valid[2], ref=matrix)
    return xgboost.train(
        settings,
        matrix,
        num_boost_round=ROUNDS,
        evals=[(watched, "valid")],
        early_stopping_rounds=ROUNDS,
        verbose_eval=False,
    )


@pytest.mark.parametrize(("kind", "columns"), [(Vectors, 20), (Images, 262)])
def test_fit(side_by_side: SideBySide, kind: type[Samples], columns: int) -> None:
    """Ours makes the table of the samples as well, which theirs is given."""
    if kind is Vectors:
        train, valid = (particles(n, seed=n, features=2, shift=0.05) for n in (EVENTS, EVENTS // 4))
    else:
        train, valid = (rings(n, seed=n, size=32) for n in (EVENTS, EVENTS // 4))
        # labels that pictures tell little of, or there would be nothing to boost
        for samples in (train, valid):
            flip = torch.rand(len(samples), generator=torch.Generator().manual_seed(0)) < 0.4
            samples.labels[flip] = 1 - samples.labels[flip]
    view = VIEWS["table", kind]
    tables = [
        (whole(view, samples)[0].numpy(), samples.labels.numpy(), balanced_weights(samples).numpy())
        for samples in (train, valid)
    ]
    assert tables[0][0].shape == (EVENTS, columns)
    settings = {
        "objective": "binary:logistic",
        "eval_metric": "logloss",
        "tree_method": "hist",
        "max_depth": 5,
        "learning_rate": 0.05,
        "nthread": 1,
        "seed": 0,
    }
    model = BDT(trees=ROUNDS, patience=ROUNDS, learning_rate=0.05)
    ours = model._settings
    model._settings = lambda *given: {**ours(*given), "nthread": 1}  # type: ignore[method-assign]
    model.fit(train, valid, Context())
    booster = bare(*tables, settings)
    assert model.training().best == booster.best_iteration + 1
    np.testing.assert_allclose(
        model.predict_proba(valid)[:, 1],
        booster.predict(xgboost.DMatrix(tables[1][0]), iteration_range=(0, booster.best_iteration + 1)),
        atol=1e-6,
    )
    side_by_side(
        f"boosting {EVENTS:,} events of {columns} columns",
        lambda: model.fit(train, valid, Context()),
        "xgboost.train",
        lambda: bare(*tables, settings),
        at_least=0.95,
        rounds=5,
    )
