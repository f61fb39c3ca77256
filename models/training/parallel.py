"""One training in several processes, as torchrun starts them: each takes its share of every batch.

DistributedDataParallel averages gradients, so that a step equals that of the whole batch in one process, with these
exceptions: batch normalisation and the `decorrelation` penalty only use the share of their process, and each process
draws its own dropout and augmentation.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from benchmark.core.process import rank_and_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.training.batches import Batch

PATIENCE = timedelta(hours=1)
"""Longest time that a process waits for the others."""
_trainings = count()


@dataclass(frozen=True)
class Team:
    """The processes of one training; this is number `rank` of `size`."""

    rank: int = 0
    size: int = 1

    def share(self, index: Tensor) -> Tensor:
        """The events of a batch that this process trains on."""
        return index if self.size == 1 else index.tensor_split(self.size)[self.rank]

    def weighted(self, batch: Batch, whole: int) -> Batch:
        """The share with weights such that the mean loss of a batch of `whole` events is the mean over all shares."""
        if self.size == 1:
            return batch
        return batch._replace(weights=batch.weights * (self.size * len(batch.labels) / whole))

    def mean(self, value: Tensor) -> Tensor:
        """The mean over all processes, the same number in each."""
        if self.size > 1:
            value = value.clone()
            dist.all_reduce(value)
            value /= self.size
        return value

    def gathered(self, part: Tensor) -> Tensor:
        """The rows of all processes on the CPU, in their order; a process may have none."""
        if self.size == 1:
            return part.cpu()
        parts: list[Tensor] = [part] * self.size
        dist.all_gather_object(parts, part.cpu())
        return torch.cat(parts)

    def agree(self, number: int) -> bool:
        """Whether all processes have the same number."""
        if self.size == 1:
            return True
        numbers: list[int] = [0] * self.size
        dist.all_gather_object(numbers, number)
        return len(set(numbers)) == 1

    def joined(self, network: nn.Module) -> nn.Module:
        """The network, whose gradients are averaged over all processes from now on."""
        return network if self.size == 1 else nn.parallel.DistributedDataParallel(network)


ALONE = Team()


@contextmanager
def team(device: str) -> Iterator[Team]:
    """The processes that torchrun started, or only this process.

    Each training has its own process group, so that a process that failed cannot join the old training when it starts
    its next one.
    """
    rank, size = rank_and_size()
    if size == 1:
        yield ALONE
        return
    cuda = torch.device(device).type == "cuda"
    if cuda:
        torch.cuda.set_device(device)
    store, _, _ = next(rendezvous("env://", rank, size, timeout=PATIENCE))
    own = PrefixStore(f"training-{next(_trainings)}", store)
    dist.init_process_group("nccl" if cuda else "gloo", store=own, rank=rank, world_size=size, timeout=PATIENCE)
    try:
        yield Team(rank, size)
    finally:
        dist.destroy_process_group()
