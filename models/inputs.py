"""Which view turns each kind of samples into the input of each model.

    model | Images                         | Vectors                            | Graphs
    ------|--------------------------------|------------------------------------|------------------------------------
    cnn   | picture: dense pictures, one   | sequence: particles in falling pt, | edges: nodes and the edges between
          | per panel, 2-D layers [1, 2]   | 1-D convolutions                   | them, EdgeConv [3]
    ffnn  | table: pooled pixels, moments, | table: leading particles of each   | table: moments of nodes and edges,
    bdt   | shapes of two clusters         | kind, in columns [1, 2]            | degrees
    mpnn  | nodes: the most energetic      | nodes: particles, each receives    | graph: nodes receive messages
          | pixels, or pooled drawings     | messages from all [4]              | along the edges
    recnn | tree: pixels as massless       | tree: particles, merged two by two | tree: nodes, merged along the edges
          | particles [5]                  | [5]                                | (a minimum spanning tree)

Circles and calorimeters give Images, fourvectors Vectors, graph Graphs. Numbers are papers with such inputs:
[1] arXiv:1708.07034, [2] arXiv:1807.11916, [3] arXiv:1902.08570, [4] Henrion et al., NIPS 2017 workshop on deep
learning for physical sciences, [5] arXiv:1702.00748. The other entries are our choice:

- `ffnn[pooling=deep-sets]` takes the *sequence* of particles as a set (arXiv:1810.05165, Particle Flow Networks).
- Particles are ordered by pt, so a convolution runs along one axis, not two as in a picture.
- A column of a table means the same in every event: slots by kind, pooled pixels, moments of any number of nodes.
- Most pixels of a picture are empty. An event has at most 128 nodes or leaves: the pixels of largest energy, or the
  pooled cells of a drawing at the centroid of their ink. `View.dropped` is the share of energy that is left out.
- The edges of a graph connect close nodes: messages, convolutions and merges follow them. A graph with all edges has no
  more information than the list of its nodes.

*picture*, *sequence* and so on are *views*. A model names the views that it takes, and `VIEWS` has the view of each
name and kind of samples. To add a view, write a class (`models/views/view.py`) and add an entry.

A view is stateless, so the input of an event never depends on other events; standardisation, which is fitted to events,
belongs to the model. What is known of one particle, and how it is encoded, is the representation's: a table, a
sequence, nodes and leaves have the same columns. Only what particles have to do with each other is computed here. A
view works batch by batch, on the device of the samples, because whole data sets are never dense. Every
view includes the per-event features of the representation, so that all models get the same information.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmark.core.errors import Skip, UserError, did_you_mean
from models.views.edges import JoinedGraphs
from models.views.graph_statistics import GraphStatistics
from models.views.merge_trees import MergeTrees
from models.views.nodes import GraphNodes, ParticleNodes
from models.views.particles import LeadingParticles, ParticleSequence
from models.views.pictures import DensePictures
from models.views.pixel_nodes import PixelNodes
from models.views.pooled_pixels import PooledPixels
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
    """The first of a model's views that exists for these samples.

    Raises Skip if there is none, and UserError for a view that is not in VIEWS.
    """
    names = sorted({view for view, _ in VIEWS})
    unknown = next((view for view in views if view not in names), None)
    if unknown is not None:
        raise UserError(f"{model}: unknown view '{unknown}' in its `views`. {did_you_mean(unknown, names)}")
    for view in views:
        for kind in type(samples).__mro__:
            if (view, kind) in VIEWS:
                return VIEWS[view, kind]
    known = " or ".join(sorted({kind.__name__ for view, kind in VIEWS if view in views})) or "none"
    raise Skip(
        f"{model}: no view of {type(samples).__name__} as {' or '.join(views)}, expected samples of kind {known}. "
        "Choose another representation, or add the pair to VIEWS in models/inputs.py."
    )
