"""Networks on pictures: a trunk for each panel, all of them joined before the classifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from models.layers.residual import Head

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.layers.trunk import Trunk


class PictureNet(nn.Module):
    """A trunk a panel, each with weights of its own; what they found is put side by side for one head.

    As barrel and endcaps are joined in end-to-end learning (arXiv:1807.11916, figure 2c): the outputs of three networks
    after their last pooling enter a fully connected one. A single picture goes from its trunk straight to the logits.
    """

    def __init__(self, trunks: Sequence[Trunk], features: int, classes: int, *, dropout: float) -> None:
        super().__init__()
        self.trunks = nn.ModuleList(trunks)
        found = sum(trunk.outputs for trunk in trunks)
        self.head = Head(found, features, classes, dropout, hidden=len(trunks) > 1)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Logits (batch, classes) of a picture a panel, in the order of the trunks, and features (batch, features)."""
        *pictures, features = inputs
        found = [trunk(picture) for trunk, picture in zip(self.trunks, pictures, strict=True)]
        logits: Tensor = self.head(torch.cat(found, dim=1), features)
        return logits
