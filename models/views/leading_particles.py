"""Lists of particles as a table: the leading ones of each kind."""

from __future__ import annotations

import torch
from torch import Tensor

from models.views.view import Inputs, Shape, TableView
from representations.samples import Vectors


class LeadingParticles(TableView[Vectors]):
    """The leading particles of each kind, as many as it has slots, zeros where there are fewer; then the features.

    Slots by kind, not one list of all particles: in such a list the same column would hold a jet in one event and a
    muon in the next, and a tree can only cut on columns.
    """

    def shape(self, samples: Vectors) -> Shape:
        """Columns such as `jet1_pt`."""
        slots = [f"{kind}{place + 1}" for kind, places in samples.slots.items() for place in range(places)]
        return Shape(
            self.name, tuple(f"{slot}_{name}" for slot in slots for name in samples.names) + samples.feature_names
        )

    def batch(self, samples: Vectors, index: Tensor) -> Inputs:
        """The table of `index`."""
        where, offsets = samples.particles.positions(index)
        device = index.device
        slots = torch.tensor([0, *samples.slots.values()], device=device)
        kind = samples.kinds.values[where].long()
        event = torch.repeat_interleave(torch.arange(len(index), device=device), offsets.diff())

        # particles of one kind in one event form a group; a stable sort leaves each in falling pt
        group = event * len(samples.slots) + kind
        order = torch.argsort(group, stable=True)
        sizes = torch.bincount(group, minlength=len(index) * len(samples.slots))
        place = torch.empty_like(group)
        place[order] = torch.arange(len(group), device=device) - (sizes.cumsum(0) - sizes)[group[order]]

        kept = place < slots[kind + 1]
        column = slots.cumsum(0)[kind] + place
        table = torch.zeros(len(index), samples.capacity, len(samples.names), device=device)
        table[event[kept], column[kept]] = samples.particles.values[where[kept]]
        return (torch.cat([table.flatten(1), samples.features[index]], dim=1),)
