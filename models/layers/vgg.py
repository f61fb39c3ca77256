"""The network of the Visual Geometry Group (arXiv:1409.1556): convolutions of length 3, and halvings between."""

from __future__ import annotations

from torch import Tensor, nn

from models.layers.residual import start_like_he
from models.layers.trunk import Trunk

STAGES = ((1, 1), (1, 2), (2, 4), (2, 8), (2, 8))
"""Convolutions of each stage, and their channels in units of the first one's: configuration A, with 8 convolutions."""


class VGGTrunk(Trunk):
    """The 8 convolutions of VGG-11, each stage of them followed by max pooling, then a fully connected layer.

    The network of the comparison on ECAL showers of end-to-end learning (arXiv:1807.11916, table 4, which gives no
    sizes). Of the configurations of the VGG paper the smallest, the one that was trained without a start from another;
    its widths are told in units of `width` (64 there), and 16 of them replace the two layers of 4096, which were made
    for 1000 classes.
    """

    def __init__(self, channels: int, size: tuple[int, ...], *, width: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs, (rows, columns) = channels, size
        for convolutions, wide in STAGES:
            for _ in range(convolutions):
                layers += [nn.Conv2d(inputs, wide * width, 3, padding=1), nn.ReLU()]
                inputs = wide * width
            # ceil_mode, or the last row or column of an odd picture would be lost
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
            rows, columns = -(-rows // 2), -(-columns // 2)
        self.outputs = 16 * width
        last = [nn.Dropout(dropout), nn.Linear(inputs * rows * columns, self.outputs), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.Flatten(), *last)
        start_like_he(self.modules())

    def forward(self, picture: Tensor) -> Tensor:
        """(batch, outputs) of pictures (batch, channels, rows, columns)."""
        found: Tensor = self.body(picture)
        return found
