"""Operations against closed forms, and the speed of training from a few steps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from benchmark.engine import costs
from benchmark.engine.costs import EnoughError, FirstSteps, Fit, measured, predict_flops
from benchmark.records.result import Throughput
from models.bdt import BDT
from models.model import Context
from models.network import TorchModel
from tests.models.conftest import particles

if TYPE_CHECKING:
    from models.inputs import Shape

HIDDEN, CHANNELS, KERNEL, SIZE = 7, 3, 3, 8


@dataclass(kw_only=True)
class Linear(TorchModel):
    """Two linear layers on a table."""

    name = "linear"
    views = ("table",)

    def network(self, shape: Shape, classes: int) -> nn.Module:
        return nn.Sequential(nn.Linear(len(shape.columns), HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, classes))


class Convolved(nn.Module):
    """One convolution of a constant picture, scaled by the first column."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, CHANNELS, KERNEL, padding=1)
        self.scale = nn.Parameter(torch.ones(CHANNELS, classes))

    def forward(self, table: torch.Tensor) -> torch.Tensor:
        pictures = table[:, :1, None, None].expand(-1, 1, SIZE, SIZE)
        return (self.convolution(pictures).mean(dim=(2, 3))[..., None] * self.scale).sum(dim=1)


@dataclass(kw_only=True)
class Convolution(Linear):
    name = "convolution"

    def network(self, shape: Shape, classes: int) -> nn.Module:
        return Convolved(classes)


def fitted(model):
    train, valid = particles(40), particles(20)
    model.fit(train, valid, Context())
    return model, {"train": train, "valid": valid, "test": valid}


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(costs, "STEPS_S", 0.0)


def test_operations_of_linear_layers(quick):
    """A product of (n, a) and (a, b) is 2nab operations; backward it is done once for the weights, once for the input.

    The first layer needs no gradient of its input.
    """
    model, splits = fitted(Linear(epochs=2, batch_size=20))
    columns, classes = len(model.fitted()[1].shape.columns), 2
    first, second = 2 * columns * HIDDEN, 2 * HIDDEN * classes
    assert predict_flops(model, splits["test"]) == first + second
    steps = costs._steps(model, splits, "cpu")
    assert (steps.events, steps.flops) == (20, 20 * (2 * first + 3 * second))


def test_operations_of_a_convolution(quick):
    """Each pixel of each channel of the output is a sum over the kernel; a multiplication and an addition for each."""
    model, splits = fitted(Convolution(epochs=1, batch_size=40))
    assert predict_flops(model, splits["test"]) == 2 * CHANNELS * KERNEL**2 * SIZE**2
    assert costs._steps(model, splits, "cpu").events == 40


def test_comparisons_of_trees():
    model, splits = fitted(BDT(trees=6, depth=2, patience=6, learning_rate=0.1))
    assert model.comparisons() == 2 * len(model._booster.get_dump())
    assert predict_flops(model, splits["test"]) is None
    assert BDT().comparisons() is None


def test_bytes_of_a_sample():
    """Of each event: label, id and group (int64), weight and features (float32), and particles with three columns.

    Columns (float32) and kinds (int8) of particles are flat, each with an int64 where every event begins and ends.
    """
    model, splits = fitted(BDT(trees=2, depth=2, patience=2))
    test = splits["test"]
    count, particles = len(test), len(test.particles.values)
    table = count * (3 * 8 + 4 + 4 * test.features.shape[1])
    expected = (table + particles * (3 * 4 + 1) + 2 * 8 * (count + 1)) / count
    assert measured(model, splits, Fit(1.0), "cpu")["sample_bytes"] == pytest.approx(expected)


def test_steps_are_timed_after_the_first(monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(costs, "STEPS_S", 1.0)
    steps = FirstSteps(train=100)
    steps.report("resume", 3, 9)
    steps.report("train", 0, 1)
    for seconds, done in ((50.0, 0.25), (50.4, 0.5), (50.8, 0.75)):  # the first compiles
        now[0] = seconds
        steps.report("train", done, 9)
    now[0] = 51.2
    with pytest.raises(EnoughError):
        steps.report("train", 1.0, 9)
    assert steps.seconds == pytest.approx(1.2 / 0.75)


@pytest.mark.parametrize("alone", [True, False])
def test_what_is_measured(quick, monkeypatch: pytest.MonkeyPatch, alone: bool):
    monkeypatch.setattr(costs, "events_per_second", lambda predict, events: 10.0)
    monkeypatch.setattr(costs, "_steps", lambda *words: FirstSteps(40, seconds=3.0))
    model, splits = fitted(Linear(epochs=2))
    found = Throughput(**measured(model, splits, Fit(4.0, alone, 5), "cpu"))
    # of five epochs of three seconds, each with a validation of twenty events at ten a second
    assert found.train_events_per_s == 40 / (4.0 if alone else 5 * (3.0 + 2.0))
    assert 0 < found.latency_ms <= found.latency_p99_ms


def test_the_first_prediction_is_not_timed(quick, monkeypatch: pytest.MonkeyPatch):
    model, splits = fitted(Linear(epochs=1))
    predict, waits, now, timed = model.predict_proba, [10.0], [0.0], []

    def slow_at_first(samples):
        now[0] += waits.pop() if waits else 1e-4 * len(samples)
        return predict(samples)

    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(model, "predict_proba", slow_at_first)
    monkeypatch.setattr(costs, "_steps", lambda *words: FirstSteps(40))
    monkeypatch.setattr(costs, "events_per_second", lambda predict, events: timed.append(events) or 1.0)
    measured(model, {**splits, "test": particles(400)}, Fit(4.0), "cpu")
    assert timed == [400], "all of them, since ten thousand a second are predicted"


def test_a_model_that_fails_meanwhile_has_no_speed_of_training(quick):
    model, splits = fitted(Linear(epochs=1))

    class Fails(Linear):
        def fit(self, train, valid, context):
            raise RuntimeError

    model.__class__ = Fails
    assert costs._steps(model, splits, "cpu").seconds is None
