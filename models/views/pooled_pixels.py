"""Pictures as a table: pooled pixels, image moments, and the shapes of the two hottest clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from models.views.clusters import NAMES as CLUSTER_MOMENTS
from models.views.clusters import clusters
from models.views.pictures import named_channels
from models.views.view import Inputs, Shape, TableView
from representations.samples import Entries, Images

if TYPE_CHECKING:
    from representations.samples import Panel


class PooledPixels(TableView[Images]):
    """Each channel as the means of about 16 x 16 pooled cells, and its moments; then the features.

    Computed from the list of lit pixels, because dense pictures take ten times as long. Cells at the far edges may be
    smaller. Panels follow one another.

    Moments: `sum` of the values, centroid `row` and `column`, variances `row_row` and `column_column` and covariance
    `row_column`, weighted by absolute values, in half widths of the picture from its centre; 0 in an empty channel.
    Measured pictures have moments of the two hottest clusters as well (`models/views/clusters.py`): energy, place, R9
    and other shares, and widths, of energies also where the picture shows their logarithms. Drawings have none.
    """

    cells = 16
    moments = ("sum", "row", "column", "row_row", "column_column", "row_column")

    def _moments(self, samples: Images) -> tuple[str, ...]:
        """Names of the moments of each channel."""
        drawn = samples.values.values.dtype == torch.uint8
        return self.moments if drawn else (*self.moments, *CLUSTER_MOMENTS)

    def shape(self, samples: Images) -> Shape:
        """Columns such as `ecal_cell3_12` (row, column) and `ecal_row_row`; with several panels `barrel_ecal_sum`."""
        columns: list[str] = []
        for panel in samples.panels:
            high, wide = self._areas(panel).shape
            channels = named_channels(samples, panel)
            places = [f"cell{row}_{column}" for row in range(high) for column in range(wide)]
            columns += [f"{name}_{place}" for name in channels for place in places]
            columns += [f"{name}_{moment}" for name in channels for moment in self._moments(samples)]
        return Shape(self.name, (*columns, *samples.feature_names))

    def batch(self, samples: Images, index: Tensor) -> Inputs:
        """The table of `index`."""
        entries = samples.entries(index)
        measured = self._moments(samples) != self.moments
        plain = samples.plain(entries) if measured else None
        parts: list[Tensor] = []
        start = 0
        for panel in samples.panels:
            own_pixels = (entries.pixel >= start) & (entries.pixel < start + panel.size)
            inside = slice(None) if len(samples.panels) == 1 else own_pixels
            own = Entries(entries.event[inside], entries.pixel[inside] - start, entries.value[inside])
            parts += self._columns(panel, own, None if plain is None else plain[inside], len(index))
            start += panel.size
        return (torch.cat([*parts, samples.features[index]], dim=1),)

    def rows(self, samples: Images, index: Tensor) -> tuple[Tensor | None, ...]:
        """The table for moments; for pooled cells the norm of all cells of their channel, once with each sign.

        So cells are divided by the root mean square of that norm: an empty cell stays 0, and all cells of a channel
        together have the weight of one moment. Standardised one by one, cells that are nearly always empty would have
        the same weight as those with energy, and hundreds of cells would outweigh the few moments.
        """
        (table,) = self.batch(samples, index)
        both, start = torch.stack([table, table]), 0
        for panel in samples.panels:
            channels, cells = panel.shape[0], self._areas(panel).numel()
            part = slice(start, start + channels * cells)
            length = table[:, part].view(len(index), channels, cells).norm(dim=2).repeat_interleave(cells, dim=1)
            both[:, :, part] = torch.stack([length, -length])
            start = part.stop + channels * len(self._moments(samples))
        return (both.flatten(0, 1),)

    def _columns(self, panel: Panel, entries: Entries, plain: Tensor | None, events: int) -> tuple[Tensor, Tensor]:
        """Pooled cells and moments of a panel, (events, columns) each; `plain` energies if it has clusters."""
        event, pixel, value = entries
        channels, height, width = panel.shape
        plane = event * channels + pixel // (height * width)
        row, column = pixel // width % height, pixel % width
        planes = events * channels
        cells = self._pool(panel, plane * height + row, column, value, planes)
        across, down = 2 * (column + 0.5) / width - 1, 2 * (row + 0.5) / height - 1
        moments = _image_moments(plane, value, down, across, planes)
        if plain is not None:
            found = clusters(panel, plane, row, column, plain, planes)
            moments = torch.cat([moments, found], dim=1)
        return cells.view(events, -1), moments.view(events, -1)

    def _pool(self, panel: Panel, line: Tensor, column: Tensor, value: Tensor, planes: int) -> Tensor:
        """Mean of the pixels of each cell, (planes, cells); `line` counts rows through all planes."""
        areas = self._areas(panel).to(value.device)
        height = panel.shape[1]
        step_down, step_across = (-(-side // self.cells) for side in panel.shape[1:])
        cell = (line // height * areas.shape[0] + line % height // step_down) * areas.shape[1] + column // step_across
        sums = _sums(cell, value, planes * areas.numel())
        return (sums.view(planes, -1) / areas.flatten()).to(torch.float32)

    def _areas(self, panel: Panel) -> Tensor:
        """Number of pixels in each cell, (rows, columns) of cells."""

        def lengths(side: int) -> Tensor:
            step = -(-side // self.cells)
            return torch.tensor([min(step, side - start) for start in range(0, side, step)], dtype=torch.float32)

        return torch.outer(lengths(panel.shape[1]), lengths(panel.shape[2]))


def _image_moments(plane: Tensor, value: Tensor, row: Tensor, column: Tensor, planes: int) -> Tensor:
    """Sum, centroid and central second moments of each plane, (planes, 6)."""
    size = value.abs()
    terms = (value, size, size * row, size * column, size * row**2, size * column**2, size * row * column)
    sums = _sums(plane, torch.stack(terms, dim=1), planes)
    weight = torch.where(sums[:, 1] > 0, sums[:, 1], 1.0)
    y, x, yy, xx, xy = (sums[:, 2:] / weight[:, None]).unbind(dim=1)
    moments = sums[:, 0], y, x, (yy - y * y).clamp(min=0), (xx - x * x).clamp(min=0), xy - x * y
    return torch.stack(moments, dim=1).to(torch.float32)


def _sums(place: Tensor, values: Tensor, places: int) -> Tensor:
    """Sums of the values (total, ...) of each place, (places, ...) float64.

    Float64, so that the order of pixels does not matter: decision trees depend on the last bit of a float32.
    """
    values = values.to(torch.float64)
    return values.new_zeros(places, *values.shape[1:]).index_add_(0, place, values)
