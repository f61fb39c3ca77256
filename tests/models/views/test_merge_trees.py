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
from models.views.merge_columns import PIXEL_MOMENTUM
from models.views.merge_trees import MergeTrees, TreeSamples
from models.views.trees import ALGORITHMS, merge
from representations.fourvectors.fourvectors import FourVectors
from representations.graph.graph import Graph
from representations.samples import Graphs, Images, Ragged, Samples, Vectors
from tests.models.conftest import chains, particles, ragged, rings
from tests.representations.collisions import events_of, jets_of

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
    rows = []
    for node, ((px, py, pz, energy), other) in enumerate(zip(momenta, others, strict=True)):
        pt, own = math.hypot(px, py), dict(zip(leaves.names, other, strict=True))
        mass = math.sqrt(max(energy**2 - px**2 - py**2 - pz**2, 0.0))
        if node >= stop - start:
            own |= {"pt": pt, "eta": math.asinh(pz / pt), "phi": math.atan2(py, px), "mass": mass}
        rows.append(np.array([*own.values(), math.log(max(mass, 1e-4))]))
    return rows


@given(topology=st.sampled_from(ALGORITHMS), seed=st.integers(0, 99), padded=st.booleans())
@settings(max_examples=20, deadline=None)
def test_nodes_hold_the_momenta_of_their_subtrees(topology: Algorithm, seed: int, padded: bool) -> None:
    samples = particles(7, seed=seed, features=1, empty=[2])
    values = samples.particles.values
    mass = torch.rand(len(values), 1, generator=torch.Generator().manual_seed(seed)) * 20 + 1
    samples = replace(
        samples,
        particles=replace(samples.particles, values=torch.cat([values, mass, torch.ones_like(mass)], dim=1)),
        names=(*samples.names, "mass", "is_here"),
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
    assert shape.columns == ("pt", "eta", "phi", "log_mass")
    assert shape.features == ("feature0", "feature1")
    assert VIEWS["tree", Images].shape(rings(3, channels=2)).columns == (*PIXEL_MOMENTUM, "channel0", "channel1")
    assert VIEWS["tree", Graphs].shape(chains(3)).columns == ("pt", "eta", "phi", "mass", "log_mass")


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
        pt = rows[roots, samples.names.index("pt")]
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


@pytest.mark.parametrize("jets", [1, 4])
@pytest.mark.parametrize("topology", ALGORITHMS)
def test_the_order_does_not_matter(topology: Algorithm, jets: int) -> None:
    samples = particles(120, seed=2)
    model = RecNN(units=8, epochs=1, batch_size=32, topology=topology, jets=jets)
    model.fit(samples[:60], samples[60:], Context())
    scores = model.predict_proba(samples)
    np.testing.assert_allclose(model.predict_proba(shuffled(samples)), scores, atol=1e-6)


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


def pair(masses: bool) -> Vectors:
    """One event of two muons, encoded as fourvectors does."""
    muons = [("muon", 40.0, 0.7, 1.0), ("muon", 30.0, -0.4, -2.0)]
    return FourVectors(masses="on" if masses else "off").represent(events_of([muons], mass=0.106))


def test_without_masses_no_column_of_a_merged_node_gives_one_away() -> None:
    """Its energy is that of its momentum: E, pt and eta would be the mass in closed form."""
    whole, without = (MergeTrees().prepare(pair(masses)) for masses in (True, False))
    names = pair(False).names
    assert MergeTrees().shape(pair(True)).columns == (*names, "log_mass")
    assert MergeTrees().shape(pair(False)).columns == names
    assert torch.equal(whole.leaves.values[:, :-1], without.leaves.values)
    energy = names.index("log_energy")
    found = dict(zip(names, without.merged.values[0].tolist(), strict=True))
    p = math.exp(found["log_pt"]) * math.cosh(found["eta"])
    assert math.exp(found["log_energy"]) == pytest.approx(p, rel=1e-5)
    heavy = math.exp(float(whole.merged.values[0, energy]))
    mass = math.exp(float(whole.merged.values[0, -1]))
    assert heavy == pytest.approx(math.hypot(p, mass), rel=1e-5)
    # m^2 = 2 pt pt (cosh delta eta - cos delta phi) of nearly massless muons
    assert mass == pytest.approx(math.sqrt(2 * 40 * 30 * (math.cosh(1.1) - math.cos(3.0))), rel=1e-4)


def test_pixels_have_no_mass_where_it_defines_the_classes() -> None:
    samples = rings(5)
    whole, without = (MergeTrees().prepare(replace(samples, masses=masses)).merged.values for masses in (True, False))
    names = PIXEL_MOMENTUM[:-1]
    assert MergeTrees().shape(replace(samples, masses=False)).columns[: len(names)] == names
    p, energy = names.index("log_p"), names.index("log_energy")
    assert torch.equal(without[:, p], without[:, energy])
    assert (whole[:, energy] > whole[:, p]).any()


def test_merged_nodes_are_encoded_as_particles_are() -> None:
    """The root of a jet has all of its pt, and lies where the sum of the momenta does in the frame of the jet."""
    jet = [(211, 75.0, 0.5, 3.1), (22, 25.0, 0.9, -3.1), (22, 5.0, 0.5, 2.9)]
    samples = FourVectors().represent(jets_of([jet]))
    trees = MergeTrees().prepare(samples)
    assert torch.equal(trees.leaves.values[:, :-1], samples.particles.values)
    root = dict(zip(samples.names, trees.merged.values[-1].tolist(), strict=False))
    assert root["log_share"] == pytest.approx(0.0, abs=1e-6)
    assert (root["charge"], root["is_photon"]) == (1.0, 2.0)
    p = np.array([[pt * math.cos(phi), pt * math.sin(phi), pt * math.sinh(eta)] for _, pt, eta, phi in jet]).sum(0)
    eta, phi = math.asinh(p[2] / math.hypot(p[0], p[1])), math.atan2(p[1], p[0])
    far = math.hypot(eta - 0.5, (phi - 3.1 + math.pi) % (2 * math.pi) - math.pi)
    assert root["delta_r"] == pytest.approx(far, rel=1e-4)
    assert math.hypot(root["delta_eta"], root["delta_phi"]) == pytest.approx(far, rel=1e-4)
    assert root["delta_phi"] < 0  # the heavier side of the axis lies below
