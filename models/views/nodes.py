"""Particles as sets of nodes, and graphs as nodes with lists of senders, for message passing."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from models.views.particles import ParticleView, PreparedParticles
from models.views.view import (
    EXAMPLE_EVENTS,
    EXAMPLE_PLACES,
    EXAMPLE_SENDERS,
    MAX_PREPARED_BYTES,
    Inputs,
    OnnxInput,
    Shape,
    View,
    features_onnx_input,
    padded_onnx_inputs,
)
from representations.samples import Graphs, Ragged, Vectors

MOST = 128
"""Largest number of nodes per event."""


class Nodes(NamedTuple):
    """The nodes of some events: values (total, columns), names of the columns, and the event of each node (total,)."""

    values: Tensor
    names: tuple[str, ...]
    event: Tensor


class ParticleNodes(ParticleView):
    """Particles as a set: nodes (batch, columns, places), mask (batch, places), features (batch, features).

    At most 128 particles per event are used, those of highest pt.
    """

    name = "nodes"

    def selected(self, samples: Vectors) -> Ragged:
        """The columns of the 128 particles of highest pt of each event, in their order."""
        particles = samples.particles
        if not bool((particles.lengths > MOST).any()):
            return particles
        offsets = torch.zeros_like(particles.offsets)
        torch.cumsum(particles.lengths.clamp(max=MOST), 0, out=offsets[1:])
        return Ragged(particles.values[hardest(particles.rows(), _pt(samples), len(samples))], offsets)

    def prepare(self, samples: Vectors) -> Vectors:
        """Select the particles, and compute the share that is left out."""
        inputs = super().prepare(samples)
        if isinstance(inputs, PreparedParticles) and inputs.left_out is None:
            return replace(inputs, left_out=self.dropped(samples))
        return inputs

    def dropped(self, samples: Vectors) -> Tensor:
        """Share of each event's pt beyond the 128 hardest particles, (events,); 0 if momenta are unknown."""
        if isinstance(samples, PreparedParticles) and samples.left_out is not None:
            return samples.left_out
        if not bool((samples.particles.lengths > MOST).any()):
            return torch.zeros_like(samples.weights)
        size, event = _pt(samples).to(torch.float64), samples.particles.rows()
        whole, left = (
            size.new_zeros(len(samples)).index_add_(0, event[some], size[some])
            for some in (slice(None), hardest(event, size, len(samples)))
        )
        return torch.where(whole > 0, 1 - left / whole, 0.0).clamp(min=0).to(torch.float32)

    def places(self, samples: Vectors, lengths: Tensor) -> int:  # noqa: ARG002 - the same for all samples
        """The longest length, rounded up by `length_of`."""
        return length_of(lengths)


def _pt(samples: Vectors) -> Tensor:
    """pt of the particles, (total,); 0 if their momenta are unknown."""
    momenta = samples.momenta_of(samples.particles.values)
    return samples.weights.new_zeros(len(samples.particles.values)) if momenta is None else momenta[:, 0]


