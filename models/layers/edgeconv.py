"""Edge convolutions over the graphs of a batch (arXiv:1801.07829; on particles ParticleNet, arXiv:1902.08570)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from models.layers.residual import Head, start_like_he


class EdgeConv(nn.Module):
    """The mean over the edges that end at node i of a function of (x_i, x_j - x_i, pair), and a skip connection.

    The function has three layers, as in ParticleNet (its figure 1). It also takes the features of the pair, such as the
    distance and the mass. The branch starts at zero, as in `residual.Block`. The first and last layers are linear, so
    they are computed per node, which is several times cheaper than per edge.
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

        ends : sender and receiver of each edge. degree : number of edges that end at each node.
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

    Parameters
    ----------
    blocks : edge convolutions, of 2, 4 and then 8 `width` channels: three with `width` 32 are ParticleNet's 64, 128 and
        256, two with `width` 16 are ParticleNet-Lite's 32 and 64.
    """

    def __init__(
        self, columns: int, pairs: int, features: int, classes: int, *, blocks: int, width: int, dropout: float
    ) -> None:
        super().__init__()
        widths = [columns, *(2 * width * min(2**block, 4) for block in range(blocks))]
        self.body = nn.ModuleList(EdgeConv(a, pairs, b) for a, b in pairwise(widths))
        self.head = Head(widths[-1] + 1, features, classes, dropout, hidden=True)

    def forward(self, nodes: Tensor, pairs: Tensor, ends: Tensor, event: Tensor, features: Tensor) -> Tensor:
        """Logits (batch, classes); nodes of an event beyond the rows of `features` are padding."""
        x, degree = nodes, counts(ends[1], len(nodes))
        for layer in self.body:
            x = layer(x, pairs, ends, degree)
        size = counts(event, len(features) + 1)
        # the mean loses the number of nodes, so it is appended
        pooled = torch.cat([mean_of(x, event, size), size.log1p()], dim=1)
        logits: Tensor = self.head(pooled[: len(features)], features)
        return logits


def mean_of(rows: Tensor, group: Tensor, size: Tensor) -> Tensor:
    """Mean of the rows (total, columns) of each group, (groups, columns) in float32; 0 for empty groups.

    group : (total,), the group of each row. size : (groups, 1), number of rows of each group.
    """
    sums = torch.zeros(len(size), rows.shape[1], device=rows.device).index_add(0, group, rows.float())
    return sums / size.clamp(min=1)


def counts(group: Tensor, groups: int) -> Tensor:
    """Number of rows of each group, (groups, 1) in float32."""
    ones = torch.ones(len(group), 1, device=group.device)
    return torch.zeros(groups, 1, device=group.device).index_add(0, group, ones)
