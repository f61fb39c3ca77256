"""Graphs against PyTorch Geometric's way of putting them together."""

from __future__ import annotations

import pytest
import torch

from representations.graph.graph import Graph
from tests.peers import peer
from tests.representations.collisions import random_events


@pytest.mark.parametrize("graph", [Graph(k=3), Graph(join="complete"), Graph(join="radius", radius=0.0)], ids=str)
def test_batches_as_pytorch_geometric_has_them(graph: Graph) -> None:
    data = peer("torch_geometric.data")
    graphs = graph.represent(random_events(30, 6)).with_pairs()
    index = torch.tensor([4, 0, 29, 4, 17])
    ours, single = graphs.joined(index), [graphs.joined(row) for row in index.split(1)]
    theirs = data.Batch.from_data_list(
        [data.Data(x=one.nodes, edge_index=one.edges, edge_attr=one.pairs) for one in single]
    )
    assert torch.equal(ours.nodes, theirs.x)
    assert torch.equal(ours.event, theirs.batch)
    assert torch.equal(ours.edges, theirs.edge_index)
    assert torch.equal(ours.pairs, theirs.edge_attr)
