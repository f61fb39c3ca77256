"""When the learning rate falls, and when a training ends.

Both follow from the validation losses so far, and nothing else is remembered: a training that resumes with its losses
goes on as it would have.

An epoch is *progress* if its validation loss is below that of the last progress by more than `NOTICEABLE` of it. With
the patience P in epochs:

- the rate is multiplied by `FACTOR` after each ceil(P / 2) epochs in a row without progress. These are the rules of
  torch.optim.lr_scheduler.ReduceLROnPlateau(factor=FACTOR, patience=ceil(P / 2) - 1, threshold=NOTICEABLE);
- training ends after P epochs in a row without progress.

The weights are those of the epoch with the smallest loss, noticeable or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FACTOR = 0.3
NOTICEABLE = 1e-3
"""Far below the error of a validation loss, which is about 0.02 of it for a thousand events. Without it, a training
whose rate has fallen ends late, since its loss falls by ever less."""


def in_epochs(patience: int, steps: int, steps_per_epoch: int) -> int:
    """Patience in epochs: `patience` epochs or `steps` steps, whichever is longer."""
    return max(patience, -(-steps // steps_per_epoch))


def best_epoch(losses: Sequence[float]) -> int:
    """The first epoch with the smallest loss, counted from 1; 0 before the first."""
    return losses.index(min(losses)) + 1 if losses else 0


def waited(losses: Sequence[float]) -> int:
    """Number of epochs since the last progress."""
    *_, count = 0, *_waits(losses)
    return count


def reductions(losses: Sequence[float], patience: int) -> int:
    """How often the rate has fallen; the patience is in epochs."""
    every = -(-patience // 2)
    return sum(count > 0 and count % every == 0 for count in _waits(losses))


def _waits(losses: Sequence[float]) -> Iterator[int]:
    """After each epoch, the number of epochs since the last progress."""
    least, count = float("inf"), 0
    for loss in losses:
        if loss < least:
            least, count = loss - NOTICEABLE * abs(loss), 0
        else:
            count += 1
        yield count
