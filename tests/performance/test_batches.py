"""Batches of resident samples against a `DataLoader` over the same events, ready-made as tensors of one event each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from models.inputs import INPUTS
from models.training.batches import Batches, whole
from representations.calorimeter import Calorimeter
from representations.fourvectors import FourVectors
from tests.representations.collisions import jets_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tasks.events import Events
    from tests.performance.conftest import SideBySide

JETS, BATCH = 1024, 128
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def jets() -> Events:
    """Of 20 to 60 constituents."""
    lengths = RNG.integers(20, 61, JETS)
    momenta = [np.column_stack([RNG.exponential(8, n) + 0.5, *RNG.normal(0, 0.3, (2, n))]) for n in lengths]
    return jets_of([[(22, *row) for row in jet.tolist()] for jet in momenta], picture="jet")


@pytest.mark.parametrize(
    ("view", "represent"),
    [
        ("table", lambda jets: FourVectors().represent(jets)),
        ("sequence", lambda jets: FourVectors().represent(jets)),
        ("nodes", lambda jets: FourVectors().represent(jets)),
        ("picture", lambda jets: Calorimeter().represent(jets)),
    ],
    ids=["table", "sequence", "nodes", "picture"],
)
def test_an_epoch(side_by_side: SideBySide, jets: Events, view: str, represent: Callable) -> None:
    """The peer keeps all that is shown, padded and dense, and puts events together one by one."""
    samples = represent(jets)
    look = INPUTS[view, type(samples)]
    ours = Batches(look, samples, "cpu")
    order = torch.randperm(JETS, generator=torch.Generator().manual_seed(0))
    kept = TensorDataset(*whole(look, ours.samples), ours.labels, ours.weights, ours.masses)
    loader = DataLoader(kept, batch_size=BATCH, sampler=order.tolist())

    def epoch() -> Iterator[list[torch.Tensor]]:
        for batch in ours.ahead(order.split(BATCH)):
            yield [*batch.shown, *batch[1:]]

    for mine, theirs in zip(epoch(), loader, strict=True):
        for part, expected in zip(mine, theirs, strict=True):
            some = tuple(slice(size) for size in part.shape)  # ours is padded to the longest of the batch
            torch.testing.assert_close(part, expected[some], equal_nan=True)
    side_by_side(
        f"an epoch of {JETS} jets as {view}",
        lambda: [None for _ in epoch()],
        "DataLoader",
        lambda: [None for _ in loader],
        at_least=10,
        calls=5,
    )
