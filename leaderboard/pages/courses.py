"""The course of each training, as a small drawing in the details of a row: losses of training and validation events."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leaderboard.formatting import write_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.records.result import Result
    from leaderboard.ranking.row import Row

WIDTH, HEIGHT = 240.0, 120.0
"""Of a drawing, in its own units."""


@dataclass(frozen=True)
class Course:
    """The losses of one training as lines of a drawing.

    Parameters
    ----------
    train, valid : points of the lines as ``x,y`` separated by spaces; empty where losses are not recorded.
    best : distance of the best epoch from the left.
    low, high : losses at the bottom and at the top.
    words : best epoch, epochs, and whether it is converged.
    """

    seed: int
    train: str
    valid: str
    best: float
    low: str
    high: str
    words: str


def courses(row: Row) -> tuple[Course, ...]:
    """The course of every seed that has one."""
    return tuple(course for result in row.done if (course := _course(result)))


def _course(result: Result) -> Course | None:
    training = result.training
    if training is None or len(training.history) < 2:
        return None
    train, valid = [e.train_loss for e in training.history], [e.valid_loss for e in training.history]
    known = [loss for loss in (*train, *valid) if loss is not None and math.isfinite(loss)]
    low, high = min(known), max(known)
    ended = "converged" if training.converged else "ended by the cap"
    # of a boosted tree only some rounds are recorded, equally spaced
    share = (training.best - 1) / max(training.epochs - 1, 1)
    return Course(
        seed=result.seed,
        train=_points(train, low, high),
        valid=_points(valid, low, high),
        best=round(WIDTH * min(max(share, 0.0), 1.0), 1),
        low=write_number(low),
        high=write_number(high),
        words=f"best {training.best:,} of {training.epochs:,}, cap {training.cap:,}, {ended}",
    )


def _points(losses: Sequence[float | None], low: float, high: float) -> str:
    step, span = WIDTH / max(len(losses) - 1, 1), (high - low) or 1.0
    places = ((step * place, loss) for place, loss in enumerate(losses) if loss is not None)
    return " ".join(f"{x:.1f},{HEIGHT * (1 - (loss - low) / span):.1f}" for x, loss in places)
