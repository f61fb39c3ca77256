"""Particles in falling pt, for 1-D networks."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from models.views.particles import ParticleView
from representations.samples import Ragged, Vectors


class ParticleSequence(ParticleView):
    """Particles (batch, columns, particles) in falling pt, their mask (batch, particles), features (batch, features).

    The columns are the particles' own, then one a kind unless there is but one. As many places as the batch's longest
    event needs, at most `samples.capacity`; what lies behind an event's last particle has no meaning, and the mask is
    False there.
    """

    name = "sequence"

    def columns(self, samples: Vectors) -> tuple[Ragged, tuple[str, ...]]:
        """The particles' own, and one a kind."""
        if len(samples.slots) < 2:
            return samples.particles, samples.names
        kinds = one_hot(samples.kinds.values.long(), len(samples.slots)).to(torch.float32)
        values = torch.cat([samples.particles.values, kinds], dim=1)
        return Ragged(values, samples.particles.offsets), samples.names + tuple(f"is_{kind}" for kind in samples.slots)

    def places(self, samples: Vectors, lengths: Tensor) -> int:
        """As the longest event needs."""
        return min(samples.capacity, int(lengths.max()))
