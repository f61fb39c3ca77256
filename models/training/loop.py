"""The one training loop of all networks: balanced, seeded, stopped early, the best epoch kept."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from benchmark.errors import UserError
from models.training.step import Recipe, Step, losses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from models.model import Runtime
    from models.training.batches import Batches
    from models.training.penalty import Penalty
    from representations.samples import Samples


@dataclass(frozen=True)
class Progress:
    """Where training ended, and the epoch (counted from 1) whose weights were kept."""

    epochs: int
    best_epoch: int
    valid_loss: float


def check_samples(model: str, train: Samples, valid: Samples) -> None:
    """Raise UserError unless a classifier can be fitted to `train` and stopped early on `valid`."""
    for role, samples in (("training", train), ("validation", valid)):
        if not len(samples):
            raise UserError(
                f"{model}: there are no {role} events, expected at least one a class. Generate more events."
            )
    if train.classes != valid.classes:
        raise UserError(f"{model}: training classes are {train.classes}, validation classes {valid.classes}.")
    if len(torch.unique(train.labels)) < 2:
        only = train.classes[int(train.labels[0])]
        raise UserError(f"{model}: all training events are '{only}', expected two classes or more.")


def exact_convolutions() -> AbstractContextManager[None]:
    """cuDNN's deterministic algorithms, in whole float32: TF32, its default, rounds to 10 bits.

    `enabled` has to be said. Left out it is False here, and each convolution becomes a loop over the batch's pictures,
    which keeps an H100 waiting for five sixths of the time.
    """
    flags: AbstractContextManager[None] = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    return flags


@contextmanager
def reproducible(seed: int, device: str) -> Iterator[None]:
    """Seeded random numbers and deterministic algorithms; all global state is put back afterwards."""
    cuda = torch.device(device).type == "cuda"
    algorithms = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic  # a module with a property, which mypy can't know
    fill = memory.fill_uninitialized_memory
    workspace = os.environ.get("CUBLAS_WORKSPACE_CONFIG")
    with (
        torch.random.fork_rng([device] if cuda else []),
        exact_convolutions(),
    ):
        torch.manual_seed(seed)
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # cuBLAS is deterministic with this alone
        # a warning on a GPU, since a contributor's network may need an operation with no deterministic form
        torch.use_deterministic_algorithms(True, warn_only=cuda)
        memory.fill_uninitialized_memory = False  # finds bugs, at the price of writing all memory
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(algorithms[0], warn_only=algorithms[1])
            memory.fill_uninitialized_memory = fill
            if workspace is None:
                del os.environ["CUBLAS_WORKSPACE_CONFIG"]
            else:
                os.environ["CUBLAS_WORKSPACE_CONFIG"] = workspace


def optimise(network: nn.Module, train: Batches, valid: Batches, recipe: Recipe, runtime: Runtime) -> Progress:
    """Train until `recipe.patience` epochs bring no smaller validation loss; leave the best epoch's weights.

    Adam and early stopping as in end-to-end learning (arXiv:1807.11916, section 5.3). Progress goes to
    `runtime.report("train", ...)` in epochs. Raises UserError when the loss isn't finite.
    """
    step = Step(network, recipe)
    shuffle = torch.Generator().manual_seed(runtime.seed)  # on the CPU: the same order on every device
    best, kept = Progress(0, 0, torch.inf), _weights(network)
    for epoch in range(1, recipe.epochs + 1):
        order = torch.randperm(len(train), generator=shuffle).to(train.samples.device)
        train_loss = _epoch(step, train, order, recipe, partial(_report, runtime, epoch, recipe.epochs))
        valid_loss = evaluate(network, valid, recipe.penalty)
        _check_finite(train_loss, "training", epoch, recipe)
        _check_finite(valid_loss, "validation", epoch, recipe)
        if valid_loss < best.valid_loss:
            best, kept = Progress(epoch, epoch, valid_loss), _weights(network)
        best = Progress(epoch, best.best_epoch, best.valid_loss)
        if epoch - best.best_epoch >= recipe.patience:
            break
    network.load_state_dict(kept)
    network.eval()
    runtime.report("train", recipe.epochs, recipe.epochs)
    return best


def _report(runtime: Runtime, epoch: int, epochs: int, part: float) -> None:
    runtime.report("train", epoch - 1 + part, epochs)


def _epoch(step: Step, train: Batches, order: Tensor, recipe: Recipe, report: Callable[[float], None]) -> float:
    """One pass over `order`; the mean loss."""
    step.network.train()
    total = torch.zeros((), device=order.device)
    # parts of equal size: a small rest would make one noisy step, and batch normalisation fails on a rest of one
    steps = order.tensor_split(-(-len(order) // recipe.batch_size))
    for number, batch in enumerate(train.ahead(steps), start=1):
        # not read before the epoch's end, since that would make a GPU wait at every step
        total += step(batch) * len(batch.labels)
        report(number / len(steps))
    return float(total) / len(order)


def evaluate(network: nn.Module, valid: Batches, penalty: Penalty | None = None) -> float:
    """Balanced cross-entropy per event, with the penalty."""
    network.eval()
    with torch.inference_mode():
        batches = map(valid, valid.chunks())
        sums = [losses(network(*batch.shown), batch, penalty).sum() for batch in batches]
    return float(torch.stack(sums).sum()) / len(valid)


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _check_finite(loss: float, role: str, epoch: int, recipe: Recipe) -> None:
    if not -torch.inf < loss < torch.inf:
        raise UserError(
            f"the {role} loss is {loss} in epoch {epoch}, expected a finite number. Either the samples hold NaN or "
            f"infinities, or learning_rate={recipe.learning_rate:g} is too large: lower it, or set clip=1."
        )
