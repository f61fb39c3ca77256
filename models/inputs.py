"""How each kind of samples is shown to each model: the table that every cell of the benchmark rests on.

    model | Images                         | Vectors                            | Graphs
    ------|--------------------------------|------------------------------------|------------------------------------
    cnn   | picture: dense pictures, one a | sequence: particles in falling pt, | edges: nodes and the edges between
          | panel, 2-D convolutions [1, 2] | 1-D convolutions                   | them, EdgeConv [3]
    ffnn  | table: pooled pixels and image | table: leading particles of each   | table: moments of nodes and edges,
    bdt   | moments [1]                    | kind, in columns [1, 2]            | degrees
    mpnn  | nodes: the most energetic      | nodes: particles, each hears of    | graph: nodes hear of those that
          | pixels, or strokes of drawings | each other [4]                     | edges come from, and by what edges
    recnn | tree: pixels as massless       | tree: particles, merged two by two | tree: nodes, merged along the edges
          | particles [5]                  | [5]                                | (a minimum spanning tree)

Circles and calorimeters give Images, fourvectors Vectors, graph Graphs. Where a paper looks so at such events:
[1] arXiv:1708.07034, [2] arXiv:1807.11916, [3] arXiv:1902.08570, [4] Henrion et al., NIPS 2017 workshop on deep
learning for physical sciences, [5] arXiv:1702.00748. Elsewhere it is what is natural for both sides:

- `ffnn[pooling=deep-sets]` looks at the *sequence* of particles as a set (arXiv:1810.05165, Particle Flow Networks);
- particles have an order, that of pt, so a convolution may run along it, and no second one for a picture;
- a table needs columns that mean the same in every event: slots by kind, coarse cells, moments of whatever number;
- pictures have thousands of pixels and most are empty. Where pixels become nodes or leaves, an event has at most 128:
  of measured energies the largest, of drawings cells at the centroid of their ink. What that leaves out is told by
  `dropped` of the nodes and of the leaves;
- a graph says who is near whom: messages, convolutions and merges keep to its edges. With all edges it says no more
  than the list of its nodes does.

Names such as *picture* are *views*. A model names the views that it can look at; `VIEWS`, at the end, says which input
shows which samples so. Whoever brings a kind of samples or a family of models adds an entry there.

An input is stateless: it fits nothing, so that what a model is shown of one event never depends on another. What has
to be learned from events (standardisation) belongs to the model. It works batch by batch, on whatever device the
samples lie on, because whole data sets are never dense. The per-event features that a representation declares are
shown in every view: a cell compares ways of looking at the same information.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmark.core.errors import Skip
from models.views.edges import JoinedGraphs
from models.views.graph_statistics import GraphStatistics
from models.views.leading_particles import LeadingParticles
from models.views.merge_trees import MergeTrees
from models.views.nodes import GraphNodes, ParticleNodes
from models.views.pictures import DensePictures
from models.views.pixel_nodes import PixelNodes
from models.views.pooled_pixels import PooledPixels
from models.views.sequence import ParticleSequence
from models.views.view import Inputs, Shape, View
from representations.samples import Graphs, Images, Samples, Vectors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["VIEWS", "Inputs", "Shape", "View", "view_of"]

VIEWS: Mapping[tuple[str, type[Samples]], View[Any]] = {
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


def view_of(views: Sequence[str], samples: Samples, model: str) -> View[Any]:
    """The first of a model's views that there is for these samples. Raises Skip where there is none."""
    for view in views:
        for kind in type(samples).__mro__:
            if (view, kind) in VIEWS:
                return VIEWS[view, kind]
    known = " or ".join(sorted({kind.__name__ for view, kind in VIEWS if view in views})) or "none yet"
    raise Skip(
        f"{model}: no view of {type(samples).__name__} as {' or '.join(views)}, expected samples of kind {known}. "
        "Choose another representation, or add the pair to VIEWS in models/inputs.py."
    )