class GraphNodes(View[Graphs]):
    """Graphs: nodes (batch, columns, places), mask (batch, places), their senders, features (batch, features).

    Senders are three tensors: their places (batch, places, senders) int64, edge features (batch, edge features, places,
    senders), and a mask (batch, places, senders). With a list per receiver, padded to the longest, graphs of nearest
    neighbours take hardly more memory than their edges, and batches have few shapes.
    """

    name = "graph"

    def shape(self, samples: Graphs) -> Shape:
        """Names of the columns of nodes; `size` is the number of edge features."""
        return Shape(self.name, samples.names, (len(samples.edge_names),), samples.feature_names)

    def prepare(self, samples: Graphs) -> Graphs:
        """Compute edge features, unless they take more than 2 GiB."""
        takes = 4 * len(samples.edge_names) * len(samples.edges.values)
        if samples.pairs is not None or takes > MAX_PREPARED_BYTES:
            return samples
        return replace(samples.with_pairs(), momenta=None, frames=None)

    def batch(self, samples: Graphs, index: Tensor) -> Inputs:
        """Nodes, mask, senders, edge features, mask of the edges, and features."""
        graphs = samples.joined(index)
        nodes, mask = padded(Nodes(graphs.nodes, samples.names, graphs.event), len(index))
        # edges in the order of their receivers in the batch
        sender, receiver = graphs.edges
        order = torch.argsort(receiver, stable=True)
        receiver = receiver[order]
        degree = torch.bincount(receiver, minlength=len(graphs.event))
        width = length_of(degree)
        first = starts(samples.nodes.lengths[index])
        slot = torch.arange(len(order), device=order.device) - starts(degree)[receiver]
        event = graphs.event[receiver]
        shape = (*mask.shape, width)
        where = ((event * shape[1]) + receiver - first[event]) * width + slot
        senders = torch.zeros(mask.numel() * width, dtype=torch.int64, device=index.device)
        senders[where] = sender[order] - first[event]
        joined = torch.zeros(mask.numel() * width, dtype=torch.bool, device=index.device)
        joined[where] = True
        pairs = torch.zeros(mask.numel() * width, graphs.pairs.shape[1], device=index.device)
        pairs[where] = graphs.pairs[order]
        edges = senders.view(shape), pairs.view(*shape, -1).permute(0, 3, 1, 2), joined.view(shape)
        return nodes, mask, *edges, samples.features[index]

    def rows(self, samples: Graphs, index: Tensor) -> tuple[Tensor | None, ...]:
        """Nodes and edges without padding, and the features."""
        graphs = samples.joined(index)
        return graphs.nodes, None, None, graphs.pairs, None, samples.features[index]

    def onnx_inputs(self, shape: Shape) -> list[OnnxInput]:
        """Nodes, mask, the three tensors of their senders, and features."""
        sizes = EXAMPLE_EVENTS, EXAMPLE_PLACES, EXAMPLE_SENDERS
        senders = OnnxInput("senders", torch.zeros(sizes, dtype=torch.int64), (0, 1, 2))
        pairs = OnnxInput("pairs", torch.zeros(EXAMPLE_EVENTS, shape.size[0], *sizes[1:]), (0, 2, 3))
        joined = OnnxInput("joined", torch.ones(sizes, dtype=torch.bool), (0, 1, 2))
        return [*padded_onnx_inputs("nodes", shape), senders, pairs, joined, features_onnx_input(shape)]


def first_largest(size: Tensor, event: Tensor, events: int) -> Tensor:
    """Position of the first largest value of each event, (events,) int64; arbitrary for an empty event."""
    largest = size.new_full((events,), -torch.inf).scatter_reduce_(0, event, size, "amax")
    position = torch.arange(len(size), device=size.device)
    candidates = torch.where(size == largest[event], position, len(size))
    # NaN is equal to no value, so the position is arbitrary
    first = position.new_full((events,), len(size)).scatter_reduce_(0, event, candidates, "amin")
    return first.clamp(max=max(len(size) - 1, 0))


def hardest(event: Tensor, energy: Tensor, events: int) -> Tensor:
    """Positions of the 128 nodes of highest energy in each event (the first of equal ones), in the order of nodes."""
    order = torch.argsort(energy, descending=True, stable=True)
    order = order[torch.argsort(event[order], stable=True)]
    lengths = torch.bincount(event, minlength=events)
    place = torch.arange(len(order), device=order.device) - starts(lengths)[event[order]]
    return order[place < MOST].sort().values


def padded(table: Nodes, events: int) -> tuple[Tensor, Tensor]:
    """Nodes (events, columns, places) and a mask (events, places), with `length_of` places."""
    lengths = torch.bincount(table.event, minlength=events)
    places = length_of(lengths)
    device = table.event.device
    where = table.event * places + torch.arange(len(table.event), device=device) - starts(lengths)[table.event]
    dense = torch.zeros(events * places, table.values.shape[1], device=device)
    dense[where] = table.values
    mask = torch.zeros(events * places, dtype=torch.bool, device=device)
    mask[where] = True
    return dense.view(events, places, -1).transpose(1, 2), mask.view(events, places)


def starts(lengths: Tensor) -> Tensor:
    """Positions at which consecutive lists begin."""
    return lengths.cumsum(0) - lengths


def length_of(lengths: Tensor) -> int:
    """The longest length, rounded up to a multiple of 8 (of 16 above 32), because a GPU records a step per shape."""
    longest = max(1, int(lengths.max())) if len(lengths) else 1
    step = 8 if longest <= 32 else 16
    return -(-longest // step) * step
