"""Lists of particles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from representations.kernels import gather
from representations.samples.particles import ParticleSamples

if TYPE_CHECKING:
    from collections.abc import Mapping

    from representations.samples.ragged import Ragged


@dataclass(frozen=True, kw_only=True)
class Vectors(ParticleSamples):
    """Lists of particles in falling pt.

    Parameters
    ----------
    particles : Ragged (total, columns) float32.
    kinds : Ragged int8, the position of each particle's kind in `slots`.
    slots : how many particles of each kind a table of fixed length holds.
    """

    particles: Ragged
    kinds: Ragged
    slots: Mapping[str, int]

    @property
    def rows(self) -> Ragged:
        """The particles."""
        return self.particles

    @property
    def capacity(self) -> int:
        """The sum of the slots."""
        return sum(self.slots.values())

    def padded(self, index: Tensor, length: int) -> tuple[Tensor, Tensor]:
        """The first `length` particles of events, padded with 0.

        Returns
        -------
        (n, length, columns) float32, and a mask (n, length) of the particles that exist.
        """
        if self.device.type == "cpu":
            wanted = gather.rows_of(index, len(self))
            return gather.padded(self.particles.values, self.particles.offsets, wanted, length)
        rows = self.particles.take(index)
        event = rows.rows()
        place = torch.arange(len(event), device=self.device) - rows.offsets[event]
        kept = place < length
        dense = torch.zeros(len(index), length, len(self.names), device=self.device)
        mask = torch.zeros(len(index), length, dtype=torch.bool, device=self.device)
        dense[event[kept], place[kept]] = rows.values[kept]
        mask[event[kept], place[kept]] = True
        return dense, mask
