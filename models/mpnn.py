"""The message-passing network: on sets of nodes, or along the edges of graphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from benchmark.core.plugin import Range
from models.layers.message_passing import MessageNet
from models.network import TorchModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from models.inputs import Shape


@dataclass(kw_only=True)
class MPNN(TorchModel):
    """Message-passing network with learned adjacency, on particles, pixels or graphs.

    The network of neural message passing for jet physics (Henrion et al., Deep Learning for Physical Sciences at NIPS
    2017; best with two directed iterations, table 1). On graphs, messages go only along edges, and edge features enter
    adjacency and messages.
    """

    name = "mpnn"
    version: ClassVar[str] = "5"  # the average of the weights
    views = ("nodes", "graph")
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"hidden": 16, "epochs": 4, "batch_size": 32, "learning_rate": 5e-3},
        "quick": {"hidden": 32, "batch_size": 64},
    }

    adjacency: Annotated[
        Literal["directed", "undirected", "identity"],
        "'directed': the weight of the messages from one node to another is learned from both nodes. 'undirected': "
        "the mean of that matrix and its transpose. 'identity': each node receives its own message only",
    ] = "directed"
    iterations: Annotated[int, Range(1, 20), "number of message-passing iterations"] = 2
    readout: Annotated[Literal["mean", "sum", "set2set"], "how nodes are combined: 'mean', 'sum' or 'set2set'"] = "mean"
    aggregated: Annotated[
        bool,
        "each update also receives a set2set summary of the whole event (the paper's 'set' variants)",
    ] = False
    relations: Annotated[
        bool,
        "a relation network (the paper's RelNet) instead: no messages, but a layer on each pair of nodes",
    ] = False
    hidden: Annotated[int, Range(1, 4096), "units of the state of a node"] = 64
    dropout: Annotated[float, Range(0, 0.95), "fraction of units dropped before the last layers"] = 0.0
    # at 1e-3 trainings end in their cap (docs/training.md)
    learning_rate: Annotated[float, Range(1e-9, 10), "learning rate in the first epoch"] = 3e-3

    def network(self, shape: Shape, classes: int) -> nn.Module:
        """Messages between all nodes, or along the edges of graphs."""
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
