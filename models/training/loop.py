"""The training loop of all networks: balanced classes, seeded, with early stopping at the best epoch."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.core.errors import UserError
from models.training.checkpoint import Checkpoint, TrainingProgress, TrainingState, random_states, set_random_states
from models.training.memory import at_once, halving
from models.training.parallel import ALONE, Team, team
from models.training.step import Step, TrainingSettings, losses, share_of_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from models.model import Context
    from models.training.batches import Batches
    from models.training.penalty import Penalty
    from representations.samples import Samples


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
    """cuDNN's deterministic algorithms, in full float32: TF32, its default, rounds to 10 bits.

    `enabled=True` is necessary. Its default is False here, and then each convolution is a loop over the pictures of the
    batch, in which an H100 waits for five sixths of the time.
    """
    flags: AbstractContextManager[None] = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    return flags


VALIDATION_BATCH = 1024
"""Events of a validation batch; fewer where the device has too little memory for them."""


@contextmanager
def deterministic(device: str) -> Iterator[None]:
    """Deterministic algorithms in full float32; all global state is restored afterwards."""
    cuda = torch.device(device).type == "cuda"
    algorithms = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic  # a module with a property, which mypy can't know
    fill = memory.fill_uninitialized_memory
    workspace = os.environ.get("CUBLAS_WORKSPACE_CONFIG")
    with exact_convolutions():
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # cuBLAS is deterministic with this alone
        # a warning on a GPU, since a contributor's network may need an operation with no deterministic form
        torch.use_deterministic_algorithms(True, warn_only=cuda)
        memory.fill_uninitialized_memory = False  # a debugging aid that writes all memory
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(algorithms[0], warn_only=algorithms[1])
            memory.fill_uninitialized_memory = fill
            if workspace is None:
                del os.environ["CUBLAS_WORKSPACE_CONFIG"]
            else:
                os.environ["CUBLAS_WORKSPACE_CONFIG"] = workspace


@contextmanager
def reproducible(seed: int, device: str) -> Iterator[None]:
    """Seeded random numbers, restored afterwards as well, and `deterministic`."""
    cuda = torch.device(device).type == "cuda"
    with torch.random.fork_rng([device] if cuda else []), deterministic(device):
        torch.manual_seed(seed)
        yield


def optimise(
    network: nn.Module, train: Batches, valid: Batches, settings: TrainingSettings, context: Context
) -> TrainingProgress:
    """Train until `settings.patience` epochs bring no smaller validation loss; leave the best epoch's weights.

    Adam and early stopping as in end-to-end learning (arXiv:1807.11916, section 5.3). TrainingProgress goes to
    `context.report("train", ...)` in epochs, and to `context.checkpoint` after each. Training resumes from the
    checkpoint, if there is one, and reports "resume". If a batch does not fit into the memory of the device, training
    starts anew with half the batch size, so that a result belongs to one batch size. Raises UserError if the loss is
    not finite, and if memory is too small while other cells share the device.
    """
    with team(context.device) as members:
        weights, states = _weights(network), random_states(torch.device(context.device))
        checkpoint = Checkpoint(context.checkpoint)
        found = checkpoint.read()

        def attempt(batch_size: int) -> TrainingProgress:
            network.load_state_dict(weights)
            set_random_states(states, torch.device(context.device))
            return _train(network, train, valid, replace(settings, batch_size=batch_size), context, checkpoint, members)

        first = found[1].batch_size if found is not None else settings.batch_size
        del found
        if context.sharing > 1:  # or the result would depend on other cells
            others = f"{context.sharing - 1} other cells on the device"
            return at_once(first, attempt, "training", others, "Run it again with fewer --jobs.")
        if members.size > 1:  # the others would wait for ever for a process that starts anew
            others = f"those of {members.size - 1} other processes"
            return at_once(first, attempt, "training", others, "Choose a smaller batch_size or model.")
        return halving(first, attempt, "training")[0]


def _train(
    network: nn.Module,
    train: Batches,
    valid: Batches,
    settings: TrainingSettings,
    context: Context,
    checkpoint: Checkpoint,
    members: Team,
) -> TrainingProgress:
    """Train epoch by epoch, from the first or from the checkpoint."""
    step = Step(network, settings, members)
    shuffle = torch.Generator().manual_seed(context.seed)
    start, batch = TrainingProgress(0, 0, torch.inf, settings.batch_size), VALIDATION_BATCH
    state = TrainingState(network, step.optimiser, shuffle, start, _weights(network))
    found = checkpoint.read()
    known = found is not None and found[1].batch_size == settings.batch_size
    if members.agree(found[1].epochs if known and found else 0) and known and found:
        state.restore(*found)
        context.report("resume", state.best.epochs, settings.epochs)
    del found
    if members.rank:
        torch.manual_seed(_seed(context.seed, state.best.epochs, members.rank))
    while state.best.epochs < settings.epochs and state.best.epochs - state.best.best_epoch < settings.patience:
        epoch = state.best.epochs + 1
        step.set_rate(settings.learning_rate * share_of_rate(settings.schedule, epoch, settings.epochs))
        rng = torch.Generator().manual_seed(_seed(context.seed, epoch, members.rank))
        report = partial(_report, context, epoch, settings.epochs)
        train_loss = _epoch(step, train, train.order(shuffle), rng, settings, members, report)
        valid_loss, batch = evaluate(network, valid, batch, members, settings.penalty)
        _check_finite(train_loss, "training", epoch, settings)
        _check_finite(valid_loss, "validation", epoch, settings)
        if valid_loss < state.best.valid_loss:
            state.best = replace(state.best, best_epoch=epoch, valid_loss=valid_loss)
            state.best_weights = _weights(network)
        state.best = replace(state.best, epochs=epoch)
        if members.rank == 0:
            checkpoint.write(state)
    network.load_state_dict(state.best_weights)
    network.eval()
    context.report("train", settings.epochs, settings.epochs)
    return state.best


def _seed(*numbers: int) -> int:
    """A seed from several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def _report(context: Context, epoch: int, epochs: int, part: float) -> None:
    context.report("train", epoch - 1 + part, epochs)


