"""Message passing against a loop over nodes; the effect of padding, order and edges."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.nn import aggr

from models.layers.message_passing import MessageNet, NodePool, Places, Relations, Set2Set

VARIANTS = {
    "directed": {},
    "undirected": {"adjacency": "undirected"},
    "identity": {"adjacency": "identity"},
    "sum": {"readout": "sum", "iterations": 1},
    "set2set": {"readout": "set2set"},
    "aggregated": {"aggregated": True, "iterations": 3},
    "relations": {"relations": True},
}
NODES, COLUMNS, PAIRS, HIDDEN = 5, 4, 6, 8


def network(variant: str, *, graph: bool) -> MessageNet:
    torch.manual_seed(0)
    net = MessageNet(COLUMNS, 1, 3, hidden=HIDDEN, pairs=PAIRS if graph else 0, **VARIANTS[variant]).eval()
    for weight in net.parameters():
        nn.init.normal_(weight, std=0.5)
    return net


def event(*, graph: bool, seed: int = 1) -> tuple[Tensor, ...]:
    """One event of five nodes; in the graph node 4 has no senders, and node 3 no receivers."""
    torch.manual_seed(seed)
    nodes, mask, features = torch.randn(1, COLUMNS, NODES), torch.ones(1, NODES, dtype=torch.bool), torch.randn(1, 1)
    if not graph:
        return nodes, mask, features
    senders = torch.tensor([[[1, 2], [0, 4], [1, 0], [2, 0], [0, 0]]])
    joined = torch.tensor([[[True, True], [True, True], [True, False], [True, True], [False, False]]])
    return nodes, mask, senders, torch.randn(1, PAIRS, NODES, 2), joined, features


def wider(inputs: tuple[Tensor, ...], further: int) -> tuple[Tensor, ...]:
    """The same event with more places for nodes and for senders, filled with random numbers."""
    nodes, mask, *graph, features = inputs
    nodes = torch.cat([nodes, torch.full((1, COLUMNS, further), torch.nan)], dim=2)
    mask = torch.cat([mask, torch.zeros(1, further, dtype=torch.bool)], dim=1)
    if graph:
        senders, pairs, joined = graph
        grown = torch.zeros(1, NODES + further, 2 + further, dtype=torch.int64)
        grown[:, :NODES, :2] = senders
        more = torch.full((1, PAIRS, NODES + further, 2 + further), 9.0)
        more[:, :, :NODES, :2] = pairs
        there = torch.zeros(1, NODES + further, 2 + further, dtype=torch.bool)
        there[:, :NODES, :2] = joined
        graph = [grown, more, there]
    return nodes, mask, *graph, features


def reordered(inputs: tuple[Tensor, ...], order: Tensor) -> tuple[Tensor, ...]:
    """The same event with its nodes, and the senders of each node, in another order."""
    nodes, mask, *graph, features = inputs
    if graph:
        senders, pairs, joined = graph
        place = torch.argsort(order)
        graph = [place[senders[:, order].flip(2)], pairs[:, :, order].flip(3), joined[:, order].flip(2)]
    return nodes[:, :, order], mask, *graph, features


@pytest.mark.parametrize("graph", [False, True], ids=["set", "graph"])
@pytest.mark.parametrize("variant", list(VARIANTS))
class TestEveryVariant:
    def test_padding_does_not_matter(self, variant: str, graph: bool) -> None:
        net, inputs = network(variant, graph=graph), event(graph=graph)
        expected = net(*inputs)
        for further in (1, 11):
            torch.testing.assert_close(net(*wider(inputs, further)), expected, rtol=1e-5, atol=1e-5)

    def test_padding_does_not_matter_if_all_places_are_rows(
        self, variant: str, graph: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As on a GPU, where every place is a row."""
        net, inputs = network(variant, graph=graph), event(graph=graph)
        expected = net(*inputs)
        monkeypatch.setattr(Places, "of", lambda mask: Places(mask, None))
        torch.testing.assert_close(net(*wider(inputs, 3)), expected, rtol=1e-5, atol=1e-5)

    def test_order_of_nodes_does_not_matter(self, variant: str, graph: bool) -> None:
        net, inputs = network(variant, graph=graph), event(graph=graph)
        order = torch.tensor([3, 0, 4, 2, 1])
        torch.testing.assert_close(net(*reordered(inputs, order)), net(*inputs), rtol=1e-5, atol=1e-5)

    def test_every_node_and_feature_matters(self, variant: str, graph: bool) -> None:
        net, inputs = network(variant, graph=graph), event(graph=graph)
        before = net(*inputs)
        for node in range(NODES):
            nodes = inputs[0].clone()
            nodes[:, :, node] += 1
            assert not torch.allclose(net(nodes, *inputs[1:]), before)
        assert not torch.allclose(net(*inputs[:-1], inputs[-1] + 1), before)

    def test_an_empty_event_has_a_score(self, variant: str, graph: bool) -> None:
        net, inputs = network(variant, graph=graph), event(graph=graph)
        empty = [part & False if part.dtype == torch.bool else part for part in inputs]
        assert net(*empty).isfinite().all()

    def test_gradients_are_finite(self, variant: str, graph: bool) -> None:
        net = network(variant, graph=graph).train()
        net(*wider(event(graph=graph), 3)).sum().backward()
        for name, weight in net.named_parameters():
            assert weight.grad.isfinite().all(), name


