"""How the learning rate goes on from epoch to epoch."""

from __future__ import annotations

import math


def share_of_rate(schedule: str, epoch: int, epochs: int) -> float:
    """The share of the first learning rate that an epoch (from 1) of so many is trained with.

    "linear" falls by the same amount each epoch, "cosine" as in SGDR (arXiv:1608.03983, equation 5) without restarts;
    both start at 1 and would reach 0 one epoch after the last.
    """
    done = (epoch - 1) / epochs
    shares = {"constant": 1.0, "linear": 1.0 - done, "cosine": 0.5 * (1.0 + math.cos(math.pi * done))}
    return shares[schedule]
