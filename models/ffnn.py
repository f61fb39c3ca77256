"""The feed-forward network: fully connected, on a table or on a sum over particles."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - Plugin evaluates the annotations of parameters
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from torch import nn

from benchmark.core.errors import Skip
from benchmark.core.plugin import check_range
from models.layers.deep_sets import PARTICLE, DeepSets
from models.layers.residual import start_like_he
from models.network import TorchModel

if TYPE_CHECKING:
    from models.inputs import Shape


@dataclass(kw_only=True)
class FFNN(TorchModel):
    """Fully connected network on a table of pooled pixels, leading particles or graph moments.

    5 hidden layers of 500 ReLU units with 50% dropout between them, as the circle paper compares with
    (arXiv:1708.07034, section 5); `layers=3, units=256, dropout=0` is the 4-momentum classifier of end-to-end learning
    (arXiv:1807.11916, section 5.1).

    Parameters
    ----------
    pooling : "table": one row an event, as above. "deep-sets": each particle goes through layers of its own, and the
        hidden ones take their sum, whatever the number and order of particles. With `layers=3, units=100, dropout=0`
        this is a Particle Flow Network (arXiv:1810.05165, section 4.2); for `fourvectors`.
    layers : hidden layers.
    units : in each hidden layer.
    dropout : share of units left out after each hidden layer. Half of them is the paper's choice, for many events; with
        few it costs more than it gives (12,000 of dimuon: AUC 0.88, and 0.98 without).
    """

    name = "ffnn"
    version: ClassVar[str] = "3"  # sums over pixels in float64
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"layers": 2, "units": 32, "epochs": 5, "batch_size": 64},
        # with larger batches so few steps that a training may end before it leaves the plateau that dropout makes
        "quick": {"epochs": 25, "batch_size": 64},
        "standard": {"batch_size": 256},
        "paper": {"batch_size": 360},
    }
    seconds: ClassVar[Mapping[str, float]] = {"smoke": 1, "quick": 35, "standard": 190, "paper": 600}
    seconds_on_pictures: ClassVar[Mapping[str, float]] = {"smoke": 1, "quick": 40, "standard": 240, "paper": 800}
    effort: ClassVar[Mapping[str, float]] = {"epochs": 1, "layers": 1, "units": 2}

    pooling: Literal["table", "deep-sets"] = "table"
    layers: int = 5
    units: int = 500
    dropout: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, "layers", 1, 100)
        check_range(self, "units", 1, 100_000)
        check_range(self, "dropout", 0, 0.95)

    @property
    def views(self) -> tuple[str, ...]:  # type: ignore[override]
        """A table, or with Deep Sets the particles one by one."""
        return ("sequence",) if self.pooling == "deep-sets" else ("table",)

    def network(self, shape: Shape, classes: int) -> nn.Module:
        """Hidden layers, then logits; with Deep Sets behind the sum over particles.

        Raises Skip where a list of particles is empty by definition.
        """
        sets = self.pooling == "deep-sets"
        columns = len(shape.columns)
        if sets and not columns:
            raise Skip(
                f"ffnn: events are shown as a {shape} alone, expected particles to sum over. "
                "Use fourvectors[features=complete], or pooling=table."
            )
        sizes = [PARTICLE[-1] + len(shape.features) if sets else columns, *[self.units] * self.layers]
        hidden: list[nn.Module] = []
        for before, after in pairwise(sizes):
            hidden += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(self.dropout)]
        start_like_he(hidden)
        network = nn.Sequential(*hidden, nn.Linear(self.units, classes))
        return DeepSets(columns, network) if sets else network
