"""Batches of resident samples against a `DataLoader` over the same events, ready-made as tensors of one event each.

First the batches alone, then an epoch of training with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from models.cnn import CNN
from models.ffnn import FFNN
from models.inputs import VIEWS
from models.mpnn import MPNN
from models.training.batches import Batch, Batches, whole
from models.training.step import Step, TrainingSettings
from representations.calorimeter.calorimeter import Calorimeter
from representations.fourvectors.fourvectors import FourVectors
from tests.performance.sizes import MEASURED
from tests.representations.collisions import jets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tasks.events import Events
    from tests.performance.conftest import SideBySide

JETS, BATCH = (1024, 128) if MEASURED else (48, 24)
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def jets() -> Events:
    """Of 20 to 60 constituents."""
    lengths = RNG.integers(20, 61, JETS)
    momenta = [np.column_stack([RNG.exponential(8, n) + 0.5, *RNG.normal(0, 0.3, (2, n))]) for n in lengths]
    return jets_of([[(22, *row) for row in jet.tolist()] for jet in momenta], picture="jet")


WAYS = {
    "table": (FourVectors, FFNN),
    "sequence": (FourVectors, CNN),
    "nodes": (FourVectors, MPNN),
    "picture": (Calorimeter, CNN),
}


def both(jets: Events, view_name: str) -> tuple[Batches, Callable[[], Iterator[list[torch.Tensor]]], DataLoader]:
    """Ours, an epoch of it, and the peer, which keeps all that is shown, padded and dense."""
    samples = WAYS[view_name][0]().represent(jets)
    view = VIEWS[view_name, type(samples)]
    ours = Batches(view, samples, "cpu")
    order = torch.randperm(JETS, generator=torch.Generator().manual_seed(0))
    kept = TensorDataset(*whole(view, ours.samples), ours.labels, ours.weights, ours.masses)

    def epoch() -> Iterator[list[torch.Tensor]]:
        for batch in ours.ahead(order.split(BATCH)):
            yield [*batch.inputs, *batch[1:]]

    return ours, epoch, DataLoader(kept, batch_size=BATCH, sampler=order.tolist())


@pytest.mark.parametrize("view_name", WAYS)
def test_an_epoch(side_by_side: SideBySide, jets: Events, view_name: str) -> None:
    """The peer puts events together one by one."""
    _, epoch, loader = both(jets, view_name)
    for mine, theirs in zip(epoch(), loader, strict=True):
        for part, expected in zip(mine, theirs, strict=True):
            some = tuple(slice(size) for size in part.shape)  # ours is padded to the longest of the batch
            torch.testing.assert_close(part, expected[some], equal_nan=True)
    side_by_side(
        f"an epoch of {JETS} jets as {view_name}",
        lambda: [None for _ in epoch()],
        "DataLoader",
        lambda: [None for _ in loader],
        at_least=10,
        calls=5,
    )


@pytest.mark.parametrize("view_name", WAYS)
def test_an_epoch_of_training(side_by_side: SideBySide, jets: Events, view_name: str) -> None:
    """The same steps of the same network, which is what nearly all of the time goes to."""
    ours, epoch, loader = both(jets, view_name)
    name, learn = learner(ours, view_name)
    side_by_side(
        f"an epoch of training, {name} on {JETS} jets as {view_name}",
        lambda: learn(epoch()),
        "DataLoader",
        lambda: learn(loader),
        at_least=1,
        rounds=5,
    )


@pytest.mark.parametrize("view_name", WAYS)
def test_waiting_for_batches(side_by_side: SideBySide, jets: Events, view_name: str) -> None:
    """Against batches that lie there ready: what is missing from 1 is the share of training spent on making them."""
    ours, epoch, _ = both(jets, view_name)
    name, learn = learner(ours, view_name)
    ready = list(epoch())
    side_by_side(
        f"an epoch of training, {name} on {JETS} jets as {view_name}, batches made",
        lambda: learn(epoch()),
        "batches that are ready",
        lambda: learn(ready),
        at_least=0.95,
        rounds=5,
    )


def learner(ours: Batches, view_name: str) -> tuple[str, Callable[[Iterable[list[torch.Tensor]]], None]]:
    """The name of the view's network, and what takes a step with each of some batches."""
    torch.manual_seed(0)
    model = WAYS[view_name][1]()
    network = model.network(ours.view.shape(ours.samples), 2)
    step = Step(network, TrainingSettings(epochs=1, patience=1, batch_size=BATCH, learning_rate=1e-4))

    def learn(batches: Iterable[list[torch.Tensor]]) -> None:
        for *inputs, labels, weights, masses in batches:
            step(Batch(tuple(inputs), labels, weights, masses))

    return model.name, learn
