"""Binary trees of particles, merged for many events at once (arXiv:1702.00748, section 3)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import torch

from benchmark.core.errors import UserError, did_you_mean
from models.views.clustering import cluster
from models.views.merge_kernels import MergeArrays, along, chain, shuffle
from representations.kernels.threads import shared_out
from representations.samples import Ragged

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

Algorithm = Literal["kt", "anti-kt", "cambridge-aachen", "pt-ascending", "pt-descending", "random"]
ALGORITHMS: tuple[str, ...] = get_args(Algorithm)
POWERS = {"kt": 1, "cambridge-aachen": 0, "anti-kt": -1}
"""p of the generalised kt algorithm (arXiv:0802.1189, equation 1)."""
_CHUNK = 1 << 18
"""Pairs of particles in the chunk of a thread: about a millisecond, so that threads have equal work."""
_LARGEST = 1e150
"""Largest energy in GeV: squares of larger momenta overflow float64."""


@dataclass(frozen=True)
class Trees:
    """One binary tree per event: its n particles are the leaves 0 to n - 1, and merge k makes node n + k.

    The last node is the root.

    Parameters
    ----------
    merges : Ragged (total, 2) int32, in the order of merging: the two nodes of each merge, that of higher pt first (of
        equal pt, that of the lower number). n - 1 rows per event, none for n = 0.
    levels : Ragged int32, the level of each node: 0 for leaves, else one more than the larger level of its children.
        2 n - 1 rows per event, none for n = 0.
    """

    merges: Ragged
    levels: Ragged

    def __len__(self) -> int:
        return len(self.levels)

    def take(self, index: Tensor) -> Trees:
        """The trees of `index` (int64, or a mask), in its order."""
        return Trees(self.merges.take(index), self.levels.take(index))

    def to(self, device: str | torch.device) -> Trees:
        """The same trees on another device."""
        return Trees(self.merges.to(device), self.levels.to(device))

    def steps(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """The nodes of each level from 1 on, and their first and second children, (nodes of that level,) int64 each.

        Counted through all trees: node i of event e is `levels.offsets[e]` + i.
        """
        start, leaves = self.levels.offsets[:-1], (self.levels.lengths + 1) // 2
        event = self.merges.rows()
        step = torch.arange(len(event), device=event.device) - self.merges.offsets[event]
        node = start[event] + leaves[event] + step
        children = self.merges.values.long() + start[event, None]
        level = self.levels.values[node]
        order = torch.argsort(level, stable=True)
        ends = torch.bincount(level).cumsum(0).tolist()
        parts = [order[first:last] for first, last in pairwise(ends)]
        return [(node[part], children[part, 0], children[part, 1]) for part in parts]


def merge(particles: Ragged, event_ids: Tensor, algorithm: Algorithm = "kt", edges: Ragged | None = None) -> Trees:
    """Merge the particles of each event, two at a time, until one is left; four-momenta are added (E-scheme).

    Parameters
    ----------
    particles : Ragged (total, 4): pt, eta, phi, mass in GeV and radians.
    event_ids : (events,) int64.
    algorithm : "kt", "anti-kt", "cambridge-aachen": generalised kt (arXiv:0802.1189) without a beam, as with a radius
        so large that all particles merge; rapidities are those of FastJet (arXiv:1111.6097). Of equal distances the
        smaller angle comes first, then the lower number of the first node, then that of the second.
        "pt-descending": particles are added one by one from the softest, so that pt falls from the root down, as in
        the paper (section 5.1). "pt-ascending": from the hardest.
        "random": any two with equal probability; the tree depends only on the event id and the particles, not on their
        order if no two have the same pt.
    edges : Ragged (total, 2), pairs of particles counted within their event. If given, the three generalised kt
        algorithms merge only along edges, in rising distance of their particles (a minimum spanning tree). Parts that
        no edges connect are then merged in falling pt.

    Raises
    ------
    UserError
        For NaN, infinities, negative pt and momenta too large to be squared; the message names the event.
    """
    if algorithm not in ALGORITHMS:
        raise UserError(f"trees: unknown algorithm '{algorithm}'. {did_you_mean(algorithm, ALGORITHMS)}")
    ids, offsets = event_ids.cpu().numpy(), particles.offsets.cpu().numpy()
    check_offsets(offsets, ids)
    table = particles.values.cpu().numpy().astype(np.float64).reshape(-1, particles.values.shape[-1])
    momenta = np.empty((len(table), 4))
    counts = np.diff(offsets)
    rows = np.concatenate([[0], np.cumsum(np.maximum(counts - 1, 0))])
    nodes = np.concatenate([[0], np.cumsum(np.maximum(2 * counts - 1, 0))])
    merges, levels = np.zeros((rows[-1], 2), np.int32), np.zeros(nodes[-1], np.int32)
    arrays = MergeArrays(offsets, momenta, rows, merges, levels)
    kernel, options = _kernel(algorithm, np.ascontiguousarray(table[:, 0]), ids, edges)

    def work(first: int, last: int) -> None:
        own = slice(offsets[first], offsets[last])
        momenta[own] = _momenta(table[own], offsets[first : last + 1] - offsets[first], ids[first:last])
        kernel(first, last, arrays, *options)

    shared_out(work, counts**2 + 1, _CHUNK)
    return Trees(
        Ragged(torch.from_numpy(merges), torch.from_numpy(rows)),
        Ragged(torch.from_numpy(levels), torch.from_numpy(nodes)),
    )


def _kernel(
    algorithm: str, pt: NDArray[np.float64], ids: NDArray[np.int64], edges: Ragged | None
) -> tuple[Any, tuple[Any, ...]]:
    """The kernel of an algorithm, and its further arguments."""
    if algorithm in POWERS and edges is not None:
        pairs = edges.values.cpu().numpy().astype(np.int64).reshape(-1, 2)
        return along, (POWERS[algorithm], edges.offsets.cpu().numpy(), pairs, pt)
    if algorithm in POWERS:
        return cluster, (POWERS[algorithm],)
    if algorithm == "random":
        return shuffle, (pt, ids.astype(np.uint64))
    return chain, (-pt if algorithm == "pt-descending" else pt,)


def _momenta(table: NDArray[np.float64], offsets: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """px, py, pz, E (total, 4). Raises UserError, naming the event, for numbers that `merge` refuses."""
    if table.shape[1:] != (4,):
        raise UserError(f"trees: particles have {table.shape[1]} columns, expected 4: pt, eta, phi and mass.")
    pt, eta, phi, mass = table.T
    with np.errstate(over="ignore", invalid="ignore"):
        px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
        momenta = np.stack([px, py, pz, np.sqrt(px * px + py * py + pz * pz + mass * mass)], axis=1)
    good = np.isfinite(table).all(axis=1) & (pt >= 0) & (momenta[:, 3] < _LARGEST)
    if len(first := np.flatnonzero(~good)):
        event = int(np.searchsorted(offsets, first[0], side="right")) - 1
        found = ", ".join(
            f"{name} {value:g}" for name, value in zip(("pt", "eta", "phi", "mass"), table[first[0]], strict=True)
        )
        raise UserError(
            f"trees: event {ids[event]}, particle {first[0] - offsets[event]} has {found}, expected finite numbers, "
            f"pt 0 or more, and an energy below {_LARGEST:g}. Remove or correct this event."
        )
    return momenta


def check_offsets(offsets: NDArray[np.int64], ids: NDArray[np.int64]) -> None:
    """Raise UserError unless offsets (events + 1,) belong to these events and never fall."""
    if len(offsets) != len(ids) + 1:
        raise UserError(f"particles of {len(offsets) - 1} events have {len(ids)} event ids, expected one per event.")
    if len(wrong := np.flatnonzero(np.diff(offsets) < 0)):
        begin, end = offsets[wrong[0] : wrong[0] + 2]
        raise UserError(
            f"event {ids[wrong[0]]}: its particles go from {begin} to {end}, expected offsets that never fall. "
            "Make the ragged list again."
        )
