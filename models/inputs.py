"""How each kind of samples is shown to each family of models: the table that every cell of the benchmark rests on.

    shown as | Images                           | Vectors                                    | Graphs
    ---------|----------------------------------|--------------------------------------------|--------------------
    picture  | dense pictures, for 2-D networks |                                            |
    sequence |                                  | particles in falling pt, for 1-D networks  |
    table    | pooled pixels and image moments  | leading particles of each kind, in columns | node and edge moments

Rows of this table are *views*, and a model names the views that it can look at. `INPUTS`, at the end, is the table
itself; whoever brings a kind of samples or a family of models adds an entry there.

An input is stateless: it fits nothing, so that what a model is shown of one event never depends on another. What has
to be learned from events (standardisation) belongs to the model. It works batch by batch, on whatever device the
samples lie on, because whole data sets are never dense. The per-event features that a representation declares are
shown in every view: a cell compares ways of looking at the same information.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from benchmark.errors import Skip
from models.graph_table import GraphStatistics
from models.view import Input, Shape, Shown, Table
from representations.samples import Graphs, Images, Ragged, Samples, Vectors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from representations.samples import Panel

__all__ = ["INPUTS", "Input", "Shape", "Shown", "shown_as"]


class DensePictures(Input[Images]):
    """Pictures (batch, channels, rows, columns), as they are, one a panel, and features (batch, features).

    Pixels aren't standardised: an empty pixel has to stay 0, and the scale of energies is the representation's choice.
    """

    view = "picture"

    def shape(self, samples: Images) -> Shape:
        """One column a channel; of several panels such as `barrel_ecal`."""
        panels = [Shape(self.view, _channels(samples, panel), panel.shape[1:]) for panel in samples.panels]
        if len(panels) == 1:
            return replace(panels[0], features=samples.feature_names)
        columns = tuple(name for panel in panels for name in panel.columns)
        return Shape(self.view, columns, features=samples.feature_names, panels=tuple(panels))

    def batch(self, samples: Images, index: Tensor) -> Shown:
        """Pictures and features."""
        return *samples.dense_panels(index), samples.features[index]

    def rows(self, samples: Images, index: Tensor) -> tuple[Tensor | None, ...]:
        """The features alone."""
        return *(None for _ in samples.panels), samples.features[index]


class ParticleSequence(Input[Vectors]):
    """Particles (batch, columns, particles) in falling pt, their mask (batch, particles), features (batch, features).

    A particle's kind is shown as one column a kind. As many places as the batch's longest event needs, at most
    `samples.capacity`; what lies behind an event's last particle has no meaning, and the mask is False there.
    """

    view = "sequence"

    def shape(self, samples: Vectors) -> Shape:
        """The particles' own columns, then one a kind unless there is but one."""
        return Shape(self.view, samples.names + self._kinds(samples), (), samples.feature_names)

    def batch(self, samples: Vectors, index: Tensor) -> Shown:
        """Particles, mask and features."""
        shown = samples[index]
        named = replace(shown, particles=self._particles(shown), names=self.shape(samples).columns)
        # at least one place, so that a batch of empty events can still be pooled
        length = max(1, min(samples.capacity, int(shown.particles.lengths.max())))
        particles, mask = named.padded(torch.arange(len(index), device=index.device), length)
        return particles.transpose(1, 2), mask, shown.features

    def rows(self, samples: Vectors, index: Tensor) -> tuple[Tensor | None, ...]:
        """The particles that exist, and the features."""
        shown = samples[index]
        return self._particles(shown).values, None, shown.features

    @staticmethod
    def _kinds(samples: Vectors) -> tuple[str, ...]:
        return tuple(f"is_{kind}" for kind in samples.slots) if len(samples.slots) > 1 else ()

    def _particles(self, samples: Vectors) -> Ragged:
        if not self._kinds(samples):
            return samples.particles
        kinds = one_hot(samples.kinds.values.long(), len(samples.slots)).to(torch.float32)
        return Ragged(torch.cat([samples.particles.values, kinds], dim=1), samples.particles.offsets)


class LeadingParticles(Table[Vectors]):
    """The leading particles of each kind, as many as it has slots, zeros where there are fewer; then the features.

    Slots by kind, not one list of all particles: in such a list the same column would hold a jet in one event and a
    muon in the next, and a tree can only cut on columns.
    """

    def shape(self, samples: Vectors) -> Shape:
        """Columns such as `jet1_pt`."""
        slots = [f"{kind}{place + 1}" for kind, places in samples.slots.items() for place in range(places)]
        return Shape(
            self.view, tuple(f"{slot}_{name}" for slot in slots for name in samples.names) + samples.feature_names
        )

    def batch(self, samples: Vectors, index: Tensor) -> Shown:
        """The table of `index`."""
        where, offsets = samples.particles.positions(index)
        device = index.device
        slots = torch.tensor([0, *samples.slots.values()], device=device)
        kind = samples.kinds.values[where].long()
        event = torch.repeat_interleave(torch.arange(len(index), device=device), offsets.diff())

        # particles of one kind in one event form a group; a stable sort leaves each in falling pt
        group = event * len(samples.slots) + kind
        order = torch.argsort(group, stable=True)
        sizes = torch.bincount(group, minlength=len(index) * len(samples.slots))
        place = torch.empty_like(group)
        place[order] = torch.arange(len(group), device=device) - (sizes.cumsum(0) - sizes)[group[order]]

        kept = place < slots[kind + 1]
        column = slots.cumsum(0)[kind] + place
        table = torch.zeros(len(index), samples.capacity, len(samples.names), device=device)
        table[event[kept], column[kept]] = samples.particles.values[where[kept]]
        return (torch.cat([table.flatten(1), samples.features[index]], dim=1),)


