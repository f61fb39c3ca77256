"""Classifiers on numpy arrays as models: those of scikit-learn by name, and contributed ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmark.core.errors import UserError
from models.model import Context
from models.registry import MODELS
from models.sklearn import Sklearn, find_estimator, parse_settings
from models.table_model import TableModel, table_of
from models.training.batches import balanced_weights
from tests.models.conftest import chains, particles, rings

if TYPE_CHECKING:
    from pathlib import Path

    from representations.samples import Samples

MAKE = {
    "trees": lambda: Sklearn(settings="max_iter=20"),
    "linear": lambda: Sklearn(estimator="LogisticRegression"),
    "neighbours": lambda: Sklearn(estimator="sklearn.neighbors.KNeighborsClassifier", settings="n_neighbors=20"),
    "network": lambda: Sklearn(estimator="MLPClassifier", settings="hidden_layer_sizes=(16;8) tol=0.01"),
}


def fitted(model: TableModel, samples: Samples, seed: int = 0) -> TableModel:
    model.fit(samples, samples, Context(seed=seed))
    return model


def test_all_does_not_include_it() -> None:
    assert "sklearn" not in MODELS.core()
    assert MODELS.load("sklearn") is Sklearn


@pytest.mark.parametrize("make", [particles, chains, rings])
@pytest.mark.parametrize("name", list(MAKE))
def test_every_kind_of_classifier_learns_from_every_kind_of_samples(name: str, make: Any) -> None:
    train, test = make(300, seed=1), make(100, seed=2)
    model = fitted(MAKE[name](), train)
    scores = model.predict_proba(test)
    assert (scores.shape, scores.dtype) == ((100, 2), np.float32)
    np.testing.assert_allclose(scores.sum(1), 1, atol=1e-5)
    assert roc_auc_score(test.labels == 0, scores[:, 0]) > 0.6
    assert model.predict_proba(test[:0]).shape == (0, 2)
    np.testing.assert_allclose(model.predict_proba(test[3:4]), scores[3:4], atol=1e-6)


@pytest.mark.parametrize(
    ("estimator", "settings", "expected"),
    [
        ("LogisticRegression", "max_iter=500", (500, True)),
        ("LogisticRegression", "max_iter=1", (1, False)),
        ("HistGradientBoostingClassifier", "max_iter=7", (7, False)),
        ("RandomForestClassifier", "n_estimators=3", None),
        ("KNeighborsClassifier", "", None),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_training_says_what_the_estimator_knows(estimator: str, settings: str, expected: tuple[int, bool]) -> None:
    training = fitted(Sklearn(estimator=estimator, settings=settings), particles(80)).training()
    assert (training and (training.cap, training.converged)) == expected
    assert training is None or (training.best, training.history) == (training.epochs, ())


def test_scores_equal_those_of_the_estimator() -> None:
    """Compare with standardised columns and balanced weights computed by hand."""
    samples = particles(300, seed=1)
    samples = samples[(samples.labels == 0) | (samples.event_ids % 4 == 1)]
    table, weights = table_of(samples, "sklearn"), balanced_weights(samples).numpy()
    deviation = table.std(axis=0)
    scaled = (table - table.mean(axis=0)) / np.where(deviation > 0, deviation, 1)
    expected = LogisticRegression(C=0.3).fit(scaled, samples.labels.numpy(), weights).predict_proba(scaled)
    model = fitted(Sklearn(estimator="LogisticRegression", settings="C=0.3"), samples)
    np.testing.assert_allclose(model.predict_proba(samples), expected, atol=1e-4)


def test_seed_and_settings_reach_the_estimator() -> None:
    samples = particles(200, shift=0.3)
    one, again, other = (
        fitted(Sklearn(estimator="RandomForestClassifier", settings="n_estimators=5"), samples, seed)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.predict_proba(samples), again.predict_proba(samples))
    assert not np.array_equal(one.predict_proba(samples), other.predict_proba(samples))
    assert len(one._classifier.estimators_) == 5
    assert Sklearn(settings="random_state=7").classifier(0).random_state == 7


def test_a_class_without_training_events_is_never_predicted() -> None:
    samples = particles(200, classes=3)
    scores = fitted(MAKE["trees"](), samples[samples.labels != 1]).predict_proba(samples)
    assert scores.shape == (200, 3)
    assert not scores[:, 1].any()


def test_settings_are_values_or_plain_text() -> None:
    text = "max_iter=200 learning_rate=0.5 criterion=gini max_depth=None warm_start=True hidden_layer_sizes=(8;4)"
    assert parse_settings(text) == {
        "max_iter": 200,
        "learning_rate": 0.5,
        "criterion": "gini",
        "max_depth": None,
        "warm_start": True,
        "hidden_layer_sizes": (8, 4),
    }
    assert parse_settings("") == {}


def test_names_of_estimators() -> None:
    assert find_estimator("RandomForestClassifier") is RandomForestClassifier
    assert find_estimator("sklearn.ensemble.RandomForestClassifier") is RandomForestClassifier


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"estimator": "RandomForrestClassifier"}, r"no classifier 'Random.*Did you mean 'RandomForestClassifier'"),
        ({"estimator": "RandomForestRegressor"}, "no classifier 'RandomForestRegressor'"),
        ({"estimator": "sklearn.ensemble.RandomForestRegressor"}, "no classifier"),
        ({"estimator": "sklearn.nothing.SVC"}, "no classifier"),
        ({"estimator": "os.system"}, "no classifier 'os.system'"),
        ({"estimator": "LinearSVC"}, "LinearSVC gives no probabilities"),
        ({"estimator": "VotingClassifier"}, "VotingClassifier can't be made: .*estimators"),
        ({"settings": "max_iter"}, "'settings' has 'max_iter', expected name=value"),
        ({"settings": "trees=5"}, "HistGradientBoostingClassifier can't be made: .*'trees'"),
    ],
)
def test_bad_input_is_refused_before_training(given: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Sklearn(**given)


def test_other_samples_are_refused() -> None:
    model = fitted(MAKE["trees"](), particles(60))
    with pytest.raises(UserError, match="sklearn: fitted on a table"):
        model.predict_proba(rings(10))
    with pytest.raises(UserError, match="not fitted yet"):
        MAKE["trees"]().predict_proba(rings(10))
    bad = particles(60)
    bad.particles.values[:] = np.nan
    with pytest.raises(UserError, match="sklearn: the samples hold NaN"):
        model.fit(bad, bad, Context())


def test_saving_is_refused_with_the_reason(tmp_path: Path) -> None:
    model = fitted(MAKE["linear"](), particles(60))
    with pytest.raises(UserError, match=r"sklearn: this classifier can't be saved, because .* holds only data"):
        model.save(tmp_path)
    with pytest.raises(UserError, match="can't be loaded"):
        model.load(tmp_path, Context())
    assert not list(tmp_path.iterdir())


@dataclass(kw_only=True)
class Extra(TableModel):
    """Extremely randomised trees, as a contributor writes them."""

    name = "extra"
    standardise = False

    trees: int = 50

    def classifier(self, seed: int) -> ExtraTreesClassifier:
        return ExtraTreesClassifier(self.trees, random_state=seed)


class Nearest:
    """Predicts the class of the nearest training event; outside scikit-learn, without weights and `classes_`."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> None:
        self.X, self.y = X, y

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        nearest = ((X[:, None] - self.X) ** 2).sum(2).argmin(1)
        return np.eye(2)[self.y[nearest]]


@dataclass(kw_only=True)
class OfOnesOwn(TableModel):
    """A classifier outside scikit-learn."""

    name = "nearest"

    def classifier(self, seed: int) -> Nearest:
        return Nearest()


@pytest.mark.parametrize("kind", [Extra, OfOnesOwn])
def test_a_contributed_model_takes_a_dozen_lines(kind: type[TableModel]) -> None:
    train, test = particles(300, shift=2), particles(200, shift=2, seed=2)
    scores = fitted(kind(), train).predict_proba(test)
    assert roc_auc_score(test.labels == 0, scores[:, 0]) > 0.9


@pytest.mark.parametrize(
    "name",
    [
        *("sklearn.ensemble.os", "sklearn.\0.LogisticRegression", "os.LogisticRegression", "s.LogisticRegression"),
        *("sklearn.ensemble.LogisticRegression", "sklearn.base.ClassifierMixin", "os.system"),
    ],
)
def test_only_classifiers_by_their_modules(name: str) -> None:
    with pytest.raises(UserError, match="scikit-learn has no classifier"):
        Sklearn(estimator=name)


def test_deep_settings_are_text() -> None:
    with pytest.raises(UserError):
        Sklearn(estimator="LogisticRegression", settings="what=" + "[" * 10_000)
