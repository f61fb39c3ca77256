"""A graph attention network built of layers of PyTorch Geometric, as a model of one's own.

The view *edges* has the arrays of PyTorch Geometric, on any device: node features, edge features, `edge_index` and
`batch`. On a GPU the last nodes may be padding of one additional graph, which is cut off after pooling.

    python -m benchmark run --task dimuon --representation graph --model examples/gatv2.py:GATv2
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch_geometric.nn import GATv2Conv, global_mean_pool

from benchmark.core.plugin import Range
from models.inputs import Shape
from models.network import TorchModel


class Attention(nn.Module):
    """Layers of GATv2 (arXiv:2105.14491), the mean over the nodes of an event, and two linear layers."""

    def __init__(self, shape: Shape, classes: int, *, layers: int, width: int) -> None:
        super().__init__()
        sizes = [len(shape.columns), *[width] * layers]
        self.layers = nn.ModuleList(
            GATv2Conv(inputs, width, heads=4, concat=False, edge_dim=shape.size[0], add_self_loops=False)
            for inputs in sizes[:-1]
        )
        self.head = nn.Sequential(nn.Linear(width + len(shape.features), width), nn.ReLU(), nn.Linear(width, classes))

    def forward(self, x: Tensor, edge_attr: Tensor, edge_index: Tensor, batch: Tensor, features: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x, edge_index, edge_attr).relu()
        pooled = global_mean_pool(x, batch, size=len(features) + 1)[: len(features)]
        return self.head(torch.cat([pooled, features], dim=1))


@dataclass(kw_only=True)
class GATv2(TorchModel):
    """Graph attention network (GATv2) of PyTorch Geometric, along the edges of graphs."""

    name = "gatv2"
    views = ("edges",)
    presets = {"smoke": {"width": 16, "epochs": 4, "batch_size": 64, "learning_rate": 5e-3}}

    layers: Annotated[int, Range(1, 20), "layers of attention"] = 2
    width: Annotated[int, Range(1, 1024), "units of the state of a node"] = 64

    def network(self, shape: Shape, classes: int) -> nn.Module:
        return Attention(shape, classes, layers=self.layers, width=self.width)
