"""Message passing with learned adjacency, and relation networks: on sets of nodes, or along the edges of a graph.

After neural message passing for jet physics (Henrion et al., Deep Learning for Physical Sciences at NIPS 2017): nodes
are embedded; in every iteration, adjacency is computed from their states, messages are sums of states weighted with it,
and a GRU updates each node; then a mean over nodes, or set2set, is read out. Our additions are the dot product in the
adjacency, the edges of graphs, and the number of nodes as an input of the classifier.

Adjacency is dense, (batch, places, places), with masks; features of edges are in lists of senders, (batch, places,
senders), as long as the longest list. PyTorch Geometric gathers and sums one row per edge, which takes 1.3 to 1.4 times
as long for a step on 128 jets of up to 60 constituents with 7 neighbours each, 3 to 7 times on complete graphs, and
about 10 times on all pairs without features (`tests/performance/test_mpnn.py`, one core, its loader included). Its
tensors are also as long as the number of edges of a batch, so that a step on a GPU could not be replayed
(`models/training/step.py`). The price is memory that grows with the square of the nodes, of which graphs have at most
128 by default.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

Adjacency = Literal["directed", "undirected", "identity"]
Readout = Literal["mean", "sum", "set2set"]
EDGE = 16
"""Hidden columns of an edge."""
NEVER = -1e9
"""The logit of missing edges: not minus infinity, because the softmax of a node without edges must be finite."""
TYPICAL = 16.0
"""Divisor of sums over nodes, so that the following layers start with numbers of order 1."""


class Edges(NamedTuple):
    """A graph's own edges: senders (batch, places, senders) int64, hidden (batch, places, senders, 16), and a mask."""

    senders: Tensor
    hidden: Tensor
    mask: Tensor


class Places(NamedTuple):
    """The places of nodes: a mask (batch, places), and on a CPU the positions of its nodes, (nodes,) int64.

    Layers on single nodes work on rows, (rows, hidden). On a CPU these are the nodes without padding, which may fill
    half of the places. On a GPU, and for export, they are all places, because shapes must not depend on values there.
    """

    mask: Tensor
    filled: Tensor | None

    @classmethod
    def of(cls, mask: Tensor) -> Places:
        """The places of a mask."""
        fixed = mask.is_cuda or torch.compiler.is_compiling()
        return cls(mask, None if fixed else mask.flatten().nonzero().squeeze(1))

    def rows(self, dense: Tensor) -> Tensor:
        """(rows, hidden) of (batch, places, hidden)."""
        every = dense.flatten(0, 1)
        return every if self.filled is None else every[self.filled]

    def dense(self, rows: Tensor) -> Tensor:
        """(batch, places, hidden) of (rows, hidden)."""
        batch, places = self.mask.shape
        if self.filled is None:
            return rows.view(batch, places, -1)
        return rows.new_zeros(batch * places, rows.shape[1]).index_copy(0, self.filled, rows).view(batch, places, -1)


class Attention(nn.Module):
    """The adjacency: weights of the messages from each node to each other, which sum to 1 over the senders of a node.

    A_ij = softmax_j(h_i W h_j / sqrt(hidden) + b h_j + w e_ij), over all nodes (including i), or over the senders of
    the edges of a graph. Undirected: the mean of that and its transpose, so that messages pass both ways along an edge;
    the features of edges only pass from sender to receiver.
    """

    def __init__(self, hidden: int, *, undirected: bool, edges: bool) -> None:
        super().__init__()
        self.undirected = undirected
        # one matrix is equivalent to two, of queries and of keys, of this width
        self.query = nn.Linear(hidden, hidden)
        self.edge = nn.Linear(EDGE, 1, bias=False) if edges else None

    def forward(self, rows: Tensor, h: Tensor, places: Places, edges: Edges | None) -> tuple[Tensor, Tensor | None]:
        """Weights (batch, receivers, senders) of states, given as rows and as (batch, places, hidden); 0 for padding.

        Then the same weights for the lists of senders, (batch, places, senders), or None without edges.
        """
        mask = places.mask
        logits = places.dense(self.query(rows / math.sqrt(h.shape[2]))) @ h.transpose(1, 2)
        if edges is None or self.edge is None:
            weights = logits.masked_fill(~mask[:, None], NEVER).float().softmax(dim=2) * mask[:, :, None]
            return self._both_ways(weights), None
        logits = logits.gather(2, edges.senders) + self.edge(edges.hidden).squeeze(3)
        along = logits.masked_fill(~edges.mask, NEVER).float().softmax(dim=2) * edges.mask
        # the padding of lists, which points to the first node, adds zeros
        weights = along.new_zeros(*h.shape[:2], h.shape[1]).scatter_add(2, edges.senders, along)
        return self._both_ways(weights), along

    def _both_ways(self, weights: Tensor) -> Tensor:
        return (weights + weights.transpose(1, 2)) / 2 if self.undirected else weights


