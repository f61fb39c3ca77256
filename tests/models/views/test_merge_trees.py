"""Trees as inputs of networks, against four-momenta added up event by event."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.inputs import VIEWS
from models.model import Context
from models.recnn import RecNN
from models.views.leaves import of_particles
from models.views.merge_trees import MOMENTUM, MergeTrees, TreeSamples
from models.views.trees import ALGORITHMS, merge
from representations.graph.graph import Graph
from representations.samples import Graphs, Images, Ragged, Samples, Vectors
from tests.models.conftest import chains, particles, ragged, rings
from tests.representations.collisions import jets_of

if TYPE_CHECKING:
    from models.views.trees import Algorithm

MAKE = {Images: rings, Vectors: particles, Graphs: chains}
KINDS = pytest.mark.parametrize("kind", list(MAKE), ids=lambda kind: kind.__name__)


def by_hand(samples: Vectors, event: int, topology: Algorithm) -> list[np.ndarray]:
    """The columns of the nodes of one event, in the order of its tree."""
    leaves = of_particles(samples)
    trees = merge(leaves.momenta, samples.event_ids, topology)
    start, stop = leaves.momenta.offsets[event : event + 2].tolist()
    momenta = []
    for pt, eta, phi, mass in leaves.momenta.values[start:stop].numpy():
        p = np.array([pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta)])
        momenta.append(np.array([*p, math.sqrt(p @ p + mass**2)]))
    others = list(leaves.others[start:stop].numpy())
    first, last = trees.merges.offsets[event : event + 2].tolist()
    for a, b in trees.merges.values[first:last].tolist():
        momenta.append(momenta[a] + momenta[b])
        others.append(others[a] + others[b])
    hardest = leaves.momenta.values[start:stop][leaves.momenta.values[start:stop, 0].argmax()].tolist()
    rows = []
    for (px, py, pz, energy), other in zip(momenta, others, strict=True):
        p, pt = math.sqrt(px**2 + py**2 + pz**2), math.hypot(px, py)
        mass = math.sqrt(max(energy**2 - p**2, 0.0))
        delta_phi = (math.atan2(py, px) - hardest[2] + math.pi) % (2 * math.pi) - math.pi
        inputs = {
            "log_p": math.log(p),
            "delta_eta": math.asinh(pz / pt) - hardest[1],
            "theta": math.acos(pz / p),
            "delta_phi": delta_phi,
            "log_energy": math.log(energy),
            "log_share": math.log(energy / momenta[-1][3]),
            "log_pt": math.log(pt),
            "log_mass": math.log(max(mass, 1e-4)),
        }
        rows.append(np.array([*(inputs[name] for name in MOMENTUM), *other]))
    return rows


@given(topology=st.sampled_from(ALGORITHMS), seed=st.integers(0, 99), padded=st.booleans())
@settings(max_examples=20, deadline=None)
def test_nodes_hold_the_momenta_of_their_subtrees(topology: Algorithm, seed: int, padded: bool) -> None:
    samples = particles(7, seed=seed, features=1, empty=[2])
    values = samples.particles.values
    mass = torch.rand(len(values), 1, generator=torch.Generator().manual_seed(seed)) * 20 + 1
    samples = replace(
        samples,
        particles=replace(samples.particles, values=torch.cat([values, mass], dim=1)),
        names=(*samples.names, "mass"),
    )
    view = MergeTrees(topology=topology, padded=padded)
    index = torch.tensor([6, 2, 0, 3])
    nodes, children, ends, roots, features = view.batch(view.prepare(samples), index)
    first = len(nodes) - len(children)
    level = torch.searchsorted(ends, torch.arange(len(children)), right=True)
    assert (int(ends[-1]) if len(ends) else 0) == len(children)
    for place, event in enumerate(index.tolist()):
        if event == 2:
            assert roots[place] == 0
            continue
        found, todo = [], [int(roots[place, 0])]
        while todo:
            row = todo.pop()
            found.append(nodes[row].numpy())
            if row >= first:
                pair = children[row - first].tolist()
                # children are in lower levels
                assert all(child < first or level[child - first] < level[row - first] for child in pair)
                todo += pair
        expected = np.array(by_hand(samples, event, topology))
        order = [np.lexsort(np.round(np.array(rows), 3).T) for rows in (found, expected)]
        np.testing.assert_allclose(np.array(found)[order[0]], expected[order[1]], rtol=1e-4, atol=2e-3)
    assert features.shape == (4, 1)
    assert not nodes[0].any()


def test_columns() -> None:
    shape = VIEWS["tree", Vectors].shape(particles(3, features=2))
    assert shape.columns == (*MOMENTUM, "is_muon", "is_jet")
    assert shape.features == ("feature0", "feature1")
    assert VIEWS["tree", Images].shape(rings(3, channels=2)).columns == (*MOMENTUM, "channel0", "channel1")
    assert VIEWS["tree", Graphs].shape(chains(3)).columns == MOMENTUM


def test_masses_can_be_left_out() -> None:
    samples, view, bare = particles(3), MergeTrees(), MergeTrees(mass=False)
    place = MOMENTUM.index("log_mass")
    with_mass, without = (some.shape(samples).columns for some in (view, bare))
    assert without == with_mass[:place] + with_mass[place + 1 :]
    whole, part = (some.batch(some.prepare(samples), torch.arange(3))[0] for some in (view, bare))
    assert torch.equal(part, torch.cat([whole[:, :place], whole[:, place + 1 :]], dim=1))


@KINDS
class TestEveryKind:
    def test_shape_matches_the_batch(self, kind: type[Samples]) -> None:
        view, samples = VIEWS["tree", kind], MAKE[kind](5)
        trees = view.prepare(samples)
        nodes, *_ = view.batch(trees, torch.arange(5))
        assert len(view.shape(samples).columns) == nodes.shape[1]
        inputs, rows = view.batch(trees, torch.arange(5)), view.rows(trees, torch.arange(5))
        assert [part.shape[1] for part, row in zip(inputs, rows, strict=True) if row is not None] == [
            row.shape[1] for row in rows if row is not None
        ]
        # every node once, and no padding
        assert len(rows[0]) == len(trees.leaves.values) + len(trees.merged.values)

    def test_prepared_samples_are_samples(self, kind: type[Samples]) -> None:
        samples = MAKE[kind](9, empty=[4])
        trees = VIEWS["tree", kind].prepare(samples)
        assert isinstance(trees, TreeSamples)
        assert torch.equal(trees.labels, samples.labels)
        for index in (torch.tensor([8, 4, 1]), slice(2, 6)):
            part, again = trees[index], VIEWS["tree", kind].prepare(samples[index])
            for name in ("leaves", "merged", "children"):
                torch.testing.assert_close(getattr(part, name).values, getattr(again, name).values)
            assert torch.equal(part.roots, again.roots)

    def test_labels_weights_and_mass_are_never_inputs(self, kind: type[Samples]) -> None:
        view, samples = VIEWS["tree", kind], MAKE[kind](8)
        other = replace(samples, labels=1 - samples.labels, weights=samples.weights * 3, mass=torch.rand(8))
        for one, two in zip(*(view.batch(part, torch.arange(8)) for part in (samples, other)), strict=True):
            assert torch.equal(one, two)


def test_jets_remain_when_the_last_merges_are_undone() -> None:
    samples = particles(30, seed=3)
    whole, three = (MergeTrees(jets=jets).prepare(samples) for jets in (1, 3))
    for event in range(30):
        leaves = int(whole.leaves.lengths[event])
        start, stop = whole.children.offsets[event : event + 2].tolist()
        merges = whole.children.values[start:stop, :2].tolist()
        alive = set(range(leaves))
        for step, pair in enumerate(merges[: max(0, leaves - 3)]):
            alive = alive - set(pair) | {leaves + step}
        roots = [root - 1 for root in three.roots[event].tolist() if root]
        assert sorted(roots) == sorted(alive)
        rows = torch.cat([whole.leaves.values[whole.leaves.offsets[event] :][:leaves], whole.merged.values[start:stop]])
        pt = rows[roots, MOMENTUM.index("log_pt")]
        assert torch.equal(pt, pt.sort(descending=True).values)


def shuffled(samples: Vectors) -> Vectors:
    """The same particles in another order within each event."""
    event = samples.particles.rows()
    order = torch.randperm(len(event), generator=torch.Generator().manual_seed(1))
    order = order[torch.argsort(event[order], stable=True)]
    return replace(
        samples,
        particles=replace(samples.particles, values=samples.particles.values[order]),
        kinds=replace(samples.kinds, values=samples.kinds.values[order]),
    )


def turned(samples: Vectors) -> Vectors:
    """All events rotated by one radian."""
    values = samples.particles.values.clone()
    values[:, samples.names.index("phi")] += 1.0
    return replace(samples, particles=replace(samples.particles, values=values))


@pytest.mark.parametrize("jets", [1, 4])
@pytest.mark.parametrize("topology", ALGORITHMS)
def test_order_and_azimuth_do_not_matter(topology: Algorithm, jets: int) -> None:
    samples = particles(120, seed=2)
    model = RecNN(units=8, epochs=1, batch_size=32, topology=topology, jets=jets)
    model.fit(samples[:60], samples[60:], Context())
    scores = model.predict_proba(samples)
    np.testing.assert_allclose(model.predict_proba(shuffled(samples)), scores, atol=1e-6)
    if topology != "random":  # random trees differ for other particles
        np.testing.assert_allclose(model.predict_proba(turned(samples)), scores, atol=1e-5)


@pytest.mark.parametrize("gated", [False, True])
def test_batches_of_any_size_give_the_same_scores(gated: bool) -> None:
    samples = particles(60, seed=2, empty=[5])
    model = RecNN(units=8, epochs=1, gated=gated)
    model.fit(samples, samples, Context())
    scores = model.predict_proba(samples)
    for size in (1, 7):
        model._batch = size
        np.testing.assert_allclose(model.predict_proba(samples), scores, atol=1e-6)


def test_events_without_a_merge() -> None:
    """Only events of one particle or none."""
    lengths = torch.tensor([1, 0, 1, 1])
    samples = replace(
        particles(4),
        particles=ragged(lengths, torch.rand(3, 3)),
        kinds=ragged(lengths, torch.zeros(3, dtype=torch.int8)),
    )
    model = RecNN(units=4, epochs=1)
    model.fit(samples, samples, Context())
    assert np.isfinite(model.predict_proba(samples)).all()
    assert np.isfinite(model.predict_proba(samples[1:2])).all()


def complete(n: int, nodes: int = 128, seed: int = 0) -> Graphs:
    """Graphs whose edges connect nodes of odd numbers, and nodes of even numbers."""
    rng = np.random.default_rng(seed)
    jet = [(22, float(pt), *rng.normal(0, 0.3, 2).tolist()) for pt in rng.exponential(9, n) + 0.5]
    graphs = Graph(join="complete", nodes=nodes).represent(jets_of([jet, jet[:1], []]))
    same = (graphs.edges.values[:, 0] - graphs.edges.values[:, 1]) % 2 == 0
    counts = torch.bincount(graphs.edges.rows()[same], minlength=3)
    return replace(graphs, edges=Ragged(graphs.edges.values[same], torch.cat([counts[:1] * 0, counts.cumsum(0)])))


@pytest.mark.parametrize("n", [9, 160])
def test_graphs_are_merged_along_their_edges(n: int) -> None:
    graphs = complete(n, nodes=200)
    trees = MergeTrees(topology="cambridge-aachen").prepare(graphs)
    leaves = min(n, 128)
    assert trees.leaves.lengths.tolist() == [leaves, 1, 0]
    merges = trees.children.values[:, :2].tolist()
    sides = [{node % 2} for node in range(leaves)]
    for a, b in merges:
        sides.append(sides[a] | sides[b])
    assert [len(side) for side in sides] == [1] * (2 * leaves - 2) + [2]


def test_edges_do_not_change_chains() -> None:
    graphs = complete(7)
    bare = replace(graphs, edges=Ragged(graphs.edges.values[:0], torch.zeros(4, dtype=torch.int64)))
    for topology, same in (("pt-descending", True), ("random", True), ("kt", False)):
        trees = [MergeTrees(topology=topology).prepare(some).children.values for some in (graphs, bare)]
        assert torch.equal(*trees) == same


def test_masses_that_define_the_classes_are_not_inputs() -> None:
    samples = particles(5)
    view = MergeTrees()
    with_mass, without = (view.shape(some).columns for some in (samples, replace(samples, pair_masses=False)))
    assert tuple(name for name in with_mass if name != "log_mass") == without
    index = torch.arange(5)
    rows, rows_without = (
        view.batch(view.prepare(some), index)[0] for some in (samples, replace(samples, pair_masses=False))
    )
    place = with_mass.index("log_mass")
    assert torch.equal(torch.cat([rows[:, :place], rows[:, place + 1 :]], dim=1), rows_without)
