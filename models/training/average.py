"""The average of a network's weights over the last steps: what a training is judged by, and what it keeps.

At a constant rate, weights scatter around a minimum, and with them the validation losses, of which the smallest is
then that of a lucky epoch. The average of the weights lies nearer to the minimum (Polyak and Juditsky, SIAM J. Control
Optim. 30 (1992) 838; exponential in arXiv:1412.6980, section 7.2).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor, nn


class Average:
    """An exponential moving average of the weights of a network, and of its other numbers such as running means.

    Parameters
    ----------
    decay : d in `average = d average + (1 - d) weights` after each step; 0 for no average but the weights themselves.
        In the first steps d is smaller, (1 + steps) / (10 + steps), so that the first weights are soon forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        # these share the memory of the network, whose steps change them in place
        state = network.state_dict() if decay else {}
        self._weights = {name: value for name, value in state.items() if value.is_floating_point()}
        self._average = {name: value.clone() for name, value in self._weights.items()}
        self._decay, self.steps = decay, 0

    def update(self) -> None:
        """Add the weights after a step."""
        self.steps += 1
        if self._weights:
            decay = min(self._decay, (1 + self.steps) / (10 + self.steps))
            with torch.no_grad():
                mean, weights = list(self._average.values()), list(self._weights.values())
                get_ema_multi_avg_fn(decay)(mean, weights, self.steps)  # type: ignore[no-untyped-call]

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within this context, the network has the average in place of its weights."""
        own = {name: value.clone() for name, value in self._weights.items()}
        _copy(self._average, self._weights)
        try:
            yield
        finally:
            _copy(own, self._weights)

    def tensors(self) -> dict[str, Tensor]:
        """The average by the names of the weights; nothing without an average."""
        return self._average

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Set the average to tensors that `tensors` returned."""
        _copy(tensors, self._average)


def _copy(source: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, value in target.items():
            value.copy_(source[name])
