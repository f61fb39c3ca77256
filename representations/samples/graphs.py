"""Graphs of particles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Self

import torch
from torch import Tensor

from representations.kernels import gather
from representations.kernels.pairs import PAIR_FEATURES, pair_features
from representations.samples.particles import FRAME, ParticleSamples
from representations.samples.ragged import Ragged

if TYPE_CHECKING:
    from torch_geometric.data import Batch


TURNED = [FRAME.index(name) for name in ("cos", "sin", "mirror")]
"""Columns of a frame by which the differences of pairs are turned."""


class Joined(NamedTuple):
    """A batch of graphs as one graph whose parts are not connected.

    Parameters
    ----------
    nodes : (N, columns) float32.
    event : (N,) int64, the graph of each node.
    edges : (2, E) int64, senders and receivers, counted through all graphs.
    pairs : (E, P) float32, features of edges.
    """

    nodes: Tensor
    event: Tensor
    edges: Tensor
    pairs: Tensor


@dataclass(frozen=True, kw_only=True)
class Graphs(ParticleSamples):
    """Particles as nodes, and edges between particles of the same event.

    Parameters
    ----------
    nodes : Ragged (total, columns) float32; their momenta must be known.
    edges : Ragged (total, 2) int32, sender and receiver, counted within the event.
    edge_names : features of edges: all `PAIR_FEATURES`, or the first of them.
    pairs : Ragged (total, P) float32, the features of edges; None computes them for each batch on the device.

    Notes
    -----
    Features of edges follow from the nodes, and a GPU computes them as fast as it makes images dense. For many passes
    on a CPU, `with_pairs` stores them, in three times the bytes of the edges.
    """

    nodes: Ragged
    edges: Ragged
    edge_names: tuple[str, ...] = PAIR_FEATURES
    pairs: Ragged | None = None

    @property
    def rows(self) -> Ragged:
        """The nodes."""
        return self.nodes

    def joined(self, index: Tensor) -> Joined:
        """The graphs of `index` (int64, on the samples' device) as one."""
        nodes, event, ends, pairs = self._on_cpu(index) if self.device.type == "cpu" else self._on_device(index)
        if pairs is not None:
            return Joined(nodes, event, ends, pairs)
        momenta = self.momenta_of(nodes, index)
        assert momenta is not None
        turned = None
        if self.frames is not None:
            first = self.frames.offsets[:-1][index][event]
            turned = self.frames.values[first][:, TURNED]
        return Joined(nodes, event, ends, pair_features(momenta, ends.T, turned)[:, : len(self.edge_names)])

    def _on_cpu(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Nodes, event, edges, and stored pairs, with one pass for each."""
        rows = gather.rows_of(index, len(self))
        nodes, starts = gather.take(self.nodes.values, self.nodes.offsets, rows)
        ends = gather.ends(self.edges.values, self.edges.offsets, starts, rows)
        pairs = None if self.pairs is None else gather.take(self.pairs.values, self.pairs.offsets, rows)[0]
        return nodes, gather.owners(starts), ends, pairs

    def _on_device(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Nodes, event, edges, and stored pairs, with torch."""
        nodes, edges = self.nodes.take(index), self.edges.take(index)
        ends = (edges.values.long() + nodes.offsets[edges.rows(), None]).T
        pairs = None if self.pairs is None else self.pairs.take(index).values
        return nodes.values, nodes.rows(), ends, pairs

    def with_pairs(self) -> Self:
        """The same graphs with the features of edges stored."""
        every = torch.arange(len(self), device=self.device)
        parts = [self.joined(every[start : start + 1024]).pairs for start in range(0, max(len(self), 1), 1024)]
        return replace(self, pairs=Ragged(torch.cat(parts), self.edges.offsets))

    def to_pyg(self) -> Batch:
        """All graphs as one `torch_geometric.data.Batch`; index it, or call its `to_data_list`, for single graphs.

        Returns
        -------
        Batch
            `x` (nodes, columns `names`), `edge_index` (2, edges), `edge_attr` (edges, columns `edge_names`), and per
            graph `y` (labels), `features`, `weight` and `event_id`. It shares the memory of these samples, except for
            `edge_index`, which is int64 there and counts nodes through all graphs, and for `edge_attr` if the samples
            have no `pairs` yet.
        """
        graphs = self if self.pairs is not None else self.with_pairs()
        assert graphs.pairs is not None
        ends = self.edges.values.long() + self.nodes.offsets[self.edges.rows(), None]
        return _as_batch(self, Joined(self.nodes.values, self.nodes.rows(), ends.T, graphs.pairs.values))


def _as_batch(graphs: Graphs, parts: Joined) -> Batch:
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
