"""Reference models: their scores, and what metrics make of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from scipy.stats import kstest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from benchmark.core.errors import UserError
from benchmark.metrics.auc import Auc
from benchmark.metrics.metric import Scored
from models.card import write_tensors
from models.inputs import VIEWS
from models.model import Context
from models.reference import Constant, Cut, Random, thresholds
from models.registry import MODELS
from representations.samples import Vectors
from tests.models.conftest import chains, particles, rings

if TYPE_CHECKING:
    from pathlib import Path

    from models.model import Model

KINDS = {"constant": Constant, "random": Random, "cut": Cut}


@pytest.fixture(params=list(KINDS))
def model(request: pytest.FixtureRequest) -> Model:
    return KINDS[request.param]()


def fitted(model: Model, seed: int = 0, classes: int = 2) -> Model:
    valid = particles(60, classes=classes, features=1, seed=1)
    model.fit(particles(300, classes=classes, features=1), valid, Context(seed=seed))
    return model


def test_all_does_not_include_them() -> None:
    assert not set(MODELS.core()) & set(KINDS)
    assert all(MODELS.load(name) is kind for name, kind in KINDS.items())


@pytest.mark.parametrize("classes", [2, 4])
def test_rows_are_probabilities(model: Model, classes: int) -> None:
    test = particles(50, classes=classes, features=1, seed=2)
    scores = fitted(model, classes=classes).predict_proba(test)
    assert (scores.shape, scores.dtype) == ((50, classes), np.float32)
    np.testing.assert_allclose(scores.sum(1), 1, atol=1e-6)
    assert scores.min() >= 0
    assert model.predict_proba(test[:0]).shape == (0, classes)


def test_order_of_events_and_other_events_do_not_matter(model: Model) -> None:
    test = particles(40, features=1, seed=2)
    scores = fitted(model).predict_proba(test)
    np.testing.assert_array_equal(model.predict_proba(test[torch.arange(39, -1, -1)])[::-1], scores)
    np.testing.assert_array_equal(model.predict_proba(test[7:8]), scores[7:8])


def test_saved_and_loaded(model: Model, tmp_path: Path) -> None:
    test = particles(40, features=1, seed=2)
    for call in (lambda: model.predict_proba(test), lambda: model.save(tmp_path)):
        with pytest.raises(UserError, match="not fitted yet"):
            call()
    assert model.parameters_count() is None
    scores = fitted(model, seed=5).predict_proba(test)
    model.save(tmp_path)
    again = type(model)()
    again.load(tmp_path, Context())
    np.testing.assert_array_equal(again.predict_proba(test), scores)
    assert again.parameters_count() == model.parameters_count()
    assert again.details() == model.details()
    with pytest.raises(UserError, match="fitted for the classes"):
        again.predict_proba(particles(9, classes=3, features=1))
    with pytest.raises(UserError, match="there are no training events"):
        model.fit(test[:0], test, Context())


@pytest.mark.parametrize("name", ["constant", "random"])
@pytest.mark.parametrize("classes", [2, 3])
def test_auc_is_one_half(name: str, classes: int) -> None:
    model = fitted(KINDS[name](), classes=classes)
    test = particles(3000, classes=classes, features=1, seed=2)
    scores = model.predict_proba(test).astype(np.float64)
    for metric, found in Auc()(Scored(test.labels.numpy(), scores, test.classes), 0.9999).items():
        assert found.low <= 0.5 <= found.high, metric
        assert name == "random" or found.value == 0.5, metric


def test_random_scores_are_uniform_and_seeded() -> None:
    test = particles(2000, features=1)
    one, other = (fitted(Random(), seed=seed).predict_proba(test)[:, 0] for seed in (1, 2))
    for scores in (one, other):
        assert kstest(scores, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.1
    three = fitted(Random(), classes=3).predict_proba(particles(2000, classes=3, features=1))
    assert kstest(three[:, 1], lambda x: 1 - (1 - x) ** 2).pvalue > 1e-4  # of a uniform point in a triangle


def one_by_one(table: np.ndarray, is_signal: np.ndarray) -> float:
    """The largest AUC of any column in either direction."""
    areas = [roc_auc_score(is_signal, column) for column in table.T]
    return max(max(area, 1 - area) for area in areas)


@pytest.mark.parametrize("make", [particles, chains, rings])
def test_the_best_column_is_found(make: object) -> None:
    train, test = make(200, seed=1), make(80, seed=2)
    model = Cut()
    model.fit(train, test, Context())
    view = VIEWS["table", type(train)]
    (table,) = view.batch(train, torch.arange(200))
    is_signal = train.labels.numpy() == 0
    best = one_by_one(table.numpy(), is_signal)
    assert model.details()["train_auc"] == pytest.approx(best)
    assert roc_auc_score(is_signal, model.predict_proba(train)[:, 0]) == pytest.approx(best, abs=1e-4)


def test_with_more_classes_signal_scores_have_the_order_of_the_column() -> None:
    samples = particles(300, classes=4, features=1)
    model = fitted(Cut(column="jet1_pt"), classes=4)
    (table,) = VIEWS["table", Vectors].batch(samples, torch.arange(300))
    column = table[:, VIEWS["table", Vectors].shape(samples).columns.index("jet1_pt")].numpy()
    order = np.argsort(column)
    signal = model.predict_proba(samples)[:, 0][order]
    assert (np.diff(signal) <= 0).all(), "the first class has the lowest pt"
    assert ((np.diff(signal) < 0) == (np.diff(column[order]) > 0)).mean() > 0.99


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("direction", [1, -1])
def test_the_cut_is_where_the_balanced_accuracy_is_largest(seed: int, direction: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(2, size=60)
    values = np.round(rng.normal(-direction * labels, 1.0), 1)  # with ties
    weights = np.where(labels == 0, 1 / (labels == 0).sum(), 1 / (labels == 1).sum())
    cut = thresholds(values, 3, labels, weights, 2)[0]
    assert (cut.column, cut.sign) == (3, direction)
    passes = cut.probability(values) > 0.5
    tried = np.concatenate([np.unique(values) - 0.05, [values.max() + 0.05]])
    accuracies = [balanced_accuracy_score(labels == 0, direction * values > direction * value) for value in tried]
    assert balanced_accuracy_score(labels == 0, passes) == pytest.approx(max(accuracies))
    assert cut.scale == pytest.approx(np.average(np.abs(values - cut.value), weights=weights))


def test_columns_by_name_and_bad_input(tmp_path: Path) -> None:
    train = particles(60)
    model = Cut(column="jet2_eta")
    model.fit(train, train, Context())
    assert {cut.column for cut in model._cuts} == {VIEWS["table", Vectors].shape(train).columns.index("jet2_eta")}
    with pytest.raises(UserError, match=r"table of 18 columns has no 'jet9_pt'\. Did you mean 'jet"):
        Cut(column="jet9_pt").fit(train, train, Context())
    bad = replace(train, particles=replace(train.particles, values=train.particles.values * torch.nan))
    with pytest.raises(UserError, match="NaN"):
        Cut().fit(bad, train, Context())
    write_tensors(tmp_path / "model.safetensors", {"column": torch.zeros(2)}, model._card)
    with pytest.raises(UserError, match=r"model\.safetensors: not a fitted model \(the tensor 'auc' is missing\)"):
        Cut().load(tmp_path, Context())


def test_a_constant_table_separates_nothing() -> None:
    same = particles(40, empty=range(40))
    model = Cut()
    model.fit(same, same, Context())
    np.testing.assert_allclose(model.predict_proba(same), 0.5)


@pytest.mark.parametrize("absent", [0, 1, 2])
def test_a_class_without_training_events_is_never_predicted(absent: int, tmp_path: Path) -> None:
    """Real files of one channel have no events of the other classes."""
    samples = particles(300, classes=3)
    model = Cut()
    model.fit(samples[samples.labels != absent], samples, Context())
    scores = model.predict_proba(samples)
    assert not scores[:, absent].any()
    np.testing.assert_allclose(scores.sum(1), 1, atol=1e-6)
    assert [cut.auc == 0.5 for cut in model._cuts] == [label == absent for label in range(3)]
    first, second = (label for label in range(3) if label != absent)
    other = samples.labels == first
    assert roc_auc_score(other, scores[:, first]) > roc_auc_score(other, scores[:, second])
    model.save(tmp_path)
    again = Cut()
    again.load(tmp_path, Context())
    np.testing.assert_array_equal(again.predict_proba(samples), scores)
