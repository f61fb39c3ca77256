"""Networks on a GPU: they learn, are reproducible, and give the same scores on a CPU."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from models.cnn import CNN
from models.ffnn import FFNN
from models.model import Context
from models.mpnn import MPNN
from models.recnn import RecNN
from models.training import loop, step
from tests.models.conftest import chains, films, panels, particles, rings

if TYPE_CHECKING:
    from pathlib import Path

    from models.inputs import Shape
    from models.network import TorchModel
    from representations.samples import Samples

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

CASES = {
    "picture": (lambda: CNN(depth=7, width=8, epochs=6, batch_size=64, learning_rate=5e-3), rings(1200, size=70)),
    "panels": (lambda: CNN(depth=7, width=8, epochs=6, batch_size=64, learning_rate=5e-3), panels(1200)),
    "vgg": (lambda: CNN(architecture="vgg", width=4, epochs=8, batch_size=64, learning_rate=2e-3), rings(1200)),
    "jet": (lambda: CNN(architecture="jet", width=4, epochs=8, batch_size=64, learning_rate=2e-3), rings(1200)),
    "maxout": (lambda: CNN(architecture="maxout", width=4, epochs=8, batch_size=64, learning_rate=2e-3), rings(1200)),
    "convlstm": (
        lambda: CNN(architecture="convlstm", width=4, epochs=8, batch_size=64, learning_rate=5e-3),
        films(1200),
    ),
    "edges": (lambda: CNN(depth=11, width=4, epochs=8, batch_size=64, learning_rate=5e-3), chains(1200)),
    "deep sets": (
        lambda: FFNN(pooling="deep-sets", layers=1, units=32, epochs=8, batch_size=64, learning_rate=3e-3),
        particles(1200),
    ),
    "sequence": (lambda: CNN(depth=7, width=4, epochs=6, batch_size=64, learning_rate=5e-3), particles(1200)),
    "nodes": (lambda: MPNN(hidden=16, epochs=8, batch_size=64, learning_rate=5e-3), particles(1200)),
    "graph": (lambda: MPNN(hidden=16, epochs=8, batch_size=64, learning_rate=5e-3), chains(1200)),
    "tree": (lambda: RecNN(units=8, epochs=8, batch_size=64, learning_rate=5e-3), particles(1200)),
    "table": (lambda: FFNN(layers=2, units=32, epochs=8, batch_size=64, learning_rate=3e-3), particles(1200)),
    "decorrelated": (
        lambda: FFNN(layers=2, units=32, epochs=8, batch_size=64, learning_rate=3e-3, decorrelation=0.1),
        replace(particles(1200), mass=90 + 60 * torch.rand(1200, generator=torch.Generator().manual_seed(1))),
    ),
}


def trained(case: str) -> tuple[TorchModel, Samples]:
    make, samples = CASES[case]
    model = make()
    model.fit(samples[:600], samples[600:800], Context(device="cuda"))
    return model, samples[800:]


@pytest.mark.parametrize("case", list(CASES))
def test_easy_classes_are_separated(case: str) -> None:
    model, test = trained(case)
    assert roc_auc_score(test.labels.numpy() == 0, model.predict_proba(test)[:, 0]) > 0.9


@pytest.mark.parametrize("case", list(CASES))
def test_samples_may_be_on_the_device(case: str) -> None:
    make, samples = CASES[case]
    scores = []
    for some in (samples, samples.to("cuda")):
        model = make()
        model.fit(some[:600], some[600:800], Context(device="cuda"))
        scores.append(model.predict_proba(some[800:]))
    np.testing.assert_allclose(*scores, atol=1e-5)  # pair features may be computed on either device


@pytest.mark.parametrize("case", list(CASES))
def test_the_same_seed_gives_the_same_scores(case: str) -> None:
    first, again = (model.predict_proba(test) for model, test in (trained(case), trained(case)))
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("case", list(CASES))
def test_a_cpu_gives_the_same_scores(case: str, tmp_path: Path) -> None:
    model, test = trained(case)
    model.save(tmp_path)
    other = type(model)()
    other.load(tmp_path, Context())
    assert other._context.device == "cpu"
    # float32 sums in another order
    np.testing.assert_allclose(other.predict_proba(test), model.predict_proba(test), atol=2e-6, rtol=0)


def losses(model: TorchModel) -> list[float]:
    training = model.training()
    assert training is not None
    return [epoch.valid_loss for epoch in training.history]


@pytest.mark.parametrize("case", list(CASES))
def test_recorded_steps_give_the_same_losses(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded, test = trained(case)
    monkeypatch.setattr(step, "SHAPES", 0)
    plain, _ = trained(case)
    np.testing.assert_allclose(plain.predict_proba(test), recorded.predict_proba(test), atol=1e-4)
    assert losses(plain) == pytest.approx(losses(recorded), rel=1e-4)


def test_recorded_steps_follow_the_learning_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    def scores() -> np.ndarray:
        make, samples = CASES["table"]
        model = replace(make(), schedule="cosine")
        model.fit(samples[:600], samples[600:800], Context(device="cuda"))
        return model.predict_proba(samples[800:])

    recorded = scores()
    monkeypatch.setattr(step, "SHAPES", 0)
    np.testing.assert_allclose(scores(), recorded, atol=1e-4)


@pytest.mark.parametrize("case", ["picture", "sequence"])
def test_augmented_training_is_seeded_and_resumes(case: str, tmp_path: Path) -> None:
    make, samples = CASES[case]

    def fitted(checkpoint: Path | None, after: float = torch.inf) -> TorchModel:
        def report(stage: str, done: float, total: float) -> None:
            if stage == "train" and done > after:
                raise InterruptedError

        model = replace(make(), augment="mirror")
        model.fit(samples[:600], samples[600:800], Context(device="cuda", checkpoint=checkpoint, report=report))
        return model

    with pytest.raises(InterruptedError):
        fitted(tmp_path / "checkpoint", after=3)
    resumed, whole = fitted(tmp_path / "checkpoint"), fitted(None)
    assert resumed.details()["resumed"] == 3
    # the first steps after resuming are not recorded, unlike before
    np.testing.assert_allclose(resumed.predict_proba(samples), whole.predict_proba(samples), atol=1e-3)


@pytest.mark.parametrize("case", ["picture", "table", "nodes", "tree"])
def test_steps_are_recorded(monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    made: list[step.Step] = []

    class Watched(step.Step):
        def __init__(self, *given: object) -> None:
            super().__init__(*given)  # type: ignore[arg-type]
            made.append(self)

    monkeypatch.setattr(loop, "Step", Watched)
    trained(case)
    (found,) = made
    assert found.recorded


def test_a_network_that_reads_from_the_device_is_trained_too() -> None:
    class Asking(nn.Linear):
        def forward(self, table: torch.Tensor) -> torch.Tensor:
            return super().forward(table / (1 + float(table.abs().max())))

    class Curious(FFNN):
        def network(self, shape: Shape, classes: int) -> nn.Module:
            return Asking(len(shape.columns), classes)

    samples = particles(600)
    model = Curious(epochs=5, batch_size=32, learning_rate=0.05)
    model.fit(samples[:400], samples[400:], Context(device="cuda"))
    assert len(losses(model)) == 5
    assert np.isfinite(model.predict_proba(samples)).all()


def test_convolutions_go_through_cudnn() -> None:
    """Without cuDNN each convolution is a loop over the batch, with thousands of kernels."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], acc_events=True) as profile:
        trained("picture")
    names = {event.key for event in profile.key_averages()}
    assert "aten::cudnn_convolution" in names
    assert not any("slow_conv" in name for name in names)
