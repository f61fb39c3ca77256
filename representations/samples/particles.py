"""The base of samples that hold particles one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from representations.samples.base import Samples

if TYPE_CHECKING:
    from torch import Tensor

    from representations.samples.ragged import Ragged

MOMENTUM = ("pt", "eta", "phi", "mass")
FRAME = ("eta", "phi", "cos", "sin", "mirror", "pt")
"""A frame: its origin, the cosine and sine of the angle by which it is turned, -1 or 1, and the pt of all in it."""


@dataclass(frozen=True, kw_only=True)
class ParticleSamples(Samples):
    """Particles with columns, the inputs of models, and their momenta, from which models may compute more of several.

    Parameters
    ----------
    names : of the columns. Those that `representations.kernels.encoding` knows have its formulas; the others add up
        when particles merge.
    momenta : Ragged (total, 4) float32, the columns `MOMENTUM` in GeV and radians, in the laboratory; None if they are
        among the columns (a missing mass is 0), or unknown.
    frames : Ragged (total, 6) float32, one or more per event, from which relative columns count, or None
        (`FRAME`).
    """

    names: tuple[str, ...]
    momenta: Ragged | None = None
    frames: Ragged | None = None

    @property
    def rows(self) -> Ragged:
        """The columns of the particles, Ragged (total, columns) float32."""
        raise NotImplementedError

    def momenta_of(self, columns: Tensor, index: Tensor | None = None) -> Tensor | None:
        """The momenta (particles, 4) of the particles with these columns: of all, or of the events `index`.

        None if they are unknown.
        """
        if self.momenta is not None:
            return self.momenta.values if index is None else self.momenta.take(index).values
        if not set(MOMENTUM[:3]) <= set(self.names):
            return None
        none = torch.zeros_like(columns[:, 0])
        parts = (columns[:, self.names.index(name)] if name in self.names else none for name in MOMENTUM)
        return torch.stack(list(parts), dim=1)
