"""Lists of lit pixels, and drawings pooled to a few cells of ink."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from representations.samples import Images

_AT_ONCE = 1 << 24
"""Number of pixels, lit or not, of the events processed at once."""


class Pixels(NamedTuple):
    """Lit pixels of some events, (total,) each; `channel` is an index into `channels_of`.

    value : as stored. plain : the quantity itself, where the stored value is a logarithm.
    """

    event: Tensor
    panel: Tensor
    channel: Tensor
    row: Tensor
    column: Tensor
    value: Tensor
    plain: Tensor


class InkCells(NamedTuple):
    """The pooled cells of some events that hold ink, event by event, (total,) each.

    side : width and height of a cell in pixels. row, column : centroid of its ink, in pixels from the upper left
    corner. down, across, slope : variances down and across and covariance of its ink, in units of the cell.
    ink : (total, channels), sum over the cell of each channel of `channels_of`.
    """

    event: Tensor
    panel: Tensor
    side: Tensor
    row: Tensor
    column: Tensor
    down: Tensor
    across: Tensor
    slope: Tensor
    ink: Tensor


def listed(samples: Images, index: Tensor) -> Pixels:
    """The lit pixels of `index`, event by event."""
    entries = samples.entries(index)
    (event, pixel, value), plain = entries, samples.plain(entries)
    names, parts, start = channels_of(samples), [], 0
    for number, panel in enumerate(samples.panels):
        inside = (pixel >= start) & (pixel < start + panel.size)
        flat, (count, height, width) = pixel[inside] - start, panel.shape
        own = torch.tensor([names.index(name) for name in channel_names(samples, number)], device=index.device)
        of_panel = torch.full_like(flat, number)
        channel = own[flat // (height * width)] if count else flat
        place = flat // width % height, flat % width
        parts.append(Pixels(event[inside], of_panel, channel, *place, value[inside], plain[inside]))
        start += panel.size
    return Pixels(*(torch.cat(columns) for columns in zip(*parts, strict=True)))


def in_chunks(samples: Images) -> Sequence[Tensor]:
    """Indices of all events in order, in chunks of bounded memory."""
    pixels = sum(panel.shape[1] * panel.shape[2] for panel in samples.panels)
    return torch.split(torch.arange(len(samples), device=samples.device), max(1, _AT_ONCE // max(1, pixels)))


def channel_names(samples: Images, number: int) -> tuple[str, ...]:
    """Names of the channels of a panel, without the name of the panel."""
    panel = samples.panels[number]
    return panel.channel_names or tuple(f"channel{channel}" for channel in range(panel.shape[0]))


def channels_of(samples: Images) -> tuple[str, ...]:
    """Names of the channels of all panels, each once."""
    return tuple(
        dict.fromkeys(name for number in range(len(samples.panels)) for name in channel_names(samples, number))
    )


def squeezed_channels(samples: Images) -> frozenset[str]:
    """Names of the channels whose values are logarithms in all panels that have them."""
    known = [
        (name, quantity.squeezed > 0)
        for number, panel in enumerate(samples.panels)
        for name, quantity in zip(channel_names(samples, number), panel.channels, strict=True)
    ]
    return frozenset(name for name, _ in known) - {name for name, squeezed in known if not squeezed}


def pooled(samples: Images, index: Tensor, most: int) -> InkCells:
    """The pooled cells with ink of the events in `index`, at most `most` per event, without leaving out ink.

    The side of the cells of an event is the smallest of 1, 2, 4, ... pixels for which so few have ink.
    """
    pixels = listed(samples, index)
    height, width = (max(panel.shape[axis] for panel in samples.panels) for axis in (1, 2))
    of_event = _sides(pixels, (len(index), len(samples.panels), height, width), most)
    side = of_event[pixels.event]
    key = (pixels.event * len(samples.panels) + pixels.panel) * height + pixels.row // side
    key, cell = torch.unique(key * width + pixels.column // side, return_inverse=True)
    channels = len(channels_of(samples))
    # in float64, so that the order in which pixels are listed does not matter
    size = pixels.value.to(torch.float64)
    ink = torch.zeros(len(key) * channels, dtype=torch.float64, device=key.device)
    ink = ink.index_add_(0, cell * channels + pixels.channel, size).view(len(key), channels)
    # in cells, from the corner of the cell: sums of large squares would lose precision
    down, across = ((at % side + 0.5) / side for at in (pixels.row, pixels.column))
    terms = torch.stack([size, size * down, size * across, size * down**2, size * across**2, size * down * across], 1)
    sums = torch.zeros(len(key), 6, dtype=torch.float64, device=key.device).index_add_(0, cell, terms)
    y, x, yy, xx, xy = (sums[:, 1:] / sums[:, :1].clamp(min=1e-30)).unbind(dim=1)
    event, panel = key // (len(samples.panels) * height * width), key // (height * width) % len(samples.panels)
    row, column, side = key // width % height, key % width, of_event[event]
    moments = (row + y) * side, (column + x) * side, (yy - y * y).clamp(min=0), (xx - x * x).clamp(min=0), xy - x * y
    return InkCells(event, panel, side, *(part.to(torch.float32) for part in (*moments, ink)))


def _sides(pixels: Pixels, sizes: tuple[int, int, int, int], most: int) -> Tensor:
    """Side in pixels of the pooled cells of each event, (events,). sizes : events, panels, rows, columns."""
    events, panels, height, width = sizes
    side, pooled_by = torch.ones(events, dtype=torch.int64, device=pixels.row.device), 1
    while True:
        high, wide = -(-height // pooled_by), -(-width // pooled_by)
        lit = torch.zeros(events * panels * high * wide, dtype=torch.bool, device=side.device)
        row, column = pixels.row // pooled_by, pixels.column // pooled_by
        lit[((pixels.event * panels + pixels.panel) * high + row) * wide + column] = True
        many = lit.view(events, panels * high * wide).sum(dim=1) > most
        if not bool(many.any()):
            return side
        pooled_by *= 2
        side[many] = pooled_by
