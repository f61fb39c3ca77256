"""What a representation makes of events: ragged, sparse, ready for a device.

Nothing here is ever dense for more than one batch. Tensors may lie on any device; those on the CPU may be
memory maps in copy-on-write mode.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import torch
from torch import Tensor

from representations import gather
from representations.pairs import PAIR_FEATURES, pair_features
from representations.ragged import Ragged

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

__all__ = ["Entries", "Graphs", "Images", "Joined", "Panel", "Ragged", "Samples", "Vectors"]


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Labels, weights and ids for training and scoring, and the per-event features that a representation declares.

    labels (n,) int64 · weights (n,) float32 · event_ids, groups (n,) int64 · mass (n,) float32 or None: never an
    input of a model · features (n, F) float32, with `feature_names`: inputs, F may be 0 · pair_masses: whether models
    may be shown masses of several particles, which they may not where these define the classes.
    """

    classes: tuple[str, ...]
    labels: Tensor
    weights: Tensor
    event_ids: Tensor
    groups: Tensor
    mass: Tensor | None = None
    features: Tensor
    feature_names: tuple[str, ...] = ()
    pair_masses: bool = True

    def __post_init__(self) -> None:
        for field in fields(self):
            part = getattr(self, field.name)
            if isinstance(part, Tensor | Ragged) and len(part) != len(self):
                raise ValueError(f"{type(self).__name__}.{field.name} has {len(part)} rows, labels have {len(self)}")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def device(self) -> torch.device:
        """Where the samples lie."""
        return self.labels.device

    @property
    def nbytes(self) -> int:
        """Bytes held by all tensors."""
        parts = (getattr(self, field.name) for field in fields(self))
        return sum(part.nbytes for part in parts if isinstance(part, Tensor | Ragged))

    def __getitem__(self, index: slice | Tensor | np.ndarray[Any, Any]) -> Self:
        """The samples of an int64 index array, a boolean mask or a slice (in steps of 1, a view: nothing is copied)."""
        if isinstance(index, slice):
            where = range(len(self))[index]
            if where.step == 1:
                stop = max(where.start, where.stop)
                return self._map(lambda part: part[where.start : stop], lambda part: part.between(where.start, stop))
            index = torch.tensor(where, dtype=torch.int64)
        elif not isinstance(index, Tensor):
            index = torch.tensor(index)  # a copy: torch warns of arrays that it may not write to
        if index.ndim != 1 or (index.is_floating_point() and len(index)):
            raise IndexError(f"samples take a slice, or a 1-d index or mask, not {index.ndim}-d {index.dtype}")
        if index.dtype != torch.bool:  # an empty list is float to torch; a uint8 index would be taken for a mask
            index = index.to(torch.int64)
        rows = torch.arange(len(self), device=self.device)[index.to(self.device)]
        return self._map(lambda tensor: tensor[rows], lambda ragged: ragged.take(rows))

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """The samples of all parts, one part after the other, as one representation makes them of shards.

        Raises ValueError for no part at all, and for parts that differ in more than their events, such as in shape.
        """
        kinds = {type(part) for part in parts}
        if len(kinds) != 1:
            raise ValueError(f"samples of {len(kinds)} kinds to join, expected one")
        joined: dict[str, Any] = {}
        for field in fields(parts[0]):
            values = [getattr(part, field.name) for part in parts]
            if all(isinstance(value, Tensor) for value in values):
                joined[field.name] = torch.cat(values)
            elif all(isinstance(value, Ragged) for value in values):
                joined[field.name] = Ragged.join(values)
            elif any(isinstance(value, Tensor | Ragged) or value != values[0] for value in values):
                raise ValueError(f"{kinds.pop().__name__}.{field.name} differs between the parts to join")
        return replace(parts[0], **joined)

    def to(self, device: str | torch.device) -> Self:
        """The same samples on another device."""
        return self._map(lambda tensor: tensor.to(device), lambda ragged: ragged.to(device))

    def _map(self, on_tensor: Any, on_ragged: Any) -> Self:
        changed: dict[str, Any] = {}
        for field in fields(self):
            part = getattr(self, field.name)
            if isinstance(part, Tensor):
                changed[field.name] = on_tensor(part)
            elif isinstance(part, Ragged):
                changed[field.name] = on_ragged(part)
        return replace(self, **changed)


