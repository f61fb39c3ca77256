"""The message-passing network on each kind of samples."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from benchmark.core.errors import UserError
from models.model import Context
from models.mpnn import MPNN
from representations.samples import Graphs, Images, Ragged, Vectors
from tests.models.conftest import chains, particles, ragged, rings

if TYPE_CHECKING:
    from collections.abc import Callable

    from representations.samples import Samples

MAKERS = {"particles": particles, "graphs": chains, "pictures": rings}


def small(**more: object) -> MPNN:
    return MPNN(**{"hidden": 16, "epochs": 6, "batch_size": 16, "learning_rate": 5e-3, **more})


def auc(model: MPNN, samples: Samples) -> float:
    return float(roc_auc_score(samples.labels.numpy() == 0, model.predict_proba(samples)[:, 0]))


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
class TestEveryKind:
    def test_it_learns(self, make: Callable[..., Samples]) -> None:
        model = small()
        model.fit(make(400, seed=1), make(100, seed=2), Context())
        assert auc(model, make(300, seed=3)) > 0.9

    def test_order_of_events_and_other_events_do_not_matter(self, make: Callable[..., Samples]) -> None:
        model, samples = small(epochs=2), make(60, empty=[5])
        model.fit(samples, samples, Context())
        scores = model.predict_proba(samples)
        for size in (1, 7):
            parts = [model.predict_proba(samples[first : first + size]) for first in range(0, 60, size)]
            np.testing.assert_allclose(np.concatenate(parts), scores, atol=1e-6)
        order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
        np.testing.assert_allclose(model.predict_proba(samples[order]), scores[order], atol=1e-6)


def turned(samples: Vectors | Graphs) -> Vectors | Graphs:
    """The same events, their particles in the opposite order (and the edges as well)."""
    ragged_nodes = samples.particles if isinstance(samples, Vectors) else samples.nodes
    offsets = ragged_nodes.offsets
    order = torch.cat([torch.arange(first, last).flip(0) for first, last in pairwise(offsets)])
    nodes = Ragged(ragged_nodes.values[order], offsets)
    if isinstance(samples, Vectors):
        return replace(samples, particles=nodes, kinds=Ragged(samples.kinds.values[order], offsets))
    last = ragged_nodes.lengths[samples.edges.rows(), None] - 1
    ends = (last - samples.edges.values).to(torch.int32)
    back = torch.cat([torch.arange(first, last).flip(0) for first, last in pairwise(samples.edges.offsets)])
    return replace(samples, nodes=nodes, edges=Ragged(ends[back], samples.edges.offsets))


@pytest.mark.parametrize("make", [particles, chains])
def test_the_order_of_particles_does_not_matter(make: Callable[..., Vectors | Graphs]) -> None:
    model, samples = small(epochs=2), make(60)
    model.fit(samples, samples, Context())
    other = turned(samples)
    np.testing.assert_allclose(model.predict_proba(other), model.predict_proba(samples), atol=1e-6)


def test_classes_that_differ_only_by_edges_are_separated() -> None:
    """The nodes are the same; edges connect neighbours in one class and other nodes in the other."""

    def made(n: int, seed: int) -> Graphs:
        generator = torch.Generator().manual_seed(seed)
        labels = torch.arange(n) % 2
        eta = torch.randn(n, 4, generator=generator)
        eta[:, 2:] = eta[:, :2] + 0.01  # node 2 next to node 0, and 3 next to 1
        nodes = torch.stack([torch.rand(n, 4, generator=generator) + 20, eta, torch.zeros(n, 4), torch.zeros(n, 4)], 2)
        near, far = torch.tensor([[0, 2], [2, 0], [1, 3], [3, 1]]), torch.tensor([[0, 3], [3, 0], [1, 2], [2, 1]])
        edges = torch.where(labels[:, None, None] == 0, near, far).to(torch.int32)
        base = chains(n)
        lengths = torch.full((n,), 4)
        return replace(
            base, labels=labels, nodes=ragged(lengths, nodes.flatten(0, 1)), edges=ragged(lengths, edges.flatten(0, 1))
        )

    train, valid, test = made(300, 1), made(100, 2), made(200, 3)
    model, deaf = small(), small(adjacency="identity")
    model.fit(train, valid, Context())
    deaf.fit(train, valid, Context())
    assert auc(model, test) > 0.95
    assert abs(auc(deaf, test) - 0.5) < 0.15


@pytest.mark.parametrize(
    "variant",
    [
        {"adjacency": "undirected"},
        {"readout": "sum"},
        {"readout": "set2set"},
        {"aggregated": True},
        {"relations": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("make", [particles, chains])
def test_variants_learn(make: Callable[..., Samples], variant: dict[str, object]) -> None:
    model = small(**variant)
    model.fit(make(300, seed=1), make(100, seed=2), Context())
    assert auc(model, make(200, seed=3)) > 0.85


def test_parameters_are_checked() -> None:
    for wrong in ({"iterations": 0}, {"hidden": 0}, {"dropout": 1.0}):
        with pytest.raises(UserError, match=next(iter(wrong))):
            MPNN(**wrong)
    with pytest.raises(UserError, match="adjacency"):
        MPNN.resolve("quick", {"adjacency": "diagonal"})


def test_samples_of_another_kind_are_refused() -> None:
    model = small(epochs=1)
    model.fit(particles(20), particles(20), Context())
    with pytest.raises(UserError, match="fitted on a nodes of"):
        model.predict_proba(chains(5))


def test_pictures_are_never_dense(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Images, "_filled", None)
    small(epochs=1).fit(rings(20), rings(20), Context())
