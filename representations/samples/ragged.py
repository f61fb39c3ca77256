"""Lists of different lengths as two tensors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import torch

from representations.kernels import gather

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@dataclass(frozen=True)
class Ragged:
    """Rows of different lengths: `values` (total, ...) and `offsets` (rows + 1,) int64, as Arrow lays out lists."""

    values: Tensor
    offsets: Tensor

    def __post_init__(self) -> None:
        one = self.offsets.ndim == 1 and len(self.offsets)
        ends = self.offsets[:: max(len(self), 1)].tolist() if one else self.offsets.shape
        ends = ends * 2 if len(ends) == 1 and one else ends  # without rows, the first is the last
        if ends != [0, len(self.values)]:
            raise ValueError(f"offsets go from and to {ends}, expected 0 and the {len(self.values)} values")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Tensor:
        """Length of each row, (rows,)."""
        return self.offsets[1:] - self.offsets[:-1]

    def take(self, index: Tensor) -> Ragged:
        """The rows of an index or a mask, in its order."""
        if self.values.device.type == "cpu":
            return Ragged(*gather.take(self.values, self.offsets, gather.rows_of(index, len(self))))
        where, offsets = self.positions(index)
        return Ragged(self.values[where], offsets)

    def between(self, start: int, stop: int) -> Ragged:
        """The rows [start, stop) without a copy of their values."""
        first, last = self.offsets[[start, stop]].tolist()
        return Ragged(self.values[first:last], self.offsets[start : stop + 1] - first)

    def positions(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Where the values of the rows of `index` are, and the offsets of these rows when they are gathered."""
        lengths = self.lengths[index]
        offsets = torch.zeros(len(lengths) + 1, dtype=torch.int64, device=lengths.device)
        torch.cumsum(lengths, 0, out=offsets[1:])
        total = int(offsets[-1])  # the only wait for the device
        shift = self.offsets[:-1][index] - offsets[:-1]
        where = torch.repeat_interleave(shift, lengths, output_size=total)
        return where + torch.arange(total, device=lengths.device), offsets

    def rows(self) -> Tensor:
        """The row that each value belongs to, (total,)."""
        index = torch.arange(len(self), device=self.offsets.device)
        return torch.repeat_interleave(index, self.lengths, output_size=len(self.values))

    @classmethod
    def join(cls, parts: Sequence[Ragged]) -> Ragged:
        """The rows of all parts, one after the other."""
        ends = list(accumulate((len(part.values) for part in parts), initial=0))
        offsets = [part.offsets[:-1] + end for part, end in zip(parts, ends, strict=False)]
        last = torch.tensor([ends[-1]], dtype=torch.int64, device=parts[0].offsets.device)
        return cls(torch.cat([part.values for part in parts]), torch.cat([*offsets, last]))

    def to(self, device: str | torch.device) -> Ragged:
        """The same rows on another device."""
        return Ragged(self.values.to(device), self.offsets.to(device))

    @property
    def nbytes(self) -> int:
        """Bytes of both tensors."""
        return self.values.nbytes + self.offsets.nbytes
