"""The one training loop of all networks: balanced, seeded, stopped early, the best epoch kept."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmark.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from models.inputs import Input, Shown
    from models.model import Runtime
    from representations.samples import Samples

CHUNK = 1024
"""Events that are shown at once where nothing is learned from them."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained. `clip` bounds the norm of the gradient; 0 leaves it alone."""

    epochs: int
    patience: int
    batch_size: int
    learning_rate: float
    clip: float = 0.0


@dataclass(frozen=True)
class Progress:
    """Where training ended, and the epoch (counted from 1) whose weights were kept."""

    epochs: int
    best_epoch: int
    valid_loss: float


class Batches:
    """Samples as an input shows them, from memory and on a device.

    No worker processes: the samples lie in memory already, and a process costs more to feed than it would save.
    """

    def __init__(self, look: Input[Any], samples: Samples, device: str) -> None:
        self.look = look
        self.samples = samples.to(device)
        self.labels = self.samples.labels
        self.weights = balanced_weights(self.samples)
        self._kept = whole(look, self.samples) if look.compact else None

    def __len__(self) -> int:
        return len(self.samples)

    def __call__(self, index: Tensor) -> Shown:
        """The events of `index` (on the device), pictures channels-last."""
        if self._kept is not None:
            return tuple(part[index] for part in self._kept)
        return tuple(
            part.contiguous(memory_format=torch.channels_last) if part.ndim == 4 else part
            for part in self.look.batch(self.samples, index)
        )

    def chunks(self) -> Iterator[Tensor]:
        """Indices of all events in order, not too many at once."""
        yield from in_chunks(self.samples)

    def moments(self) -> list[tuple[Tensor, Tensor] | None]:
        """Mean and scale (columns,) of each tensor shown, None for what is shown as it is."""
        return mean_and_scale([self.look.rows(self.samples, index) for index in self.chunks()])


def in_chunks(samples: Samples) -> Sequence[Tensor]:
    """Indices of all events in order, not too many at once."""
    return torch.split(torch.arange(len(samples), device=samples.device), CHUNK)


def whole(look: Input[Any], samples: Samples) -> Shown:
    """All events as a compact input shows them."""
    chunks = [look.batch(samples, index) for index in in_chunks(samples)]
    return tuple(torch.cat(parts) for parts in zip(*chunks, strict=True))


def mean_and_scale(chunks: Sequence[tuple[Tensor | None, ...]]) -> list[tuple[Tensor, Tensor] | None]:
    """Mean and one over the standard deviation (columns,) of each tensor, from its rows in chunks.

    The scale of a column that never varies is 0: were it 1, a value that first turns up in a test event would reach
    weights that no training event ever moved.
    """

    def measure(parts: Sequence[Tensor | None]) -> tuple[Tensor, Tensor] | None:
        rows = [part.to(torch.float64) for part in parts if part is not None]
        if not rows:
            return None
        count = max(1, sum(map(len, rows)))
        mean = torch.stack([part.sum(0) for part in rows]).sum(0) / count
        variance = torch.stack([(part - mean).square().sum(0) for part in rows]).sum(0) / count
        # what is left of a constant column is the rounding of its mean
        varies = variance > (1e-6 * mean).square()
        scale = torch.where(varies, variance.clamp(min=1e-300).rsqrt(), torch.where(variance.isnan(), variance, 0.0))
        return mean.to(torch.float32), scale.to(torch.float32)

    return [measure(parts) for parts in zip(*chunks, strict=True)]


def balanced_weights(samples: Samples) -> Tensor:
    """Event weights (n,) times a factor a class, so that every class has the same sum and the mean is 1.

    Balancing by weights rather than by cloning events (as the circle paper does): the same loss on average, and no
    event is seen twice an epoch.
    """
    sums = torch.zeros(len(samples.classes), dtype=torch.float64, device=samples.device)
    sums.index_add_(0, samples.labels, samples.weights.to(torch.float64))
    present = torch.bincount(samples.labels, minlength=len(samples.classes)) > 0
    if not bool((sums[present] > 0).all()):  # also where a sum is NaN
        bad = [
            name for name, total, there in zip(samples.classes, sums, present, strict=True) if there and not total > 0
        ]
        raise UserError(
            f"the weights of class '{bad[0]}' sum to {float(sums.nan_to_num()[present].min()):g}, expected more than 0."
        )
    factor = torch.where(present, len(samples) / present.sum() / sums.where(present, 1.0), 0.0)
    return samples.weights * factor[samples.labels].to(torch.float32)


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
    optimiser = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate, fused=True)
    shuffle = torch.Generator().manual_seed(runtime.seed)  # on the CPU: the same order on every device
    best, kept = Progress(0, 0, torch.inf), _weights(network)
    for epoch in range(1, recipe.epochs + 1):
        order = torch.randperm(len(train), generator=shuffle).to(train.samples.device)
        train_loss = _epoch(network, optimiser, train, order, recipe, partial(_report, runtime, epoch, recipe.epochs))
        valid_loss = evaluate(network, valid)
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


def _epoch(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    train: Batches,
    order: Tensor,
    recipe: Recipe,
    report: Callable[[float], None],
) -> float:
    """One pass over `order`; the mean loss."""
    network.train()
    total = torch.zeros((), device=order.device)
    # parts of equal size: a small rest would make one noisy step, and batch normalisation fails on a rest of one
    steps = order.tensor_split(-(-len(order) // recipe.batch_size))
    for step, index in enumerate(steps, start=1):
        optimiser.zero_grad(set_to_none=True)
        # bfloat16 has the range of float32: no scaling of gradients, unlike float16
        with torch.autocast("cuda", torch.bfloat16, enabled=order.is_cuda):
            logits = network(*train(index))
        loss = _cross_entropy(logits, train, index).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        if recipe.clip:
            nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
        optimiser.step()
        # not read before the epoch's end, since that would make a GPU wait at every step
        total += loss.detach() * len(index)
        report(step / len(steps))
    return float(total) / len(order)


def evaluate(network: nn.Module, valid: Batches) -> float:
    """Balanced cross-entropy per event."""
    network.eval()
    with torch.inference_mode():
        losses = [_cross_entropy(network(*valid(index)), valid, index).sum() for index in valid.chunks()]
    return float(torch.stack(losses).sum()) / len(valid)


def _cross_entropy(logits: Tensor, batches: Batches, index: Tensor) -> Tensor:
    loss = functional.cross_entropy(logits.float(), batches.labels[index], reduction="none")
    return loss * batches.weights[index]


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _check_finite(loss: float, role: str, epoch: int, recipe: Recipe) -> None:
    if not -torch.inf < loss < torch.inf:
        raise UserError(
            f"the {role} loss is {loss} in epoch {epoch}, expected a finite number. Either the samples hold NaN or "
            f"infinities, or learning_rate={recipe.learning_rate:g} is too large: lower it, or set clip=1."
        )
