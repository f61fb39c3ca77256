"""Graphs against PyTorch Geometric's way of putting them together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch
from torch_geometric.data import Batch, Data
from torch_geometric.loader import DataLoader

from representations.graph.graph import Graph
from representations.samples import PygLoader
from tests.representations.collisions import random_events

if TYPE_CHECKING:
    from representations.samples import Graphs

GRAPHS = pytest.mark.parametrize(
    "graph", [Graph(k=3), Graph(join="complete"), Graph(join="radius", radius=0.0)], ids=str
)


def singles(graphs: Graphs, index: torch.Tensor) -> list[Data]:
    """Each graph as `Data`, made by hand."""
    parts = [graphs.joined(row) for row in index.split(1)]
    return [
        Data(
            x=one.nodes,
            edge_index=one.edges,
            edge_attr=one.pairs,
            y=graphs.labels[row],
            features=graphs.features[row],
            weight=graphs.weights[row],
            event_id=graphs.event_ids[row],
        )
        for one, row in zip(parts, index.split(1), strict=True)
    ]


def assert_same(ours: Data, theirs: Data) -> None:
    assert set(ours.keys()) == set(theirs.keys())
    for name in theirs.keys():  # noqa: SIM118 - no mapping
        assert torch.equal(ours[name], theirs[name]), name


@GRAPHS
def test_batches_as_pytorch_geometric_has_them(graph: Graph) -> None:
    graphs = graph.represent(random_events(30, 6)).with_pairs()
    index = torch.tensor([4, 0, 29, 4, 17])
    ours, theirs = graphs.joined(index), Batch.from_data_list(singles(graphs, index))
    assert torch.equal(ours.nodes, theirs.x)
    assert torch.equal(ours.event, theirs.batch)
    assert torch.equal(ours.edges, theirs.edge_index)
    assert torch.equal(ours.pairs, theirs.edge_attr)


@GRAPHS
@pytest.mark.parametrize("pairs", [True, False])
def test_to_pyg_is_a_batch_of_single_graphs(graph: Graph, pairs: bool) -> None:
    graphs = graph.represent(random_events(30, 6))
    graphs = graphs.with_pairs() if pairs else graphs
    ours, single = graphs.to_pyg(), singles(graphs.with_pairs(), torch.arange(30))
    assert_same(ours, Batch.from_data_list(single))
    assert ours.num_graphs == 30
    assert_same(ours[7], single[7])
    for one, other in zip(ours.to_data_list(), single, strict=True):
        assert_same(one, other)


def test_to_pyg_shares_the_memory_of_the_samples() -> None:
    graphs = Graph(k=3).represent(random_events(30, 6)).with_pairs()
    batch = graphs.to_pyg()
    assert batch.x.data_ptr() == graphs.nodes.values.data_ptr()
    assert batch.edge_attr.data_ptr() == graphs.pairs.values.data_ptr()
    assert batch.y.data_ptr() == graphs.labels.data_ptr()
    assert batch[7].x.data_ptr() == graphs.nodes.values[graphs.nodes.offsets[7] :].data_ptr()
    second = list(PygLoader(graphs, 8))[1]
    assert second.x.data_ptr() == graphs.nodes.values[graphs.nodes.offsets[8] :].data_ptr()


def test_the_loader_gives_the_batches_of_pytorch_geometric() -> None:
    graphs = Graph(k=3).represent(random_events(30, 6)).with_pairs()
    loader, theirs = PygLoader(graphs, 8), DataLoader(singles(graphs, torch.arange(30)), batch_size=8)
    assert len(loader) == len(theirs) == 4
    for one, other in zip(loader, theirs, strict=True):
        assert_same(one, other)
    shuffled = PygLoader(graphs, 8, shuffle=True, generator=torch.Generator().manual_seed(3))
    first, again = ([batch.event_id for batch in shuffled] for _ in range(2))
    order = torch.randperm(30, generator=torch.Generator().manual_seed(3))
    assert torch.equal(torch.cat(first), graphs.event_ids[order])
    assert not torch.equal(torch.cat(first), torch.cat(again))
    batch = next(iter(PygLoader(graphs, 30, shuffle=True, generator=torch.Generator().manual_seed(3))))
    assert_same(batch, Batch.from_data_list(singles(graphs, order)))
