"""Residual networks on pictures, and the blocks and the head that other networks use too.

ResNet-15 is that of end-to-end learning (arXiv:1807.11916, figure 2): max pooling and no batch normalisation,
because the intensity of a pixel is an energy. ResNet-50 is that of He et al. (arXiv:1512.03385), as the circle paper
uses it: bottlenecks, batch normalisation, average pooling at the end.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Iterable


LARGE = 48
"""Pixels along both sides of a picture from which on the patches of the stem are four pixels wide."""


class EveryOther(nn.Module):
    """Every `stride`-th pixel of pictures, or every `stride`-th place of sequences.

    It replaces the stride of a 1 x 1 convolution, whose gradient in oneDNN corrupts memory of pictures in channels-last
    order (torch 2.13 on CPUs with AVX-512, two threads, 4 or 8 input channels).
    """

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """As many places as `x` has, divided by the stride and rounded up."""
        return x[..., :: self.stride, :: self.stride] if x.ndim == 4 else x[..., :: self.stride]


class Patches(nn.Module):
    """Squares of pixels as the channels of one place: no pixel is lost, and convolutions have fewer places.

    A 3 x 3 convolution of patches is one of 3 x 3 patches of pixels, with the side of a patch as its stride. As a
    convolution of many channels it takes a fraction of the time. Far edges are filled up with empty pixels.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels side^2, rows / side, columns / side), rounded up."""
        rows, columns = x.shape[2:]
        x = nn.functional.pad(x, (0, -columns % self.side, 0, -rows % self.side))
        return nn.functional.pixel_unshuffle(x, self.side).contiguous(memory_format=torch.channels_last)


class Block(nn.Module):
    """Two convolutions of length 3 and a skip connection, on pictures (axes=2) or sequences (axes=1).

    Without normalisation, activations grow with every residual branch. So the last convolution of each branch starts at
    zero, as in Fixup (arXiv:1901.09321), and the network starts as a shallow one.
    """

    def __init__(self, inputs: int, outputs: int, *, axes: int, stride: int = 1) -> None:
        super().__init__()
        convolution = nn.Conv2d if axes == 2 else nn.Conv1d
        self.first = convolution(inputs, outputs, 3, stride, padding=1)
        self.second = convolution(outputs, outputs, 3, padding=1)
        same = inputs == outputs and stride == 1
        self.skip = nn.Identity() if same else nn.Sequential(EveryOther(stride), convolution(inputs, outputs, 1))
        start_like_he([self.first, *self.skip.modules()])
        nn.init.zeros_(self.second.weight)
        assert self.second.bias is not None
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """As many places as `x` has, or half as many with stride 2; a mask (batch, 1, places) needs stride 1."""
        hidden = self.first(x).relu_()
        if mask is not None:
            hidden = hidden * mask
        out: Tensor = (self.second(hidden) + self.skip(x)).relu_()
        return out if mask is None else out * mask


class Bottleneck(nn.Module):
    """1 x 1, 3 x 3 and 1 x 1 convolutions with batch normalisation, the last four times as wide."""

    def __init__(self, inputs: int, width: int, *, stride: int = 1) -> None:
        super().__init__()

        def step(before: int, after: int, kernel: int, stride: int = 1) -> list[nn.Module]:
            convolution = nn.Conv2d(before, after, kernel, stride, padding=kernel // 2, bias=False)
            return [convolution, nn.BatchNorm2d(after)]

        self.branch = nn.Sequential(
            *step(inputs, width, 1), nn.ReLU(), *step(width, width, 3, stride), nn.ReLU(), *step(width, 4 * width, 1)
        )
        same = inputs == 4 * width and stride == 1
        self.skip = nn.Identity() if same else nn.Sequential(EveryOther(stride), *step(inputs, 4 * width, 1))
        start_like_he(self.modules())
        last = self.branch[-1]
        assert isinstance(last, nn.BatchNorm2d)
        nn.init.zeros_(last.weight)

    def forward(self, x: Tensor) -> Tensor:
        """As many places as `x` has, or half as many with stride 2."""
        out: Tensor = (self.branch(x) + self.skip(x)).relu_()
        return out


class Head(nn.Module):
    """Logits from pooled activations and per-event features.

    Parameters
    ----------
    hidden : whether to use a hidden layer before the logits; always used if there are features.
    """

    def __init__(self, pooled: int, features: int, classes: int, dropout: float, *, hidden: bool = False) -> None:
        super().__init__()
        # features may need more than a plane to separate classes
        layers = (
            [nn.Linear(pooled + features, 64), nn.ReLU(), nn.Linear(64, classes)]
            if features or hidden
            else [nn.Linear(pooled, classes)]
        )
        self.layers = nn.Sequential(nn.Dropout(dropout), *layers)

    def forward(self, pooled: Tensor, features: Tensor) -> Tensor:
        """Logits (batch, classes)."""
        logits: Tensor = self.layers(torch.cat([pooled, features], dim=1))
        return logits


class Trunk(nn.Module):
    """A network that turns pictures (batch, channels, rows, columns) into (batch, outputs)."""

    outputs: int
    body: nn.Module

    def forward(self, picture: Tensor) -> Tensor:
        """(batch, outputs)."""
        outputs: Tensor = self.body(picture)
        return outputs


class ResidualTrunk(Trunk):
    """Stem, stages of blocks, and pooling over the whole picture.

    Parameters
    ----------
    size : rows and columns of the picture.
    blocks : basic blocks before and after the one that halves the picture and doubles the channels, 4 blocks + 3
        convolutions in all (3 for ResNet-15); None for the 16 bottlenecks of ResNet-50.
    stem : "patches": a 3 x 3 convolution of patches of 2 x 2 pixels, or of 4 x 4 if both sides of the picture have
        `LARGE` pixels or more. "paper": a 7 x 7 convolution, with stride 2 if both sides have 64 pixels or more
        (ResNet-15 would reduce a jet image of 25 x 25 to 4 x 4), and max pooling. ResNet-50 has the paper's.
    """

    def __init__(
        self, channels: int, size: tuple[int, ...], *, blocks: int | None, width: int, stem: str = "patches"
    ) -> None:
        super().__init__()
        self.max_pooled = blocks is not None
        first: list[nn.Module]
        if stem == "patches" and blocks is not None:
            side = 4 if min(size) >= LARGE else 2
            convolution = nn.Conv2d(channels * side**2, width, 3, padding=1)
            first = [Patches(side), convolution, nn.ReLU(inplace=True)]
        else:
            stride = 2 if min(size) >= 64 else 1
            convolution = nn.Conv2d(channels, width, 7, stride, padding=3, bias=self.max_pooled)
            # with ceil_mode, because an odd picture would lose its last row or column
            first = (
                [convolution, nn.ReLU(inplace=True), nn.MaxPool2d(2, ceil_mode=True)]
                if blocks is not None
                else [convolution, nn.BatchNorm2d(width), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, padding=1)]
            )
        start_like_he([convolution])
        stages = bottlenecks(width) if blocks is None else basic_blocks(width, blocks, axes=2, stride=2)
        self.body = nn.Sequential(*first, *stages)
        self.outputs = 32 * width if blocks is None else 2 * width

    def forward(self, picture: Tensor) -> Tensor:
        """(batch, outputs) of pictures (batch, channels, rows, columns)."""
        activations: Tensor = self.body(picture)
        # amax, because adaptive max pooling is slower here and has no deterministic gradient on GPUs
        return activations.amax((2, 3)) if self.max_pooled else activations.mean((2, 3))


def basic_blocks(width: int, blocks: int, *, axes: int, stride: int) -> list[nn.Module]:
    """`blocks` blocks of `width` channels, one with `stride` that doubles them, and `blocks` more."""
    widths = [width] * (blocks + 1) + [2 * width] * (blocks + 1)
    return [Block(a, b, axes=axes, stride=stride if a != b else 1) for a, b in pairwise(widths)]


def bottlenecks(width: int) -> list[nn.Module]:
    """The 3 + 4 + 6 + 3 bottlenecks of ResNet-50, from `width` channels to `32 * width`."""
    blocks: list[nn.Module] = []
    inputs = width
    for stage, count in enumerate((3, 4, 6, 3)):
        for place in range(count):
            blocks.append(Bottleneck(inputs, width * 2**stage, stride=2 if stage and not place else 1))
            inputs = 4 * width * 2**stage
    return blocks


def start_like_he(modules: Iterable[nn.Module]) -> None:
    """Weights of convolutions and linear layers for ReLU (He et al. 2015, arXiv:1502.01852), biases 0."""
    for module in modules:
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
