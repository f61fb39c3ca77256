"""The recursive network: over binary trees of particles, pixels or nodes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from benchmark.core.plugin import Range
from models.layers.recursion import RecursiveNet
from models.network import TorchModel
from models.views.merge_trees import MergeTrees

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from models.inputs import Shape, View
    from representations.samples import Samples


@dataclass(kw_only=True)
class RecNN(TorchModel):
    """Recursive network over binary trees of an event's particles, pixels or nodes (arXiv:1702.00748).

    The embedding of a node is computed from its columns and the embeddings of its two children; the classifier
    takes that of the root. All trees of a batch are computed together, level by level.
    """

    name = "recnn"
    version: ClassVar[str] = "5"  # the average of the weights
    views = ("tree",)
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"units": 16, "epochs": 4, "batch_size": 32},
        "quick": {"batch_size": 64},
    }

    topology: Annotated[
        Literal["kt", "anti-kt", "cambridge-aachen", "pt-ascending", "pt-descending", "random"],
        "order in which particles are merged: 'kt', 'anti-kt', 'cambridge-aachen', 'pt-descending' (hardest nearest "
        "to the root), 'pt-ascending' (softest nearest to the root) or 'random'",
    ] = "kt"
    gated: Annotated[
        bool,
        "use the unit with reset and update gates (appendix A of the paper) instead of the simple one",
    ] = True
    units: Annotated[int, Range(1, 1024), "size of the embeddings, and of the two hidden layers of the classifier"] = 40
    jets: Annotated[
        int,
        Range(1, 128),
        "1: one tree per event. More: the paper's form for full events (section 3.2). The last jets - 1 merges are "
        "undone, which leaves at most this many jets, each with a tree of its own; a gated recurrent unit reads them "
        "in falling pt. With as many jets as objects it reads the objects",
    ] = 1

    def view(self, samples: Samples) -> View[Any]:
        """The trees of this topology."""
        view = super().view(samples)
        assert isinstance(view, MergeTrees)
        return replace(view, topology=self.topology, jets=self.jets)

    def network(self, shape: Shape, classes: int) -> nn.Module:
        """Embedding of trees, a recurrent unit if there are several jets, and classifier."""
        return RecursiveNet(
            len(shape.columns), len(shape.features), classes, units=self.units, jets=self.jets, gated=self.gated
        )
