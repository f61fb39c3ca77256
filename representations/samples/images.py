"""Sparse pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from representations.kernels import gather
from representations.samples.base import Samples
from representations.samples.ragged import Ragged

INK = ("red", "green", "blue")
"""Channels of a picture in colour that is stored as ink, 1 - colour; the text of their quantity is "ink"."""


class Quantity(NamedTuple):
    """The quantity in a channel: figures take their names, units and colour scales from it.

    Parameters
    ----------
    name : of the channel, as "ECAL".
    text : what its values are, as "$E$".
    unit : of values times `factor`, as "GeV"; empty for plain numbers.
    factor : converts stored values to `unit`.
    log : values span orders of magnitude, so figures use a logarithmic scale.
    signed : values may be below 0, so figures use a scale that is symmetric about 0.
    block : rows and columns of pixels that figures show as one, where single pixels are too small to see.
    squeezed : 0, or the unit in which stored values are sign(x) ln(1 + abs(x)) of the quantity x (see `Images.plain`).
    """

    name: str
    text: str = "value"
    unit: str = ""
    factor: float = 1.0
    log: bool = False
    signed: bool = False
    block: int = 1
    squeezed: float = 0.0

    @property
    def label(self) -> str:
        """The text with its unit, `$E$ [GeV]`."""
        return f"{self.text} [{self.unit}]" if self.unit else self.text


class Panel(NamedTuple):
    """One picture of an event: its shape, the quantities of its channels, and its place in eta and phi.

    All values are plain, so that a panel survives JSON.

    Parameters
    ----------
    shape : channels, rows, columns.
    span : half widths along the two `axes`: radians for eta and phi, metres for y and x.
    channel_names : one per channel, or none. Models identify channels by them.
    name : of the panel, if an event has several.
    axes : names of both axes: eta and phi, or y and x on the face of an endcap.
    turned : False: the first axis runs down the rows, as in a calorimeter. True: the second one does, as on a canvas.
    edges : of pixels along the first axis, in rising order, one more than there are pixels; empty if these are even.
    quantities : one per channel, or none: see `channels`.
    labels : texts of both axes on figures; empty for those that follow from `axes`.
    centre : coordinates of the picture's centre, where figures should not label it (0, 0).
    note : a line for figures: the origin of the axes, or how the picture was transformed.
    """

    shape: tuple[int, int, int]
    span: tuple[float, float]
    channel_names: tuple[str, ...] = ()
    name: str = ""
    axes: tuple[str, str] = ("eta", "phi")
    turned: bool = False
    edges: tuple[float, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    labels: tuple[str, ...] = ()
    centre: tuple[float, float] = (0.0, 0.0)
    note: str = ""

    @classmethod
    def from_plain(cls, values: Panel | tuple[Any, ...]) -> Panel:
        """A panel of plain tuples, as a file gives them. Raises ValueError for a wrong number of quantities."""
        panel = cls(*values)
        quantities = tuple(Quantity(*quantity) for quantity in panel.quantities)
        if quantities and len(quantities) != panel.shape[0]:
            raise ValueError(f"{len(quantities)} quantities for the {panel.shape[0]} channels of a panel")
        return panel._replace(quantities=quantities)

    @property
    def channels(self) -> tuple[Quantity, ...]:
        """The quantity of each channel; without `quantities`, a plain value under the name of the channel."""
        names = self.channel_names or tuple(f"channel {number}" for number in range(self.shape[0]))
        return self.quantities or tuple(Quantity(name.replace("_", " ")) for name in names)

    @property
    def in_colour(self) -> bool:
        """Whether the channels are the ink of red, green and blue."""
        return self.channel_names == INK and all(quantity.text == "ink" for quantity in self.channels)

    @property
    def full_circle(self) -> bool:
        """Whether columns are phi around the whole detector, so that the first follows on the last."""
        return not self.turned and self.axes[1] == "phi" and self.span[1] == math.pi

    @property
    def size(self) -> int:
        """Pixels of all channels."""
        return math.prod(self.shape)

    def place(self, row: Tensor, column: Tensor) -> tuple[Tensor, Tensor]:
        """Distances along the two axes from the centre of the picture.

        Parameters
        ----------
        row, column : (any,) floats from the upper left corner of the picture; the centre of the first pixel is at
            (0.5, 0.5).

        Returns
        -------
        Two tensors (any,), in the units of `span`.
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
    """Pixels that have a value, (total,) each: place of the event in the index, flat index into all panels, value."""

    event: Tensor
    pixel: Tensor
    value: Tensor


