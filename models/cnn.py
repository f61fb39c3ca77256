"""The convolutional network: on pictures, on particles in pt order, and along the edges of graphs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from benchmark.core.errors import Skip, UserError
from benchmark.core.plugin import Range
from models.layers.edgeconv import EdgeNet
from models.layers.particles import SequenceNet
from models.layers.pictures import ConvLSTMTrunk, JetTrunk, MaxoutTrunk, PictureNet, VGGTrunk, samples_in_time
from models.layers.residual import ResidualTrunk
from models.network import TorchModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from models.inputs import Shape
    from models.layers.residual import Trunk

BOTTLENECKS = 50
_NUMBER = re.compile(r"(?<=[a-z])\d+(?=_)")
"""The number of a panel in the name of a channel, as in `shower1_ecal`."""
MOST_PIXELS = 1 << 14
"""Largest number of pixels for MaxOut, whose first layer has 80 weights per pixel and unit of `width`."""


@dataclass(kw_only=True)
class CNN(TorchModel):
    """Convolutional network: ResNet-15 or ResNet-50 on pictures, 1-D on particles, EdgeConv on graphs.

    Each panel of a picture, such as barrel and endcaps, has its own network; they are joined before the last layers
    (arXiv:1807.11916, section 5.1). Panels whose names differ in a number alone, such as two showers, share one.
    Training steps on pictures use bfloat16 where the processor has it. On graphs, ParticleNet's edge convolutions
    (arXiv:1902.08570) use the edges of the representation and the features of pairs.
    """

    name = "cnn"
    version: ClassVar[str] = "4"  # the average of the weights
    views = ("picture", "sequence", "edges")
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"depth": 7, "width": 8, "epochs": 2, "batch_size": 64},
        "quick": {"batch_size": 64},
        "paper": {"batch_size": 360, "stem": "paper"},
    }
    recipes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {"learning_rate": 5e-4, "schedule": "constant", "stem": "paper"}
    }

    architecture: Annotated[
        Literal["resnet", "vgg", "jet", "maxout", "convlstm"],
        "'resnet': residual blocks, for every view; the others take pictures only. 'vgg': VGG-11, as in the "
        "comparison on ECAL showers of arXiv:1807.11916. 'jet': filters of 11 x 11 with local response "
        "normalisation, and 'maxout': fully connected MaxOut units, both from jet images (arXiv:1511.05190, section "
        "4). 'convlstm': convolutions with a memory over the ten time samples of ECAL pulses (arXiv:1506.04214), for "
        "calorimeter[time=digis]",
    ] = "resnet"
    depth: Annotated[
        int,
        "number of convolutions of a resnet. 7, 11, 15, ... (4 n + 3): the network without normalisation of the "
        "end-to-end papers (theirs is ResNet-15), with n edge convolutions on graphs. 50: the bottlenecks with batch "
        "normalisation of the circle paper, for pictures only",
    ] = 15
    stem: Annotated[
        Literal["patches", "paper"],
        "first layer of a resnet on pictures. 'patches': 3 x 3 convolution of patches of 2 x 2 pixels, or 4 x 4 from "
        "48 pixels on. 'paper': 7 x 7 convolution (with stride 2 from 64 pixels on) and max pooling, which takes "
        "longer; always so for depth 50",
    ] = "patches"
    width: Annotated[
        int,
        Range(1, 1024),
        "channels of the first half (64 in the original ResNet-50 and VGG, 16 in the published jet and MaxOut "
        "networks); four times as many on particles, since a sequence is much smaller than a picture, and twice as "
        "many in the first layer on graphs",
    ] = 16
    dropout: Annotated[
        float,
        Range(0, 0.95),
        "fraction of units dropped before the last layer, and before the first fully connected layer of vgg and jet",
    ] = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth != BOTTLENECKS and (self.depth % 4 != 3 or not 7 <= self.depth <= 103):
            raise UserError(
                f"cnn: parameter 'depth' is {self.depth}, expected 7, 11, 15, ... 103 (4 n + 3), "
                f"or {BOTTLENECKS} for bottlenecks with batch normalisation."
            )

    def network(self, shape: Shape, classes: int) -> nn.Module:
        """A network for pictures of any number of panels, for sequences, or for graphs.

        Raises Skip if the architecture or the depth is not for this view, or if particles have no columns.
        """
        features = len(shape.features)
        if shape.view == "picture":
            return self._on_pictures(shape, classes)
        if self.architecture != "resnet":
            raise Skip(
                f"cnn: architecture {self.architecture} is for pictures, but the view is {shape.view}. "
                "Use architecture=resnet, or a representation that makes pictures."
            )
        if not shape.columns:
            raise Skip(
                f"cnn: the inputs are a {shape} alone, expected particles. Use fourvectors[features=complete], "
                "or a model on tables."
            )
        blocks, columns = self._blocks, len(shape.columns)
        if blocks is None:
            raise Skip(
                f"cnn: depth {self.depth} is for pictures, expected 7, 11, 15, ... (4 n + 3) on particles and graphs."
            )
        if shape.view == "edges":
            (pairs,) = shape.size
            return EdgeNet(columns, pairs, features, classes, blocks=blocks, width=self.width, dropout=self.dropout)
        return SequenceNet(columns, features, classes, blocks=blocks, width=4 * self.width, dropout=self.dropout)

    def _on_pictures(self, shape: Shape, classes: int) -> PictureNet:
        """A trunk for each kind of panel, and a head."""
        panels = shape.panels or (shape,)
        kinds: list[object] = []
        for place, panel in enumerate(panels):
            names = tuple(_NUMBER.sub("", name) for name in panel.columns)
            kinds.append(place if names == panel.columns else (panel.size, names))
        different = list(dict.fromkeys(kinds))
        trunks = [self._trunk(panels[kinds.index(kind)]) for kind in different]
        shared = [different.index(kind) for kind in kinds]
        return PictureNet(trunks, len(shape.features), classes, dropout=self.dropout, panels=shared)

    @property
    def _blocks(self) -> int | None:
        return None if self.depth == BOTTLENECKS else self.depth // 4

    def _trunk(self, picture: Shape) -> Trunk:
        """The network of one panel, without the head."""
        channels, size = len(picture.columns), picture.size
        pixels = channels * size[0] * size[1]
        if self.architecture == "vgg":
            return VGGTrunk(channels, size, width=self.width, dropout=self.dropout)
        if self.architecture == "jet":
            return JetTrunk(channels, size, width=self.width, dropout=self.dropout)
        if self.architecture == "maxout":
            if pixels > MOST_PIXELS:
                raise Skip(
                    f"cnn: architecture maxout has weights for each of {channels} x {size[0]} x {size[1]} = {pixels:,} "
                    f"pixels, expected at most {MOST_PIXELS:,}. Use a jet image, or calorimeter[area=crop]."
                )
            return MaxoutTrunk(channels, size, width=self.width)
        if self.architecture == "convlstm":
            samples = samples_in_time(picture.columns)
            if len(samples) < 2:
                raise Skip(
                    "cnn: architecture convlstm needs pictures in time (channels sample0, sample1, ...), but these "
                    f"have {', '.join(picture.columns)}. Use egamma[digis=true] with calorimeter[time=digis]."
                )
            return ConvLSTMTrunk(samples, channels, width=self.width)
        return ResidualTrunk(channels, size, blocks=self._blocks, width=self.width, stem=self.stem)