def by_hand(net: MessageNet, inputs: tuple[Tensor, ...]) -> Tensor:
    """A directed network, node by node and edge by edge."""
    nodes, _, *graph, features = inputs
    state = [net.embedding.node(nodes[0, :, node]).tanh() for node in range(NODES)]
    heard: list[list[tuple[int, Tensor | None]]] = [[(sender, None) for sender in range(NODES)] for _ in range(NODES)]
    if graph:
        senders, pairs, joined = graph
        heard = [
            [
                (int(senders[0, node, slot]), net.embedding.pair(pairs[0, :, node, slot]).relu())
                for slot in range(2)
                if joined[0, node, slot]
            ]
            for node in range(NODES)
        ]
    for step in net.iterations:
        after = []
        for node in range(NODES):
            logits = [
                step.attention.query(state[node] / math.sqrt(HIDDEN)) @ state[sender]
                + (0 if edge is None else step.attention.edge(edge)[0])
                for sender, edge in heard[node]
            ]
            size = HIDDEN if not graph else HIDDEN + net.embedding.pair.out_features
            total = torch.zeros(size)
            for (sender, edge), logit in zip(heard[node], logits, strict=True):
                share = logit.exp() / sum(other.exp() for other in logits)
                total = total + share * (state[sender] if edge is None else torch.cat([state[sender], edge]))
            after.append(step.update(step.message(total).tanh()[None], state[node][None])[0])
        state = after
    pooled = torch.stack([net.readout.layer(one).tanh() for one in state]).mean(0)
    return net.head(torch.cat([pooled, torch.tensor([math.log(1 + NODES)]), features[0]]))


