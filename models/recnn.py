"""The recursive network: over binary trees of particles, pixels or nodes."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - Plugin evaluates the annotations of parameters
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from benchmark.core.plugin import check_range
from models.layers.recursion import RecursiveNet
from models.network import TorchModel

if TYPE_CHECKING:
    from torch import nn

    from models.inputs import Input, Shape
    from representations.samples import Samples


@dataclass(kw_only=True)
class RecNN(TorchModel):
    """Recursive network over binary trees of an event's particles, pixels or nodes (arXiv:1702.00748).

    Every node has an embedding, made of its own four-momentum and of the embeddings of the two that it was merged from;
    the root's is classified. All trees of a batch are worked off together, level by level.

    Parameters
    ----------
    topology : the order in which particles are merged: "kt", "anti-kt", "cambridge-aachen", "pt-descending" (hardest
        nearest to the root), "pt-ascending" (softest) or "random".
    gated : the unit with reset and update gates (appendix A of the paper), instead of the simple one.
    units : size of embeddings, and of the classifier's two hidden layers.
    jets : 1 for one tree an event. More for the paper's form of full events (section 3.2): the event as that many jets
        at most, those that its last jets - 1 merges would join, each with a tree of its own; a gated recurrent unit
        reads them in falling pt. With as many jets as objects it reads the objects.
    mass : show the mass of every node beside the seven columns of the paper. Its root's is the event's.
    """

    name = "recnn"
    version: ClassVar[str] = "3"  # sums over pixels in float64
    views = ("tree",)
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"units": 16, "epochs": 4, "batch_size": 32},
        "quick": {"epochs": 12, "patience": 3, "batch_size": 64},
        "standard": {"epochs": 20},
        "paper": {"epochs": 40},
    }
    seconds: ClassVar[Mapping[str, float]] = {"smoke": 1, "quick": 20, "standard": 200, "paper": 2000}
    seconds_on_pictures: ClassVar[Mapping[str, float]] = {"smoke": 4, "quick": 90, "standard": 900, "paper": 10_000}
    effort: ClassVar[Mapping[str, float]] = {"epochs": 1, "units": 1}

    topology: Literal["kt", "anti-kt", "cambridge-aachen", "pt-ascending", "pt-descending", "random"] = "kt"
    gated: bool = True
    units: int = 40
    jets: int = 1
    mass: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range(self, "units", 1, 1024)
        check_range(self, "jets", 1, 128)

    def look(self, samples: Samples) -> Input[Any]:
        """The trees of this topology."""
        return replace(super().look(samples), topology=self.topology, jets=self.jets, mass=self.mass)  # type: ignore[type-var]

    def network(self, shape: Shape, classes: int) -> nn.Module:
        """Embedding, chain of jets where there are several, classifier."""
        return RecursiveNet(
            len(shape.columns), len(shape.features), classes, units=self.units, jets=self.jets, gated=self.gated
        )
