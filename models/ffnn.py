"""The feed-forward network: fully connected, on a table or on a sum over particles."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from torch import Tensor, nn

from benchmark.core.errors import Skip
from benchmark.core.plugin import Range
from models.inputs import view_of
from models.layers.particles import PARTICLE, DeepSets
from models.layers.residual import start_like_he
from models.network import TorchModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.inputs import Shape, View
    from representations.samples import Samples


class Limit(nn.Module):
    """Columns within plus and minus a limit; infinities become NaN, so that they are refused as everywhere else."""

    def __init__(self, limit: float) -> None:
        super().__init__()
        self.limit = limit

    def forward(self, table: Tensor) -> Tensor:
        """(batch, columns)."""
        return table.clamp(-self.limit, self.limit) + (table - table)


@dataclass(kw_only=True)
class FFNN(TorchModel):
    """Fully connected network on a table of pooled pixels, leading particles or graph moments.

    3 hidden layers of 256 units, as many as the 4-momentum classifier of end-to-end learning has (arXiv:1807.11916,
    section 5.1; with ReLU and without dropout). `recipe=paper` has 5 layers of 500 ReLU units with 50% dropout, as in
    the circle paper (arXiv:1708.07034, section 5).
    """

    name = "ffnn"
    views = ("table", "sequence")
    version: ClassVar[str] = "6"  # SiLU, 50% dropout, limited columns, the average of the weights
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"layers": 2, "units": 32, "epochs": 5, "batch_size": 64},
        "quick": {"batch_size": 64},
        "standard": {"batch_size": 256},
        "paper": {"layers": 5, "units": 500, "batch_size": 360},
    }
    recipes: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {"layers": 5, "units": 500, "dropout": 0.5, "activation": "relu", "limit": 0.0}
    }

    pooling: Annotated[
        Literal["table", "deep-sets"],
        "'table': one row per event, as above. 'deep-sets': each particle passes through layers of its own, and the "
        "hidden layers take the sum over particles, whatever their number and order. With layers=3, units=100, "
        "dropout=0, activation=relu this is a Particle Flow Network (arXiv:1810.05165, section 4.2); for fourvectors",
    ] = "table"
    layers: Annotated[int, Range(1, 100), "number of hidden layers"] = 3
    units: Annotated[int, Range(1, 100_000), "units in each hidden layer"] = 256
    dropout: Annotated[
        float,
        Range(0, 0.95),
        "fraction of units dropped after each hidden layer. Much helps where a few thousand events have many columns "
        "(showers, jets), little where few columns decide (dimuon); docs/training.md has a table",
    ] = 0.5
    activation: Annotated[Literal["silu", "relu"], "activation of the hidden layers"] = "silu"
    limit: Annotated[
        float,
        Range(0, 1e9),
        "standardised columns of a table are limited to plus and minus this many standard deviations, 0 for no limit. "
        "In a column that is nearly constant, such as a rare kind of particle, one event may be 70 of them away",
    ] = 5.0

    def view(self, samples: Samples) -> View[Any]:
        """A table, or the list of particles for Deep Sets."""
        return view_of(("sequence",) if self.pooling == "deep-sets" else ("table",), samples, self.name)

    def network(self, shape: Shape, classes: int) -> nn.Module:
        """Hidden layers on the table, or on the sum over particles for Deep Sets.

        Raises Skip if particles have no columns.
        """
        sets = self.pooling == "deep-sets"
        columns = len(shape.columns)
        if sets and not columns:
            raise Skip(
                f"ffnn: the inputs are a {shape} alone, expected particles to sum over. "
                "Use fourvectors[features=complete], or pooling=table."
            )
        sizes = [PARTICLE[-1] + len(shape.features) if sets else columns, *[self.units] * self.layers]
        activation = nn.SiLU if self.activation == "silu" else nn.ReLU
        hidden: list[nn.Module] = [Limit(self.limit)] if self.limit and not sets else []
        for before, after in pairwise(sizes):
            hidden += [nn.Linear(before, after), activation(), nn.Dropout(self.dropout)]
        start_like_he(hidden)
        network = nn.Sequential(*hidden, nn.Linear(self.units, classes))
        return DeepSets(columns, network) if sets else network