class Iteration(nn.Module):
    """One round of messages, and the update of each node by a GRU, with weights of its own.

    message_i = tanh(W sum_j A_ij [h_j, e_ij]), where e_ij are the features of an edge; identity: tanh(W h_i).

    Parameters
    ----------
    aggregated : whether each update also gets a set2set summary of the whole event.
    """

    def __init__(self, hidden: int, adjacency: Adjacency, *, edges: bool, aggregated: bool) -> None:
        super().__init__()
        messages = adjacency != "identity"
        self.attention = Attention(hidden, undirected=adjacency == "undirected", edges=edges) if messages else None
        self.message = nn.Linear(hidden + (EDGE if edges and messages else 0), hidden)
        self.whole = Set2Set(hidden) if aggregated else None
        self.update = nn.GRUCell(hidden + (hidden if aggregated else 0), hidden)

    def forward(self, rows: Tensor, places: Places, edges: Edges | None) -> Tensor:
        """The nodes' next states (rows, hidden)."""
        received = rows
        h = places.dense(rows)
        if self.attention is not None:
            weights, along = self.attention(rows, h, places, edges)
            received = weights @ h
            if edges is not None and along is not None:
                # a product and a sum are several times as fast as thousands of small matrix products
                received = torch.cat([received, (along[..., None] * edges.hidden).sum(2)], dim=2)
            received = places.rows(received)
        message = self.message(received).tanh()
        if self.whole is not None:
            whole = self.whole(h, places.mask)
            message = torch.cat([message, places.rows(whole[:, None].expand_as(h))], dim=1)
        after: Tensor = self.update(message, rows)
        return after


class Set2Set(nn.Module):
    """A set as one vector, which an LSTM reads in a few steps (Vinyals et al., arXiv:1511.06391, section 4.2)."""

    def __init__(self, hidden: int, steps: int = 3) -> None:
        super().__init__()
        self.steps = steps
        self.ask = nn.LSTMCell(2 * hidden, hidden)
        self.out = nn.Linear(2 * hidden, hidden)

    def forward(self, h: Tensor, mask: Tensor, edges: Edges | None = None) -> Tensor:  # noqa: ARG002
        """(batch, hidden) of nodes (batch, places, hidden)."""
        state = h.new_zeros(len(h), h.shape[2])
        memory, asked = state, h.new_zeros(len(h), 2 * h.shape[2])
        for _ in range(self.steps):
            state, memory = self.ask(asked, (state, memory))
            logits = (h @ state[:, :, None]).squeeze(2).masked_fill(~mask, NEVER)
            weights = logits.float().softmax(dim=1) * mask
            asked = torch.cat([state, (weights[:, None] @ h).squeeze(1)], dim=1)
        found: Tensor = self.out(asked)
        return found


class NodePool(nn.Module):
    """A set as one vector: mean or sum of a hidden layer on each node."""

    def __init__(self, hidden: int, readout: Readout) -> None:
        super().__init__()
        self.mean = readout == "mean"
        self.layer = nn.Linear(hidden, hidden)

    def forward(self, h: Tensor, mask: Tensor, edges: Edges | None = None) -> Tensor:  # noqa: ARG002
        """(batch, hidden) of nodes (batch, places, hidden)."""
        total = (self.layer(h).tanh() * mask[:, :, None]).sum(1)
        pooled: Tensor = total / (mask.sum(1, keepdim=True).clamp(min=1) if self.mean else TYPICAL)
        return pooled


class NodeEmbedding(nn.Module):
    """Nodes, and the edges of a graph, as hidden states."""

    def __init__(self, columns: int, hidden: int, pairs: int) -> None:
        super().__init__()
        self.node = nn.Linear(columns, hidden)
        self.pair = nn.Linear(pairs, EDGE) if pairs else None

    def forward(self, nodes: Tensor, places: Places, *graph: Tensor) -> tuple[Tensor, Edges | None]:
        """States (rows, hidden) of nodes (batch, columns, places), and the edges of graphs.

        graph : senders, pairs (batch, features, places, senders) and mask of a graph, or nothing.
        """
        h = self.node(places.rows(nodes.where(places.mask[:, None], 0.0).transpose(1, 2))).tanh()
        if self.pair is None:
            return h, None
        senders, pairs, joined = graph
        return h, Edges(senders, self.pair(pairs.permute(0, 2, 3, 1)).relu(), joined)


