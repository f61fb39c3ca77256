"""The convolutional network: residual, on pictures or on particles in pt order."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - Plugin evaluates the annotations of parameters
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from benchmark.errors import Skip, UserError
from benchmark.plugin import check_range
from models.layers.residual import PictureNet, SequenceNet
from models.network import TorchModel

if TYPE_CHECKING:
    from torch import nn

    from models.inputs import Shape

BOTTLENECKS = 50


@dataclass(kw_only=True)
class CNN(TorchModel):
    """Residual convolutional network: ResNet-15 or ResNet-50 on pictures, 1-D on particles.

    Parameters
    ----------
    depth : convolutions; 7, 11, 15, ... (4 n + 3) for the end-to-end papers' network without normalisation (ResNet-15
        is theirs), 50 for the bottlenecks with batch normalisation of the circle paper (on pictures alone).
    width : channels of the first half (64 in the original ResNet-50); on particles four times as many, since a
        sequence is so much smaller than a picture.
    dropout : share of units left out before the last layer.
    """

    name = "cnn"
    views = ("picture", "sequence")
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"depth": 7, "width": 8, "epochs": 2, "batch_size": 64},
        "quick": {"epochs": 9, "patience": 3, "batch_size": 64},
        "standard": {"epochs": 6, "patience": 3},
        "paper": {"batch_size": 360},
    }
    seconds: ClassVar[Mapping[str, float]] = {"smoke": 2, "quick": 30, "standard": 300, "paper": 5000}
    seconds_on_pictures: ClassVar[Mapping[str, float]] = {"smoke": 2, "quick": 110, "standard": 2900, "paper": 37_000}
    effort: ClassVar[Mapping[str, float]] = {"epochs": 1, "depth": 1, "width": 2, "pixels": 1}

    depth: int = 15
    width: int = 16
    dropout: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, "width", 1, 1024)
        check_range(self, "dropout", 0, 0.95)
        if self.depth != BOTTLENECKS and (self.depth % 4 != 3 or not 7 <= self.depth <= 103):
            raise UserError(
                f"cnn: parameter 'depth' is {self.depth}, expected 7, 11, 15, ... 103 (4 n + 3), "
                f"or {BOTTLENECKS} for bottlenecks with batch normalisation."
            )

    def network(self, shape: Shape, classes: int) -> nn.Module:
        """A 2-D network for pictures, a 1-D network for sequences. Raises Skip for pictures of several panels."""
        blocks = None if self.depth == BOTTLENECKS else self.depth // 4
        columns, features = len(shape.columns), len(shape.features)
        if shape.panels:
            sizes = ", ".join("x".join(map(str, panel.size)) for panel in shape.panels)
            raise Skip(
                f"cnn: events are shown as {len(shape.panels)} panels ({sizes}), expected one picture. "
                "Use calorimeter[area=detector], which shows the same hits as one."
            )
        if shape.view == "picture":
            return PictureNet(
                columns, shape.size, features, classes, blocks=blocks, width=self.width, dropout=self.dropout
            )
        if blocks is None:
            raise UserError(f"cnn: depth {self.depth} is for pictures, expected 7, 11, 15, ... (4 n + 3) on particles.")
        return SequenceNet(columns, features, classes, blocks=blocks, width=4 * self.width, dropout=self.dropout)
