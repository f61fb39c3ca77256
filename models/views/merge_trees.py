"""Events as binary trees of their particles, for recursive networks (arXiv:1702.00748)."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from benchmark.core.errors import UserError
from models.views.leaves import Leaves, of_particles
from models.views.merge_columns import MASS, PIXEL_MOMENTUM, cartesian, of_particle_trees, of_pixel_trees
from models.views.pixel_leaves import channels_of, of_pixels
from models.views.trees import Algorithm, Trees, merge
from models.views.view import Inputs, OnnxInput, Shape, View
from representations.samples import Graphs, Images, Ragged, Samples, Vectors

_LEAVES, _STEPS, _EVENTS = 1024, 8, 64
"""On a GPU, leaves, levels and events are padded to a multiple of these, so that batches have few shapes."""


@dataclass(frozen=True, kw_only=True)
class TreeSamples(Samples):
    """Events as trees: one tree per event, or one per jet.

    leaves, merged : Ragged (total, columns) float32, the columns of leaves and of merged nodes.
    children : Ragged (merged, 3) int32, the two children of each merged node, counted within the event with the leaves
        first, and its level, from 1 on.
    roots : (n, jets) int32, for each jet in falling pt the number of its root plus 1; 0 if there are fewer jets.
    dropped : (n,) float64, share of the pt (of the energy for pixels) that is in no leaf.
    """

    leaves: Ragged
    merged: Ragged
    children: Ragged
    roots: Tensor
    dropped: Tensor


@dataclass(frozen=True)
class MergeTrees(View[Samples]):
    """Binary trees of particles, graph nodes or pixels, ordered by level.

    A network computes each level of a batch as one slice. Nodes of a graph are merged only along its edges, as a
    minimum spanning tree (except in the pt and random orders, which use no distance). Four-momenta add up when nodes
    merge. The columns are those of particles, which a merged node has as well (`models.views.merge_columns`), and the
    mass.

    Parameters
    ----------
    topology : the order of merging, see `models/views/trees.py`.
    jets : number of trees per event, at most its number of leaves: those that remain when the last jets - 1 merges are
        undone, which for kt are the exclusive jets.
    padded : whether levels are padded to one width, so that batches have few shapes; None pads on GPUs only.
    """

    name = "tree"

    topology: Algorithm = "kt"
    jets: int = 1
    padded: bool | None = None

    def shape(self, samples: Samples) -> Shape:
        """The columns of particles, or of pixels; with or without the mass."""
        if isinstance(samples, Images):
            own = PIXEL_MOMENTUM if samples.masses else PIXEL_MOMENTUM[:-1]
            return Shape(self.name, (*own, *channels_of(samples)), (), samples.feature_names)
        names = _particles(samples).names
        return Shape(self.name, (*names, MASS) if samples.masses else names, (), samples.feature_names)

    def prepare(self, samples: Samples) -> TreeSamples:
        """Merge the trees of all events, on the CPU.

        Raises UserError, naming the event, for NaN and infinities, and Skip for particles without pt, eta and phi.
        """
        samples = samples.to("cpu")
        leaves = of_pixels(samples) if isinstance(samples, Images) else of_particles(_particles(samples))
        edges = _edges(samples, leaves) if isinstance(samples, Graphs) else None
        trees = merge(leaves.momenta, samples.event_ids, self.topology, edges)
        return _with_columns(samples, leaves, trees, self.jets)

    def batch(self, samples: Samples, index: Tensor) -> Inputs:
        """The five inputs of `models.layers.recursion.RecursiveNet`.

        nodes (rows, columns): row 0 is a placeholder, then the leaves, then the merged nodes level by level; children
        (merged, 2) int64: rows; ends (levels,) int64: the end of each level among the merged nodes; roots (batch, jets)
        int64: rows in falling pt, 0 for none; features (batch, features).
        """
        prepared = self._prepared(samples)
        leaves, merged, children = (part.take(index) for part in (prepared.leaves, prepared.merged, prepared.children))
        padded = index.is_cuda if self.padded is None else self.padded
        place, ends = self._places(children.values[:, 2].long(), len(index), padded=padded)
        above = -(-(1 + len(leaves.values)) // _LEAVES) * _LEAVES if padded else 1 + len(leaves.values)
        slots = int(ends[-1]) if len(ends) else 0

        nodes = leaves.values.new_zeros(above + slots, leaves.values.shape[1])
        nodes[1 : 1 + len(leaves.values)] = leaves.values
        nodes[above + place] = merged.values
        rows = torch.cat([place, place.new_zeros(1)]) + above  # one more, for batches without merged nodes

        def row(local: Tensor, event: Tensor) -> Tensor:
            """Rows of the nodes `local` (total, columns), which are counted within their events (total,)."""
            own, first, start = (part[event, None] for part in (leaves.lengths, leaves.offsets, merged.offsets))
            return torch.where(local < own, 1 + first + local, rows[(start + local - own).clamp(0, len(place))])

        pairs = children.values.new_zeros(slots, 2, dtype=torch.int64)
        pairs[place] = row(children.values[:, :2].long(), merged.rows())
        roots = prepared.roots[index].long()
        roots = row(roots - 1, torch.arange(len(index), device=index.device)).where(roots > 0, 0)
        return nodes, pairs, ends, roots, prepared.features[index]

    def rows(self, samples: Samples, index: Tensor) -> tuple[Tensor | None, ...]:
        """All nodes, and the features."""
        prepared = self._prepared(samples)
        nodes = torch.cat([prepared.leaves.take(index).values, prepared.merged.take(index).values])
        return nodes, None, None, None, prepared.features[index]

    def dropped(self, samples: Samples) -> Tensor:
        """Share of the energy of pixels, or of the pt of particles, that is in no leaf."""
        return self._prepared(samples).dropped

    def onnx_inputs(self, shape: Shape) -> list[OnnxInput]:
        """Raise UserError: the number of levels varies."""
        raise UserError(
            f"networks on the view '{shape.view}' can't be written as ONNX: their number of steps is the number of "
            "levels of the trees, but an ONNX graph has the same steps for all events."
        )

    def _prepared(self, samples: Samples) -> TreeSamples:
        return samples if isinstance(samples, TreeSamples) else self.prepare(samples)

    def _places(self, level: Tensor, events: int, *, padded: bool) -> tuple[Tensor, Tensor]:
        """Positions of merged nodes, (merged,), and the ends of levels, (levels,) int64.

        With padding, a level becomes one or more levels of equal width: the number of events for chains, which have one
        node per level at most, and four times as many for trees.
        """
        order = torch.argsort(level, stable=True)
        counts = torch.bincount(level)
        width = 1
        if padded:
            width = -(-events // _EVENTS) * _EVENTS * (1 if self.topology.startswith("pt") else 4)
        slots = -(-counts // width) * width
        begins, filled = slots.cumsum(0) - slots, counts.cumsum(0) - counts
        place = torch.empty_like(level)
        place[order] = torch.arange(len(level), device=level.device) + (begins - filled)[level[order]]
        if not padded:
            return place, slots.cumsum(0)[1:]
        steps = -(-int(slots.sum()) // (width * _STEPS)) * _STEPS
        return place, torch.arange(1, steps + 1, device=level.device) * width


def _particles(samples: Samples) -> Vectors | Graphs:
    assert isinstance(samples, Vectors | Graphs)
    return samples


def _edges(graphs: Graphs, leaves: Leaves) -> Ragged:
    """The edges whose two nodes are leaves, as pairs of leaves counted within the event."""
    assert leaves.selected is not None
    event, values = graphs.edges.rows(), graphs.edges.values.long()
    number = leaves.selected.cumsum(0) - 1 - leaves.momenta.offsets[:-1][graphs.nodes.rows()]
    ends = values + graphs.nodes.offsets[event, None]
    both = leaves.selected[ends].all(dim=1)
    counts = torch.bincount(event[both], minlength=len(graphs))
    return Ragged(number[ends[both]], torch.cat([counts.new_zeros(1), counts.cumsum(0)]))


def _with_columns(samples: Samples, leaves: Leaves, trees: Trees, jets: int) -> TreeSamples:
    """Compute the columns of all nodes."""
    counts, of_leaf, of_merge = leaves.momenta.lengths, leaves.momenta.rows(), trees.merges.rows()
    start = trees.levels.offsets[:-1]
    number = torch.arange(len(of_leaf)) - leaves.momenta.offsets[of_leaf]  # counted within the event
    step = torch.arange(len(of_merge)) - trees.merges.offsets[of_merge]
    leaf, node = start[of_leaf] + number, (start + counts)[of_merge] + step  # counted through all events

    momenta = torch.zeros(len(trees.levels.values), 4 + leaves.others.shape[1], dtype=torch.float64)
    momenta[leaf] = torch.cat([cartesian(leaves.momenta.values), leaves.others], dim=1)
    for merged, harder, softer in trees.steps():
        momenta[merged] = momenta[harder] + momenta[softer]
    event = trees.levels.rows()
    if isinstance(samples, Images):
        columns = of_pixel_trees(leaves, trees, momenta, event, masses=samples.masses)
    else:
        is_merged = torch.ones(len(momenta), dtype=torch.bool)
        is_merged[leaf] = False
        columns = of_particle_trees(_particles(samples), leaves, momenta, is_merged, event)

    merged_nodes = step < counts[of_merge] - jets
    children = torch.cat([trees.merges.values, trees.levels.values[node, None]], dim=1)[merged_nodes]
    ends = torch.cat([counts.new_zeros(1), (counts - jets).clamp(min=0).cumsum(0)])
    exists = torch.zeros(len(momenta), dtype=torch.bool)
    exists[leaf] = exists[node[merged_nodes]] = True
    exists[(start[of_merge[merged_nodes], None] + children[:, :2]).flatten()] = False
    return TreeSamples(
        **{field.name: getattr(samples, field.name) for field in fields(Samples)},
        leaves=Ragged(columns[leaf], leaves.momenta.offsets),
        merged=Ragged(columns[node[merged_nodes]], ends),
        children=Ragged(children, ends),
        roots=_roots(exists, momenta, event, start, jets),
        dropped=leaves.dropped,
    )


def _roots(exists: Tensor, momenta: Tensor, event: Tensor, start: Tensor, jets: int) -> Tensor:
    """Node numbers of the roots plus 1, in falling pt, (events, jets) int32."""
    node = exists.nonzero().flatten()
    order = torch.argsort(torch.hypot(momenta[node, 0], momenta[node, 1]), descending=True, stable=True)
    node = node[order[torch.argsort(event[node[order]], stable=True)]]
    first = torch.searchsorted(event[node], torch.arange(len(start)))
    roots = torch.zeros(len(start), jets, dtype=torch.int32)
    roots[event[node], torch.arange(len(node)) - first[event[node]]] = (1 + node - start[event[node]]).to(torch.int32)
    return roots
