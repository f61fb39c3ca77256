"""One step of training: loss, gradient, Adam.

On a GPU a step is recorded, once for each shape of batch, and then replayed as a CUDA graph: starting its hundreds of
kernels one by one takes the host longer than running them takes the device, unless pictures are large.

Nothing is compiled (`torch.compile`): on a CPU, with PyTorch 2.13, it took one to two minutes a network, and steps of
the cnn on 112 x 112 pictures and of the ffnn were slower afterwards, by half at least. It would also make the bits of a
result depend on the compiler that is found.
"""

from __future__ import annotations

import gc
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.training.batches import Batch
from models.training.parallel import ALONE, Team

if TYPE_CHECKING:
    from models.training.penalty import Penalty

FIRST = 3
"""Steps of one shape that are taken kernel by kernel, as libraries make their plans and buffers in these."""
SHAPES = 8
"""Recorded at most: lists of particles have as many shapes as lengths."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained. `clip` bounds the norm of the gradient; 0 leaves it alone.

    penalty : on scores that tell the mass of background, None for none.
    """

    epochs: int
    patience: int
    batch_size: int
    learning_rate: float
    clip: float = 0.0
    schedule: str = "constant"
    penalty: Penalty | None = None


class Step:
    """What a network learns from a batch; its optimiser."""

    def __init__(self, network: nn.Module, recipe: Recipe, team: Team = ALONE) -> None:
        parameters = list(network.parameters())
        self.network, self.clip, self.penalty = team.joined(network), recipe.clip, recipe.penalty
        on_gpu = bool(parameters) and parameters[0].is_cuda
        rate: float | Tensor = recipe.learning_rate
        if on_gpu and recipe.schedule != "constant":
            rate = torch.tensor(rate, device=parameters[0].device)  # a recorded step looks here for what it is now
        self.optimiser = torch.optim.Adam(parameters, lr=rate, fused=True, capturable=on_gpu)
        self._replayed = on_gpu and team.size == 1
        self._seen: Counter[tuple[torch.Size, ...]] = Counter()
        self.recorded: dict[tuple[torch.Size, ...], Recording] = {}

    def __call__(self, batch: Batch) -> Tensor:
        """Learn from a batch; its mean loss, which the next step on a GPU overwrites."""
        if not self._replayed:
            return self._learn(batch)
        shape = tuple(part.shape for part in batch.inputs)
        if shape not in self.recorded:
            self._seen[shape] += 1
            if self._seen[shape] <= FIRST or len(self.recorded) == SHAPES:
                return self._learn(batch)
            try:
                self.recorded[shape] = Recording(self, batch)
            except RuntimeError:  # the network asks the device something, as a contributor's may
                self._replayed = False
                return self._learn(batch)
        return self.recorded[shape](batch)

    def set_rate(self, rate: float) -> None:
        """Learn at this rate from now on."""
        for group in self.optimiser.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def _learn(self, batch: Batch) -> Tensor:
        self.optimiser.zero_grad(set_to_none=True)
        # bfloat16 has the range of float32: no scaling of gradients, unlike float16. Weights are not kept in it from
        # one step to the next, nor between a recorded one and others
        with torch.autocast("cuda", torch.bfloat16, enabled=batch.labels.is_cuda, cache_enabled=False):
            logits = self.network(*batch.inputs)
        loss = losses(logits, batch, self.penalty).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        if self.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.clip)
        self.optimiser.step()
        return loss.detach()


class Recording:
    """A step with places of its own for the batch; it is recorded without being taken."""

    def __init__(self, step: Step, batch: Batch) -> None:
        self.places = Batch(tuple(map(torch.clone, batch.inputs)), *map(torch.clone, batch[1:]))
        step.optimiser.zero_grad(set_to_none=True)
        gc.collect()  # what is left of steps before would add gradients on the stream that it was made on
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.loss = step._learn(self.places)

    def __call__(self, batch: Batch) -> Tensor:
        """Take the step with this batch; its mean loss, which the next one overwrites."""
        for place, part in zip(_parts(self.places), _parts(batch), strict=True):
            place.copy_(part)
        self.graph.replay()
        return self.loss


def _parts(batch: Batch) -> tuple[Tensor, ...]:
    return (*batch.inputs, *batch[1:])


def losses(logits: Tensor, batch: Batch, penalty: Penalty | None = None) -> Tensor:
    """Cross-entropy of each event times its weight, (batch,); to each the penalty of all is added."""
    entropy = functional.cross_entropy(logits.float(), batch.labels, reduction="none") * batch.weights
    return entropy if penalty is None else entropy + penalty(logits, batch.masses)


def share_of_rate(schedule: str, epoch: int, epochs: int) -> float:
    """The learning rate of an epoch (counted from 1) divided by that of the first epoch.

    "linear" falls by the same amount each epoch, "cosine" as in SGDR (arXiv:1608.03983, equation 5) without restarts;
    both start at 1 and would reach 0 one epoch after the last.
    """
    done = (epoch - 1) / epochs
    shares = {"constant": 1.0, "linear": 1.0 - done, "cosine": 0.5 * (1.0 + math.cos(math.pi * done))}
    return shares[schedule]
