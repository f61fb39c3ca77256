"""MaxOut (arXiv:1302.4389) on the pixels of jet images (arXiv:1511.05190, section 4)."""

from __future__ import annotations

from torch import Tensor, nn

from models.layers.residual import start_like_he
from models.layers.trunk import Trunk

PIECES = 5
"""Linear functions of which each unit takes the largest."""


class Maxout(nn.Module):
    """Units that are the largest of `PIECES` linear functions of all inputs: convex, and learned."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, PIECES * outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, outputs) of (batch, inputs)."""
        found: Tensor = self.linear(x).unflatten(1, (-1, PIECES)).amax(2)
        return found


class MaxoutTrunk(Trunk):
    """All pixels into two layers of MaxOut units and two of ReLU units.

    256, 128, 64 and 25 units in the paper, which `width` 16 gives; no weight is shared, so that the network knows
    places, to which jet images have been turned, and grows with the picture.
    """

    def __init__(self, channels: int, size: tuple[int, ...], *, width: int) -> None:
        super().__init__()
        rows, columns = size
        self.outputs = 25
        self.body = nn.Sequential(
            nn.Flatten(),
            Maxout(channels * rows * columns, 16 * width),
            Maxout(16 * width, 8 * width),
            nn.Linear(8 * width, 4 * width),
            nn.ReLU(),
            nn.Linear(4 * width, self.outputs),
            nn.ReLU(),
        )
        start_like_he(self.modules())

    def forward(self, picture: Tensor) -> Tensor:
        """(batch, outputs) of pictures (batch, channels, rows, columns)."""
        found: Tensor = self.body(picture)
        return found