class PooledPixels(Table[Images]):
    """Average pooling to about 16 x 16 cells a channel, then the moments of each channel; then the features.

    Computed from the listed pixels: making the pictures dense first takes ten times as long.
    The cells at the far edges may be smaller, and average over the pixels that they have. Panels come one by one.

    Moments, in half widths of the picture from its centre: `sum` of the values, centroid `row` and `column`, variances
    `row_row` and `column_column` and covariance `row_column`, weighted by the values' magnitude; 0 in an empty channel.
    """

    cells = 16
    moments = ("sum", "row", "column", "row_row", "column_column", "row_column")

    def shape(self, samples: Images) -> Shape:
        """Columns such as `ecal_cell3_12` (row, column) and `ecal_row_row`; with several panels `barrel_ecal_sum`."""
        columns: list[str] = []
        for panel in samples.panels:
            high, wide = self._areas(panel).shape
            channels = _channels(samples, panel)
            places = [f"cell{row}_{column}" for row in range(high) for column in range(wide)]
            columns += [f"{name}_{place}" for name in channels for place in places]
            columns += [f"{name}_{moment}" for name in channels for moment in self.moments]
        return Shape(self.view, (*columns, *samples.feature_names))

    def batch(self, samples: Images, index: Tensor) -> Shown:
        """The table of `index`."""
        where, offsets = samples.pixels.positions(index)
        event = torch.repeat_interleave(torch.arange(len(index), device=index.device), offsets.diff())
        pixel = samples.pixels.values[where].long()
        value = samples.values.values[where].to(torch.float32) / samples.scale
        parts: list[Tensor] = []
        start = 0
        for panel in samples.panels:
            inside = slice(None) if len(samples.panels) == 1 else (pixel >= start) & (pixel < start + panel.size)
            parts += self._columns(panel, event[inside], pixel[inside] - start, value[inside], len(index))
            start += panel.size
        return (torch.cat([*parts, samples.features[index]], dim=1),)

    def _columns(self, panel: Panel, event: Tensor, pixel: Tensor, value: Tensor, events: int) -> tuple[Tensor, Tensor]:
        """Cells and moments of a panel, (events, columns) each."""
        channels, height, width = panel.shape
        plane = event * channels + pixel // (height * width)
        row, column = pixel // width % height, pixel % width
        planes = events * channels
        cells = self._pool(panel, plane * height + row, column, value, planes)
        across, down = 2 * (column + 0.5) / width - 1, 2 * (row + 0.5) / height - 1
        moments = _image_moments(plane, value, down, across, planes)
        return cells.view(events, -1), moments.view(events, -1)

    def _pool(self, panel: Panel, line: Tensor, column: Tensor, value: Tensor, planes: int) -> Tensor:
        """Mean pixel of each cell, (planes, cells); `line` counts rows through all planes."""
        areas = self._areas(panel).to(value.device)
        height = panel.shape[1]
        step_down, step_across = (-(-side // self.cells) for side in panel.shape[1:])
        cell = (line // height * areas.shape[0] + line % height // step_down) * areas.shape[1] + column // step_across
        sums = torch.zeros(planes * areas.numel(), device=value.device).index_add_(0, cell, value)
        return sums.view(planes, -1) / areas.flatten()

    def _areas(self, panel: Panel) -> Tensor:
        """Pixels in each cell, (rows, columns) of the coarse grid."""

        def lengths(side: int) -> Tensor:
            step = -(-side // self.cells)
            return torch.tensor([min(step, side - start) for start in range(0, side, step)], dtype=torch.float32)

        return torch.outer(lengths(panel.shape[1]), lengths(panel.shape[2]))


def _channels(samples: Images, panel: Panel) -> tuple[str, ...]:
    """The names of a panel's channels, with its own before them where there are several panels."""
    names = panel.channel_names or tuple(f"channel{channel}" for channel in range(panel.shape[0]))
    return names if len(samples.panels) == 1 else tuple(f"{panel.name}_{name}" for name in names)


def _image_moments(plane: Tensor, value: Tensor, row: Tensor, column: Tensor, planes: int) -> Tensor:
    """Sum, centroid and central second moments of each plane, (planes, 6)."""
    size = value.abs()
    terms = (value, size, size * row, size * column, size * row**2, size * column**2, size * row * column)
    sums = torch.zeros(planes, len(terms), device=value.device).index_add_(0, plane, torch.stack(terms, dim=1))
    weight = torch.where(sums[:, 1] > 0, sums[:, 1], 1.0)
    y, x, yy, xx, xy = (sums[:, 2:] / weight[:, None]).unbind(dim=1)
    return torch.stack((sums[:, 0], y, x, (yy - y * y).clamp(min=0), (xx - x * x).clamp(min=0), xy - x * y), dim=1)


INPUTS: Mapping[tuple[str, type[Samples]], Input[Any]] = {
    ("picture", Images): DensePictures(),
    ("sequence", Vectors): ParticleSequence(),
    ("table", Images): PooledPixels(),
    ("table", Vectors): LeadingParticles(),
    ("table", Graphs): GraphStatistics(),
}


def shown_as(views: Sequence[str], samples: Samples, model: str) -> Input[Any]:
    """The first of a model's views that there is for these samples. Raises Skip where there is none."""
    for view in views:
        for kind in type(samples).__mro__:
            if (view, kind) in INPUTS:
                return INPUTS[view, kind]
    known = " or ".join(sorted({kind.__name__ for view, kind in INPUTS if view in views})) or "none yet"
    raise Skip(
        f"{model}: no view of {type(samples).__name__} as {' or '.join(views)}, expected samples of kind {known}. "
        "Choose another representation, or add the pair to INPUTS in models/inputs.py."
    )
