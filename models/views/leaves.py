"""Particles and nodes as leaves of trees: four-momenta and other columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from benchmark.core.errors import Skip, UserError
from representations.samples import Ragged
from representations.samples.particles import MOMENTUM

if TYPE_CHECKING:
    from representations.samples import Graphs, Samples, Vectors

MOST = 128
"""Largest number of leaves of an event."""


@dataclass(frozen=True)
class Leaves:
    """The leaves of events, `MOST` each at most.

    momenta : Ragged (total, 4) float64, the columns `MOMENTUM`, in radians and the energy unit of the samples.
    others : (total, columns) float32, the columns `names` of particles, or the channels of pixels.
    dropped : (events,) float64, share of the pt (of the energy for pixels) that is in no leaf.
    selected : (particles,) bool, whether a particle of the samples is a leaf; None for pixels.
    """

    momenta: Ragged
    others: Tensor
    names: tuple[str, ...]
    dropped: Tensor
    selected: Tensor | None = None


def of_particles(samples: Vectors | Graphs) -> Leaves:
    """The particles or nodes of highest pt, on the CPU, with their columns.

    Raises Skip if particles have columns but no known momenta; UserError, naming the event, for NaN.
    """
    rows = samples.rows
    momenta = samples.momenta_of(rows.values)
    if momenta is None and samples.names:
        raise Skip(
            f"particles have no known momenta (found: {', '.join(samples.names)}), which trees need. "
            "Choose a representation with four-momenta, such as fourvectors."
        )
    momenta = torch.zeros(len(rows.values), 4) if momenta is None else momenta
    momenta = momenta.to(torch.float64)
    check(samples, Ragged(momenta, rows.offsets))
    return _hardest(momenta, rows.values, samples.names, rows)


def check(samples: Samples, momenta: Ragged) -> None:
    """Raise UserError unless all momenta (total, 4) are finite."""
    if bool(momenta.values.isfinite().all()):
        return
    row, column = (~momenta.values.isfinite()).nonzero()[0].tolist()
    event = int(torch.searchsorted(momenta.offsets, row, right=True)) - 1
    found = f"{MOMENTUM[column]} {float(momenta.values[row, column]):g}"
    raise UserError(
        f"event {int(samples.event_ids[event])} has {found}, expected a finite number. "
        "Look for NaN or infinities in its samples."
    )


def _hardest(momenta: Tensor, others: Tensor, names: tuple[str, ...], rows: Ragged) -> Leaves:
    """The `MOST` particles of highest pt of each event, in their original order."""
    event, pt = rows.rows(), momenta[:, 0]
    order = torch.argsort(pt, descending=True, stable=True)
    order = order[torch.argsort(event[order], stable=True)]
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order)) - rows.offsets[event]
    selected = rank < MOST
    ends = torch.cat([rows.offsets[:1], rows.lengths.clamp(max=MOST).cumsum(0)])
    whole, left = (
        torch.zeros(len(rows), dtype=torch.float64).index_add_(0, event, part) for part in (pt, pt.where(selected, 0.0))
    )
    dropped = (1 - torch.where(whole > 0, left / whole, 1.0)).clamp(min=0)
    return Leaves(Ragged(momenta[selected], ends), others[selected], names, dropped, selected)
