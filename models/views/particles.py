"""Particles with all columns that a network is shown, found once rather than for every batch."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from models.views.view import KEPT_BYTES, Example, Inputs, Shape, View, features_example, padded_example
from representations.samples import Ragged, Vectors


@dataclass(frozen=True, kw_only=True)
class PreparedParticles(Vectors):
    """Particles whose columns `names` are all that is shown of them: kinds are among these, and `kinds` is empty.

    left_out : (n,) float32, the share of each event's pt that no particle here has, where it was asked for.
    """

    left_out: Tensor | None = None


class ParticleView(View[Vectors]):
    """Particles (batch, columns, places), their mask (batch, places) and features (batch, features).

    What lies behind an event's last particle has no meaning, and the mask is False there.
    """

    @abstractmethod
    def columns(self, samples: Vectors) -> tuple[Ragged, tuple[str, ...]]:
        """What is shown of the particles, (total, columns), and the columns' names."""

    @abstractmethod
    def places(self, samples: Vectors, lengths: Tensor) -> int:
        """Places in a batch of events of so many particles, (batch,)."""

    def shape(self, samples: Vectors) -> Shape:
        """Names of the columns."""
        return Shape(self.name, self._prepared(samples[:0]).names, (), samples.feature_names)

    def prepare(self, samples: Vectors) -> Vectors:
        """With all columns, unless to find these takes more than 2 GiB: four times what they take then."""
        takes = 16 * len(self.shape(samples).columns) * len(samples.particles.values)
        return self._prepared(samples) if takes <= KEPT_BYTES else samples

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
        """The particles that exist, and the features."""
        return self._prepared(samples[index]).particles.values, None, samples.features[index]

    def examples(self, shape: Shape) -> list[Example]:
        """Particles, mask and features."""
        return [*padded_example("nodes" if self.name == "nodes" else "particles", shape), features_example(shape)]

    def _prepared(self, samples: Vectors) -> PreparedParticles:
        if isinstance(samples, PreparedParticles):
            return samples
        particles, names = self.columns(samples)
        kinds = Ragged(samples.kinds.values[:0], torch.zeros_like(samples.kinds.offsets))
        same = {field.name: getattr(samples, field.name) for field in fields(samples)}
        same |= {"particles": particles, "kinds": kinds, "names": names}
        return PreparedParticles(**same)
