"""A loader of batches for networks of PyTorch Geometric."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor
    from torch_geometric.data import Batch

    from representations.samples.graphs import Graphs


class PygLoader:
    """Batches for networks of PyTorch Geometric, in the place of its `DataLoader`.

    It assembles batches from the arrays of the samples instead of collating single graphs, which is six to eight times
    as fast. Without `shuffle`, nodes and features of pairs are not copied at all.

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
