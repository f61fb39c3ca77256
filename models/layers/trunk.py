"""What stands between a picture and the classifier."""

from __future__ import annotations

from torch import nn


class Trunk(nn.Module):
    """A network that makes (batch, outputs) of a picture (batch, channels, rows, columns), whatever its size."""

    outputs: int
