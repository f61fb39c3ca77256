"""Networks on lists of particles: convolutions along the list, and Deep Sets.

Both take particles (batch, columns, places), their mask (batch, places) and features (batch, features).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from models.layers.residual import Head, basic_blocks, start_like_he

PARTICLE = (100, 100, 256)
"""Units of the layers on single particles in Particle Flow Networks (arXiv:1810.05165, section 4.2)."""


class SequenceNet(nn.Module):
    """The blocks of ResNet-15 along particles in pt order, without halving, because events have few particles.

    Padding is set to zero after every convolution, so that an event's score does not depend on the length of others.
    """

    def __init__(self, columns: int, features: int, classes: int, *, blocks: int, width: int, dropout: float) -> None:
        super().__init__()
        self.stem = nn.Conv1d(columns, width, 3, padding=1)
        start_like_he([self.stem])
        self.body = nn.ModuleList(basic_blocks(width, blocks, axes=1, stride=1))
        self.head = Head(4 * width, features, classes, dropout)

    def forward(self, particles: Tensor, mask: Tensor, features: Tensor) -> Tensor:
        """Logits (batch, classes)."""
        exists = mask[:, None]
        x = self.stem(particles.where(exists, 0.0)).relu() * exists
        for block in self.body:
            x = block(x, exists)
        # activations are never negative, so padding with zeros does not change the maximum
        mean = x.sum(2) / exists.sum(2).clamp(min=1)
        logits: Tensor = self.head(torch.cat([x.amax(2), mean], dim=1), features)
        return logits


class DeepSets(nn.Module):
    """F(sum over particles of Phi(particle)), the form of any function of a set (Deep Sets, arXiv:1703.06114).

    Parameters
    ----------
    columns : columns of a particle.
    hidden : the fully connected layers F, up to the logits; they take `PARTICLE[-1]` numbers and the features.
    """

    def __init__(self, columns: int, hidden: nn.Module) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in pairwise((columns, *PARTICLE)):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.each = nn.Sequential(*layers)
        start_like_he(self.each)
        self.hidden = hidden

    def forward(self, particles: Tensor, mask: Tensor, features: Tensor) -> Tensor:
        """Logits (batch, classes)."""
        exists = mask[:, :, None]
        # padding may hold anything, even NaN
        each = self.each(particles.transpose(1, 2).where(exists, 0.0)).where(exists, 0.0)
        logits: Tensor = self.hidden(torch.cat([each.sum(1), features], dim=1))
        return logits
