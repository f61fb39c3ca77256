"""Learning rates: by hand, and those of the optimiser."""

from __future__ import annotations

import pytest
import torch

from models.inputs import VIEWS
from models.model import Context
from models.training import loop
from models.training.batches import Batches
from models.training.step import Step, TrainingSettings, share_of_rate
from representations.samples import Vectors
from tests.models.conftest import particles


@pytest.mark.parametrize(
    ("schedule", "shares"),
    [
        ("constant", [1, 1, 1, 1]),
        ("linear", [1, 0.75, 0.5, 0.25]),
        ("cosine", [1, 0.5 + 0.5**1.5, 0.5, 0.5 - 0.5**1.5]),
    ],
)
def test_four_epochs_by_hand(schedule: str, shares: list[float]) -> None:
    assert [share_of_rate(schedule, epoch, 4) for epoch in range(1, 5)] == pytest.approx(shares)


def test_every_epoch_has_its_learning_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = []

    class Watched(Step):
        def __call__(self, batch):
            rates.append(self.optimiser.param_groups[0]["lr"])
            return super().__call__(batch)

    monkeypatch.setattr(loop, "Step", Watched)
    batches = Batches(VIEWS["table", Vectors], particles(32), "cpu")
    settings = TrainingSettings(epochs=4, patience=4, batch_size=16, learning_rate=0.2, schedule="linear")
    loop.optimise(torch.nn.Linear(18, 2), batches, batches, settings, Context())
    assert rates == pytest.approx([0.2, 0.2, 0.15, 0.15, 0.1, 0.1, 0.05, 0.05])
