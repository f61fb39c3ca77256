"""The course of a training: as torch's scheduler, and by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.inputs import VIEWS
from models.model import Context
from models.training import course
from models.training.batches import Batches
from models.training.loop import optimise
from models.training.step import TrainingSettings
from representations.samples import Vectors
from tests.models.conftest import particles

if TYPE_CHECKING:
    from benchmark.records.training import Training


@settings(deadline=None)
@given(losses=st.lists(st.floats(0.01, 2).map(lambda loss: round(loss, 3)), max_size=40), patience=st.integers(1, 9))
def test_the_rate_falls_as_with_the_scheduler_of_torch(losses: list[float], patience: int) -> None:
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimiser, factor=0.5, patience=-(-patience // 2) - 1, threshold=course.NOTICEABLE, eps=0
    )
    for epoch, loss in enumerate(losses, start=1):
        scheduler.step(loss)
        assert 0.5 ** course.reductions(losses[:epoch], patience) == optimiser.param_groups[0]["lr"]


def test_six_epochs_by_hand() -> None:
    """With patience 4 the rate falls after two epochs without progress, and training ends after four."""
    losses = [1.0, 0.9995, 1.2, 1.1, 0.5, 0.5]  # the second is below the first by less than a thousandth of it
    assert [course.waited(losses[:epoch]) for epoch in range(7)] == [0, 0, 1, 2, 3, 0, 1]
    assert [course.reductions(losses[:epoch], 4) for epoch in range(7)] == [0, 0, 0, 1, 1, 1, 1]
    assert [course.best_epoch(losses[:epoch]) for epoch in range(7)] == [0, 1, 2, 2, 2, 5, 5]


def test_losses_below_zero() -> None:
    """As with a penalty, which may be negative: a smaller loss is progress, the same is not."""
    assert course.waited([-0.1, -0.2, -0.2, -0.20001]) == 2


@pytest.mark.parametrize(
    ("patience", "steps", "per_epoch", "epochs"), [(5, 600, 200, 5), (5, 600, 80, 8), (5, 600, 600, 5), (2, 0, 1, 2)]
)
def test_patience_in_steps(patience: int, steps: int, per_epoch: int, epochs: int) -> None:
    assert course.in_epochs(patience, steps, per_epoch) == epochs


@pytest.mark.parametrize("schedule", ["plateau", "linear"])
def test_the_history_is_complete(schedule: str) -> None:
    """Its losses are those of the course, and its rates those that the schedule gives for them."""
    batches = Batches(VIEWS["table", Vectors], particles(60), "cpu")
    chosen = TrainingSettings(epochs=12, patience=4, batch_size=20, learning_rate=3.0, schedule=schedule)
    network = torch.nn.Linear(18, 2)
    training, details = optimise(network, batches, batches, chosen, Context())
    assert details == {"batch_size": 20.0}
    losses = [epoch.valid_loss for epoch in training.history]
    assert (training.epochs, training.best) == (len(losses), course.best_epoch(losses))
    assert training.converged == (course.waited(losses) >= 4)
    for number, epoch in enumerate(training.history):
        fallen = course.FACTOR ** course.reductions(losses[:number], 4)
        share = fallen if schedule == "plateau" else 1 - number / 12
        assert epoch.learning_rate == pytest.approx(3 * share)
        assert (epoch.train_loss or 0) > 0
        assert 0 <= (epoch.valid_auc or 0) <= 1
    assert len({epoch.learning_rate for epoch in training.history}) > 1


def test_a_doubled_cap_changes_nothing_once_patience_has_ended_a_training() -> None:
    batches = Batches(VIEWS["table", Vectors], particles(60), "cpu")

    def trained(cap: int) -> tuple[Training, torch.Tensor]:
        network = torch.nn.Linear(18, 2)
        torch.nn.init.zeros_(network.weight)
        torch.nn.init.zeros_(network.bias)
        chosen = TrainingSettings(epochs=cap, patience=3, batch_size=20, learning_rate=3.0, schedule="plateau")
        training, _ = optimise(network, batches, batches, chosen, Context())
        return training, network.weight.detach()

    (once, weights), (twice, same) = trained(60), trained(120)
    assert once.converged
    assert once.history == twice.history
    assert torch.equal(weights, same)
