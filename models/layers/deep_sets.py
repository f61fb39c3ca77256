"""Deep Sets (arXiv:1703.06114) over the particles of an event: Particle Flow Networks (arXiv:1810.05165)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from models.layers.residual import start_like_he

PARTICLE = (100, 100, 256)
"""Units of the layers that each particle goes through, in the paper's section 4.2."""


class DeepSets(nn.Module):
    """F(sum over particles of Phi(particle)): any function of a set that does not depend on its order has this form.

    hidden : the fully connected layers F behind the sum, which end in logits; they take `PARTICLE[-1]` numbers and the
    per-event features.
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
        """Logits of particles (batch, columns, places), mask (batch, places) and features (batch, features)."""
        there = mask[:, :, None]
        # what lies in the padding may be anything, even NaN
        each = self.each(particles.transpose(1, 2).where(there, 0.0)).where(there, 0.0)
        logits: Tensor = self.hidden(torch.cat([each.sum(1), features], dim=1))
        return logits
