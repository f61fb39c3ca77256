"""Lists of particles, padded for networks, or the leading particles as a table."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from models.views.view import (
    MAX_PREPARED_BYTES,
    Inputs,
    OnnxInput,
    Shape,
    TableView,
    View,
    features_onnx_input,
    padded_onnx_inputs,
)
from representations.samples import Ragged, Vectors


@dataclass(frozen=True, kw_only=True)
class PreparedParticles(Vectors):
    """Particles that a view uses; `kinds` is empty.

    left_out : (n,) float32, share of each event's pt that the view leaves out; None if not computed.
    """

    left_out: Tensor | None = None


class ParticleView(View[Vectors]):
    """Particles (batch, columns, places), their mask (batch, places) and features (batch, features).

    The mask is False after the last particle of an event, where values are arbitrary. Columns are those of the samples.
    """

    def selected(self, samples: Vectors) -> Ragged:
        """The columns (total, columns) of the particles that the view uses; by default of all."""
        return samples.particles

    @abstractmethod
    def places(self, samples: Vectors, lengths: Tensor) -> int:
        """Number of places of a batch whose events have these numbers of particles, (batch,)."""

    def shape(self, samples: Vectors) -> Shape:
        """Names of the columns."""
        return Shape(self.name, samples.names, (), samples.feature_names)

    def prepare(self, samples: Vectors) -> Vectors:
        """Select the particles, unless that takes more than 2 GiB of memory, four times their size."""
        takes = 16 * len(samples.names) * len(samples.particles.values)
        return self._prepared(samples) if takes <= MAX_PREPARED_BYTES else samples

    def batch(self, samples: Vectors, index: Tensor) -> Inputs:
        """Particles, mask and features."""
        if not isinstance(samples, PreparedParticles):
            samples, index = self._prepared(samples[index]), torch.arange(len(index), device=index.device)
        offsets = samples.particles.offsets
        lengths = offsets[index + 1] - offsets[index]
        # at least one place, so that a batch of empty events can still be pooled
        particles, mask = samples.padded(index, max(1, self.places(samples, lengths)))
        return particles.transpose(1, 2), mask, samples.features[index]

    def rows(self, samples: Vectors, index: Tensor) -> tuple[Tensor | None, ...]:
        """The particles without padding, and the features."""
        return self._prepared(samples[index]).particles.values, None, samples.features[index]

    def onnx_inputs(self, shape: Shape) -> list[OnnxInput]:
        """Particles, mask and features."""
        return [
            *padded_onnx_inputs("nodes" if self.name == "nodes" else "particles", shape),
            features_onnx_input(shape),
        ]

    def _prepared(self, samples: Vectors) -> PreparedParticles:
        if isinstance(samples, PreparedParticles):
            return samples
        kinds = Ragged(samples.kinds.values[:0], torch.zeros_like(samples.kinds.offsets))
        same = {field.name: getattr(samples, field.name) for field in fields(samples)}
        same |= {"particles": self.selected(samples), "kinds": kinds, "momenta": None, "frames": None}
        return PreparedParticles(**same)


class ParticleSequence(ParticleView):
    """Particles in falling pt, for 1-D networks.

    A batch has as many places as its largest event has particles, at most `samples.capacity`.
    """

    name = "sequence"

    def places(self, samples: Vectors, lengths: Tensor) -> int:
        """The largest number of particles."""
        return min(samples.capacity, int(lengths.max()))


class LeadingParticles(TableView[Vectors]):
    """The leading particles of each kind, one per slot, padded with zeros; then the features.

    Each kind has its own slots, because a tree cuts on columns, and a column of a common list would hold a jet in one
    event and a muon in the next.
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

        has_slot = place < slots[kind + 1]
        column = slots.cumsum(0)[kind] + place
        table = torch.zeros(len(index), samples.capacity, len(samples.names), device=device)
        table[event[has_slot], column[has_slot]] = samples.particles.values[where[has_slot]]
        return (torch.cat([table.flatten(1), samples.features[index]], dim=1),)