class Panel(NamedTuple):
    """One of the pictures that an event is shown as.

    shape : channels, rows, columns. channel_names : what each channel holds, or empty where nobody asks.
    span : half widths of the picture along its `axes`: eta and phi, or on the face of an endcap y and x in metres.
    name : of the panel, where there are several. turned : whether the second of its axes runs down the rows, as on a
        canvas, and not the first, as in a calorimeter.
    """

    shape: tuple[int, int, int]
    span: tuple[float, float]
    channel_names: tuple[str, ...] = ()
    name: str = ""
    axes: tuple[str, str] = ("eta", "phi")
    turned: bool = False

    @property
    def size(self) -> int:
        """Pixels of all channels."""
        return math.prod(self.shape)


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
        of the only panel, and `values` are rows of the palette: drawings need a third of the entries.

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

    def dense(self, index: Tensor | None = None) -> Tensor:
        """The pictures of `index` (all by default) as float32 (n, channels, rows, columns), on the samples' device.

        Raises ValueError where there are several panels.
        """
        canvas = self._filled(index, self.scale)
        return canvas.view(len(canvas), *self.shape)

    def stored(self, index: Tensor | None = None) -> Tensor:
        """The same pictures times `scale`, in the type of `values`: bytes, where these are, a quarter of the size."""
        canvas = self._filled(index, None)
        return canvas.view(len(canvas), *self.shape)

    def dense_panels(self, index: Tensor | None = None) -> tuple[Tensor, ...]:
        """As `dense`, a tensor a panel."""
        canvas = self._filled(index, self.scale)
        parts = torch.split(canvas, [panel.size for panel in self.panels], dim=1)
        return tuple(part.reshape(len(part), *panel.shape) for part, panel in zip(parts, self.panels, strict=True))

    def _filled(self, index: Tensor | None, scale: float | None) -> Tensor:
        """(n, pixels of all panels)."""
        rows = torch.arange(len(self), device=self.device) if index is None else index
        size = sum(panel.size for panel in self.panels)
        pixels, values = self.pixels, self.values.values
        inks = self._ink(values.dtype) if self.palette else None
        if self.device.type == "cpu":
            found = gather.dense(pixels.values, values, pixels.offsets, rows, size, scale, inks)
            return found.view(len(rows), size)
        where, offsets = pixels.positions(rows)
        event = torch.repeat_interleave(torch.arange(len(rows), device=self.device), offsets[1:] - offsets[:-1])
        ink = values[where] if inks is None else inks[values[where].long()]
        ink = ink if scale is None else ink.to(torch.float32) / scale
        channels = 1 if inks is None else inks.shape[1]
        canvas = torch.zeros(len(rows), channels, size // channels, dtype=ink.dtype, device=self.device)
        if inks is None:
            ink = ink[:, None]
        canvas[event, :, pixels.values[where].long()] = ink
        return canvas.view(len(rows), size)


@dataclass(frozen=True, kw_only=True)
class Vectors(Samples):
    """Particles as rows of features, in falling pt.

    particles : Ragged (total, features) float32, columns called `names`.
    kinds : Ragged int8, index into `slots` (its order), for each particle.
    slots : how many particles of each kind a fixed-length table holds.
    """

    particles: Ragged
    kinds: Ragged
    names: tuple[str, ...]
    slots: Mapping[str, int]

    @property
    def capacity(self) -> int:
        """Particles that a padded event holds: the sum of the slots."""
        return sum(self.slots.values())

    def padded(self, index: Tensor, length: int) -> tuple[Tensor, Tensor]:
        """The first `length` particles of each event of `index`: (n, length, features), and a mask (n, length).

        The mask says which exist; the rest is zeros. Particles beyond `length`, those of lowest pt, are left out.
        """
        rows = self.particles.take(index)
        event = rows.rows()
        place = torch.arange(len(event), device=self.device) - rows.offsets[event]
        kept = place < length
        dense = torch.zeros(len(index), length, len(self.names), device=self.device)
        mask = torch.zeros(len(index), length, dtype=torch.bool, device=self.device)
        dense[event[kept], place[kept]] = rows.values[kept]
        mask[event[kept], place[kept]] = True
        return dense, mask


class Joined(NamedTuple):
    """Some graphs as one graph of parts that no edge joins.

    nodes (N, features) float32 · event (N,) int64, the graph that each node belongs to · edges (2, E) int64, senders
    and receivers, counted through all graphs · pairs (E, P) float32, what edges have.
    """

    nodes: Tensor
    event: Tensor
    edges: Tensor
    pairs: Tensor


@dataclass(frozen=True, kw_only=True)
class Graphs(Samples):
    """Particles as nodes, and edges from senders to receivers of the same event.

    nodes : Ragged (total, features) float32, columns called `names`; pt, eta, phi and mass (GeV, radians) among them.
    edges : Ragged (total, 2) int32, sender and receiver, counted within the event.
    centre : (n, 2) float32, eta and phi that those of the nodes count from; 0 where that is the detector's own frame.

    edge_names : what edges have: all `PAIR_FEATURES`, or the first of them.
    pairs : Ragged (total, P) float32, what each edge has, or None to compute it batch by batch.

    What pairs have follows from the nodes, and a GPU computes it in no time, as it makes pictures dense. Where graphs
    are gone through often on a CPU, `with_pairs` keeps it, at three times the bytes of the edges.
    """

    nodes: Ragged
    edges: Ragged
    names: tuple[str, ...]
    centre: Tensor
    edge_names: tuple[str, ...] = PAIR_FEATURES
    pairs: Ragged | None = None

    def joined(self, index: Tensor) -> Joined:
        """The graphs of `index` (int64, on the samples' device) put side by side."""
        nodes = self.nodes.take(index)
        event = nodes.rows()
        if self.device.type == "cpu":
            rows = gather.rows_of(index, len(self))
            ends = gather.ends(self.edges.values, self.edges.offsets, nodes.offsets, rows)
        else:
            edges = self.edges.take(index)
            ends = (edges.values.long() + nodes.offsets[edges.rows(), None]).T
        if self.pairs is not None:
            return Joined(nodes.values, event, ends, self.pairs.take(index).values)
        columns = [self.names.index(name) for name in ("pt", "eta", "phi", "mass")]
        momenta = nodes.values[:, columns]
        # masses of pairs need the pseudorapidity itself; differences of what is stored are more exact
        steepness = momenta[:, 1] + self.centre[index, 0][event]
        pairs = pair_features(momenta, steepness, ends.T)[:, : len(self.edge_names)]
        return Joined(nodes.values, event, ends, pairs)

    def with_pairs(self) -> Self:
        """The same graphs with what their pairs have kept beside them."""
        every = torch.arange(len(self), device=self.device)
        parts = [self.joined(every[start : start + 1024]).pairs for start in range(0, max(len(self), 1), 1024)]
        return replace(self, pairs=Ragged(torch.cat(parts), self.edges.offsets))
