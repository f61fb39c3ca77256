"""Edge convolutions over the graphs of a batch (arXiv:1801.07829; on particles ParticleNet, arXiv:1902.08570)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from models.layers.residual import Head, start_like_he


class EdgeConv(nn.Module):
    """The mean over the edges that end at a node of a function of (x_i, x_j - x_i, pair), and a shortcut.

    The function has three layers, as ParticleNet's (its figure 1); it sees what the pair has beside the differences of
    columns, such as the distance and the mass, and the edges are those of the representation for every layer. As
    everywhere here without batch normalisation, the branch starts at zero (see `residual.Block`).

    Node i is where an edge ends. A layer that is linear, as the first and the last are before they enter ReLU, gives
    the same at nodes as at edges, of which there are several times as many.
    """

    def __init__(self, inputs: int, pairs: int, outputs: int) -> None:
        super().__init__()
        self.parts = [inputs, inputs, pairs]
        self.first = nn.Linear(sum(self.parts), outputs)
        self.second = nn.Linear(outputs, outputs)
        self.third = nn.Linear(outputs, outputs)
        self.skip = nn.Linear(inputs, outputs)
        start_like_he([self.first, self.second, self.skip])
        nn.init.zeros_(self.third.weight)
        nn.init.zeros_(self.third.bias)

    def forward(self, x: Tensor, pairs: Tensor, ends: Tensor, degree: Tensor) -> Tensor:
        """(nodes, outputs) of x (nodes, inputs), pairs (edges, pairs), ends (2, edges) and degree (nodes, 1).

        ends : sender and receiver of each edge. degree : how many edges each node receives.
        """
        sender, receiver = ends
        own, near, pair = torch.split(self.first.weight, self.parts, dim=1)
        at_receiver = nn.functional.linear(x, own - near, self.first.bias)
        at_sender = nn.functional.linear(x, near)
        hidden = at_receiver.index_select(0, receiver) + at_sender.index_select(0, sender)
        hidden = (hidden + nn.functional.linear(pairs, pair)).relu()
        hidden = self.second(hidden).relu()
        out: Tensor = (self.third(mean_of(hidden, receiver, degree)) + self.skip(x)).relu()
        return out


class EdgeNet(nn.Module):
    """Edge convolutions, the mean over an event's nodes, and a head with a hidden layer.

    blocks : edge convolutions, of 2, 4 and then 8 `width` channels: with `width` 32 and three of them ParticleNet's
    64, 128 and 256, with 16 and two of them ParticleNet-Lite's 32 and 64.
    """

    def __init__(
        self, columns: int, pairs: int, features: int, classes: int, *, blocks: int, width: int, dropout: float
    ) -> None:
        super().__init__()
        widths = [columns, *(2 * width * min(2**block, 4) for block in range(blocks))]
        self.body = nn.ModuleList(EdgeConv(a, pairs, b) for a, b in pairwise(widths))
        self.head = Head(widths[-1] + 1, features, classes, dropout, hidden=True)

    def forward(self, nodes: Tensor, pairs: Tensor, ends: Tensor, event: Tensor, features: Tensor) -> Tensor:
        """Logits (batch, classes); nodes of an event behind the last of the features have no say."""
        x, degree = nodes, counts(ends[1], len(nodes))
        for layer in self.body:
            x = layer(x, pairs, ends, degree)
        size = counts(event, len(features) + 1)
        # a mean does not tell of how many it is
        pooled = torch.cat([mean_of(x, event, size), size.log1p()], dim=1)
        logits: Tensor = self.head(pooled[: len(features)], features)
        return logits


def mean_of(rows: Tensor, group: Tensor, size: Tensor) -> Tensor:
    """Mean of the rows (any, columns) of each group, (groups, columns) in float32; of groups of size 0, 0.

    group : of each row, (any,). size : rows of each group, (groups, 1).
    """
    sums = torch.zeros(len(size), rows.shape[1], device=rows.device).index_add(0, group, rows.float())
    return sums / size.clamp(min=1)


def counts(group: Tensor, groups: int) -> Tensor:
    """How many rows each group has, (groups, 1) in float32."""
    ones = torch.ones(len(group), 1, device=group.device)
    return torch.zeros(groups, 1, device=group.device).index_add(0, group, ones)
