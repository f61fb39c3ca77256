"""Loss and AUC of validation events during a training."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.metrics.arrays import EmptyClassError
from benchmark.metrics.auc import mean_area, one_vs_rest
from models.training.memory import halving
from models.training.parallel import ALONE, Team
from models.training.step import losses

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.training.batches import Batches
    from models.training.penalty import Penalty

T = TypeVar("T")

VALIDATION_BATCH = 1024
"""Events of a validation batch; halved until they fit into the memory of the device."""


class Checked(NamedTuple):
    """What `evaluate` finds.

    Parameters
    ----------
    loss : mean per event.
    auc : mean area under the ROC curve over the classes, each against the rest; None if a class has no events.
    batch : the batch size that fitted into memory.
    """

    loss: float
    auc: float | None
    batch: int


def evaluate(
    network: nn.Module,
    valid: Batches,
    batch: int = VALIDATION_BATCH,
    members: Team = ALONE,
    penalty: Penalty | None = None,
) -> Checked:
    """Loss and AUC of validation events; the processes of a team share the work."""
    network.eval()

    def attempt(events: int) -> tuple[Tensor, Tensor]:
        indices = list(valid.chunks(events))[members.rank :: members.size]
        sums, scores = [torch.zeros((), device=valid.labels.device)], []
        for index in indices:
            made = valid(index)
            logits = network(*made.inputs)
            sums.append(losses(logits, made, penalty).sum())
            facts = torch.stack([valid.labels[index].double(), valid.samples.weights[index].double()], dim=1)
            scores.append(torch.cat([facts, logits.double().softmax(dim=1)], dim=1))
        found = torch.cat(scores) if scores else torch.empty(0, 2 + len(valid.samples.classes))
        return torch.stack(sums).sum(), found

    with torch.inference_mode():
        agreed = partial(_agreed, attempt, members, valid.labels.device)
        (total, scores), batch = halving(batch, agreed, "validation")
        loss = float(members.mean(total)) * members.size / len(valid)
        # the same loss in all processes, so that all gather or none
        found = members.gathered(scores).numpy() if math.isfinite(loss) else None
        auc = None if found is None else mean_auc(found[:, 0].astype(np.int64), found[:, 2:], found[:, 1])
        return Checked(loss, auc, batch)


def mean_auc(labels: NDArray[np.int64], scores: NDArray[Any], weights: NDArray[Any]) -> float | None:
    """Mean AUC over the classes, each against the rest; None if a class has no events.

    Parameters
    ----------
    labels, weights : (n,). scores : (n, classes).
    """
    try:
        return mean_area([one_vs_rest(labels, scores, weights, label) for label in range(scores.shape[1])]).value
    except EmptyClassError:
        return None


def _agreed(attempt: Callable[[int], T], members: Team, device: torch.device, events: int) -> T:
    """The result of `attempt(events)`. If one process runs out of memory, all raise, so that all halve together."""
    reason, found = "", None
    try:
        found = attempt(events)
    except torch.OutOfMemoryError as error:
        reason = str(error)
    if float(members.mean(torch.tensor(float(bool(reason)), device=device))) > 0 or found is None:
        raise torch.OutOfMemoryError(reason or "another process has too little memory")
    return found
