"""The training loop of all networks: seeded, with balanced classes and early stopping.

`models/training/course.py` says when the learning rate falls and when a training ends.
"""

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
from benchmark.records.training import Epoch, Training
from models.training import course
from models.training.checkpoint import Checkpoint, TrainingProgress, TrainingState, random_states, set_random_states
from models.training.memory import at_once, halving
from models.training.parallel import team
from models.training.step import Step, TrainingSettings, share_of_rate
from models.training.validation import VALIDATION_BATCH, evaluate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from models.model import Context
    from models.training.batches import Batches
    from models.training.parallel import Team
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
) -> tuple[Training, dict[str, float]]:
    """Train until patience or the number of epochs ends it; the network gets the best weights.

    Calls `context.report("train", ...)` with the number of epochs, and writes `context.checkpoint` after each epoch. If
    that file exists, training resumes from it, and reports "resume". If a batch does not fit into the memory of the
    device, training starts again with half the batch size, so that the whole training has one batch size.

    Returns
    -------
    The course of the training, and the `details` of its progress.

    Raises
    ------
    UserError
        If the loss is not finite, or if memory runs out while other cells or processes share the work.
    """
    with team(context.device) as members:
        device = torch.device(context.device)
        weights, states = _weights(network), random_states(device)
        checkpoint = Checkpoint(context.checkpoint)
        found = checkpoint.read(network, device)

        def attempt(batch_size: int) -> tuple[Training, dict[str, float]]:
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
) -> tuple[Training, dict[str, float]]:
    """Train epoch by epoch, from the start or from the checkpoint."""
    step = Step(network, settings, members)
    shuffle = torch.Generator().manual_seed(context.seed)
    start, batch = TrainingProgress(batch_size=settings.batch_size), VALIDATION_BATCH
    state = TrainingState(network, step.optimiser, shuffle, start, _weights(network), step.average)
    found = checkpoint.read(network, torch.device(context.device))
    known = found is not None and found[1].batch_size == settings.batch_size
    if members.agree(found[1].epochs if known and found else 0) and known and found:
        state.restore(*found)
        context.report("resume", state.progress.epochs, settings.epochs)
        context.resumed(state.progress.resumed_s)
    del found
    if members.rank:
        torch.manual_seed(_seed(context.seed, state.progress.epochs, members.rank))
    steps = _steps(train.events_per_epoch, settings.batch_size, members)
    step.average.steps = steps * state.progress.epochs
    patience = course.in_epochs(settings.patience, settings.patience_steps, steps)
    losses = state.progress.losses
    while len(losses) < settings.epochs and course.waited(losses) < patience:
        epoch = len(losses) + 1
        rate = settings.learning_rate * _share_of_rate(settings, losses, patience)
        step.set_rate(rate)
        rng = torch.Generator().manual_seed(_seed(context.seed, epoch, members.rank))
        report = partial(_report, context, epoch, settings.epochs)
        train_loss = _epoch(step, train, train.order(shuffle), rng, settings, members, report)
        _check_finite(train_loss, "training", epoch, settings)
        with step.average.in_place():
            checked = evaluate(network, valid, batch, members, settings.penalty)
            _check_finite(checked.loss, "validation", epoch, settings)
            batch = checked.batch
            losses.append(checked.loss)
            if course.best_epoch(losses) == epoch:
                state.best_weights = _weights(network)
        done = Epoch(train_loss=train_loss, valid_loss=checked.loss, valid_auc=checked.auc, learning_rate=rate)
        state.progress = replace(state.progress, history=(*state.progress.history, done))
        if members.rank == 0:
            checkpoint.write(state)
    network.load_state_dict(state.best_weights)
    network.eval()
    context.report("train", settings.epochs, settings.epochs)
    training = Training(
        epochs=len(losses),
        best=course.best_epoch(losses),
        cap=settings.epochs,
        converged=course.waited(losses) >= patience,
        history=state.progress.history,
    )
    return training, state.progress.details()


def _share_of_rate(settings: TrainingSettings, losses: Sequence[float], patience: int) -> float:
    """Learning rate of the next epoch divided by that of the first."""
    if settings.schedule == "plateau":
        return course.FACTOR ** course.reductions(losses, patience)
    return share_of_rate(settings.schedule, len(losses) + 1, settings.epochs)


def _steps(events: int, batch_size: int, members: Team) -> int:
    """Steps of an epoch."""
    return max(1, min(-(-events // batch_size), events // members.size))


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
    """Train for one epoch. Returns the mean loss of its steps."""
    step.network.train()
    total = torch.zeros((), device=order.device)
    # batches of equal size: a small last batch is noisy, and batch normalisation fails on a single event
    steps = order.tensor_split(_steps(len(order), settings.batch_size, members))
    for number, batch in enumerate(train.ahead(map(members.share, steps), rng), start=1):
        size = len(steps[number - 1])
        # a tensor until the end of the epoch, because reading it makes the host wait for the GPU
        total += step(members.weighted(batch, size)) * size
        report(number / len(steps))
    return float(members.mean(total)) / len(order)


def _weights(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}


def _check_finite(loss: float, role: str, epoch: int, settings: TrainingSettings) -> None:
    if not -torch.inf < loss < torch.inf:
        raise UserError(
            f"the {role} loss is {loss} in epoch {epoch}, expected a finite number. Either the samples hold NaN or "
            f"infinities, or learning_rate={settings.learning_rate:g} is too large: lower it, or set clip=1."
        )
