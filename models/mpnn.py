"""The message-passing network: on sets of nodes, or along the edges of graphs."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - Plugin evaluates the annotations of parameters
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from benchmark.core.plugin import check_range
from models.layers.message_passing import MessageNet
from models.network import TorchModel

if TYPE_CHECKING:
    from torch import nn

    from models.inputs import Shape


@dataclass(kw_only=True)
class MPNN(TorchModel):
    """Message-passing network with learned adjacency, on particles, pixels or graphs.

    That of neural message passing for jet physics (Henrion et al., Deep Learning for Physical Sciences at NIPS 2017;
    best with two iterations, directed, table 1). On graphs messages go along the edges alone, whose features have a say
    in the adjacency and in the messages.

    Parameters
    ----------
    adjacency : "directed": how much each node hears of each other is learned from both. "undirected": the mean of that
        and its transpose. "identity": each node hears itself alone.
    iterations : of messages.
    readout : "mean" or "sum" of the nodes, or "set2set".
    aggregated : each update sees the whole event by set2set as well (the paper's "set" variants).
    relations : a relation network instead (the paper's RelNet): no messages, but a layer of each pair of nodes.
    hidden : units of a node's state.
    dropout : share of units left out before the last layers.
    """

    name = "mpnn"
    version: ClassVar[str] = "3"  # sums over pixels in float64
    views = ("nodes", "graph")
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"hidden": 16, "epochs": 4, "batch_size": 32, "learning_rate": 5e-3},
        "quick": {"hidden": 32, "epochs": 15, "batch_size": 64, "learning_rate": 2e-3},
        "standard": {"epochs": 20, "learning_rate": 1e-3},
        "paper": {},
    }
    seconds: ClassVar[Mapping[str, float]] = {"smoke": 2, "quick": 40, "standard": 500, "paper": 2000}
    seconds_on_pictures: ClassVar[Mapping[str, float]] = {"smoke": 3, "quick": 120, "standard": 3000, "paper": 12_000}
    effort: ClassVar[Mapping[str, float]] = {"epochs": 1, "iterations": 1, "hidden": 1}

    adjacency: Literal["directed", "undirected", "identity"] = "directed"
    iterations: int = 2
    readout: Literal["mean", "sum", "set2set"] = "mean"
    aggregated: bool = False
    relations: bool = False
    hidden: int = 64
    dropout: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, "iterations", 1, 20)
        check_range(self, "hidden", 1, 4096)
        check_range(self, "dropout", 0, 0.95)

    def network(self, shape: Shape, classes: int) -> nn.Module:
        """Messages among all nodes, or along the edges where there are such."""
        return MessageNet(
            len(shape.columns),
            len(shape.features),
            classes,
            hidden=self.hidden,
            pairs=shape.size[0] if shape.view == "graph" else 0,
            iterations=self.iterations,
            adjacency=self.adjacency,
            readout=self.readout,
            aggregated=self.aggregated,
            relations=self.relations,
            dropout=self.dropout,
        )
