"""The two hottest clusters of a channel of a picture: their energy, place and shape.

The shapes are those of showers (JINST 10 (2015) P08010, section 4; P06005, section 5), in pixels instead of crystals:
R9 is the energy of 3 x 3 pixels over that of the cluster, for which 5 rows and 11 columns are taken, since the magnetic
field spreads showers in phi, along the columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from representations.samples import Panel

CLUSTERS = 2
MOMENTS = ("energy", "row", "column", "share1", "share9", "share25", "width_row", "width_column")
"""Energy of 5 x 5 pixels (ln(1 + energy) where the picture has logarithms); row and column of the hottest pixel, in
half widths of the picture from its centre; energy of 1, 3 x 3 and 5 x 5 pixels over that of 5 x 11 (share9 is R9), 0 to
2, since noise may be negative; width of the 5 x 5 down and across, in pixels."""
LOG_WEIGHT = 4.7
"""Pixels weigh max(0, 4.7 + ln(energy / energy of 5 x 5)) in the widths."""
NAMES = tuple(f"cluster{number + 1}_{moment}" for number in range(CLUSTERS) for moment in MOMENTS)


def clusters(panel: Panel, plane: Tensor, row: Tensor, column: Tensor, energy: Tensor, planes: int) -> Tensor:
    """`NAMES` of each plane, (planes, columns) float32; 0 for a cluster that a plane does not have.

    The first cluster is around the pixel of largest energy above 0, the second around the largest one outside the 5 x 5
    pixels of the first; of equal pixels, the first in rows and then in columns. Where columns are phi of the full
    circle, clusters continue on the other side.

    Parameters
    ----------
    plane, row, column, energy : (total,) of the lit pixels, in any order. Planes are the channels of each event.
    """
    channels, height, width = panel.shape
    energy, found = energy.to(torch.float64), []
    units = torch.tensor([quantity.squeezed for quantity in panel.channels], device=row.device)
    units = units.repeat(planes // channels) if channels else units
    seeds = torch.where(energy > 0, energy, -torch.inf)
    for _ in range(CLUSTERS):
        down, across = _seeds(plane, row * width + column, seeds, planes, width)
        there = down >= 0
        i, j = row - down[plane], column - across[plane]
        if panel.full_circle:
            j = (j + width // 2) % width - width // 2
        near = (i.abs() <= 2) & (j.abs() <= 5) & there[plane]
        place = 2 * (down + 0.5) / height - 1, 2 * (across + 0.5) / width - 1
        sums = _shape(plane[near], i[near], j[near], energy[near], planes)
        size = torch.where(units > 0, (sums[0] / units.clamp(min=1e-30)).clamp(min=0).log1p(), sums[0])
        shape = torch.stack([size, *place, *sums[1:]], dim=1)
        found.append(torch.where(there[:, None], shape, 0.0))
        seeds = torch.where(near & (j.abs() <= 2), -torch.inf, seeds)
    return torch.cat(found, dim=1).to(torch.float32)


def _seeds(plane: Tensor, pixel: Tensor, energy: Tensor, planes: int, width: int) -> tuple[Tensor, Tensor]:
    """Row and column of the first pixel of largest energy of each plane, (planes,) each; -1 in an empty one."""
    largest = energy.new_full((planes,), -torch.inf).scatter_reduce_(0, plane, energy, "amax")
    beyond = torch.iinfo(torch.int64).max
    candidates = torch.where((energy == largest[plane]) & (energy > -torch.inf), pixel, beyond)
    first = pixel.new_full((planes,), beyond).scatter_reduce_(0, plane, candidates, "amin")
    none = first == beyond
    return torch.where(none, -1, first // width), torch.where(none, -1, first % width)


def _shape(plane: Tensor, i: Tensor, j: Tensor, energy: Tensor, planes: int) -> list[Tensor]:
    """Energy, the three shares and both widths, (planes,) float64 each, of pixels i down and j across from the seed."""

    def total(values: Tensor) -> Tensor:
        return energy.new_zeros(planes).index_add_(0, plane, values)

    apart = torch.maximum(i.abs(), j.abs())
    whole = total(energy)
    boxes = [total(torch.where(apart <= reach, energy, 0.0)) for reach in (0, 1, 2)]
    share = energy / boxes[2][plane].clamp(min=1e-30)
    weight = (LOG_WEIGHT + share.clamp(min=1e-12).log()).clamp(min=0).where(apart <= 2, 0.0)
    norm = total(weight).clamp(min=1e-30)
    means = [(total(weight * at) / norm, total(weight * at**2) / norm) for at in (i, j)]
    widths = [(square - mean**2).clamp(min=0).sqrt() for mean, square in means]
    shares = [torch.where(whole > 0, box / whole, 0.0).clamp(0, 2) for box in boxes]
    return [boxes[2], *shares, *widths]
