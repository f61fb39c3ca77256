"""One step of training: loss, gradient, AdamW.

On a GPU a step is recorded once for each shape of batch and then replayed as a CUDA graph: unless pictures are large,
the host needs more time to launch hundreds of kernels one by one than the device needs to run them.

`torch.compile` is not used: on a CPU, with PyTorch 2.13, it took one to two minutes per network, and steps of the cnn
on 112 x 112 pictures and of the ffnn were at least 50% slower afterwards. Results would also depend on the compiler.
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

from models.training.average import Average
from models.training.batches import Batch
from models.training.parallel import ALONE, Team

if TYPE_CHECKING:
    from models.training.penalty import Penalty

FIRST = 3
"""Steps of one shape before it is recorded, in which libraries create their plans and buffers."""
SHAPES = 8
"""Number of recorded shapes at most: lists of particles have a shape for each length."""


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """Parameters of a training.

    Parameters
    ----------
    patience, patience_steps : training ends after so many epochs, or steps if these take longer, without progress.
    weight_decay : of AdamW (arXiv:1711.05101), in units of the learning rate; 0 for Adam.
    average : decay of the average of the weights over steps (`models.training.average`); 0 for no average.
    clip : the largest norm of the gradient, 0 for no limit.
    """

    epochs: int
    patience: int
    batch_size: int
    learning_rate: float
    patience_steps: int = 0
    weight_decay: float = 0.0
    average: float = 0.0
    clip: float = 0.0
    schedule: str = "constant"
    penalty: Penalty | None = None


class Step:
    """The training step of a network, with its optimiser, and the average of the weights after each step."""

    def __init__(self, network: nn.Module, settings: TrainingSettings, team: Team = ALONE) -> None:
        parameters = list(network.parameters())
        self.network, self.clip, self.penalty = team.joined(network), settings.clip, settings.penalty
        on_gpu = bool(parameters) and parameters[0].is_cuda
        rate: float | Tensor = settings.learning_rate
        if on_gpu and settings.schedule != "constant":
            rate = torch.tensor(rate, device=parameters[0].device)  # a recorded step reads the current value
        self.optimiser = torch.optim.AdamW(
            parameters, lr=rate, weight_decay=settings.weight_decay, fused=True, capturable=on_gpu
        )
        self.average = Average(network, settings.average)
        self._replayed = on_gpu and team.size == 1
        self._seen: Counter[tuple[torch.Size, ...]] = Counter()
        self.recorded: dict[tuple[torch.Size, ...], Recording] = {}

    def __call__(self, batch: Batch) -> Tensor:
        """Train on a batch. Returns its mean loss, which the next step on a GPU overwrites."""
        loss = self._learn_or_replay(batch)
        self.average.update()
        return loss

    def _learn_or_replay(self, batch: Batch) -> Tensor:
        if not self._replayed:
            return self._learn(batch)
        shape = tuple(part.shape for part in batch.inputs)
        if shape not in self.recorded:
            self._seen[shape] += 1
            if self._seen[shape] <= FIRST or len(self.recorded) == SHAPES:
                return self._learn(batch)
            try:
                self.recorded[shape] = Recording(self, batch)
            except RuntimeError:  # a contributor's network may read from the device
                self._replayed = False
                return self._learn(batch)
        return self.recorded[shape](batch)

    def set_rate(self, rate: float) -> None:
        """Set the learning rate of the next steps."""
        for group in self.optimiser.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def _learn(self, batch: Batch) -> Tensor:
        self.optimiser.zero_grad(set_to_none=True)
        # bfloat16 has the range of float32, so gradients need no scaling, unlike in float16. Weights in bfloat16 are
        # not cached, because recorded and other steps must not share them
        with torch.autocast("cuda", torch.bfloat16, enabled=batch.labels.is_cuda, cache_enabled=False):
            logits = self.network(*batch.inputs)
        loss = losses(logits, batch, self.penalty).mean()
        torch.autograd.backward(loss)
        if self.clip:
            nn.utils.clip_grad_norm_(self.network.parameters(), self.clip)
        self.optimiser.step()
        return loss.detach()


class Recording:
    """A step as a CUDA graph with buffers for its batch; recording does not run it."""

    def __init__(self, step: Step, batch: Batch) -> None:
        self.buffers = Batch(tuple(map(torch.clone, batch.inputs)), *map(torch.clone, batch[1:]))
        step.optimiser.zero_grad(set_to_none=True)
        gc.collect()  # leftovers of earlier steps would accumulate gradients on another stream
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.loss = step._learn(self.buffers)

    def __call__(self, batch: Batch) -> Tensor:
        """Run the step on this batch. Returns its mean loss, which the next step overwrites."""
        for buffer, part in zip(_parts(self.buffers), _parts(batch), strict=True):
            buffer.copy_(part)
        self.graph.replay()
        return self.loss


def _parts(batch: Batch) -> tuple[Tensor, ...]:
    return (*batch.inputs, *batch[1:])


def losses(logits: Tensor, batch: Batch, penalty: Penalty | None = None) -> Tensor:
    """Weighted cross-entropy of each event, (batch,), plus the penalty of the batch."""
    entropy = functional.cross_entropy(logits.float(), batch.labels, reduction="none") * batch.weights
    return entropy if penalty is None else entropy + penalty(logits, batch.masses)


def share_of_rate(schedule: str, epoch: int, epochs: int) -> float:
    """Learning rate of an epoch (counted from 1) divided by that of the first epoch, if it only depends on the epoch.

    "linear" falls by the same amount each epoch, "cosine" as in SGDR (arXiv:1608.03983, equation 5) without restarts;
    both start at 1 and would reach 0 one epoch after the last.
    """
    done = (epoch - 1) / epochs
    shares = {"linear": 1.0 - done, "cosine": 0.5 * (1.0 + math.cos(math.pi * done))}
    return shares.get(schedule, 1.0)
