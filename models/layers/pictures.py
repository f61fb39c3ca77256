"""Networks on pictures other than residual ones, and the network that joins the panels of an event.

- VGG-11, of the Visual Geometry Group (arXiv:1409.1556): 3 x 3 convolutions and max pooling.
- The networks of jet images (arXiv:1511.05190, section 4): convolutions with large filters, and MaxOut.
- A convolutional LSTM (arXiv:1506.04214), for pictures that are samples in time.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from models.layers.residual import Block, Head, Trunk, start_like_he

if TYPE_CHECKING:
    from collections.abc import Sequence

VGG_STAGES = ((1, 1), (1, 2), (2, 4), (2, 8), (2, 8))
"""Convolutions of each stage, and their channels in units of the first: configuration A, with 8 convolutions."""
JET_LAYERS = ((11, 2), (3, 3), (3, 3))
"""Filter size of each convolution, and size of the max pooling after it."""
PIECES = 5
"""Linear functions of a MaxOut unit, which is the largest of them."""
_SAMPLE = re.compile(r"(?:.*_)?sample(\d+)")


class PictureNet(nn.Module):
    """A trunk for each panel, or one for several panels that are alike; their outputs are joined by one head.

    As in end-to-end learning (arXiv:1807.11916, figure 2c), where a fully connected network joins the networks of the
    barrel and the endcaps after their last pooling. The output of a single panel goes straight to the logits.
    Training steps on a CPU that has bfloat16 use it in the trunks, as those on a GPU do; weights, the head and all
    predictions are float32.

    Parameters
    ----------
    trunks : networks of panels.
    panels : the trunk of each panel, as a position in `trunks`; by default each panel has its own.
    """

    def __init__(
        self, trunks: Sequence[Trunk], features: int, classes: int, *, dropout: float, panels: Sequence[int] = ()
    ) -> None:
        super().__init__()
        self.trunks = nn.ModuleList(trunks)
        self.panels = tuple(panels or range(len(trunks)))
        self._members = [
            [place for place, used in enumerate(self.panels) if used == number] for number in range(len(trunks))
        ]
        outputs = sum(trunks[number].outputs for number in self.panels)
        self.head = Head(outputs, features, classes, dropout, hidden=len(self.panels) > 1)

    def forward(self, *inputs: Tensor) -> Tensor:
        """Logits (batch, classes) of one picture per panel, and features."""
        *pictures, features = inputs
        outputs = [picture for picture, _ in zip(pictures, self.panels, strict=True)]
        with torch.autocast("cpu", torch.bfloat16, enabled=self.training and has_bfloat16(), cache_enabled=False):
            for trunk, members in zip(self.trunks, self._members, strict=True):
                # panels that are alike at once: larger convolutions are faster
                joined = torch.cat([pictures[place] for place in members]) if members[1:] else pictures[members[0]]
                found = trunk(joined).unflatten(0, (len(members), -1)).unbind()
                for place, part in zip(members, found, strict=True):
                    outputs[place] = part.to(features.dtype)
        logits: Tensor = self.head(torch.cat(outputs, dim=1), features)
        return logits


@lru_cache(maxsize=1)
def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself, with AVX-512 BF16 or AMX; others convert and are slower."""
    found: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


