"""Dense pictures, for 2-D networks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from models.views.view import EXAMPLE_EVENTS, Inputs, OnnxInput, Shape, View, features_onnx_input
from representations.samples import Images

if TYPE_CHECKING:
    from torch import Tensor

    from representations.samples import Panel


class DensePictures(View[Images]):
    """Pictures (batch, channels, rows, columns), one for each panel, and features (batch, features).

    Pixels are not standardised: an empty pixel must stay 0, and the representation chooses the scale of energies.
    """

    name = "picture"

    def shape(self, samples: Images) -> Shape:
        """One column per channel; with several panels named like `barrel_ecal`."""
        panels = [Shape(self.name, named_channels(samples, panel), panel.shape[1:]) for panel in samples.panels]
        if len(panels) == 1:
            return replace(panels[0], features=samples.feature_names)
        columns = tuple(name for panel in panels for name in panel.columns)
        return Shape(self.name, columns, features=samples.feature_names, panels=tuple(panels))

    def batch(self, samples: Images, index: Tensor) -> Inputs:
        """Pictures and features."""
        return *samples.dense_panels(index), samples.features[index]

    def rows(self, samples: Images, index: Tensor) -> tuple[Tensor | None, ...]:
        """The features alone."""
        return *(None for _ in samples.panels), samples.features[index]

    def onnx_inputs(self, shape: Shape) -> list[OnnxInput]:
        """One picture per panel, and the features."""
        panels = shape.panels or (shape,)
        names = ["picture"] if len(panels) == 1 else [f"picture{number}" for number in range(1, len(panels) + 1)]
        tensors = [torch.zeros(EXAMPLE_EVENTS, len(panel.columns), *panel.size) for panel in panels]
        return [*map(OnnxInput, names, tensors), features_onnx_input(shape)]


def named_channels(samples: Images, panel: Panel) -> tuple[str, ...]:
    """The names of a panel's channels, prefixed with the panel's name if there are several panels."""
    names = panel.channel_names or tuple(f"channel{channel}" for channel in range(panel.shape[0]))
    return names if len(samples.panels) == 1 else tuple(f"{panel.name}_{name}" for name in names)
