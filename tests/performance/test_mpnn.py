"""A training step of the message-passing network against the same network on PyTorch Geometric, loader included."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch_geometric import data, loader
from torch_geometric.nn import MessagePassing, global_mean_pool
from torch_geometric.utils import softmax

from models.inputs import VIEWS
from models.layers.message_passing import MessageNet
from models.training.batches import Batch
from models.training.step import Step, TrainingSettings
from representations.graph.graph import Graph
from representations.samples import Graphs, Ragged
from tests.performance.sizes import MEASURED
from tests.representations.collisions import jets_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.performance.conftest import SideBySide

JETS, BATCH, HIDDEN = (512, 128, 64) if MEASURED else (16, 16, 64)


def jets(fewest: int, most: int) -> Any:
    """Jets of so many constituents."""
    rng = np.random.default_rng(1)
    counts = rng.integers(fewest, most + 1, JETS)
    return jets_of(
        [
            [(22, *row) for row in np.stack([rng.exponential(8, n) + 0.5, *rng.normal(0, 0.3, (2, n))], axis=1)]
            for n in counts.tolist()
        ]
    )


def on_geometric(net: MessageNet) -> nn.Module:
    """The same network, with the same weights, as PyTorch Geometric has one write it."""

    class Iteration(MessagePassing):
        def __init__(self, ours: nn.Module) -> None:
            super().__init__(aggr="add")
            self.attention, self.own, self.update_ = ours.attention, ours.message, ours.update

        def forward(self, h: Tensor, ends: Tensor, edge: Tensor | None) -> Tensor:
            received = self.propagate(ends, h=h, query=self.attention.query(h / HIDDEN**0.5), edge=edge)
            return self.update_(self.own(received).tanh(), h)

        def message(self, h_j: Tensor, query_i: Tensor, edge: Tensor | None, index: Tensor) -> Tensor:
            logits = (query_i * h_j).sum(1, keepdim=True)
            if edge is None:
                return softmax(logits, index) * h_j
            return softmax(logits + self.attention.edge(edge), index) * torch.cat([h_j, edge], dim=1)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net
            self.steps = nn.ModuleList(map(Iteration, net.iterations))

        def forward(self, data: Any) -> Tensor:
            h = self.net.embedding.node(data.x).tanh()
            pair = self.net.embedding.pair
            edge = None if pair is None else pair(data.edge_attr).relu()
            for step in self.steps:
                h = step(h, data.edge_index, edge)
            pooled = global_mean_pool(self.net.readout.layer(h).tanh(), data.batch)
            count = torch.bincount(data.batch)[:, None].log1p()
            return self.net.head(torch.cat([pooled, count], dim=1))

    return Net()


def learner(network: nn.Module) -> Callable[[Tensor, Tensor], None]:
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)

    def learn(inputs: Any, labels: Tensor) -> None:
        optimiser.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(network(inputs), labels).backward()
        optimiser.step()

    return learn


@pytest.mark.parametrize(("fewest", "most"), [(20, 60), (60, 60)], ids=["20 to 60", "60"])
@pytest.mark.parametrize("kind", ["nearest", "complete", "set"])
def test_training_steps(side_by_side: SideBySide, kind: str, fewest: int, most: int) -> None:
    """On graphs, and on a set, which is a complete graph with loops whose edges have nothing."""
    join, view = "nearest" if kind == "nearest" else "complete", VIEWS["graph", Graphs]
    graphs = view.prepare(Graph(join=join, loops=kind == "set").represent(jets(fewest, most)))
    index = torch.randperm(JETS, generator=torch.Generator().manual_seed(0))[:BATCH]

    def assembled() -> tuple[Tensor, ...]:
        if kind != "set":
            return view.batch(graphs, index)
        # as a view of particles has it, without the edges
        nodes, mask, *_, features = view.batch(bare, index)
        return nodes, mask, features

    none = torch.zeros(JETS + 1, dtype=torch.int64)
    empty = {name: Ragged(getattr(graphs, name).values[:0], none) for name in ("edges", "pairs")}
    bare = replace(graphs, **empty)
    inputs = assembled()
    torch.manual_seed(0)
    net = MessageNet(inputs[0].shape[1], 0, 2, hidden=HIDDEN, pairs=0 if kind == "set" else 6)
    single = [(view.batch(graphs, index[[i]])[0][0], graphs.joined(index[[i]])) for i in range(BATCH)]
    whole = [
        data.Data(x=nodes.T[: len(one.nodes)].contiguous(), edge_index=one.edges.contiguous(), edge_attr=one.pairs)
        for nodes, one in single
    ]
    batches, theirs = loader.DataLoader(whole, batch_size=BATCH), on_geometric(net)
    (batch,) = batches
    torch.testing.assert_close(net(*inputs), theirs(batch), rtol=1e-4, atol=1e-5)

    labels = torch.arange(BATCH) % 2
    step = Step(net, TrainingSettings(epochs=1, patience=1, batch_size=BATCH, learning_rate=1e-4))
    their_step = learner(theirs)
    side_by_side(
        f"mpnn, a training step on {BATCH} jets of {fewest} to {most}, {kind}",
        lambda: step(Batch(assembled(), labels, torch.ones(BATCH), torch.full((BATCH,), torch.nan))),
        "PyG's MessagePassing and DataLoader",
        lambda: [their_step(batch, labels) for batch in batches],
        at_least=1,
        rounds=5,
        calls=3,
    )