class Relations(nn.Module):
    """A relation network (arXiv:1706.01427, equation 1): the mean over pairs of nodes of a layer on both.

    The mean is over all pairs, including those of a node with itself, or over the edges of a graph with their features.
    """

    def __init__(self, hidden: int, *, edges: bool) -> None:
        super().__init__()
        self.deeper = nn.Linear(hidden, hidden)
        self.one, self.other = nn.Linear(hidden, hidden), nn.Linear(hidden, hidden, bias=False)
        self.edge = nn.Linear(EDGE, hidden, bias=False) if edges else None

    def forward(self, h: Tensor, mask: Tensor, edges: Edges | None) -> Tensor:
        """(batch, hidden) of nodes (batch, places, hidden)."""
        h = self.deeper(h).relu()
        one, other = self.one(h), self.other(h)
        if edges is None or self.edge is None:
            total, pairs = _of_all_pairs(one, other, mask), mask.sum(1).square()
        else:
            batch, places, senders = edges.senders.shape
            where = edges.senders.view(batch, -1, 1).expand(-1, -1, h.shape[2])
            sent = other.gather(1, where).view(batch, places, senders, -1)
            related = (one[:, :, None] + sent + self.edge(edges.hidden)).tanh() * edges.mask[..., None]
            total, pairs = related.sum((1, 2)), edges.mask.sum((1, 2))
        return total / pairs.clamp(min=1)[:, None]


def _of_all_pairs(one: Tensor, other: Tensor, mask: Tensor) -> Tensor:
    """The sum of tanh(one_i + other_j), (batch, hidden), over nodes without padding."""

    def of(some: Tensor, there: Tensor) -> Tensor:
        """The sum over pairs of these nodes with all nodes."""
        related = (some[:, :, None] + other[:, None]).tanh()
        return (related * (there[:, :, None] & mask[:, None])[..., None]).sum((1, 2))

    if torch.compiler.is_compiling():  # an ONNX graph has no loop over a variable number of nodes
        return of(one, mask)
    total = torch.zeros_like(one[:, 0])
    # in steps of 8 nodes, because a whole batch of full events would take gigabytes
    for first in range(0, one.shape[1], 8):
        total = total + of(one[:, first : first + 8], mask[:, first : first + 8])
    return total


class MessageNet(nn.Module):
    """Embedding of nodes, iterations of messages, readout, and two layers to the logits.

    Parameters
    ----------
    relations : a relation network: no messages, but a readout of pairs of nodes.
    """

    def __init__(
        self,
        columns: int,
        features: int,
        classes: int,
        *,
        hidden: int,
        pairs: int = 0,
        iterations: int = 2,
        adjacency: Adjacency = "directed",
        readout: Readout = "mean",
        aggregated: bool = False,
        relations: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        edges = bool(pairs) and (relations or adjacency != "identity")
        self.embedding = NodeEmbedding(columns, hidden, pairs if edges else 0)
        self.iterations = nn.ModuleList(
            Iteration(hidden, adjacency, edges=edges, aggregated=aggregated)
            for _ in range(0 if relations else iterations)
        )
        whole = Set2Set(hidden) if readout == "set2set" else NodePool(hidden, readout)
        self.readout = Relations(hidden, edges=edges) if relations else whole
        # means over messages and nodes lose the number of nodes
        self.head = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(hidden + 1 + features, hidden), nn.ReLU(), nn.Linear(hidden, classes)
        )

    def forward(self, nodes: Tensor, mask: Tensor, *rest: Tensor) -> Tensor:
        """Logits (batch, classes) of nodes (batch, columns, places), their mask (batch, places), and features.

        rest : features (batch, features); for graphs preceded by senders, pairs and mask, see `GraphNodes`.
        """
        *graph, features = rest
        places = Places.of(mask)
        rows, edges = self.embedding(nodes, places, *graph)
        for iteration in self.iterations:
            rows = iteration(rows, places, edges)
        whole = self.readout(places.dense(rows), mask, edges)
        count = mask.sum(1, keepdim=True).log1p()
        logits: Tensor = self.head(torch.cat([whole, count, features], dim=1))
        return logits
