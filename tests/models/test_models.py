"""Every model learns, without bias; is reproducible; and can be saved and loaded."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
import xgboost
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from sklearn.metrics import roc_auc_score
from torch import nn

from benchmark.core.errors import UserError
from models.bdt import BDT
from models.cnn import CNN
from models.ffnn import FFNN
from models.model import Context
from models.mpnn import MPNN
from models.network import TorchModel
from models.recnn import RecNN
from representations.samples import Panel, Ragged
from tests.models.conftest import chains, particles, rings

if TYPE_CHECKING:
    from pathlib import Path

    from models.inputs import Shape
    from models.model import Model
    from representations.samples import Images, Samples, Vectors

MAKE = {
    "cnn": lambda **more: CNN(depth=7, width=4, epochs=6, batch_size=16, learning_rate=5e-3, **more),
    "ffnn": lambda **more: FFNN(layers=2, units=32, dropout=0.1, epochs=8, batch_size=16, learning_rate=3e-3, **more),
    "bdt": lambda **more: BDT(trees=30, depth=3, **more),
    "mpnn": lambda **more: MPNN(hidden=16, epochs=6, batch_size=16, learning_rate=5e-3, **more),
    "recnn": lambda **more: RecNN(units=8, epochs=8, batch_size=16, learning_rate=5e-3, **more),
}


@pytest.fixture(params=list(MAKE))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def fitted(name: str, train: Samples, valid: Samples, seed: int = 0) -> Model:
    model = MAKE[name]()
    model.fit(train, valid, Context(seed=seed))
    return model


def auc(model: Model, samples: Samples) -> float:
    return float(roc_auc_score(samples.labels.numpy() == 0, model.predict_proba(samples)[:, 0]))


@pytest.mark.parametrize("make", [rings, particles, chains])
class TestLearning:
    def test_easy_classes_are_separated(self, name: str, make: object) -> None:
        model = fitted(name, make(500, seed=1), make(100, seed=2))
        assert auc(model, make(300, seed=3)) > 0.9

    def test_shuffled_labels_are_not_learned(self, name: str, make: object) -> None:
        def shuffled(n: int, seed: int) -> Samples:
            samples = make(n, seed=seed)
            order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
            return replace(samples, labels=samples.labels[order])

        model = fitted(name, shuffled(400, 1), shuffled(100, 2))
        # 400 test events: a standard deviation of 0.029
        assert abs(auc(model, shuffled(400, 3)) - 0.5) < 0.1


def test_three_classes(name: str) -> None:
    model = fitted(name, particles(300, classes=3, shift=1.5), particles(90, classes=3, shift=1.5, seed=1))
    test = particles(150, classes=3, shift=1.5, seed=2)
    scores = model.predict_proba(test)
    assert scores.shape == (150, 3)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores.sum(1), 1, atol=1e-5)
    assert (scores.argmax(1) == test.labels.numpy()).mean() > 0.7


def test_the_same_seed_gives_the_same_scores(name: str, samples: Images | Vectors) -> None:
    first, again = (fitted(name, samples[:200], samples[200:], seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.predict_proba(samples), again.predict_proba(samples))
    if name != "bdt":  # its trees are not random unless they use a part of events or columns
        other = fitted(name, samples[:200], samples[200:], seed=4)
        assert not np.array_equal(first.predict_proba(samples), other.predict_proba(samples))


def test_the_seed_of_a_subsampled_bdt(samples: Images | Vectors) -> None:
    def scores(seed: int) -> np.ndarray:
        model = BDT(trees=10, subsample=0.5)
        model.fit(samples[:200], samples[200:], Context(seed=seed))
        return model.predict_proba(samples)

    np.testing.assert_array_equal(scores(1), scores(1))
    assert not np.array_equal(scores(1), scores(2))


def test_fitting_again_starts_from_scratch(name: str, samples: Images | Vectors) -> None:
    model = fitted(name, samples[:200], samples[200:])
    expected = model.predict_proba(samples)
    model.fit(samples[:200], samples[200:], Context())
    np.testing.assert_array_equal(model.predict_proba(samples), expected)


def test_saved_and_loaded(name: str, samples: Images | Vectors, tmp_path: Path) -> None:
    model = fitted(name, samples[:200], samples[200:])
    model.save(tmp_path)
    other = type(model)()  # with other hyperparameters than the saved ones
    other.load(tmp_path, Context())
    np.testing.assert_allclose(other.predict_proba(samples), model.predict_proba(samples), atol=1e-6, rtol=0)
    assert other.parameters() == model.parameters()
    assert other.parameters_count() == model.parameters_count()
    assert (other.details(), other.training()) == (model.details(), model.training())
    assert not list(tmp_path.glob("*.pkl"))


def test_order_of_events_and_other_events_do_not_matter(name: str, samples: Images | Vectors) -> None:
    model = fitted(name, samples[:200], samples[200:])
    scores = model.predict_proba(samples)
    alone = np.concatenate([model.predict_proba(samples[i : i + 1]) for i in range(5)])
    np.testing.assert_allclose(alone, scores[:5], atol=1e-6)
    np.testing.assert_allclose(model.predict_proba(samples[torch.arange(299, -1, -1)])[::-1], scores, atol=1e-6)


def test_no_events_and_empty_events(name: str) -> None:
    for make in (rings, particles, chains):
        model = fitted(name, make(60, empty=[0, 7]), make(20, seed=1))
        assert model.predict_proba(make(5)[:0]).shape == (0, 2)
        assert np.isfinite(model.predict_proba(make(3, empty=[0, 1, 2]))).all()


def test_details_and_counts(name: str, samples: Images | Vectors) -> None:
    model = MAKE[name]()
    assert model.parameters_count() is None
    assert (model.details(), model.training()) == ({}, None)
    seen: list[tuple[str, float, float]] = []
    model.fit(samples[:200], samples[200:], Context(report=lambda *event: seen.append(event)))
    training = model.training()
    assert training is not None
    assert 1 <= training.best <= training.epochs == len(training.history) <= training.cap
    best = training.history[training.best - 1]
    assert best.valid_loss == min(epoch.valid_loss for epoch in training.history) >= 0
    assert (model.parameters_count() or 0) > 10
    assert {stage for stage, _, _ in seen} == {"train"}
    assert seen[-1][1] == seen[-1][2]
    expected = roc_auc_score(samples[200:].labels == 1, model.predict_proba(samples[200:])[:, 1])
    assert best.valid_auc == pytest.approx(expected, abs=1e-6)


def read_card(file: Path) -> str:
    """The card in the file of a saved model."""
    if file.suffix == ".ubj":
        return xgboost.Booster(model_file=file).attr("card") or ""
    with safe_open(file, "pt") as stored:
        return stored.metadata()["card"]


def write_card(file: Path, text: str) -> None:
    """Replace the card in the file of a saved model."""
    if file.suffix == ".ubj":
        booster = xgboost.Booster(model_file=file)
        booster.set_attr(card=text or None)
        booster.save_model(file)
    else:
        save_file(load_file(file), file, {"card": text} if text else None)


class TestRefusals:
    def test_not_fitted(self, name: str, samples: Images | Vectors, tmp_path: Path) -> None:
        for call in (lambda m: m.predict_proba(samples), lambda m: m.save(tmp_path)):
            with pytest.raises(UserError, match="not fitted yet"):
                call(MAKE[name]())

    def test_samples_of_another_kind(self, name: str) -> None:
        model = fitted(name, rings(40), rings(20))
        with pytest.raises(UserError, match=f"{name}: fitted on a"):
            model.predict_proba(particles(10))
        with pytest.raises(UserError, match="fitted for the classes"):
            model.predict_proba(rings(10, classes=3))
        named = rings(10).panels[0]._replace(channel_names=("ecal",))
        with pytest.raises(UserError, match="with other names"):
            model.predict_proba(replace(rings(10), panels=(named,)))

    def test_nan(self, name: str) -> None:
        good, bad = particles(60), particles(60)
        bad.particles.values[:] = torch.nan
        with pytest.raises(UserError, match="NaN"):
            MAKE[name]().fit(bad, good, Context())
        with pytest.raises(UserError, match="NaN"):
            MAKE[name]().fit(good, bad, Context())
        model = fitted(name, good, good)
        with pytest.raises(UserError, match="NaN"):
            model.predict_proba(bad)

    def test_files_of_other_models_are_refused(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(UserError, match=r"model\.\w+: no such file, expected a fitted model"):
            MAKE[name]().load(tmp_path, Context())
        fitted(name, particles(40), particles(20)).save(tmp_path)
        (file,) = tmp_path.iterdir()
        card = json.loads(read_card(file))
        for text, message in (
            (json.dumps({**card, "version": "0"}), "version '0'"),
            (json.dumps({**card, "model": "other"}), "holds 'other' version"),
            (json.dumps({**card, "schema_version": 1}), "schema 1"),
            ("[]", "does not hold the card of a model"),
            ("", "does not hold the card of a model: it has no card"),
        ):
            write_card(file, text)
            with pytest.raises(UserError, match=message):
                MAKE[name]().load(tmp_path, Context())
        write_card(file, json.dumps(card))
        MAKE[name]().load(tmp_path, Context())
        file.write_bytes(b"{broken")
        with pytest.raises(UserError, match=rf"{file.name}: not a fitted model"):
            MAKE[name]().load(tmp_path, Context())

    @pytest.mark.parametrize("preset", ["smoke", "quick", "standard", "paper"])
    def test_presets_and_parameters(self, name: str, preset: str) -> None:
        kind = type(MAKE[name]())
        assert kind.resolve(preset).parameters()
        with pytest.raises(UserError, match="learning_rate"):
            kind.resolve(preset, {"learning_rate": "-1"})
        with pytest.raises(UserError, match="unknown parameter"):
            kind.resolve(preset, {"_context": "1"})


@dataclass(kw_only=True)
class Logistic(TorchModel):
    """Logistic regression, as a contributor writes it."""

    name = "logistic"
    views = ("table",)

    def network(self, shape: Shape, classes: int) -> nn.Module:
        return nn.Linear(len(shape.columns), classes)


def test_a_contributed_model_takes_a_dozen_lines(tmp_path: Path) -> None:
    model = Logistic.resolve("smoke", {"learning_rate": "0.01"})
    model.fit(particles(300, shift=2), particles(100, shift=2, seed=1), Context())
    assert auc(model, particles(300, shift=2, seed=2)) > 0.9
    model.save(tmp_path)
    other = Logistic()
    other.load(tmp_path, Context())
    assert auc(other, particles(300, shift=2, seed=2)) == auc(model, particles(300, shift=2, seed=2))


def test_units_do_not_matter_to_networks_on_tables() -> None:
    """Standardisation is fitted to training events, so MeV instead of GeV gives the same scores."""
    gev = particles(120)
    mev = replace(gev, particles=replace(gev.particles, values=gev.particles.values * torch.tensor([1024.0, 1, 1])))
    one, other = fitted("ffnn", gev, gev).predict_proba(gev), fitted("ffnn", mev, mev).predict_proba(mev)
    np.testing.assert_allclose(one, other, atol=1e-3)


def test_bdt_counts_leaves_and_knows_its_columns() -> None:
    model = BDT(trees=3, depth=1)
    model.fit(particles(100), particles(50), Context())
    assert model.parameters_count() == 2 * model.training().best
    assert "jet1_pt" in model._booster.feature_names


@pytest.mark.parametrize("name", ["mpnn", "recnn"])
def test_details_give_the_share_that_is_left_out(name: str) -> None:
    """Of 20 x 20 = 400 pixels with the same energy 128 become nodes or leaves."""
    some = rings(60)
    full = torch.arange(0, 60 * 400 + 1, 400)
    samples = replace(
        some,
        panels=(Panel((1, 20, 20), (1.0, 1.0), ("ecal",)),),
        pixels=Ragged(torch.arange(400, dtype=torch.int32).repeat(60), full),
        values=Ragged(torch.ones(60 * 400), full),
    )
    model = fitted(name, samples[:40], samples[40:])
    assert model.details()["dropped"] == pytest.approx(1 - 128 / 400, abs=1e-5)
    assert "dropped" not in fitted("ffnn", samples[:40], samples[40:]).details()