@dataclass(frozen=True, kw_only=True)
class Images(Samples):
    """Sparse pictures: one per event, or several panels of different shapes, such as barrel and endcaps.

    Parameters
    ----------
    panels : the pictures of each event.
    pixels : Ragged int32, flat index into all panels, one after the other; each at most once an event.
    values : Ragged uint8 or float32, the pixel's value times `scale`. Pixels that are not listed are 0.
    scale : divides stored values.
    palette : empty, or the channels of each colour, times `scale`. With a palette there is one panel, `pixels` count
        within a channel (rows, columns), and `values` are rows of the palette: drawings need less than half the
        entries. `entries` gives the values of pixels either way.
    origins : (n, panels, 2) float32, or None: eta and phi of the middle of each panel, where a panel shows another part
        of the detector in each event. `Panel.place` counts from there.
    """

    panels: tuple[Panel, ...]
    pixels: Ragged
    values: Ragged
    scale: float = 1.0
    palette: tuple[tuple[int, ...], ...] = ()
    origins: Tensor | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "panels", tuple(map(Panel.from_plain, self.panels)))
        object.__setattr__(self, "palette", tuple(map(tuple, self.palette)))
        if self.palette and {len(colour) for colour in self.palette} != {self._only.shape[0]}:
            raise ValueError(f"the palette has other channels than the {self._only.shape[0]} of the picture")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, rows, columns) of the only panel. Raises ValueError if there are several."""
        return self._only.shape

    @property
    def span(self) -> tuple[float, float]:
        """Half widths of the only panel along its axes. Raises ValueError if there are several."""
        return self._only.span

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the channels of the only panel. Raises ValueError if there are several."""
        return self._only.channel_names

    @property
    def _only(self) -> Panel:
        if len(self.panels) != 1:
            names = ", ".join(panel.name for panel in self.panels)
            raise ValueError(f"{len(self.panels)} panels ({names}), expected one. Use `panel` or `dense_panels`.")
        return self.panels[0]

    def panel(self, name: str) -> Images:
        """The samples with this panel alone. Raises KeyError for an unknown name."""
        if self.palette:  # of the only panel
            return {self._only.name: self}[name]
        place = {panel.name: place for place, panel in enumerate(self.panels)}[name]
        start = sum(panel.size for panel in self.panels[:place])
        flat = self.pixels.values
        inside = (flat >= start) & (flat < start + self.panels[place].size)
        before = torch.zeros(len(flat) + 1, dtype=torch.int64, device=self.device)
        torch.cumsum(inside, 0, out=before[1:])
        offsets = before[self.pixels.offsets]
        pixels, values = Ragged(flat[inside] - start, offsets), Ragged(self.values.values[inside], offsets)
        origins = None if self.origins is None else self.origins[:, place : place + 1]
        return replace(self, panels=(self.panels[place],), pixels=pixels, values=values, origins=origins)

    def entries(self, index: Tensor) -> Entries:
        """The pixels that have a value, of the events `index` (int64, on the samples' device)."""
        pixels = self.pixels.take(index)
        event, pixel = pixels.rows(), pixels.values.long()
        value = self.values.take(index).values
        if not self.palette:
            return Entries(event, pixel, value.to(torch.float32) / self.scale)
        ink = self._ink(torch.float32)[value.long()] / self.scale
        entry, channel = ink.nonzero(as_tuple=True)
        plane = self.shape[1] * self.shape[2]
        return Entries(event[entry], pixel[entry] + channel * plane, ink[entry, channel])

    def plain(self, entries: Entries) -> Tensor:
        """Pixels without logarithms, (total,); if some channels have them, all in the units of their quantities."""
        known = [quantity for panel in self.panels for quantity in panel.channels]
        if not any(quantity.squeezed for quantity in known):
            return entries.value
        planes = [panel.shape[1] * panel.shape[2] for panel in self.panels for _ in panel.channels]
        channel = torch.searchsorted(torch.tensor(planes, device=self.device).cumsum(0), entries.pixel, right=True)
        units = torch.tensor([quantity.squeezed or quantity.factor for quantity in known], device=self.device)[channel]
        squeezed = torch.tensor([quantity.squeezed > 0 for quantity in known], device=self.device)[channel]
        return units * torch.where(squeezed, entries.value.sign() * entries.value.abs().expm1(), entries.value)

    def _ink(self, dtype: torch.dtype) -> Tensor:
        """The palette, (colours, channels)."""
        return torch.tensor(self.palette, dtype=dtype, device=self.device)

    def dense(self, index: Tensor | None = None, out: Tensor | None = None) -> Tensor:
        """Dense pictures.

        Parameters
        ----------
        index : int64 events or a mask; all events by default.
        out : tensor to write to and return. Filling used memory takes half the time of filling new memory.

        Returns
        -------
        float32 (n, channels, rows, columns), on the samples' device.

        Raises
        ------
        ValueError : for several panels, and for an `out` of another shape, type or device.
        """
        canvas = self._filled(index, self.scale, out)
        return canvas.view(len(canvas), *self.shape)

    def stored(self, index: Tensor | None = None, out: Tensor | None = None) -> Tensor:
        """Dense pictures as stored: times `scale`, in the type of `values`. Bytes take a quarter of the memory."""
        canvas = self._filled(index, None, out)
        return canvas.view(len(canvas), *self.shape)

    def dense_panels(self, index: Tensor | None = None) -> tuple[Tensor, ...]:
        """As `dense`, one tensor a panel."""
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
    """`out` as (n, pixels). Raises ValueError if it cannot hold the pictures."""
    if (out.shape, out.dtype, out.device) != (shape, dtype, device) or not out.is_contiguous():
        found = f"{tuple(out.shape)} {out.dtype} on {out.device}"
        raise ValueError(f"out is {found}, expected {shape} {dtype} on {device}, contiguous")
    return out.flatten(1)
