"""Pictures as sets of nodes: the most energetic pixels, or the strokes of a drawing."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import NamedTuple

import torch
from torch import Tensor

from models.views.nodes import MOST, Nodes, first_largest, hardest, padded
from models.views.pixels import channels_of, in_chunks, listed, pooled, squeezed_channels
from models.views.view import Inputs, OnnxInput, Shape, View, features_onnx_input, padded_onnx_inputs
from representations.samples import Images, Ragged

FAINT = 1e-3
"""Energy scale in GeV below which the logarithm of pixels is linear."""


@dataclass(frozen=True, kw_only=True)
class PreparedPixels(Images):
    """Pictures as nodes, Ragged (total, columns) float32, without pixels.

    left_out : (n,) float32, share of each event's energy (or ink) that is in no node.
    """

    nodes: Ragged
    left_out: Tensor


class WeighedNodes(NamedTuple):
    """All nodes of some events, and their energy (or ink), (total,)."""

    nodes: Nodes
    energy: Tensor


class PixelNodes(View[Images]):
    """Pixels as a set: nodes (batch, columns, places), mask (batch, places), features (batch, features).

    At most 128 nodes per event, those of the largest energy; `dropped` is the share that is left out (nothing of 32 x
    32 crystals in egamma; 8% on average of whole detectors in ttbar, in towers of five crystals). The columns are
    the position along the axes of the picture (`eta` and `phi`, or the names of the axes; 0 for a panel without such an
    axis), `is_<panel>` if there are several panels, and the channels.

    In calorimeter pictures (float32), a node is a pixel. Energies span decades, so sign(x) ln(1 + abs(x) / 0.001) is
    added for each channel x; where the picture has logarithms, these are used instead, and x is what they are of. If
    the axes are eta and phi, delta_eta, cos_delta_phi and sin_delta_phi are relative to the pixel of largest energy.
    Energy is the sum of all channels but times, with negative noise as 0.

    Drawings (bytes) have a thousand lit pixels, each with little information. They are pooled to the smallest cells of
    1, 2, 4, ... pixels of which at most 128 have ink. A node is a pooled cell: the centroid of its ink; `down`,
    `across` and `slope`, the variances down and across and the covariance in units of the cell, which give the
    direction of a line; and the ink of each channel as a fraction of a full cell.
    """

    name = "nodes"

    def shape(self, samples: Images) -> Shape:
        """Names of the columns, such as `ecal` and `ln_ecal`."""
        none = torch.zeros(0, dtype=torch.int64, device=samples.device)
        return Shape(self.name, weighed(samples, none).nodes.names, (), samples.feature_names)

    def prepare(self, samples: Images) -> Images:
        """Replace pixels by nodes (some kB per event), because computing nodes takes longer than training on them."""
        if isinstance(samples, PreparedPixels):
            return samples
        chunks = in_chunks(samples)
        tables = [nodes_of(samples, index) for index in chunks]
        lengths = [
            torch.bincount(nodes.event, minlength=len(index)) for nodes, index in zip(tables, chunks, strict=True)
        ]
        offsets = torch.zeros(len(samples) + 1, dtype=torch.int64, device=samples.device)
        torch.cumsum(torch.cat(lengths), 0, out=offsets[1:])
        same = {field.name: getattr(samples, field.name) for field in fields(samples)}
        same["pixels"], same["values"] = (
            Ragged(part.values[:0], torch.zeros_like(offsets)) for part in (samples.pixels, samples.values)
        )
        nodes = Ragged(torch.cat([nodes.values for nodes in tables]), offsets)
        return PreparedPixels(**same, nodes=nodes, left_out=self.dropped(samples))

    def batch(self, samples: Images, index: Tensor) -> Inputs:
        """Nodes, mask and features."""
        return *padded(nodes_of(samples, index), len(index)), samples.features[index]

    def rows(self, samples: Images, index: Tensor) -> tuple[Tensor | None, ...]:
        """The nodes without padding, and the features."""
        return nodes_of(samples, index).values, None, samples.features[index]

    def dropped(self, samples: Images) -> Tensor:
        """Share of each event's energy (or ink) that is in no node, (events,) float32."""
        if isinstance(samples, PreparedPixels):
            return samples.left_out
        if samples.values.values.dtype == torch.uint8:  # the cells of drawings hold all ink
            return torch.zeros_like(samples.weights)
        parts: list[Tensor] = []
        for index in in_chunks(samples):
            nodes, energy = weighed(samples, index)
            selected = hardest(nodes.event, energy, len(index))
            whole = energy.new_zeros(len(index)).index_add_(0, nodes.event, energy)
            left = energy.new_zeros(len(index)).index_add_(0, nodes.event[selected], energy[selected])
            parts.append(torch.where(whole > 0, 1 - left / whole, 0.0).clamp(min=0))
        return torch.cat([samples.weights[:0], *parts])

    def onnx_inputs(self, shape: Shape) -> list[OnnxInput]:
        """Nodes, mask and features."""
        return [*padded_onnx_inputs("nodes", shape), features_onnx_input(shape)]


