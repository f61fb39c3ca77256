"""Graphs as a table: statistics of their nodes and edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from models.views.view import Inputs, Shape, TableView
from representations.samples import Graphs

if TYPE_CHECKING:
    from representations.samples import Joined


class GraphStatistics(TableView[Graphs]):
    """Counts, moments and degrees of graphs of any size, then the features; zeros for empty graphs.

    `nodes`, `edges` : numbers of nodes and edges.
    `log_pt_of_all` : ln of the sum of pt of the nodes in GeV, at least of 1 MeV.
    `<feature>_sum`, `_mean`, `_deviation` of the nodes, and `_weighted_mean`, `_weighted_deviation` with the weight pt.
        The sum of is_<kind> is the number of objects of that kind.
    `edge_<feature>_mean`, `_deviation`, `_weighted_mean`, `_weighted_deviation` of the edges, with the weight
        pt_a pt_b: the mean of delta_r is then an energy correlation function (arXiv:1305.0007) of the pairs with edges.
    `degree_mean` : edges per node. `degree_in_deviation`, `degree_in_maximum`, `degree_out_deviation`,
        `degree_out_maximum` : of the numbers of edges that end at a node, and that start at it.
    """

    node_moments = ("sum", "mean", "deviation", "weighted_mean", "weighted_deviation")
    edge_moments = ("mean", "deviation", "weighted_mean", "weighted_deviation")
    degrees = ("mean", "in_deviation", "in_maximum", "out_deviation", "out_maximum")

    def shape(self, samples: Graphs) -> Shape:
        """Columns such as `eta_weighted_deviation` and `edge_ln_m2_mean`."""
        nodes = [f"{name}_{moment}" for moment in self.node_moments for name in samples.names]
        edges = [f"edge_{name}_{moment}" for moment in self.edge_moments for name in samples.edge_names]
        degrees = [f"degree_{degree}" for degree in self.degrees]
        return Shape(self.name, ("nodes", "edges", "log_pt_of_all", *nodes, *edges, *degrees, *samples.feature_names))

    def batch(self, samples: Graphs, index: Tensor) -> Inputs:
        """The table of `index`."""
        graphs, events = samples.joined(index), len(index)
        sender, receiver = graphs.edges
        ones, of_edges = torch.ones_like(graphs.nodes[:, 0]), torch.ones_like(graphs.pairs[:, 0])
        momenta = samples.momenta_of(graphs.nodes, index)
        assert momenta is not None
        pt = _relative_to_largest(graphs.event, momenta[:, 0], events)
        of_edge = graphs.event[sender]
        parts = [
            _sums(graphs.event, ones[:, None], events),
            _sums(of_edge, of_edges[:, None], events),
            _log_of_sums(graphs.event, momenta[:, 0], events),
            _sums(graphs.event, graphs.nodes, events),
            *_moments(graphs.event, graphs.nodes, ones, events),
            *_moments(graphs.event, graphs.nodes, pt, events),
            *_moments(of_edge, graphs.pairs, of_edges, events),
            *_moments(of_edge, graphs.pairs, pt[sender] * pt[receiver], events),
            *_degrees(graphs, events),
            samples.features[index],
        ]
        return (torch.cat(parts, dim=1),)


def _sums(event: Tensor, values: Tensor, events: int) -> Tensor:
    """Sums of the rows of each event, (events, columns)."""
    return torch.zeros(events, values.shape[1], device=values.device).index_add_(0, event, values)


def _log_of_sums(event: Tensor, pt: Tensor, events: int) -> Tensor:
    """ln of the sum of pt in GeV of each event, at least of 1 MeV, (events, 1); 0 for an empty event."""
    total = torch.zeros(events, dtype=torch.float64, device=pt.device).index_add_(0, event, pt.double())
    filled = torch.bincount(event, minlength=events) > 0
    return torch.where(filled, total.clamp(min=1e-3).log(), 0.0).to(torch.float32)[:, None]


def _moments(event: Tensor, values: Tensor, weight: Tensor, events: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each column, (events, columns) each.

    Squares are of differences from the mean: a mean square minus a squared mean would lose precision in float32.
    """
    total = _sums(event, weight[:, None], events)
    total = torch.where(total > 0, total, 1.0)
    mean = _sums(event, weight[:, None] * values, events) / total
    square = _sums(event, weight[:, None] * (values - mean[event]).square(), events) / total
    return mean, square.sqrt()


def _largest(event: Tensor, values: Tensor, events: int) -> Tensor:
    """The largest value of each event (events,), 0 for an empty event; values are never negative."""
    return torch.zeros(events, device=values.device).scatter_reduce_(0, event, values, "amax")


def _relative_to_largest(event: Tensor, values: Tensor, events: int) -> Tensor:
    """Values divided by the largest one of their event, so that products do not overflow float32."""
    return values / _largest(event, values, events)[event].clamp(min=1e-30)


def _degrees(graphs: Joined, events: int) -> list[Tensor]:
    """Statistics of the degrees of each event's nodes, (events, 1) each, in the order of `GraphStatistics.degrees`."""
    sender, receiver = graphs.edges
    parts: list[Tensor] = []
    for ends in (receiver, sender):
        degree = torch.bincount(ends, minlength=len(graphs.nodes)).to(torch.float32)
        mean, deviation = _moments(graphs.event, degree[:, None], torch.ones_like(degree), events)
        parts += [deviation, _largest(graphs.event, degree, events)[:, None]]
    return [mean, *parts]