class VGGTrunk(Trunk):
    """The 8 convolutions of VGG-11 in five stages, each with max pooling, then a fully connected layer.

    The comparison on ECAL showers in end-to-end learning (arXiv:1807.11916, table 4) gives no sizes. This is the
    smallest configuration of the VGG paper, the only one trained from scratch there. Widths are in units of `width` (64
    in the paper), and one layer of 16 `width` replaces the two of 4096, which were for 1000 classes.
    """

    def __init__(self, channels: int, size: tuple[int, ...], *, width: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs, (rows, columns) = channels, size
        for convolutions, wide in VGG_STAGES:
            for _ in range(convolutions):
                layers += [nn.Conv2d(inputs, wide * width, 3, padding=1), nn.ReLU()]
                inputs = wide * width
            # with ceil_mode, because an odd picture would lose its last row or column
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
            rows, columns = -(-rows // 2), -(-columns // 2)
        self.outputs = 16 * width
        last = [nn.Dropout(dropout), nn.Linear(inputs * rows * columns, self.outputs), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.Flatten(), *last)
        start_like_he(self.modules())


class LocalResponseNorm(nn.Module):
    """x / (k + alpha / n * sum of x^2 over the n nearest channels)^beta (Krizhevsky et al. 2012, section 3.3).

    `torch.nn.LocalResponseNorm` is not used, because its gradient is not deterministic on GPUs. n is odd.
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
    """Three times convolution, ReLU and max pooling, the first with 11 x 11 filters; normalisation; one layer.

    Jets have few lit pixels, and classes differ in the distance of two prongs; in the paper, large filters beat small
    ones. Its 32 channels in the convolutions and 64 units in the layer are `width` 16 here.
    """

    def __init__(self, channels: int, size: tuple[int, ...], *, width: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs, (rows, columns) = channels, size
        for length, pool in JET_LAYERS:
            layers += [nn.Conv2d(inputs, 2 * width, length, padding=length // 2), nn.ReLU()]
            layers.append(nn.MaxPool2d(pool, ceil_mode=True))
            inputs, rows, columns = 2 * width, -(-rows // pool), -(-columns // pool)
        self.outputs = 4 * width
        last = [nn.Dropout(dropout), nn.Linear(inputs * rows * columns, self.outputs), nn.ReLU()]
        self.body = nn.Sequential(*layers, LocalResponseNorm(), nn.Flatten(), *last)
        start_like_he(self.modules())


class Maxout(nn.Module):
    """Units that are the largest of `PIECES` linear functions of all inputs (arXiv:1302.4389)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, PIECES * outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, outputs) of (batch, inputs)."""
        largest: Tensor = self.linear(x).unflatten(1, (-1, PIECES)).amax(2)
        return largest


class MaxoutTrunk(Trunk):
    """All pixels into two layers of MaxOut units and two of ReLU units.

    The paper's 256, 128, 64 and 25 units are `width` 16 here. No weight is shared, so the network learns positions (jet
    images are centred and rotated), and its size grows with the picture.
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


def samples_in_time(names: Sequence[str]) -> list[int]:
    """Indices of the channels that are samples of a pulse (`sample0`, `barrel_sample1`, ...), in order of time."""
    by_time = {int(match[1]): place for place, name in enumerate(names) if (match := _SAMPLE.fullmatch(name))}
    return [by_time[time] for time in sorted(by_time)]


class ConvLSTM(nn.Module):
    """An LSTM whose products are 3 x 3 convolutions, with a memory at every pixel.

    Equations 3 of the paper without peepholes, whose weights depend on the pixel.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.seen = nn.Conv2d(inputs, 4 * outputs, 3, padding=1)
        self.remembered = nn.Conv2d(outputs, 4 * outputs, 3, padding=1, bias=False)
        assert self.seen.bias is not None
        with torch.no_grad():  # forget gates start open (Jozefowicz et al. 2015)
            self.seen.bias[outputs : 2 * outputs] = 1.0

    def forward(self, x: Tensor, times: int) -> Tensor:
        """The last state (batch, outputs, rows, columns) after `times` pictures, x (times * batch, inputs, ...).

        Pictures enter linearly, so one convolution is computed for all times at once.
        """
        gates = self.seen(x).unflatten(0, (times, -1))
        memory = state = torch.zeros(0, device=x.device)
        for time, gate in enumerate(gates):
            into, keep, out, new = (gate + self.remembered(state) if time else gate).chunk(4, dim=1)
            fresh = into.sigmoid() * new.tanh()
            memory = keep.sigmoid() * memory + fresh if time else fresh
            state = out.sigmoid() * memory.tanh()
        return state


class ConvLSTMTrunk(Trunk):
    """A convolution, max pooling and the memory for each sample in time; the last state is halved and pooled.

    The comparison on the ten samples of ECAL crystals in end-to-end learning (arXiv:1807.11916, table 4) gives no
    sizes; these are ours. Channels that are not time samples, such as tracks, are added to each sample.
    """

    def __init__(self, samples: Sequence[int], channels: int, *, width: int) -> None:
        super().__init__()
        self.samples = list(samples)
        self.others = [channel for channel in range(channels) if channel not in self.samples]
        stem = nn.Conv2d(1 + len(self.others), width, 3, padding=1)
        start_like_he([stem])
        self.stem = nn.Sequential(stem, nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True))
        self.memory = ConvLSTM(width, width)
        self.last = Block(width, 2 * width, axes=2, stride=2)
        self.outputs = 2 * width

    def forward(self, picture: Tensor) -> Tensor:
        """(batch, outputs) of pictures (batch, channels, rows, columns)."""
        samples = torch.stack([picture[:, channel] for channel in self.samples])[:, :, None]
        if self.others:
            others = torch.stack([picture[:, channel] for channel in self.others], dim=1)
            samples = torch.cat([samples, others.expand(len(self.samples), *others.shape)], dim=2)
        state = self.memory(self.stem(samples.flatten(0, 1)), len(self.samples))
        pooled: Tensor = self.last(state).amax((2, 3))
        return pooled
