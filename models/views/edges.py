"""Graphs joined into one, with lists of edges, as in PyTorch Geometric."""

from __future__ import annotations

import torch
from torch import Tensor

from models.views.view import (
    EXAMPLE_EVENTS,
    EXAMPLE_PLACES,
    EXAMPLE_SENDERS,
    Inputs,
    OnnxInput,
    Shape,
    View,
    features_onnx_input,
)
from representations.samples import Graphs

MAX_PAIR_BYTES = 1 << 30
"""Pair features up to this size are computed once for all events, larger ones batch by batch."""
_BYTES_PER_PAIR = 24


class JoinedGraphs(View[Graphs]):
    """All nodes (nodes, columns), pairs (edges, P), their ends (2, edges), events (nodes,), features (batch, features).

    `ends` has the sender and the receiver of each edge, ordered by receiver.

    Axis 0 counts the nodes of the whole batch, because padding every event to the largest would at least double the
    work. On a GPU, nodes and edges are padded to a few sizes, so that batches have few shapes; the padding belongs to
    an extra event after the last, which has no row of features.
    """

    name = "edges"

    def shape(self, samples: Graphs) -> Shape:
        """Names of the columns of nodes; `size` is the number of columns of a pair."""
        return Shape(self.name, samples.names, (len(samples.edge_names),), samples.feature_names)

    def prepare(self, samples: Graphs) -> Graphs:
        """Compute the features of pairs, unless they are too large."""
        few = _BYTES_PER_PAIR * len(samples.edges.values) <= MAX_PAIR_BYTES
        return samples.with_pairs() if few and samples.pairs is None else samples

    def batch(self, samples: Graphs, index: Tensor) -> Inputs:
        """Nodes, pairs, ends, events and features."""
        nodes, event, ends, pairs = samples.joined(index)
        if nodes.is_cuda:
            nodes, event, ends, pairs = padded(nodes, event, ends, pairs, len(index))
        return nodes, pairs, ends, event, samples.features[index]

    def rows(self, samples: Graphs, index: Tensor) -> tuple[Tensor | None, ...]:
        """Nodes and pairs without padding, and features."""
        graphs = samples.joined(index)
        return graphs.nodes, graphs.pairs, None, None, samples.features[index]

    def onnx_inputs(self, shape: Shape) -> list[OnnxInput]:
        """Nodes, pairs, ends, events and features."""
        nodes, edges = EXAMPLE_EVENTS * EXAMPLE_PLACES, EXAMPLE_EVENTS * EXAMPLE_SENDERS
        return [
            OnnxInput("nodes", torch.zeros(nodes, len(shape.columns))),
            OnnxInput("pairs", torch.zeros(edges, shape.size[0])),
            OnnxInput("ends", torch.arange(edges).remainder(nodes).repeat(2, 1), (1,)),
            OnnxInput("events", torch.arange(EXAMPLE_EVENTS).repeat_interleave(EXAMPLE_PLACES)),
            features_onnx_input(shape),
        ]


def padded(
    nodes: Tensor, event: Tensor, ends: Tensor, pairs: Tensor, events: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Pad to `rounded` sizes, with at least one empty node of the extra event `events`, and edges of the last node.

    Takes and returns nodes (N, columns), event (N,), ends (2, E) and pairs (E, 6).
    """
    count = rounded(len(nodes) + 1)
    more, links = count - len(nodes), rounded(ends.shape[1]) - ends.shape[1]
    return (
        torch.cat([nodes, nodes.new_zeros(more, nodes.shape[1])]),
        torch.cat([event, event.new_full((more,), events)]),
        torch.cat([ends, ends.new_full((2, links), count - 1)], dim=1),
        torch.cat([pairs, pairs.new_zeros(links, pairs.shape[1])]),
    )


def rounded(count: int) -> int:
    """The next number that is 4, 5, 6 or 7 times a power of 2, at most a quarter larger."""
    power = 1 << max(0, count.bit_length() - 3)
    return -(-count // power) * power
