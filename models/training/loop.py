"""The training loop of all networks: seeded, with balanced classes and early stopping."""

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
                f"{model}: there are no {role} events, expected at least one per class. Generate more events."
            )
    if train.classes != valid.classes:
        raise UserError(f"{model}: training classes are {train.classes}, validation classes {valid.classes}.")
    if len(torch.unique(train.labels)) < 2:
        only = train.classes[int(train.labels[0])]
        raise UserError(f"{model}: all training events are '{only}', expected two classes or more.")


def exact_convolutions() -> AbstractContextManager[None]:
    """cuDNN's deterministic algorithms, in full float32: TF32, its default, rounds to 10 bits.

    Pass `enabled=True`: its default here is False, which turns cuDNN off. Then each convolution is a loop over the
    pictures of the batch, and an H100 is idle for five sixths of the time.
    """
    flags: AbstractContextManager[None] = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    return flags


VALIDATION_BATCH = 1024
"""Events of a validation batch; halved until they fit into the memory of the device."""


@contextmanager
def deterministic(device: str) -> Iterator[None]:
    """Use deterministic algorithms in full float32; restore all global state afterwards."""
    cuda = torch.device(device).type == "cuda"
    algorithms = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    memory: Any = torch.utils.deterministic  # a module with a property, which mypy can't know
    fill = memory.fill_uninitialized_memory
    workspace = os.environ.get("CUBLAS_WORKSPACE_CONFIG")
    with exact_convolutions():
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # cuBLAS is deterministic only with this setting
        # only a warning on a GPU, because contributed networks may need an operation without deterministic form
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
    """As `deterministic`, with seeded random numbers, whose state is restored as well."""
    cuda = torch.device(device).type == "cuda"
    with torch.random.fork_rng([device] if cuda else []), deterministic(device):
        torch.manual_seed(seed)
        yield


def optimise(
    network: nn.Module, train: Batches, valid: Batches, settings: TrainingSettings, context: Context
) -> TrainingProgress:
    """Train until `settings.patience` epochs bring no smaller validation loss; the network gets the best weights.

    Adam and early stopping as in end-to-end learning (arXiv:1807.11916, section 5.3). Calls
    `context.report("train", ...)` with the number of epochs, and writes `context.checkpoint` after each epoch. If that
    file exists, training resumes from it, and reports "resume". If a batch does not fit into the memory of the device,
    training starts again with half the batch size, so that the whole training has one batch size.

    Raises UserError if the loss is not finite, or if memory runs out while other cells or processes share the work.
    """
    with team(context.device) as members:
        device = torch.device(context.device)
        weights, states = _weights(network), random_states(device)
        checkpoint = Checkpoint(context.checkpoint)
        found = checkpoint.read(network, device)

        def attempt(batch_size: int) -> TrainingProgress:
            network.load_state_dict(weights)
            set_random_states(states, device)
            return _train(network, train, valid, replace(settings, batch_size=batch_size), context, checkpoint, members)

        first = found[1].batch_size if found is not None else settings.batch_size
        del found
        if context.sharing > 1:  # halving would make the result depend on other cells
            others = f"{context.sharing - 1} other cells on the device"
            return at_once(first, attempt, "training", others, "Run it again with fewer --jobs.")
        if members.size > 1:  # the others would wait for a process that starts again
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
    """Train epoch by epoch, from the start or from the checkpoint."""
    step = Step(network, settings, members)
    shuffle = torch.Generator().manual_seed(context.seed)
    start, batch = TrainingProgress(0, 0, torch.inf, settings.batch_size), VALIDATION_BATCH
    state = TrainingState(network, step.optimiser, shuffle, start, _weights(network))
    found = checkpoint.read(network, torch.device(context.device))
    known = found is not None and found[1].batch_size == settings.batch_size
    if members.agree(found[1].epochs if known and found else 0) and known and found:
        state.restore(*found)
        context.report("resume", state.progress.epochs, settings.epochs)
    del found
    if members.rank:
        torch.manual_seed(_seed(context.seed, state.progress.epochs, members.rank))
    while (
        state.progress.epochs < settings.epochs
        and state.progress.epochs - state.progress.best_epoch < settings.patience
    ):
        epoch = state.progress.epochs + 1
        step.set_rate(settings.learning_rate * share_of_rate(settings.schedule, epoch, settings.epochs))
        rng = torch.Generator().manual_seed(_seed(context.seed, epoch, members.rank))
        report = partial(_report, context, epoch, settings.epochs)
        train_loss = _epoch(step, train, train.order(shuffle), rng, settings, members, report)
        valid_loss, batch = evaluate(network, valid, batch, members, settings.penalty)
        _check_finite(train_loss, "training", epoch, settings)
        _check_finite(valid_loss, "validation", epoch, settings)
        if valid_loss < state.progress.valid_loss:
            state.progress = replace(state.progress, best_epoch=epoch, valid_loss=valid_loss)
            state.best_weights = _weights(network)
        state.progress = replace(state.progress, epochs=epoch)
        if members.rank == 0:
            checkpoint.write(state)
    network.load_state_dict(state.best_weights)
    network.eval()
    context.report("train", settings.epochs, settings.epochs)
    return state.progress


def _seed(*numbers: int) -> int:
    """A seed derived from these numbers."""
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
    """Train for one epoch. Returns the mean loss."""
    step.network.train()
    total = torch.zeros((), device=order.device)
    # batches of equal size: a small last batch is noisy, and batch normalisation fails on a single event
    count = -(-len(order) // settings.batch_size)
    steps = order.tensor_split(max(1, min(count, len(order) // members.size)))
    for number, batch in enumerate(train.ahead(map(members.share, steps), rng), start=1):
        size = len(steps[number - 1])
        # a tensor until the end of the epoch, because reading it makes the host wait for the GPU
        total += step(members.weighted(batch, size)) * size
        report(number / len(steps))
    return float(members.mean(total)) / len(order)


def evaluate(
    network: nn.Module,
    valid: Batches,
    batch: int = VALIDATION_BATCH,
    members: Team = ALONE,
    penalty: Penalty | None = None,
) -> tuple[float, int]:
    """The mean loss per event, and the batch size that fitted into memory; the processes of a team share the work."""
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
    """The result of `attempt(events)`. If one process runs out of memory, all raise, so that all halve together."""
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
