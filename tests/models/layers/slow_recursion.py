"""The recursive network as a function of a node that calls itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from models.layers.recursion import RecursiveNet, TreeEmbedding

Tree = tuple[Tensor, "Tree | None", "Tree | None"]
"""The columns of a node, and its two children, if any."""


def trees(nodes: Tensor, children: Tensor, roots: Tensor) -> list[Tree | None]:
    """The tree of each root (r,), None for row 0, from the inputs of a network."""
    first = len(nodes) - len(children)

    def tree(row: int) -> Tree:
        if row < first:
            return nodes[row], None, None
        left, right = children[row - first].tolist()
        return nodes[row], tree(left), tree(right)

    return [tree(root) if root else None for root in roots.tolist()]


class Recursion(nn.Module):
    """The same embedding with the same weights, one node per call: equation 1 and appendix A of arXiv:1702.00748."""

    def __init__(self, embedding: TreeEmbedding) -> None:
        super().__init__()
        self.own, self.merged = embedding.own, embedding.merged
        self.reset, self.gate = embedding.reset, embedding.gate

    def forward(self, tree: Tree) -> Tensor:
        """The embedding (units,) of a node."""
        momentum, left, right = tree
        u = torch.relu(self.own(momentum))
        if left is None or right is None:
            return u
        three = torch.cat([self(left), self(right), u])
        if self.reset is None or self.gate is None:
            return torch.relu(self.merged(three))
        candidate = torch.relu(self.merged(torch.sigmoid(self.reset(three)) * three))
        four = torch.cat([candidate, three])
        shares = torch.softmax(self.gate(four).view(4, -1), dim=0)
        return (shares * four.view(4, -1)).sum(dim=0)


class SlowNet(nn.Module):
    """Logits (events, classes) of one tree per event: the result of `RecursiveNet` with jets=1."""

    def __init__(self, net: RecursiveNet) -> None:
        super().__init__()
        self.embedding, self.classifier = Recursion(net.embedding), net.classifier
        self.units = net.embedding.own.out_features

    def forward(self, events: list[Tree | None], features: Tensor) -> Tensor:
        """Logits of events and their features (events, features)."""
        nothing = torch.zeros(self.units, dtype=features.dtype)
        found = [nothing if tree is None else self.embedding(tree) for tree in events]
        logits: Tensor = self.classifier(torch.cat([torch.stack(found), features], dim=1))
        return logits