@pytest.mark.parametrize("graph", [False, True], ids=["set", "graph"])
def test_messages_node_by_node(graph: bool) -> None:
    net, inputs = network("directed", graph=graph), event(graph=graph)
    torch.testing.assert_close(net(*inputs)[0], by_hand(net, inputs), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("graph", [False, True], ids=["set", "graph"])
def test_rows_of_the_adjacency_sum_to_one_where_there_are_senders(graph: bool) -> None:
    net, inputs = network("directed", graph=graph), wider(event(graph=graph), 2)
    nodes, mask, *rest, _ = inputs
    places = Places.of(mask)
    rows, edges = net.embedding(nodes, places, *rest)
    weights, _ = net.iterations[0].attention(rows, places.dense(rows), places, edges)
    torch.testing.assert_close(weights[0, :5].sum(1), torch.tensor([1.0] * 4 + [0.0 if graph else 1.0]))
    assert not weights[0, :, 5:].any()  # padding sends nothing
    if graph:
        assert (weights[0] > 0).sum() == 7  # as many as there are edges
    both_ways = network("undirected", graph=graph).iterations[0].attention
    undirected, _ = both_ways(rows, places.dense(rows), places, edges)
    torch.testing.assert_close(undirected, undirected.transpose(1, 2))


def test_identity_passes_no_messages() -> None:
    """The readout is the mean over single nodes."""
    net, (nodes, mask, features) = network("identity", graph=False), event(graph=False)
    pooled: list[Tensor] = []
    net.readout.register_forward_hook(lambda module, given, out: pooled.append(out))
    net(nodes, mask, features)
    for node in range(NODES):
        net(nodes[:, :, [node]], mask[:, [node]], features)
    torch.testing.assert_close(pooled[0], torch.stack(pooled[1:]).mean(0))


def test_messages_go_only_along_edges() -> None:
    """After one iteration node 0 depends on nodes 1 and 2, and after two on node 4, a sender of node 1."""
    net, inputs = network("directed", graph=True), event(graph=True)
    states: list[Tensor] = []
    for step in net.iterations:
        step.register_forward_hook(lambda module, given, out: states.append(out))

    def of_node_0(changed: int) -> list[Tensor]:
        states.clear()
        nodes = inputs[0].clone()
        nodes[:, :, changed] += 1
        net(nodes, *inputs[1:])
        return [state[0] for state in states]

    net(*inputs)
    before = [state[0].clone() for state in states]
    moved = {
        node: [not torch.equal(a, b) for a, b in zip(of_node_0(node), before, strict=True)] for node in range(1, 5)
    }
    assert moved == {1: [True, True], 2: [True, True], 3: [False, False], 4: [False, True]}


@pytest.mark.parametrize("variant", ["directed", "undirected", "relations"])
def test_edge_features_matter(variant: str) -> None:
    net, (nodes, mask, senders, pairs, joined, features) = network(variant, graph=True), event(graph=True)
    before = net(nodes, mask, senders, pairs, joined, features)
    assert not torch.allclose(net(nodes, mask, senders, pairs + 1, joined, features), before)
    elsewhere = pairs.clone()
    elsewhere[:, :, 4] += 1  # where there is no edge
    torch.testing.assert_close(net(nodes, mask, senders, elsewhere, joined, features), before)


@pytest.mark.parametrize("places", [1, 7, 8, 20])
def test_relations_pair_by_pair(places: int) -> None:
    torch.manual_seed(0)
    layer, h = Relations(HIDDEN, edges=False), torch.randn(2, places, HIDDEN)
    mask = torch.rand(2, places) < 0.7
    found = layer(h, mask, None)
    for number in range(2):
        state = [layer.deeper(one).relu() for one, there in zip(h[number], mask[number], strict=True) if there]
        pairs = [(layer.one(a) + layer.other(b)).tanh() for a in state for b in state]
        expected = torch.stack(pairs).mean(0) if pairs else torch.zeros(HIDDEN)
        torch.testing.assert_close(found[number], expected, rtol=1e-5, atol=1e-6)


def test_means_and_sums() -> None:
    h, mask = torch.randn(1, 6, HIDDEN), torch.tensor([[True] * 4 + [False] * 2])
    mean, total = NodePool(HIDDEN, "mean"), NodePool(HIDDEN, "sum")
    total.load_state_dict(mean.state_dict())
    torch.testing.assert_close(total(h, mask), mean(h, mask) * 4 / 16)


def test_set2set_equals_that_of_geometric() -> None:
    torch.manual_seed(0)
    ours, theirs = Set2Set(HIDDEN, steps=3), aggr.Set2Set(HIDDEN, processing_steps=3)
    for name, value in theirs.lstm.named_parameters():
        getattr(ours.ask, name.removesuffix("_l0")).data.copy_(value)
    h, mask = torch.randn(3, 5, HIDDEN), torch.arange(5)[None] < torch.tensor([[5], [2], [1]])
    flat, of_event = h[mask], mask.nonzero()[:, 0]
    torch.testing.assert_close(ours(h, mask), ours.out(theirs(flat, of_event)), rtol=1e-5, atol=1e-6)
