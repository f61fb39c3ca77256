"""A convolutional network with a memory (arXiv:1506.04214), for pictures that are samples in time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from models.layers.residual import Block, start_like_he
from models.layers.trunk import Trunk

if TYPE_CHECKING:
    from collections.abc import Sequence

_SAMPLE = re.compile(r"(?:.*_)?sample(\d+)")


def samples_in_time(names: Sequence[str]) -> list[int]:
    """The channels that are samples of a pulse (`sample0`, `barrel_sample1`, ...), by time."""
    found = {int(match[1]): place for place, name in enumerate(names) if (match := _SAMPLE.fullmatch(name))}
    return [found[time] for time in sorted(found)]


class ConvLSTM(nn.Module):
    """A long short-term memory whose products are convolutions of length 3: a memory in every place.

    Equations 3 of the paper without its peepholes, whose weights would be bound to places.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.seen = nn.Conv2d(inputs, 4 * outputs, 3, padding=1)
        self.remembered = nn.Conv2d(outputs, 4 * outputs, 3, padding=1, bias=False)
        with torch.no_grad():  # a memory that keeps, to begin with (Jozefowicz et al. 2015)
            self.seen.bias[outputs : 2 * outputs] = 1.0  # type: ignore[index]

    def forward(self, x: Tensor, times: int) -> Tensor:
        """The last state (batch, outputs, rows, columns) of `times` pictures an event, x (times * batch, inputs, ...).

        What is seen enters linearly, so that one convolution does it for all times.
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
    """Sample by sample: a convolution, max pooling and the memory, whose last state is halved and pooled.

    The comparison on the ten samples of ECAL crystals in end-to-end learning (arXiv:1807.11916, table 4) names the
    network and no sizes; these are ours. Channels that are no samples, such as tracks, are shown beside each sample.
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
        found: Tensor = self.last(state).amax((2, 3))
        return found
