"""The convolutional network of jet images, with large filters (arXiv:1511.05190, section 4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.layers.residual import start_like_he
from models.layers.trunk import Trunk

LAYERS = ((11, 2), (3, 3), (3, 3))
"""Length of the filters of each convolution, and of the max pooling behind it."""


class LocalResponseNorm(nn.Module):
    """x / (k + alpha / n * sum of x^2 over the n channels around)^beta (Krizhevsky et al. 2012, section 3.3).

    As `torch.nn.LocalResponseNorm`, whose gradient is not deterministic on GPUs; n is odd.
    """

    def __init__(self, channels: int = 5, *, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.channels, self.alpha, self.beta, self.k = channels, alpha, beta, k

    def forward(self, x: Tensor) -> Tensor:
        """As `x` (batch, channels, rows, columns)."""
        around, all_channels = self.channels // 2, x.shape[1]
        square = nn.functional.pad(x.square(), (0, 0, 0, 0, around, around))
        near = torch.stack([square[:, first : first + all_channels] for first in range(self.channels)]).sum(0)
        return x * (self.k + self.alpha / self.channels * near) ** -self.beta


class JetTrunk(Trunk):
    """Three times convolution, ReLU and max pooling, the first with filters of 11 x 11; then normalisation and a layer.

    Jets have few lit pixels, and what tells them apart are two prongs at a distance: filters as large as that won over
    small ones in the paper. There the convolutions have 32 channels and the layer 64 units: `width` 16 here.
    """

    def __init__(self, channels: int, size: tuple[int, ...], *, width: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs, (rows, columns) = channels, size
        for length, pool in LAYERS:
            layers += [nn.Conv2d(inputs, 2 * width, length, padding=length // 2), nn.ReLU()]
            layers.append(nn.MaxPool2d(pool, ceil_mode=True))
            inputs, rows, columns = 2 * width, -(-rows // pool), -(-columns // pool)
        self.outputs = 4 * width
        last = [nn.Dropout(dropout), nn.Linear(inputs * rows * columns, self.outputs), nn.ReLU()]
        self.body = nn.Sequential(*layers, LocalResponseNorm(), nn.Flatten(), *last)
        start_like_he(self.modules())

    def forward(self, picture: Tensor) -> Tensor:
        """(batch, outputs) of pictures (batch, channels, rows, columns)."""
        found: Tensor = self.body(picture)
        return found
