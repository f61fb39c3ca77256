"""If memory runs out, the batch size is halved, with a warning."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from benchmark.core.errors import UserError
from models.model import Context
from models.network import TorchModel
from models.training.memory import halving
from models.training.parallel import Team
from models.training.validation import _agreed
from tests.models.conftest import particles

if TYPE_CHECKING:
    from models.inputs import Shape


class Small(nn.Linear):
    """A network that runs out of memory above a number of events, one in training and one otherwise."""

    def __init__(self, columns: int, classes: int, limits: tuple[int, int]) -> None:
        super().__init__(columns, classes)
        self.limits = limits

    def forward(self, table: Tensor) -> Tensor:
        if len(table) > self.limits[not self.training]:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
        return super().forward(table)


@dataclass(kw_only=True)
class Cramped(TorchModel):
    """Logistic regression on a small device."""

    name = "cramped"
    views = ("table",)
    limits: tuple[int, int] = (100_000, 100_000)

    def network(self, shape: Shape, classes: int) -> nn.Module:
        return Small(len(shape.columns), classes, self.limits)


def fitted(**parameters: object) -> Cramped:
    made = Cramped(epochs=3, **parameters)
    made.fit(particles(200), particles(90, seed=1), Context())
    return made


def losses(made: Cramped) -> list[float]:
    training = made.training()
    assert training is not None
    return [epoch.valid_loss for epoch in training.history]


def test_training_equals_one_with_the_batch_size_that_fits(capsys: pytest.CaptureFixture[str]) -> None:
    cramped = fitted(batch_size=64, limits=(17, 40))
    warnings = capsys.readouterr().err
    assert "warning: training: 64 events at once are too many (CUDA out of memory); now 32" in warnings
    assert "now 16" in warnings
    # in each of the three trainings, but not in their later epochs
    assert warnings.count("warning: validation: 1024 events at once are too many") == 1
    assert cramped.details()["batch_size"] == 16
    assert "warning: validation: 64 events at once are too many (CUDA out of memory); now 32" in warnings
    roomy = fitted(batch_size=16)
    assert roomy.details()["batch_size"] == 16
    np.testing.assert_allclose(cramped.predict_proba(particles(70)), roomy.predict_proba(particles(70)), atol=1e-6)
    assert losses(cramped) == pytest.approx(losses(roomy), rel=1e-6)


def test_prediction_halves_the_batch_size_too(capsys: pytest.CaptureFixture[str]) -> None:
    made = fitted()
    expected = made.predict_proba(particles(70))
    made._network.network.limits = (5, 5)
    np.testing.assert_allclose(made.predict_proba(particles(70)), expected, atol=1e-6)
    assert "cramped: prediction" in capsys.readouterr().err
    assert made._batch == 4


def test_a_device_that_cannot_hold_one_event_is_a_clear_error() -> None:
    with pytest.raises(UserError, match="training: not even one event fits"):
        fitted(limits=(0, 100))


def test_with_other_cells_on_the_device_the_batch_size_is_fixed() -> None:
    """Otherwise the result would depend on the other cells."""
    model = Cramped(epochs=1, batch_size=16, limits=(5, 100))
    with pytest.raises(UserError, match=r"training: 16 events at once are too many next to 2 other cells .* --jobs"):
        model.fit(particles(40), particles(20), Context(sharing=3))


class Two(Team):
    """A team whose other process runs out of memory above three events."""

    asked = 0

    def mean(self, value: Tensor) -> Tensor:
        """The mean with the other process, which has just tried as many events."""
        return (value + float(self.asked > 3)) / 2


def test_all_processes_halve_if_one_runs_out_of_memory() -> None:
    members = Two(0, 2)

    def attempt(events: int) -> Tensor:
        members.__class__.asked = events
        return torch.tensor(float(events))

    def run(events: int) -> Tensor:
        return _agreed(attempt, members, torch.device("cpu"), events)

    assert halving(3, run, "validation") == (torch.tensor(3.0), 3)
    assert halving(9, run, "validation") == (torch.tensor(2.0), 2)


def test_with_several_processes_the_batch_size_is_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.training.loop.team", lambda device: nullcontext(Team(0, 2)))
    monkeypatch.setattr("models.training.loop._train", out_of_memory)
    with pytest.raises(UserError, match=r"training: 16 events .* those of 1 other processes .* smaller batch_size"):
        Cramped(epochs=1, batch_size=16).fit(particles(40), particles(20), Context())


def out_of_memory(*_: object) -> None:
    raise torch.OutOfMemoryError("no room")


def test_halving() -> None:
    tried = []

    def attempt(events: int) -> str:
        tried.append(events)
        if events > 3:
            raise torch.OutOfMemoryError("no room")
        return "done"

    assert halving(20, attempt, "this") == ("done", 2)
    assert tried == [20, 10, 5, 2]
    with pytest.raises(ZeroDivisionError):
        halving(1, lambda events: events // 0, "this")
