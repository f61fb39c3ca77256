"""A penalty in the loss on a score that tells the mass of background: Cramér-von Mises, by nearest neighbours.

End-to-end learning (arXiv:1807.11916, section 5.3) adds to the loss what the scores of a batch tell of the mass, in the
form of the flatness loss of Rogozhnikov et al. (JINST 10 (2015) T03002, section 5), which
`hep_ml.losses.KnnFlatnessLossFunction` boosts with: around each of n background events the distribution F_i of the
scores of the k nearest in mass is compared with that of all,

    L = 1/n sum_i integral (F_i(s) - F(s))^2 ds

Their gradient, F_i - F at each score (at midpoints), is that of this integral, which is a mean of distances between
scores (Székely and Rizzo, J. Stat. Plan. Infer. 143 (2013) 1249, proposition 1):

    integral (F_i - F)^2 ds = E|S_i - S| - 1/2 E|S_i - S_i'| - 1/2 E|S - S'|

So L is a sum over pairs of events, sum_ab A_ab |s_a - s_b|, whose coefficients depend on masses alone. The means are
taken over pairs of two events: with an event as its own neighbour, a score that tells nothing would have 1/k of its
spread as penalty, and all background would be drawn together. Such a score now has 0 on average, and L may be negative.

The score is the log-odds of the signal: a probability hardly moves where it is near 0 or 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Penalty:
    """`strength` times L, with the `neighbours` nearest in mass.

    Neighbours of the same batch are meant, so that its size matters. All shapes are those of the batch, and nothing is
    asked of the device: a step with it can be recorded.
    """

    strength: float
    neighbours: int = 12

    def __call__(self, logits: Tensor, mass: Tensor) -> Tensor:
        """The penalty of a batch, a scalar: logits (batch, classes), the signal's first; mass (batch,), NaN for others.

        Background is what has a mass; each event counts the same. 0 where all are neighbours of each other.
        """
        logits = logits.float()
        score = logits[:, 0] - logits[:, 1:].logsumexp(dim=1)
        distance = (score[:, None] - score).abs()
        return self.strength * (coefficients(mass, self.neighbours) * distance).sum()


@torch.no_grad()
def coefficients(mass: Tensor, neighbours: int) -> Tensor:
    """A (n, n) of mass (n,), which is NaN for events that are left out; 0 on the diagonal."""
    near, known = nearest(mass, neighbours).float(), (~mass.isnan()).float()
    size, count = near.sum(1).clamp(min=2), known.sum().clamp(min=2)
    among_all = known[:, None] * known / (count * (count - 1))
    of_neighbours = (near / (size * (size - 1) * count)[:, None]).T @ near
    share = (near / (size * count)[:, None]).sum(0)
    across = share[:, None] * known / (count - 1)
    pairs = (across + across.T) / 2 - of_neighbours / 2 - among_all / 2
    return pairs.fill_diagonal_(0.0)


def nearest(mass: Tensor, neighbours: int) -> Tensor:
    """Whether b is among the nearest in mass of a, itself among them: (n, n) bool, of mass (n,), NaN for no mass.

    All that have a mass, where they are fewer. Of equal masses those that stand first are the nearer.
    """
    known = ~mass.isnan()
    everyone = known & known[:, None]
    if neighbours >= len(mass):
        return everyone
    values = mass.nan_to_num(nan=torch.inf)
    ordered, order = values.sort(stable=True)
    place = order.argsort()
    # neighbours follow each other in mass: they begin where the one behind the last is no nearer than the first
    first = torch.searchsorted(ordered[:-neighbours] + ordered[neighbours:], 2 * values)[:, None]
    return everyone & (place >= first) & (place < first + neighbours)
