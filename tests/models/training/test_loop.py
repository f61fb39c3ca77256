"""The training loop: weights, standardisation, early stopping, determinism."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
import torch
from torch import nn

from benchmark.core.errors import UserError
from models.inputs import VIEWS
from models.model import Context
from models.training.batches import Batches
from models.training.loop import check_samples, optimise, reproducible
from models.training.step import TrainingSettings
from models.training.validation import evaluate
from representations.samples import Vectors
from tests.models.conftest import particles

TABLE = VIEWS["table", Vectors]


def line(columns: int = 18) -> nn.Module:
    layer = nn.Linear(columns, 2)
    nn.init.zeros_(layer.weight)
    return layer


class Scripted(nn.Module):
    """Its validation losses follow a script: `losses` after every two batches."""

    def __init__(self, losses: list[float]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.register_buffer("batches", torch.zeros((), dtype=torch.int64))
        self.losses = losses

    def forward(self, table: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.batches += 1
            level = self.weight
        else:
            level = torch.tensor(self.losses[int(self.batches) // 2 - 1])
        # cross-entropy is log(2) - with equal logits - for level 0, and more or less with `level` for label 0
        logit = level * torch.where(torch.arange(len(table)) % 2 == 0, -1.0, 1.0)
        return torch.stack([logit, -logit], dim=1)


@pytest.mark.parametrize(
    ("losses", "patience", "steps", "epochs", "best"),
    [
        ([3, 2, 1, 2, 2, 2, 0.5], 3, 0, 6, 3),  # stops before the better one
        ([3, 2, 1, 2, 2, 0.5, 2], 3, 0, 7, 6),  # patience starts again
        ([1, 1, 1, 1, 1, 1, 1], 2, 0, 3, 1),  # an equal loss is not smaller
        ([7, 6, 5, 4, 3, 2, 1], 1, 0, 7, 7),  # runs to the end
        ([3, 2, 1, 2, 2, 2, 0.5], 3, 8, 7, 7),  # 8 steps are four epochs of two batches
        ([3, 1, 2, 2, 2, 2, 2], 3, 7, 6, 2),  # so are 7
        ([3, 1, 2, 2, 2, 2, 2], 3, 6, 5, 2),  # 6 are three
        ([1, 0.999995, 0.99999, 0.5], 2, 0, 3, 3),  # falls too little, but the weights are those of the smallest
    ],
)
def test_early_stopping_uses_the_best_epoch(
    losses: list[float], patience: int, steps: int, epochs: int, best: int
) -> None:
    samples = particles(32)
    batches = Batches(TABLE, samples, "cpu")
    network = Scripted(losses)
    settings = TrainingSettings(
        epochs=7, patience=patience, patience_steps=steps, batch_size=16, learning_rate=0.1, schedule="plateau"
    )
    seen: list[tuple[str, float, float]] = []
    training, _ = optimise(network, batches, batches, settings, Context(report=lambda *event: seen.append(event)))
    assert (training.epochs, training.best, training.cap) == (epochs, best, 7)
    assert training.converged == (epochs < 7)
    assert int(network.batches) == 2 * best  # the weights of that epoch, not of the last
    assert evaluate(network, batches).loss == pytest.approx(training.history[best - 1].valid_loss)
    assert seen[0] == ("train", 0.5, 7)
    assert seen[-1] == ("train", 7, 7)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_class_weights_move_the_boundary() -> None:
    """Without inputs, balanced classes have equal probabilities, even if one is rare."""
    samples = particles(200)
    rare = replace(samples, labels=(torch.arange(200) % 10 == 0).long())
    batches = Batches(TABLE, rare, "cpu")
    network = nn.Sequential(nn.Linear(18, 2))
    nn.init.zeros_(network[0].weight)
    network[0].weight.requires_grad_(requires_grad=False)
    optimise(
        network,
        batches,
        batches,
        TrainingSettings(epochs=60, patience=60, batch_size=200, learning_rate=0.1),
        Context(),
    )
    assert network(torch.zeros(1, 18)).softmax(1)[0, 0].item() == pytest.approx(0.5, abs=0.02)


def test_event_weights_move_the_boundary() -> None:
    """Two kinds of events have both labels; the weights decide which label is more probable."""
    samples = particles(400)
    side = torch.arange(400) % 4 < 2
    weights = torch.where(side == (samples.labels == 0), 3.0, 1.0)
    inputs = replace(samples, weights=weights, features=side[:, None].float(), feature_names=("side",))
    batches = Batches(TABLE, replace(inputs, slots={"muon": 0, "jet": 0}), "cpu")
    network = nn.Linear(1, 2)
    optimise(
        network,
        batches,
        batches,
        TrainingSettings(epochs=150, patience=150, batch_size=400, learning_rate=0.05),
        Context(),
    )
    signal = network(torch.tensor([[0.0], [1.0]])).softmax(1)[:, 0].tolist()
    assert signal == pytest.approx([0.25, 0.75], abs=0.03)


@pytest.mark.parametrize(("n", "batch", "sizes"), [(9, 8, {4, 5}), (8, 8, {8}), (3, 100, {3}), (5, 1, {1})])
def test_batches_are_of_even_size_and_hold_all_events(n: int, batch: int, sizes: set[int]) -> None:
    class Counting(nn.Linear):
        seen: list[int] = []  # noqa: RUF012

        def forward(self, table: torch.Tensor) -> torch.Tensor:
            if self.training:
                self.seen.append(len(table))
            return super().forward(table)

    Counting.seen = []
    batches = Batches(TABLE, particles(n), "cpu")
    settings = TrainingSettings(epochs=1, patience=1, batch_size=batch, learning_rate=1e-3)
    optimise(Counting(18, 2), batches, batches, settings, Context())
    assert set(Counting.seen) == sizes
    assert sum(Counting.seen) == n


def test_clip_bounds_the_gradient() -> None:
    batches = Batches(TABLE, particles(32), "cpu")
    network = line()
    settings = TrainingSettings(epochs=1, patience=1, batch_size=32, learning_rate=1e-3, clip=1e-3)
    optimise(network, batches, batches, settings, Context())
    norm = torch.stack([weight.grad.norm() for weight in network.parameters() if weight.grad is not None]).norm()
    assert float(norm) == pytest.approx(1e-3, rel=1e-3)


def test_nan_is_a_clear_error() -> None:
    samples = particles(16)
    samples.particles.values[3] = torch.nan
    batches = Batches(TABLE, samples, "cpu")
    settings = TrainingSettings(epochs=1, patience=1, batch_size=8, learning_rate=1e-3)
    with pytest.raises(UserError, match=r"training loss is nan in epoch 1.*NaN"):
        optimise(line(), batches, batches, settings, Context())


def test_global_state_is_restored() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    before = dict(os.environ)
    flags = torch.backends.cudnn.enabled, torch.backends.cudnn.deterministic, torch.backends.cudnn.allow_tf32

    def fail() -> None:
        with reproducible(1, "cpu"):
            assert torch.are_deterministic_algorithms_enabled()
            assert torch.backends.cudnn.enabled
            assert torch.backends.cudnn.deterministic
            assert not torch.backends.cudnn.allow_tf32
            assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
            torch.rand(10)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert torch.equal(torch.rand(3), expected)
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory
    assert dict(os.environ) == before
    after = torch.backends.cudnn.enabled, torch.backends.cudnn.deterministic, torch.backends.cudnn.allow_tf32
    assert after == flags


def test_samples_are_checked_before_training() -> None:
    good = particles(8)
    with pytest.raises(UserError, match="cnn: there are no training events"):
        check_samples("cnn", good[:0], good)
    with pytest.raises(UserError, match="cnn: there are no validation events"):
        check_samples("cnn", good, good[:0])
    with pytest.raises(UserError, match="all training events are 'class1'"):
        check_samples("cnn", good[good.labels == 1], good)
    with pytest.raises(UserError, match="validation classes"):
        check_samples("cnn", good, particles(9, classes=3))