def _epoch(
    step: Step,
    train: Batches,
    order: Tensor,
    rng: torch.Generator,
    settings: TrainingSettings,
    members: Team,
    report: Callable[[float], None],
) -> float:
    """Train on one pass over `order`. Returns the mean loss."""
    step.network.train()
    total = torch.zeros((), device=order.device)
    # batches of equal size: a small last one would be noisy, and batch normalisation fails on a single event
    count = -(-len(order) // settings.batch_size)
    steps = order.tensor_split(max(1, min(count, len(order) // members.size)))
    for number, batch in enumerate(train.ahead(map(members.share, steps), rng), start=1):
        size = len(steps[number - 1])
        # read only at the end of the epoch, because reading makes the host wait for the GPU
        total += step(members.weighed(batch, size)) * size
        report(number / len(steps))
    return float(members.mean(total)) / len(order)


def evaluate(
    network: nn.Module,
    valid: Batches,
    batch: int = VALIDATION_BATCH,
    members: Team = ALONE,
    penalty: Penalty | None = None,
) -> tuple[float, int]:
    """Balanced cross-entropy per event, with the penalty, and the number of events that the device held at once.

    The processes of a team share the work.
    """
    network.eval()

    def attempt(events: int) -> Tensor:
        total = torch.zeros((), device=valid.labels.device)
        batches = map(valid, list(valid.chunks(events))[members.rank :: members.size])
        sums = [losses(network(*batch.inputs), batch, penalty).sum() for batch in batches]
        return torch.stack(sums).sum() if sums else total

    with torch.inference_mode():
        agreed = partial(_agreed, attempt, members, valid.labels.device)
        total, batch = halving(batch, agreed, "validation")
        return float(members.mean(total)) * members.size / len(valid), batch


def _agreed(attempt: Callable[[int], Tensor], members: Team, device: torch.device, events: int) -> Tensor:
    """The result of `attempt(events)`. If one process runs out of memory, all raise, and keep equal shares."""
    reason, found = "", torch.zeros((), device=device)
    try:
        found = attempt(events)
    except torch.OutOfMemoryError as error:
        reason = str(error)
    if float(members.mean(torch.tensor(float(bool(reason)), device=device))) > 0:
        raise torch.OutOfMemoryError(reason or "another process has too little memory")
    return found


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _check_finite(loss: float, role: str, epoch: int, settings: TrainingSettings) -> None:
    if not -torch.inf < loss < torch.inf:
        raise UserError(
            f"the {role} loss is {loss} in epoch {epoch}, expected a finite number. Either the samples hold NaN or "
            f"infinities, or learning_rate={settings.learning_rate:g} is too large: lower it, or set clip=1."
        )
