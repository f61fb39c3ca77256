"""Sparse pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from representations.kernels import gather
from representations.samples.base import Samples
from representations.samples.ragged import Ragged


class Panel(NamedTuple):
    """One of the pictures that an event is shown as.

    shape : channels, rows, columns. channel_names : what each channel holds, or empty where nobody asks.
    span : half widths of the picture along its `axes`: eta and phi, or on the face of an endcap y and x in metres.
    name : of the panel, where there are several. turned : whether the second of its axes runs down the rows, as on a
        canvas, and not the first, as in a calorimeter.
    edges : of pixels along the first axis, in rising order, one more than there are; empty where these are even.
    """

    shape: tuple[int, int, int]
    span: tuple[float, float]
    channel_names: tuple[str, ...] = ()
    name: str = ""
    axes: tuple[str, str] = ("eta", "phi")
    turned: bool = False
    edges: tuple[float, ...] = ()

    @property
    def size(self) -> int:
        """Pixels of all channels."""
        return math.prod(self.shape)

    def place(self, row: Tensor, column: Tensor) -> tuple[Tensor, Tensor]:
        """Where rows and columns (any,) lie along the two axes, as floats from the upper left corner of the picture.

        The middle of its first pixel is at row 0.5 and column 0.5.
        """
        (first, second), sizes = (row, column), self.shape[1:]
        if self.turned:
            first, second, sizes = second, first, sizes[::-1]
        along = [half * (2 * at / size - 1) for half, at, size in zip(self.span, (first, second), sizes, strict=True)]
        if self.edges:
            edges = torch.tensor(self.edges, dtype=first.dtype, device=first.device)
            pixel = first.long().clamp(0, sizes[0] - 1)
            along[0] = torch.lerp(edges[pixel], edges[pixel + 1], first - pixel)
        return along[0], along[1]


class Entries(NamedTuple):
    """Pixels that have a value, (total,) each: event (of those asked for), flat index into all panels, value."""

    event: Tensor
    pixel: Tensor
    value: Tensor


@dataclass(frozen=True, kw_only=True)
class Images(Samples):
    """Sparse pictures: one an event, or several panels of different shapes, such as barrel and endcaps.

    panels : what each of an event's pictures is; plain tuples, as they come back from a file, become panels.
    pixels : Ragged int32, flat index into the panels one after the other, each at most once an event.
    values : Ragged uint8 or float32, the pixel's value times `scale`; 0 where no pixel is listed.
    palette : empty, or the channels of each colour, times `scale`. Then `pixels` count within a channel (rows, columns)
        of the only panel, and `values` are rows of the palette: drawings need less than half the entries.

    `entries` says which value each pixel has, whatever of this is used.
    """

    panels: tuple[Panel, ...]
    pixels: Ragged
    values: Ragged
    scale: float = 1.0
    palette: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "panels", tuple(Panel(*panel) for panel in self.panels))
        object.__setattr__(self, "palette", tuple(map(tuple, self.palette)))
        if self.palette and {len(colour) for colour in self.palette} != {self._only.shape[0]}:
            raise ValueError(f"a palette of other channels than the {self._only.shape[0]} of the picture")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, rows, columns) of the only panel. Raises ValueError where there are several."""
        return self._only.shape

    @property
    def span(self) -> tuple[float, float]:
        """Half widths in eta and phi of the only panel. Raises ValueError where there are several."""
        return self._only.span

    @property
    def channel_names(self) -> tuple[str, ...]:
        """What the channels of the only panel hold. Raises ValueError where there are several."""
        return self._only.channel_names

    @property
    def _only(self) -> Panel:
        if len(self.panels) != 1:
            names = ", ".join(panel.name for panel in self.panels)
            raise ValueError(f"{len(self.panels)} panels ({names}), expected one. Use `panel` or `dense_panels`.")
        return self.panels[0]

    def panel(self, name: str) -> Images:
        """The samples with this panel alone. Raises KeyError for a name that no panel has."""
        if self.palette:  # of the only panel
            return {self._only.name: self}[name]
        place = {panel.name: place for place, panel in enumerate(self.panels)}[name]
        start = sum(panel.size for panel in self.panels[:place])
        flat = self.pixels.values
        inside = (flat >= start) & (flat < start + self.panels[place].size)
        before = torch.zeros(len(flat) + 1, dtype=torch.int64, device=self.device)
        torch.cumsum(inside, 0, out=before[1:])
        offsets = before[self.pixels.offsets]
        pixels, values = flat[inside] - start, self.values.values[inside]
        return replace(
            self, panels=(self.panels[place],), pixels=Ragged(pixels, offsets), values=Ragged(values, offsets)
        )

    def entries(self, index: Tensor) -> Entries:
        """The pixels of the pictures of `index` (int64, on the samples' device) that have a value."""
        pixels = self.pixels.take(index)
        event, pixel = pixels.rows(), pixels.values.long()
        value = self.values.take(index).values
        if not self.palette:
            return Entries(event, pixel, value.to(torch.float32) / self.scale)
        ink = self._ink(torch.float32)[value.long()] / self.scale
        entry, channel = ink.nonzero(as_tuple=True)
        plane = self.shape[1] * self.shape[2]
        return Entries(event[entry], pixel[entry] + channel * plane, ink[entry, channel])

    def _ink(self, dtype: torch.dtype) -> Tensor:
        """The palette, (colours, channels)."""
        return torch.tensor(self.palette, dtype=dtype, device=self.device)

    def dense(self, index: Tensor | None = None, out: Tensor | None = None) -> Tensor:
        """The pictures of `index` (all by default) as float32 (n, channels, rows, columns), on the samples' device.

        out : written to and returned; memory that was used before is filled in half the time that new memory takes.
        Raises ValueError where there are several panels, and for an `out` of another shape, type or device.
        """
        canvas = self._filled(index, self.scale, out)
        return canvas.view(len(canvas), *self.shape)

    def stored(self, index: Tensor | None = None, out: Tensor | None = None) -> Tensor:
        """The same pictures times `scale`, in the type of `values`: bytes, where these are, a quarter of the size."""
        canvas = self._filled(index, None, out)
        return canvas.view(len(canvas), *self.shape)

    def dense_panels(self, index: Tensor | None = None) -> tuple[Tensor, ...]:
        """As `dense`, a tensor a panel."""
        canvas = self._filled(index, self.scale)
        parts = torch.split(canvas, [panel.size for panel in self.panels], dim=1)
        return tuple(part.reshape(len(part), *panel.shape) for part, panel in zip(parts, self.panels, strict=True))

    def _filled(self, index: Tensor | None, scale: float | None, out: Tensor | None = None) -> Tensor:
        """(n, pixels of all panels)."""
        every = torch.arange(len(self), device=self.device)
        rows = every if index is None else every[index] if index.dtype == torch.bool else index
        size = sum(panel.size for panel in self.panels)
        pixels, values = self.pixels, self.values.values
        inks = self._ink(values.dtype) if self.palette else None
        if out is not None:
            out = _flat(
                out, (len(rows), *self.shape), torch.float32 if scale is not None else values.dtype, self.device
            )
        if self.device.type == "cpu":
            return gather.dense(pixels.values, values, pixels.offsets, rows, size, scale, inks, out)
        where, offsets = pixels.positions(rows)
        event = torch.repeat_interleave(torch.arange(len(rows), device=self.device), offsets[1:] - offsets[:-1])
        ink = values[where] if inks is None else inks[values[where].long()]
        ink = ink if scale is None else ink.to(torch.float32) / scale
        channels = 1 if inks is None else inks.shape[1]
        blank = torch.empty(len(rows), size, dtype=ink.dtype, device=self.device) if out is None else out
        canvas = blank.zero_().view(len(rows), channels, size // channels)
        if inks is None:
            ink = ink[:, None]
        canvas[event, :, pixels.values[where].long()] = ink
        return canvas.view(len(rows), size)


def _flat(out: Tensor, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """What is to be written to, (n, pixels). Raises ValueError for what cannot hold the pictures."""
    if (out.shape, out.dtype, out.device) != (shape, dtype, device) or not out.is_contiguous():
        found = f"{tuple(out.shape)} {out.dtype} on {out.device}"
        raise ValueError(f"out is {found}, expected {shape} {dtype} on {device}, contiguous")
    return out.flatten(1)
