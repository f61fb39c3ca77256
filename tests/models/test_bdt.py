"""Boosted decision trees: names of columns, and monotonic constraints."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
import xgboost
from sklearn.metrics import log_loss, roc_auc_score

from benchmark.core.errors import UserError
from models.bdt import BDT, kept_rounds
from models.inputs import view_of
from models.model import Context
from models.training.batches import balanced_weights, whole
from tests.models.conftest import particles, ragged

if TYPE_CHECKING:
    from pathlib import Path

    from representations.samples import Vectors


def waves(n: int, seed: int = 0) -> Vectors:
    """One jet per event, whose class oscillates with its pt and phi."""
    generator = torch.Generator().manual_seed(seed)
    jets = torch.rand(n, 3, generator=generator)
    labels = ((2 * torch.pi * jets[:, 0]).sin() + (2 * torch.pi * jets[:, 2]).sin() < 0).long()
    one = torch.ones(n, dtype=torch.int64)
    return replace(
        particles(n), labels=labels, particles=ragged(one, jets), kinds=ragged(one, torch.ones(n, dtype=torch.int8))
    )


def response(model: BDT, column: int) -> np.ndarray:
    """The signal's score along a column at 50 values of the others, (50, values)."""
    values = torch.linspace(0, 1, 40)
    rest = torch.rand(50, 3, generator=torch.Generator().manual_seed(1))
    jets = rest[:, None].repeat(1, 40, 1)
    jets[:, :, column] = values
    samples = waves(2000)
    samples = replace(samples, particles=replace(samples.particles, values=jets.flatten(0, 1)))
    return model.predict_proba(samples)[:, 0].reshape(50, 40)


def test_sums_of_the_table_are_the_same_each_time_on_a_gpu_too(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[bool] = []

    def watched(*given: Any) -> Any:
        found.append(torch.are_deterministic_algorithms_enabled())
        return whole(*given)

    monkeypatch.setattr("models.table_model.whole", watched)
    model = BDT(trees=2)
    model.fit(waves(60), waves(30, seed=1), Context())
    model.predict_proba(waves(10))
    assert found == [True] * 3
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("number", [torch.nan, torch.inf, -torch.inf])
def test_a_single_nan_is_refused(number: float) -> None:
    bad = waves(60)
    bad.particles.values[17, 1] = number
    with pytest.raises(UserError, match="NaN or infinities"):
        BDT(trees=2).fit(bad, waves(60), Context())


@pytest.mark.parametrize(("monotone", "sign"), [("+jet1_pt", 1), ("-jet1_pt", -1), ("-jet1_pt +jet1_phi", -1)])
def test_monotone_scores_of_the_signal(monotone: str, sign: int, tmp_path: Path) -> None:
    free, held = BDT(trees=40), BDT(trees=40, monotone=monotone)
    for model in (free, held):
        model.fit(waves(1500), waves(400, seed=1), Context())
    steps = np.diff(response(held, 0), axis=1) * sign
    assert steps.min() >= 0
    assert steps.max() > 0
    for direction in (1, -1):
        assert (direction * np.diff(response(free, 0), axis=1)).max() > 0.1
    rises = np.diff(response(held, 2), axis=1).min() >= 0
    assert rises == ("phi" in monotone)
    held.save(tmp_path)
    again = BDT()
    again.load(tmp_path, Context())
    assert again.monotone == monotone
    np.testing.assert_array_equal(response(again, 0), response(held, 0))


def test_invalid_constraints_are_refused() -> None:
    for word in ("jet1_pt", "+", "+jet1_pt -"):
        with pytest.raises(UserError, match=r"'monotone' has '.*', expected \+ or - and the name of a column"):
            BDT(monotone=word)
    with pytest.raises(UserError, match=r"names the column 'jet1_p', which the table .* Did you mean 'jet1_pt'"):
        BDT(monotone="+jet1_p").fit(waves(50), waves(50), Context())
    three = particles(60, classes=3)
    with pytest.raises(UserError, match=r"for two classes, but there are 3 \(class0, class1, class2\)"):
        BDT(monotone="+jet1_pt").fit(three, three, Context())


def test_saved_trees_know_the_names_of_their_columns(tmp_path: Path) -> None:
    model, samples = BDT(trees=5), particles(200)
    model.fit(samples, samples, Context())
    model.save(tmp_path)
    found = xgboost.Booster(model_file=tmp_path / "model.ubj").feature_names
    assert found == list(view_of(("table",), samples, "bdt").shape(samples).columns)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_course_of_a_training(classes: int) -> None:
    """Losses and AUC of a round are those of scikit-learn for a model of that many rounds."""
    made = [replace(waves(n, seed=n), classes=tuple("abc"[:classes])) for n in (300, 200)]
    train, valid = (replace(part, labels=part.labels + torch.arange(len(part)) % (classes - 1)) for part in made)
    model = BDT(trees=400, learning_rate=0.3, patience=7)
    model.fit(train, valid, Context())
    training = model.training()
    assert training is not None
    assert training.converged
    assert training.epochs == training.best + 7
    kept = kept_rounds(training.epochs, training.best)
    assert len(kept) == len(training.history)
    best = training.history[kept.index(training.best)]
    assert best.valid_loss == min(each.valid_loss for each in training.history)
    for number in (1, training.best):
        short = BDT(trees=number, learning_rate=0.3, patience=400)
        short.fit(train, valid, Context())
        course = short.training()
        assert course is not None
        assert not course.converged
        found, scores = training.history[kept.index(number)], short.predict_proba(valid)
        assert course.history[-1] == found
        assert found.valid_loss == pytest.approx(
            log_loss(valid.labels, scores, sample_weight=balanced_weights(valid)), rel=1e-4
        )
        truth = np.eye(classes)[valid.labels]
        assert found.valid_auc == pytest.approx(roc_auc_score(truth, scores, average="macro"), abs=1e-6)


def test_rounds_in_the_history() -> None:
    assert kept_rounds(3, 2) == [1, 2, 3]
    assert kept_rounds(100, 50) == list(range(1, 101))
    rounds = kept_rounds(1990, 777)
    assert len(rounds) == 101
    assert rounds[0] == 1
    assert rounds[-1] == 1990
    assert 777 in rounds
    assert set(np.diff([number for number in rounds if number != 777])) <= {20, 21}


def test_the_recipe_of_the_paper() -> None:
    assert (BDT.resolve("quick").learning_rate, BDT.resolve("quick").trees) == (0.1, 2000)
    paper = BDT.resolve("quick", {"recipe": "paper", "depth": "4"})
    assert (paper.learning_rate, paper.trees, paper.depth) == (0.5, 400, 4)
    assert paper.changed("quick") == ("depth", "recipe")
