"""Edge convolutions against a loop over nodes and their neighbours."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from models.cnn import CNN
from models.inputs import VIEWS
from models.layers.edgeconv import EdgeConv, EdgeNet, counts, mean_of
from models.views.edges import padded
from representations.samples import Graphs
from tests.models.conftest import chains

VIEW = VIEWS["edges", Graphs]


def excited(network: nn.Module) -> nn.Module:
    """With non-zero weights: zeros would hide a branch that is missing."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(0.3 * torch.randn(weight.shape, generator=generator))
    return network.eval()


def looped(layer: EdgeConv, x: Tensor, pairs: Tensor, ends: Tensor) -> Tensor:
    """Node by node, edge by edge, as the paper writes it."""
    rows = []
    for node in range(len(x)):
        found = [
            layer.third(layer.second(layer.first(torch.cat([x[node], x[other] - x[node], pair])).relu()).relu())
            for other, receiver, pair in zip(ends[0].tolist(), ends[1].tolist(), pairs, strict=True)
            if receiver == node
        ]
        mean = torch.stack(found).mean(0) if found else layer.third.bias
        rows.append((mean + layer.skip(x[node])).relu())
    return torch.stack(rows)


def test_a_layer_is_the_function_of_the_paper() -> None:
    layer = excited(EdgeConv(3, 2, 5))
    x, pairs = torch.randn(6, 3), torch.randn(9, 2)
    ends = torch.tensor([[1, 2, 0, 3, 3, 5, 1, 4, 2], [0, 0, 1, 1, 2, 2, 3, 3, 3]])  # no edge ends at 4 and 5
    found = layer(x, pairs, ends, counts(ends[1], 6))
    torch.testing.assert_close(found, looped(layer, x, pairs, ends), atol=1e-5, rtol=1e-5)


def test_a_branch_starts_at_zero() -> None:
    layer, x, ends = EdgeConv(3, 2, 5), torch.randn(4, 3), torch.tensor([[0, 1], [1, 0]])
    torch.testing.assert_close(layer(x, torch.randn(2, 2), ends, counts(ends[1], 4)), layer.skip(x).relu())


def test_means_of_groups() -> None:
    rows, group = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), torch.tensor([0, 2, 2])
    size = counts(group, 4)
    assert size.flatten().tolist() == [1, 0, 2, 0]
    assert mean_of(rows, group, size).tolist() == [[1, 2], [0, 0], [4, 5], [0, 0]]


@pytest.mark.parametrize("depth", [7, 11, 15, 23])
def test_depth_counts_edge_convolutions(depth: int) -> None:
    network = CNN(depth=depth, width=16).network(VIEW.shape(chains(3)), 2)
    assert isinstance(network, EdgeNet)
    assert [layer.second.out_features for layer in network.body] == [32, 64, 128, 128, 128][: depth // 4]


def test_the_order_of_particles_does_not_matter() -> None:
    network = excited(EdgeNet(4, 6, 2, 3, blocks=2, width=4, dropout=0.0))
    inputs = nodes, pairs, ends, event, features = VIEW.batch(chains(20, features=2), torch.arange(20))
    order, mixed = torch.randperm(len(nodes)), torch.randperm(len(pairs))
    place = torch.empty_like(order)
    place[order] = torch.arange(len(order))  # the new place of each node
    again = nodes[order], pairs[mixed], place[ends][:, mixed], event[order], features
    expected = network(*inputs)
    torch.testing.assert_close(network(*again), expected, atol=1e-5, rtol=1e-5)
    assert expected.std(0).min() > 1e-3


def test_padding_does_not_matter() -> None:
    network = excited(EdgeNet(4, 6, 0, 2, blocks=2, width=4, dropout=0.0))
    nodes, pairs, ends, event, features = VIEW.batch(chains(9, empty=[8]), torch.arange(9))
    more, at, to, what = padded(nodes, event, ends, pairs, 9)
    assert len(more) > len(nodes)
    assert len(what) > len(pairs)
    expected = network(nodes, pairs, ends, event, features)
    torch.testing.assert_close(network(more, what, to, at, features), expected)


def test_every_column_and_pair_reaches_the_logits() -> None:
    network = excited(EdgeNet(4, 6, 0, 2, blocks=1, width=8, dropout=0.0))
    nodes, pairs, ends, event, features = VIEW.batch(chains(9), torch.arange(9))
    nodes, pairs = nodes.clone().requires_grad_(), pairs.clone().requires_grad_()
    network(nodes, pairs, ends, event, features).square().sum().backward()
    assert nodes.grad is not None and (nodes.grad.abs().sum(0) > 0).all()  # noqa: PT018
    assert pairs.grad is not None and (pairs.grad.abs().sum(0) > 0).all()  # noqa: PT018
