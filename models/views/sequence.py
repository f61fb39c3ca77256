"""Particles in falling pt, for 1-D networks."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from models.views.view import Input, Shape, Shown
from representations.samples import Ragged, Vectors


class ParticleSequence(Input[Vectors]):
    """Particles (batch, columns, particles) in falling pt, their mask (batch, particles), features (batch, features).

    A particle's kind is shown as one column a kind. As many places as the batch's longest event needs, at most
    `samples.capacity`; what lies behind an event's last particle has no meaning, and the mask is False there.
    """

    view = "sequence"

    def shape(self, samples: Vectors) -> Shape:
        """The particles' own columns, then one a kind unless there is but one."""
        return Shape(self.view, samples.names + self._kinds(samples), (), samples.feature_names)

    def batch(self, samples: Vectors, index: Tensor) -> Shown:
        """Particles, mask and features."""
        shown = samples[index]
        named = replace(shown, particles=self._particles(shown), names=self.shape(samples).columns)
        # at least one place, so that a batch of empty events can still be pooled
        length = max(1, min(samples.capacity, int(shown.particles.lengths.max())))
        particles, mask = named.padded(torch.arange(len(index), device=index.device), length)
        return particles.transpose(1, 2), mask, shown.features

    def rows(self, samples: Vectors, index: Tensor) -> tuple[Tensor | None, ...]:
        """The particles that exist, and the features."""
        shown = samples[index]
        return self._particles(shown).values, None, shown.features

    @staticmethod
    def _kinds(samples: Vectors) -> tuple[str, ...]:
        return tuple(f"is_{kind}" for kind in samples.slots) if len(samples.slots) > 1 else ()

    def _particles(self, samples: Vectors) -> Ragged:
        if not self._kinds(samples):
            return samples.particles
        kinds = one_hot(samples.kinds.values.long(), len(samples.slots)).to(torch.float32)
        return Ragged(torch.cat([samples.particles.values, kinds], dim=1), samples.particles.offsets)
