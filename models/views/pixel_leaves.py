"""Pictures as a few massless particles: the brightest pixels, or the pooled cells of a drawing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from models.views.leaves import MOST, Leaves, check
from models.views.pictures import named_channels
from models.views.pixels import in_chunks, pooled
from representations.samples import Ragged
from tasks.detector.geometry import HALF_LENGTH

if TYPE_CHECKING:
    from representations.samples import Images, Panel

_ENDS = {"endcap_minus": -HALF_LENGTH, "endcap_plus": HALF_LENGTH}
"""Metres along z of the panels whose axes are y and x."""
_PT = ("pt", "tracks")
_TIME = "time"


def of_pixels(samples: Images) -> Leaves:
    """Pictures as at most `MOST` massless particles per event, on the CPU, with the values of their channels.

    Measured pictures: the most energetic pixels. The energy of a pixel is the sum over its channels: pt and tracks hold
    pt, time holds no energy, all others hold energy, also where the picture shows its logarithm. Pixels whose sum is
    not positive, because of noise, are left out. Where panels overlap, as two showers and the towers of the barrel do,
    each has its own leaves.
    Rows are eta and columns phi, or y and x on the face of an endcap.
    Drawings (one picture of bytes, such as those of `Circles`): pooled to the smallest cells of 1, 2, 4, ... pixels of
    which at most `MOST` have ink. The position of a cell is the centroid of its ink, and its ink is its pt.

    Raises UserError, naming the event, for NaN and infinities.
    """
    drawn = len(samples.panels) == 1 and samples.values.values.dtype == torch.uint8
    chunks = in_chunks(samples)
    parts = [_of_cells(samples, chunk) if drawn else _brightest(samples, chunk) for chunk in chunks]
    counts, table, dropped = (torch.cat(column) for column in zip(*parts, strict=True))
    rows = Ragged(table, torch.cat([counts.new_zeros(1), counts.cumsum(0)]))
    momenta = Ragged(rows.values[:, :4], rows.offsets)
    check(samples, momenta)
    return Leaves(momenta, rows.values[:, 4:].to(torch.float32), channels_of(samples), dropped)


def channels_of(samples: Images) -> tuple[str, ...]:
    """Names of `Leaves.others`: all channels of all panels."""
    return tuple(name for panel in samples.panels for name in named_channels(samples, panel))


class _PixelLeaves(NamedTuple):
    """The leaves of some events.

    counts (events,) int64: number of leaves. table (leaves, 4 + channels) float64: momenta and values of the channels.
    dropped (events,) float64.
    """

    counts: Tensor
    table: Tensor
    dropped: Tensor


def _brightest(samples: Images, index: Tensor) -> _PixelLeaves:
    """The most energetic pixels, from the list of lit pixels, because most pixels are empty."""
    entries = samples.entries(index)
    event, pixel, value = entries
    place, channel = _places(samples.panels, pixel)
    places = sum(panel.shape[1] * panel.shape[2] for panel in samples.panels)
    node, entry = torch.unique(event * places + place, return_inverse=True)
    eta, phi = _pointed(samples, index[node // places], node % places)
    factor = torch.where(_is_pt(samples)[channel], eta[entry].cosh(), 1.0).where(~_is_time(samples)[channel], 0.0)

    held = value.new_zeros(len(node), len(channels_of(samples)))
    held[entry, channel] = value
    energy = torch.zeros(len(node), dtype=torch.float64).index_add_(0, entry, samples.plain(entries) * factor)
    # NaN is selected first, and refused later
    energy = torch.where(energy.isnan(), torch.inf, energy).clamp(min=0)
    event = node // places
    order = torch.argsort(energy, descending=True, stable=True)
    order = order[torch.argsort(event[order], stable=True)]
    lengths = torch.bincount(event, minlength=len(index))
    rank = torch.arange(len(order)) - (lengths.cumsum(0) - lengths)[event[order]]
    selected = order[(rank < MOST) & (energy[order] > 0)]

    pt = energy[selected] / eta[selected].cosh()
    momenta = torch.stack([pt, eta[selected], phi[selected], torch.zeros_like(pt)], dim=1)
    whole, left = (torch.zeros(len(index), dtype=torch.float64) for _ in range(2))
    whole.index_add_(0, event, energy)
    left.index_add_(0, event[selected], energy[selected])
    dropped = (1 - torch.where(whole > 0, left / whole, 1.0)).clamp(min=0)
    counts = torch.bincount(event[selected], minlength=len(index))
    return _PixelLeaves(counts, torch.cat([momenta, held[selected]], dim=1), dropped)


def _pointed(samples: Images, event: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
    """eta and phi of places, counted through all panels, of events, (total,) float64 each."""
    directions = [_directions(panel) for panel in samples.panels]
    eta, phi = (torch.cat(parts)[place] for parts in zip(*directions, strict=True))
    if samples.origins is None:
        return eta, phi
    sizes = torch.tensor([panel.shape[1] * panel.shape[2] for panel in samples.panels])
    number = torch.repeat_interleave(sizes)[place]
    aside, turned = samples.origins[event, number].to(torch.float64).unbind(dim=1)
    return eta + aside, torch.remainder(phi + turned + math.pi, 2 * math.pi) - math.pi


def _places(panels: tuple[Panel, ...], pixel: Tensor) -> tuple[Tensor, Tensor]:
    """Place and channel of flat pixels, both counted through all panels."""
    place, channel = torch.empty_like(pixel), torch.empty_like(pixel)
    start = places = channels = 0
    for panel in panels:
        inside = (pixel >= start) & (pixel < start + panel.size)
        flat, plane = pixel[inside] - start, panel.size // panel.shape[0]
        place[inside], channel[inside] = flat % plane + places, flat // plane + channels
        start, places, channels = start + panel.size, places + plane, channels + panel.shape[0]
    return place, channel


def _is_pt(samples: Images) -> Tensor:
    """Whether each channel holds pt, (channels,)."""
    return _named(samples, _PT)


def _is_time(samples: Images) -> Tensor:
    """Whether each channel is a time, (channels,)."""
    return _named(samples, (_TIME,))


def _named(samples: Images, names: tuple[str, ...]) -> Tensor:
    own = [name for panel in samples.panels for name in panel.channel_names or [""] * panel.shape[0]]
    return torch.tensor([name in names for name in own], dtype=torch.bool)


def _of_cells(samples: Images, index: Tensor) -> _PixelLeaves:
    """The pooled cells with ink."""
    cells = pooled(samples, index, MOST)
    ink = cells.ink.to(torch.float64)
    pt = ink.sum(dim=1)
    eta, phi = samples.panels[0].place(cells.row, cells.column)
    table = torch.cat([torch.stack([pt, eta, phi, torch.zeros_like(pt)], dim=1), ink], dim=1)
    counts = torch.bincount(cells.event, minlength=len(index))
    return _PixelLeaves(counts, table, torch.zeros(len(index), dtype=torch.float64))


def _directions(panel: Panel) -> tuple[Tensor, Tensor]:
    """eta and phi (places,) float64 of the centres of the pixels of a measured picture."""
    middles = (torch.arange(pixels, dtype=torch.float64) + 0.5 for pixels in panel.shape[1:])
    first, second = panel.place(*(part.flatten() for part in torch.meshgrid(*middles, indexing="ij")))
    if panel.axes == ("eta", "phi"):
        return first, second
    z = torch.tensor(_ENDS[panel.name], dtype=torch.float64)
    return torch.asinh(z / torch.hypot(first, second)), torch.atan2(first, second)
