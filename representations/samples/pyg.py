"""Graphs as batches of PyTorch Geometric, which share the memory of nodes, features of pairs and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor
    from torch_geometric.data import Batch

    from representations.samples.graphs import Graphs, Joined


def as_batch(graphs: Graphs, parts: Joined) -> Batch:
    """`parts`, which are all of these graphs joined, as a `torch_geometric.data.Batch` of as many graphs."""
    from torch_geometric.data import Batch, Data  # takes seconds to import

    starts, ends = graphs.nodes.offsets, graphs.edges.offsets
    rows = torch.arange(len(graphs) + 1, device=graphs.device)
    labels = {
        "y": graphs.labels,
        "features": graphs.features,
        "weight": graphs.weights,
        "event_id": graphs.event_ids,
    }
    batch = Batch(
        _base_cls=Data,
        x=parts.nodes,
        edge_index=parts.edges,
        edge_attr=parts.pairs,
        **labels,
        batch=parts.event,
        ptr=starts,
    )
    # what `Batch.from_data_list` notes, so that batch[i] and batch.to_data_list() work
    batch._num_graphs = len(graphs)
    batch._slice_dict = {"x": starts, "edge_index": ends, "edge_attr": ends, **dict.fromkeys(labels, rows)}
    zeros = torch.zeros(len(graphs), dtype=torch.int64, device=graphs.device)
    batch._inc_dict = {**dict.fromkeys(batch._slice_dict, zeros), "edge_index": starts[:-1]}
    return batch


class PygLoader:
    """Batches for networks of PyTorch Geometric, in the place of its `DataLoader`.

    It assembles batches from the arrays of the samples instead of collating single graphs, which takes a tenth of the
    time. Without `shuffle`, nodes and features of pairs are not copied at all.

    Parameters
    ----------
    graphs : samples, on any device. With `graphs.with_pairs()` the features of pairs are computed only once.
    batch_size : graphs per batch.
    shuffle : whether to draw a new order in each pass.
    generator : random numbers for the order; by default those of torch.
    """

    def __init__(
        self, graphs: Graphs, batch_size: int = 128, *, shuffle: bool = False, generator: torch.Generator | None = None
    ) -> None:
        self.graphs, self.batch_size, self.shuffle, self.generator = graphs, batch_size, shuffle, generator

    def __len__(self) -> int:
        return -(-len(self.graphs) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        starts = range(0, len(self.graphs), self.batch_size)
        if not self.shuffle:
            yield from (self.graphs[start : start + self.batch_size].to_pyg() for start in starts)
            return
        order: Tensor = torch.randperm(len(self.graphs), generator=self.generator).to(self.graphs.device)
        yield from (self.graphs[order[start : start + self.batch_size]].to_pyg() for start in starts)