def nodes_of(samples: Images, index: Tensor) -> Nodes:
    """The nodes of `index`, at most 128 per event."""
    if isinstance(samples, PreparedPixels):
        known = samples.nodes.take(index)
        return Nodes(known.values, (), known.rows())
    nodes, energy = weighed(samples, index)
    selected = hardest(nodes.event, energy, len(index))
    return Nodes(nodes.values[selected], nodes.names, nodes.event[selected])


def weighed(samples: Images, index: Tensor) -> WeighedNodes:
    """All nodes of `index`, event by event."""
    drawing = samples.values.values.dtype == torch.uint8
    return strokes(samples, index) if drawing else brightest(samples, index)


def brightest(samples: Images, index: Tensor) -> WeighedNodes:
    """One node per pixel that is lit in any channel."""
    pixels = listed(samples, index)
    height, width = (max(panel.shape[axis] for panel in samples.panels) for axis in (1, 2))
    panels = len(samples.panels)
    key = ((pixels.event * panels + pixels.panel) * height + pixels.row) * width + pixels.column
    places, node = torch.unique(key, return_inverse=True)
    names = channels_of(samples)
    values, stored = torch.zeros(2, len(places), len(names), device=key.device)
    values[node, pixels.channel], stored[node, pixels.channel] = pixels.plain, pixels.value
    panel, event = places // (height * width) % panels, places // (height * width * panels)
    row, column = (places // width % height).to(torch.float32), (places % width).to(torch.float32)
    position = positions(samples, index[event], panel, row + 0.5, column + 0.5)
    energy = values[:, [place for place, name in enumerate(names) if name != "time"]].clamp(min=0).sum(1)
    channels = {name: values[:, place] for place, name in enumerate(names)}
    squeezed = squeezed_channels(samples)
    logarithms = {
        f"ln_{name}": stored[:, place] if name in squeezed else part.sign() * (part.abs() / FAINT).log1p()
        for place, (name, part) in enumerate(channels.items())
    }
    columns = position | _from_hottest(position, energy, event, len(index)) | channels | logarithms
    return WeighedNodes(Nodes(torch.stack(list(columns.values()), dim=1), tuple(columns), event), energy)


def strokes(samples: Images, index: Tensor) -> WeighedNodes:
    """One node per pooled cell that has ink."""
    cells = pooled(samples, index, MOST)
    columns = positions(samples, index[cells.event], cells.panel, cells.row, cells.column)
    columns |= {"down": cells.down, "across": cells.across, "slope": cells.slope}
    full = cells.side.square()
    columns |= {name: cells.ink[:, place] / full for place, name in enumerate(channels_of(samples))}
    nodes = Nodes(torch.stack(list(columns.values()), dim=1), tuple(columns), cells.event)
    return WeighedNodes(nodes, cells.ink.sum(dim=1))


def positions(samples: Images, event: Tensor, panel: Tensor, row: Tensor, column: Tensor) -> dict[str, Tensor]:
    """Positions of nodes along each axis of the panels, (total,) each, and is_<panel> if there are several.

    Cosine and sine are added if phi covers all angles. row, column : in pixels from the upper left corner.
    """
    axes = dict.fromkeys(name for part in samples.panels for name in part.axes)
    position = {name: torch.zeros_like(row) for name in axes}
    whole = False
    for number, part in enumerate(samples.panels):
        for name, place, span in zip(part.axes, part.place(row, column), part.span, strict=True):
            position[name] = torch.where(panel == number, place, position[name])
            whole = whole or (name == "phi" and span == math.pi)
    if samples.origins is not None:
        eta, phi = samples.origins[event, panel].unbind(dim=1)
        position["eta"] = position["eta"] + eta
        position["phi"] = torch.remainder(position["phi"] + phi + math.pi, 2 * math.pi) - math.pi
    if whole:
        position |= {"cos_phi": position["phi"].cos(), "sin_phi": position["phi"].sin()}
    if len(samples.panels) > 1:
        position |= {f"is_{part.name}": (panel == place).float() for place, part in enumerate(samples.panels)}
    return position


def _from_hottest(position: dict[str, Tensor], energy: Tensor, event: Tensor, events: int) -> dict[str, Tensor]:
    if not {"eta", "phi"} <= set(position):
        return {}
    hottest = first_largest(energy, event, events)[event]
    delta = position["phi"] - position["phi"][hottest]
    eta = position["eta"] - position["eta"][hottest]
    return {"delta_eta": eta, "cos_delta_phi": delta.cos(), "sin_delta_phi": delta.sin()}
