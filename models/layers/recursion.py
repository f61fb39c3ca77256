"""Recursive networks over binary trees: QCD-aware recursive neural networks for jet physics (arXiv:1702.00748)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from models.layers.recursive_units import Gated, Simple
from models.layers.residual import start_like_he


class TreeEmbedding(nn.Module):
    """Embeddings of the roots of many trees, one level of all trees at a time.

    Parameters
    ----------
    columns : number of columns of a node. units : size of the embeddings.
    gated : whether to use the unit of appendix A instead of that of section 3.1.
    """

    def __init__(self, columns: int, units: int, *, gated: bool) -> None:
        super().__init__()
        self.own = nn.Linear(columns, units)
        self.merged = nn.Linear(3 * units, units)
        self.reset = nn.Linear(3 * units, 3 * units) if gated else None
        self.gate = nn.Linear(4 * units, 4 * units) if gated else None
        start_like_he([self.own, self.merged])

    def forward(self, nodes: Tensor, children: Tensor, ends: Tensor, roots: Tensor) -> Tensor:
        """Embeddings (r, units) of roots; zeros for row 0, which is not a node.

        nodes (rows, columns); children (merged, 2) int64, rows of the children of the merged nodes, which are the last
        rows; ends (levels,) int64, the end of each level among the merged nodes; roots (r,) int64, rows.
        """
        own = self.own(nodes).relu()
        layers = [self.merged, *(layer for layer in (self.reset, self.gate) if layer is not None)]
        weights = [part for layer in layers for part in (layer.weight, layer.bias)]
        unit = Simple if self.gate is None else Gated
        apply: Any = unit.apply  # torch leaves it untyped
        embeddings: Tensor = apply(own, children, sizes(ends, len(children)), roots, *weights)
        return embeddings * (roots > 0).unsqueeze(1)


def sizes(ends: Tensor, merged: int) -> list[int]:
    """Number of nodes of each level.

    On a GPU levels are padded to one width, which follows from the shapes: reading `ends` would make the host wait, and
    the step could not be recorded.
    """
    if ends.is_cuda:
        return [merged // max(1, len(ends))] * len(ends)
    return ends.diff(prepend=ends.new_zeros(1)).tolist()


class RecursiveNet(nn.Module):
    """Logits from the embedding of an event's tree, or from those of its jets in falling pt.

    With one tree per event, the classifier takes the embedding of its root. With several jets, a gated recurrent unit
    reads their embeddings and momenta (section 3.2 of the paper), and the classifier takes its last state. The
    classifier has two hidden layers of the size of the embedding, as in the paper.
    """

    def __init__(self, columns: int, features: int, classes: int, *, units: int, jets: int, gated: bool) -> None:
        super().__init__()
        self.embedding = TreeEmbedding(columns, units, gated=gated)
        self.chain = nn.GRU(units + columns, units, batch_first=True) if jets > 1 else None
        hidden = [nn.Linear(units + features, units), nn.ReLU(), nn.Linear(units, units), nn.ReLU()]
        start_like_he(hidden)
        self.classifier = nn.Sequential(*hidden, nn.Linear(units, classes))

    def forward(self, nodes: Tensor, children: Tensor, ends: Tensor, roots: Tensor, features: Tensor) -> Tensor:
        """Logits (batch, classes) of the inputs of the view `MergeTrees`."""
        events, jets = roots.shape
        embeddings = self.embedding(nodes, children, ends, roots.flatten()).view(events, jets, -1)
        event = (
            embeddings[:, 0] if self.chain is None else self._chained(self.chain, embeddings, nodes[roots], roots > 0)
        )
        logits: Tensor = self.classifier(torch.cat([event, features], dim=1))
        return logits

    @staticmethod
    def _chained(chain: nn.GRU, embeddings: Tensor, momenta: Tensor, exists: Tensor) -> Tensor:
        """The state (batch, units) after an event's last jet; padding after it is ignored."""
        states, _ = chain(torch.cat([embeddings, momenta], dim=2))
        last = exists.sum(dim=1)
        rows = torch.arange(len(last), device=last.device)
        state: Tensor = states[rows, (last - 1).clamp(min=0)]
        return state * (last > 0).unsqueeze(1)
