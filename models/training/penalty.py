"""A penalty on scores that depend on the mass of background events: Cramér-von Mises, with nearest neighbours.

End-to-end learning (arXiv:1807.11916, section 5.3) adds this dependence to the loss, in the form of the flatness loss
of Rogozhnikov et al. (JINST 10 (2015) T03002, section 5), which `hep_ml.losses.KnnFlatnessLossFunction` uses for
boosting. It compares, for each of n background events, the distribution F_i of the scores of its k nearest neighbours
in mass with the distribution F of all scores,

    L = 1/n sum_i integral (F_i(s) - F(s))^2 ds

Their gradient, F_i - F at each score (at midpoints), is that of this integral, which is a mean of distances between
scores (Székely and Rizzo, J. Stat. Plan. Infer. 143 (2013) 1249, proposition 1):

    integral (F_i - F)^2 ds = E|S_i - S| - 1/2 E|S_i - S_i'| - 1/2 E|S - S'|

So L is a sum over pairs of events, sum_ab A_ab |s_a - s_b|, whose coefficients only depend on masses. The means are
over pairs of different events: with an event as its own neighbour, a score that is independent of the mass would have
1/k of its spread as penalty, and training would narrow the scores of background. Here its penalty is 0 on average, and
L may be negative.

The score is the log-odds of the signal, because probabilities saturate near 0 and 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Penalty:
    """`strength` times L, with the `neighbours` nearest in mass within the same batch.

    Neighbours are searched within the batch, so the penalty depends on the batch size. Nothing is read back to the
    host, so a step with it can be recorded as a CUDA graph.
    """

    strength: float
    neighbours: int = 12

    def __call__(self, logits: Tensor, mass: Tensor) -> Tensor:
        """The penalty of a batch, a scalar: logits (batch, classes), the signal's first; mass (batch,).

        The mass is NaN for all events but background. Weights are not used. The penalty is 0 if all are neighbours.
        """
        logits = logits.float()
        score = logits[:, 0] - logits[:, 1:].logsumexp(dim=1)
        distance = (score[:, None] - score).abs()
        return self.strength * (coefficients(mass, self.neighbours) * distance).sum()


@torch.no_grad()
def coefficients(mass: Tensor, neighbours: int) -> Tensor:
    """The coefficients A (n, n) of mass (n,), which is NaN for events without one; 0 on the diagonal."""
    near, known = nearest(mass, neighbours).float(), (~mass.isnan()).float()
    size, count = near.sum(1).clamp(min=2), known.sum().clamp(min=2)
    among_all = known[:, None] * known / (count * (count - 1))
    of_neighbours = (near / (size * (size - 1) * count)[:, None]).T @ near
    share = (near / (size * count)[:, None]).sum(0)
    across = share[:, None] * known / (count - 1)
    pairs = (across + across.T) / 2 - of_neighbours / 2 - among_all / 2
    return pairs.fill_diagonal_(0.0)


def nearest(mass: Tensor, neighbours: int) -> Tensor:
    """Whether b is among the neighbours of a, which include a: (n, n) bool, of mass (n,), NaN for no mass.

    If fewer events have a mass, all of them are neighbours. Of equal masses the first ones are nearer.
    """
    known = ~mass.isnan()
    everyone = known & known[:, None]
    if neighbours >= len(mass):
        return everyone
    values = mass.nan_to_num(nan=torch.inf)
    ordered, order = values.sort(stable=True)
    place = order.argsort()
    # neighbours are consecutive in mass: they start where the event after the last is no nearer than the first
    first = torch.searchsorted(ordered[:-neighbours] + ordered[neighbours:], 2 * values)[:, None]
    return everyone & (place >= first) & (place < first + neighbours)
