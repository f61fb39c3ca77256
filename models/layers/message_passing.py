"""Message passing with learned adjacency, and relation networks: on sets of nodes, or along the edges of a graph.

After neural message passing for jet physics (Henrion et al., Deep Learning for Physical Sciences at NIPS 2017): nodes
are embedded; in every iteration, adjacency is computed from their states, messages are sums of states weighted with it,
and a GRU updates each node; then a mean over nodes, or set2set, is read out. Our additions: a dot product as adjacency,
edges of graphs, and the number of nodes as an input of the last layers.

Adjacency is a dense tensor (batch, places, places). Edge features are stored per receiver, (batch, places, senders), as
lists of senders padded to the longest. PyTorch Geometric gathers and sums one row per edge; a step takes 1.3 to 1.4
times as long on 128 jets of up to 60 constituents with 7 neighbours each, 3 to 7 times on complete graphs, and about 10
times on complete graphs without edge features (`tests/performance/test_mpnn.py`, one core, with its loader). Its
tensors are as long as the number of edges in a batch, so that steps could not be recorded as CUDA graphs
(`models/training/step.py`). The drawback of ours is memory that grows with the square of the number of nodes; a graph
has at most 128 nodes by default.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

Adjacency = Literal["directed", "undirected", "identity"]
Readout = Literal["mean", "sum", "set2set"]
EDGE = 16
"""Hidden units of an edge."""
NEVER = -1e9
"""Logit where there is no edge: finite, because a softmax over minus infinities is NaN."""
TYPICAL = 16.0
"""Divisor of sums over nodes, so that the inputs of the next layers are of order 1."""


class Edges(NamedTuple):
    """The edges of graphs: senders (batch, places, senders) int64, hidden (batch, places, senders, 16), and a mask."""

    senders: Tensor
    hidden: Tensor
    mask: Tensor


class Places(NamedTuple):
    """The places of a batch that hold nodes.

    Layers on single nodes work on rows, (rows, hidden). On a CPU these are the places that hold a node, perhaps half of
    all. On a GPU and during export all places are rows, because shapes must be fixed.

    mask : (batch, places) bool, whether a place holds a node.
    filled : (nodes,) int64, flat positions of these places; None if all places are rows.
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
    """The adjacency: the weight of each message, which sums to 1 over the senders of a node.

    A_ij = softmax_j(h_i W h_j / sqrt(hidden) + b h_j + w e_ij), over all nodes (including i), or over the senders of
    the edges of a graph. Undirected: the mean of A and its transpose, so that messages go both ways along an edge; edge
    features reach only the receiver.
    """

    def __init__(self, hidden: int, *, undirected: bool, edges: bool) -> None:
        super().__init__()
        self.undirected = undirected
        # one matrix W replaces separate query and key matrices of the same width
        self.query = nn.Linear(hidden, hidden)
        self.edge = nn.Linear(EDGE, 1, bias=False) if edges else None

    def forward(self, rows: Tensor, h: Tensor, places: Places, edges: Edges | None) -> tuple[Tensor, Tensor | None]:
        """Weights (batch, receivers, senders), 0 for senders that are padding, and with edges (batch, places, senders).

        rows, h : the states of nodes as (rows, hidden) and as (batch, places, hidden).
        """
        mask = places.mask
        query, key = places.dense(self.query(rows / math.sqrt(h.shape[2]))), h.transpose(1, 2)
        if edges is None or self.edge is None:
            # a sum of products has no pass over all pairs of its own, unlike masked_fill
            weights = torch.baddbmm(torch.where(mask, 0.0, NEVER).to(h.dtype)[:, None], query, key)
            return self._both_ways(weights.float().softmax(dim=2), mask), None
        logits = (query @ key).gather(2, edges.senders) + self.edge(edges.hidden).squeeze(3)
        along = logits.masked_fill(~edges.mask, NEVER).float().softmax(dim=2) * edges.mask
        # padding of the lists points to the first node and adds zeros
        weights = along.new_zeros(*h.shape[:2], h.shape[1]).scatter_add(2, edges.senders, along)
        return self._both_ways(weights, mask), along

    def _both_ways(self, weights: Tensor, mask: Tensor) -> Tensor:
        if not self.undirected:
            return weights
        weights = weights * mask[:, :, None]  # padding sends nothing
        return (weights + weights.transpose(1, 2)) / 2


class Iteration(nn.Module):
    """One round of messages, and the update of each node by a GRU, with its own weights.

    message_i = tanh(W sum_j A_ij [h_j, e_ij]) with edge features e_ij; with identity adjacency tanh(W h_i).

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
                # several times as fast as thousands of small matrix products
                received = torch.cat([received, (along[..., None] * edges.hidden).sum(2)], dim=2)
            received = places.rows(received)
        message = self.message(received).tanh()
        if self.whole is not None:
            whole = self.whole(h, places.mask)
            message = torch.cat([message, places.rows(whole[:, None].expand_as(h))], dim=1)
        after: Tensor = self.update(message, rows)
        return after


class Set2Set(nn.Module):
    """A set as one vector: an LSTM attends to the nodes in `steps` steps (arXiv:1511.06391, section 4.2)."""

    def __init__(self, hidden: int, steps: int = 3) -> None:
        super().__init__()
        self.steps = steps
        self.ask = nn.LSTMCell(2 * hidden, hidden)
        self.out = nn.Linear(2 * hidden, hidden)

    def forward(self, h: Tensor, mask: Tensor, edges: Edges | None = None) -> Tensor:  # noqa: ARG002
        """(batch, hidden) of nodes (batch, places, hidden)."""
        state = h.new_zeros(len(h), h.shape[2])
        memory, query = state, h.new_zeros(len(h), 2 * h.shape[2])
        for _ in range(self.steps):
            state, memory = self.ask(query, (state, memory))
            logits = (h @ state[:, :, None]).squeeze(2).masked_fill(~mask, NEVER)
            weights = logits.float().softmax(dim=1) * mask
            query = torch.cat([state, (weights[:, None] @ h).squeeze(1)], dim=1)
        summary: Tensor = self.out(query)
        return summary


class NodePool(nn.Module):
    """A set as one vector: the mean or sum of a hidden layer over nodes."""

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

    The mean is over all pairs, including each node with itself, or over the edges of a graph, with their features.
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
        """The sum over pairs of `some` nodes with all nodes."""
        related = (some[:, :, None] + other[:, None]).tanh()
        return (related * (there[:, :, None] & mask[:, None])[..., None]).sum((1, 2))

    if torch.compiler.is_compiling():  # an ONNX graph has no loop over a variable number of nodes
        return of(one, mask)
    total = torch.zeros_like(one[:, 0])
    # in steps of 8 nodes: all pairs of a batch of large events would take gigabytes
    for first in range(0, one.shape[1], 8):
        total = total + of(one[:, first : first + 8], mask[:, first : first + 8])
    return total


class MessageNet(nn.Module):
    """Embedding of nodes, iterations of messages, readout, and two layers to the logits.

    Parameters
    ----------
    relations : whether to use a relation network instead of messages.
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
        # means lose the number of nodes, so it is an input here
        self.head = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(hidden + 1 + features, hidden), nn.ReLU(), nn.Linear(hidden, classes)
        )

    def forward(self, nodes: Tensor, mask: Tensor, *rest: Tensor) -> Tensor:
        """Logits (batch, classes) of nodes (batch, columns, places), their mask (batch, places), and features.

        rest : features (batch, features), for graphs after the senders, pairs and mask of `GraphNodes`.
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
