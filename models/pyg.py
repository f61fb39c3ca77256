"""Networks of graph layers of PyTorch Geometric, along the edges of graphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch_geometric.nn import GATv2Conv, GINEConv, SAGEConv, TransformerConv, global_mean_pool

from benchmark.core.plugin import Range
from models.network import TorchModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.inputs import Shape


class GraphLayers(nn.Module):
    """Layers along the edges, the mean over the nodes of an event, and two linear layers.

    Parameters
    ----------
    layers : from node states to node states; each takes the states, `edge_index` and, if `edge_features`, those.
    width : units of the last layer's states. features, classes : per-event features, and classes.
    """

    def __init__(
        self, layers: list[nn.Module], width: int, features: int, classes: int, *, edge_features: bool = True
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.head = nn.Sequential(nn.Linear(width + features, width), nn.ReLU(), nn.Linear(width, classes))
        self.edge_features = edge_features

    def forward(self, x: Tensor, edge_attr: Tensor, edge_index: Tensor, batch: Tensor, features: Tensor) -> Tensor:
        """Logits (batch, classes) of the inputs of the view *edges*."""
        for layer in self.layers:
            x = layer(x, edge_index, edge_attr).relu() if self.edge_features else layer(x, edge_index).relu()
        # on a GPU the last nodes may be padding, of one additional graph
        pooled = global_mean_pool(x, batch, size=len(features) + 1)[: len(features)]
        logits: Tensor = self.head(torch.cat([pooled, features], dim=1))
        return logits


@dataclass(kw_only=True)
class Pyg(TorchModel):
    """Graph layers of PyTorch Geometric, such as GATv2, along the edges of graphs.

    All layers but "sage" take the features of edges. For another layer copy `examples/gatv2.py`.
    """

    name = "pyg"
    version: ClassVar[str] = "3"  # the average of the weights
    extra: ClassVar[bool] = True
    views = ("edges",)
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"width": 16, "epochs": 4, "batch_size": 64, "learning_rate": 5e-3}
    }

    layer: Annotated[
        Literal["gatv2", "transformer", "gine", "sage"],
        "gatv2: dynamic attention (arXiv:2105.14491); transformer: dot-product attention (arXiv:2009.03509); "
        "gine: sums over neighbours (arXiv:1905.12265); sage: means over neighbours (arXiv:1706.02216)",
    ] = "gatv2"
    layers: Annotated[int, Range(1, 20), "number of layers"] = 2
    width: Annotated[int, Range(1, 1024), "units of the state of a node"] = 64
    heads: Annotated[int, Range(1, 16), "attention heads of gatv2 and transformer, whose mean is taken"] = 4

    def network(self, shape: Shape, classes: int) -> nn.Module:
        """The network for graphs with these columns of nodes and edges."""
        sizes = [len(shape.columns), *[self.width] * self.layers]
        layers = [self._layer(inputs, shape.size[0]) for inputs in sizes[:-1]]
        edge_features = self.layer != "sage"
        return GraphLayers(layers, self.width, len(shape.features), classes, edge_features=edge_features)

    def _layer(self, inputs: int, edge_dim: int) -> nn.Module:
        layer: nn.Module
        width, heads = self.width, self.heads
        if self.layer == "gatv2":
            layer = GATv2Conv(inputs, width, heads, concat=False, edge_dim=edge_dim, add_self_loops=False)
        elif self.layer == "transformer":
            layer = TransformerConv(inputs, width, heads, concat=False, edge_dim=edge_dim)
        elif self.layer == "gine":
            update = nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width))
            layer = GINEConv(update, edge_dim=edge_dim)
        else:
            layer = SAGEConv(inputs, width)
        return layer
