"""How each kind of samples is shown to each family of models: the table that every cell of the benchmark rests on.

    shown as | Images                           | Vectors                                    | Graphs
    ---------|----------------------------------|--------------------------------------------|----------------------
    picture  | dense pictures, for 2-D networks |                                            |
    sequence |                                  | particles in falling pt, for 1-D networks  |
    edges    |                                  |                                            | nodes and their edges
    tree     | brightest pixels, or cells       | particles as leaves, merged two by two     | nodes, likewise
    nodes    | the hottest pixels, or strokes   | particles as a set                         |
    graph    |                                  |                                            | nodes and senders
    table    | pooled pixels and image moments  | leading particles of each kind, in columns | node and edge moments

Rows of this table are *views*, and a model names the views that it can look at. `INPUTS`, at the end, is the table
itself; whoever brings a kind of samples or a family of models adds an entry there.

An input is stateless: it fits nothing, so that what a model is shown of one event never depends on another. What has
to be learned from events (standardisation) belongs to the model. It works batch by batch, on whatever device the
samples lie on, because whole data sets are never dense. The per-event features that a representation declares are
shown in every view: a cell compares ways of looking at the same information.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmark.errors import Skip
from models.views.edges import JoinedGraphs
from models.views.graph_statistics import GraphStatistics
from models.views.leading_particles import LeadingParticles
from models.views.merge_trees import MergeTrees
from models.views.nodes import GraphNodes, ParticleNodes
from models.views.pictures import DensePictures
from models.views.pixel_nodes import PixelNodes
from models.views.pooled_pixels import PooledPixels
from models.views.sequence import ParticleSequence
from models.views.view import Input, Shape, Shown
from representations.samples import Graphs, Images, Samples, Vectors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["INPUTS", "Input", "Shape", "Shown", "shown_as"]

INPUTS: Mapping[tuple[str, type[Samples]], Input[Any]] = {
    ("picture", Images): DensePictures(),
    ("graph", Graphs): GraphNodes(),
    ("nodes", Images): PixelNodes(),
    ("nodes", Vectors): ParticleNodes(),
    ("sequence", Vectors): ParticleSequence(),
    ("edges", Graphs): JoinedGraphs(),
    ("tree", Images): MergeTrees(),
    ("tree", Vectors): MergeTrees(),
    ("tree", Graphs): MergeTrees(),
    ("table", Images): PooledPixels(),
    ("table", Vectors): LeadingParticles(),
    ("table", Graphs): GraphStatistics(),
}


def shown_as(views: Sequence[str], samples: Samples, model: str) -> Input[Any]:
    """The first of a model's views that there is for these samples. Raises Skip where there is none."""
    for view in views:
        for kind in type(samples).__mro__:
            if (view, kind) in INPUTS:
                return INPUTS[view, kind]
    known = " or ".join(sorted({kind.__name__ for view, kind in INPUTS if view in views})) or "none yet"
    raise Skip(
        f"{model}: no view of {type(samples).__name__} as {' or '.join(views)}, expected samples of kind {known}. "
        "Choose another representation, or add the pair to INPUTS in models/inputs.py."
    )
