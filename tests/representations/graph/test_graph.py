"""Graphs against loops over particles."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.core.errors import UserError
from representations.graph.graph import Graph
from tasks.detector.geometry import barrel_direction
from tests.representations.collisions import events_of, info, jets_of, random_events, showers_of

if TYPE_CHECKING:
    from representations.samples import Graphs
    from tasks.events import Events
    from tests.representations.collisions import Object

EVENT: list[Object] = [
    ("jet", 30.0, 0.0, 0.1),
    ("electron", 50.0, 0.5, 3.1),
    ("met", 30.0, 9.9, -3.1),
    ("bjet", 99.0, -1.0, 0.0),
]


def edges_of(graphs: Graphs, event: int) -> list[tuple[int, int]]:
    start, stop = graphs.edges.offsets[event : event + 2].tolist()
    return [(a, b) for a, b in graphs.edges.values[start:stop].tolist()]


def table(graphs: Graphs) -> dict[str, np.ndarray]:
    return dict(zip(graphs.names, graphs.nodes.values.numpy().T, strict=True))


def test_nodes_are_objects_in_falling_pt() -> None:
    graphs = Graph(k=1, features="raw").represent(events_of([EVENT, []], mass=5.0))
    assert graphs.names[:5] == ("pt", "eta", "phi", "mass", "charge")
    assert graphs.names[5:] == ("is_electron", "is_muon", "is_jet", "is_bjet", "is_met")
    nodes = table(graphs)
    assert nodes["pt"].tolist() == [99, 50, 30, 30]
    np.testing.assert_allclose(nodes["eta"], [-1, 0.5, 0, 0])  # missing energy has none
    np.testing.assert_allclose(nodes["phi"], [0, 3.1, 0.1, -3.1], rtol=1e-6)
    assert nodes["is_bjet"].tolist() == [1, 0, 0, 0]
    assert nodes["is_met"].tolist() == [0, 0, 0, 1]
    assert nodes["charge"].tolist() == [0, -1, 0, 0]
    assert edges_of(graphs, 0) == [(2, 0), (3, 1), (0, 2), (1, 3)]
    assert graphs.nodes.lengths.tolist() == [4, 0]
    assert edges_of(graphs, 1) == []


@pytest.mark.parametrize(
    ("graph", "edges"),
    [
        (Graph(join="radius", radius=1.2), [(2, 0), (3, 1), (0, 2), (1, 3)]),
        (Graph(join="radius", radius=0), []),
        (Graph(k=1, loops=True), [(0, 0), (2, 0), (1, 1), (3, 1), (0, 2), (2, 2), (1, 3), (3, 3)]),
        (Graph(join="complete"), [(a, b) for b in range(4) for a in range(4) if a != b]),
        (Graph(k=1000), [(a, b) for b in range(4) for a in range(4) if a != b]),
        (Graph(k=2, nodes=2), [(1, 0), (0, 1)]),
        (Graph(nodes=1), []),
    ],
    ids=str,
)
def test_edges(graph: Graph, edges: list[tuple[int, int]]) -> None:
    assert edges_of(graph.represent(events_of([EVENT])), 0) == edges


def test_symmetric_edges() -> None:
    line: list[Object] = [("jet", 40.0, 0.0, 0.0), ("jet", 30.0, 1.0, 0.0), ("jet", 20.0, 1.5, 0.0)]
    assert edges_of(Graph(k=1).represent(events_of([line])), 0) == [(1, 0), (2, 1), (1, 2)]
    both = Graph(k=1, symmetric=True).represent(events_of([line]))
    assert edges_of(both, 0) == [(1, 0), (0, 1), (2, 1), (1, 2)]


def test_edges_of_a_jet_are_turned_as_its_nodes_are() -> None:
    jet = [(211, 30.0, 1.0, 3.1), (22, 10.0, 1.4, -3.1), (22, 9.0, 0.6, 3.0)]
    graphs = Graph(join="complete").represent(jets_of([jet, []]))
    nodes, joined = table(graphs), graphs.joined(torch.tensor([0]))
    sender, receiver = joined.edges.numpy()
    for place, name in enumerate(("delta_eta", "delta_phi")):
        expected = nodes[name][sender] - nodes[name][receiver]
        np.testing.assert_allclose(joined.pairs[:, place], expected, atol=1e-5)
    lab = Graph(join="complete", features="raw").represent(jets_of([jet, []])).joined(torch.tensor([0])).pairs
    assert not torch.allclose(lab[:, :2], joined.pairs[:, :2])
    assert torch.equal(lab[:, 2:], joined.pairs[:, 2:])


def test_pairs_know_the_jets_own_pseudorapidity() -> None:
    """The mass of a pair of massive particles depends on it, and nodes do not hold it."""
    jets = jets_of([[(211, 30.0, eta, 0.0), (-211, 2.0, eta + 0.5, 0.0)] for eta in (0.0, 2.0)])
    heavy = ak.with_field(jets.table["constituents"], ak.ones_like(jets.table["constituents"].pt) * 5, "mass")
    graphs = Graph().represent(replace(jets, table=ak.with_field(jets.table, heavy, "constituents")))
    found = graphs.joined(torch.arange(2)).pairs[:, graphs.edge_names.index("ln_m2")].reshape(2, 2)
    for row, eta in zip(found, (0.0, 2.0), strict=True):
        p = [(pt * np.cosh(at), pt * np.sinh(at), pt) for pt, at in ((30.0, eta), (2.0, eta + 0.5))]
        energy = sum(np.sqrt(size**2 + 25) for size, _, _ in p)
        expected = np.log(energy**2 - sum(z for _, z, _ in p) ** 2 - 32.0**2)
        np.testing.assert_allclose(row, expected, rtol=1e-5)


def test_no_mass_of_pairs_where_it_defines_the_classes() -> None:
    events = random_events(20, 4)
    whole, without = (Graph().represent(replace(events, info=info)) for info in (
        events.info, replace(events.info, pair_masses=False)
    ))  # fmt: skip
    assert whole.edge_names == (*without.edge_names, "ln_kt", "ln_m2")
    index = torch.tensor([3, 19, 0])
    for graphs in (without, without.with_pairs()):
        assert torch.equal(graphs.joined(index).pairs, whole.joined(index).pairs[:, :-2])


def test_crystals_count_from_the_hottest_and_come_by_energy() -> None:
    shower = [(80, 359, 2.0), (81, 0, 8.0), (150, 1, 5.0), (81, 1, -1.0)]
    graphs = Graph(nodes=3).represent(showers_of([shower, []]))
    nodes = table(graphs)
    energy = np.exp(nodes["log_energy"])
    np.testing.assert_allclose(energy, [8, 5, 2], rtol=1e-6)  # by pt the second would be the last
    eta, phi = barrel_direction(np.array([81, 150, 80]), np.array([0, 1, 359]))
    np.testing.assert_allclose(nodes["delta_eta"], eta - eta[0], atol=1e-6)
    np.testing.assert_allclose(nodes["delta_phi"], np.angle(np.exp(1j * (phi - phi[0]))), atol=1e-6)
    assert len(graphs.nodes.values) == 3


def test_what_is_dropped() -> None:
    events = events_of([EVENT, [], [("jet", 0.0, 0.0, 0.0)] * 3])
    np.testing.assert_allclose(Graph(nodes=2).dropped(events), [60 / 209, 0, 0])
    assert not Graph().dropped(events).any()
    kept = Graph(nodes=3).represent(events)
    assert table(kept)["is_jet"][:3].tolist() == [0, 0, 1]  # of equal pt the first in the event is kept
    showers = showers_of([[(80, 1, 3.0), (80, 2, 1.0), (80, 3, 1.0)]])
    np.testing.assert_allclose(Graph(nodes=1).dropped(showers), [0.4], rtol=1e-6)


def test_thousands_of_hits() -> None:
    rng = np.random.default_rng(0)
    cells = rng.choice(170 * 360, 5000, replace=False)
    hits = [
        (int(cell) // 360, int(cell) % 360, float(e)) for cell, e in zip(cells, rng.exponential(1, 5000), strict=True)
    ]
    graphs = Graph(nodes=4000, k=7).represent(showers_of([hits], picture="barrel"))
    assert graphs.nodes.lengths.tolist() == [4000]
    assert graphs.edges.lengths.tolist() == [28000]
    energy = np.exp(table(graphs)["log_energy"])
    assert energy.min() >= np.sort([hit[2] for hit in hits])[-4000] * (1 - 1e-5)
    degree = torch.bincount(graphs.edges.values[:, 1], minlength=4000)
    assert (degree == 7).all()


ONE_SPOT: list[Object] = [("jet", 30.0, 0.5, 1.0)] * 5


@pytest.mark.parametrize("graph", [Graph(k=2), Graph(join="radius", radius=0.0), Graph(join="complete")], ids=str)
def test_degenerate_events(graph: Graph) -> None:
    """All on one spot, across the seam, one alone, none: each has its graph, and the features of pairs are finite."""
    seam: list[Object] = [("jet", 40.0, 0.0, 3.1), ("jet", 30.0, 0.0, -3.1), ("jet", 20.0, 0.0, 0.0)]
    graphs = graph.represent(events_of([ONE_SPOT, seam, EVENT[:1], [], [("jet", 0.0, 0.0, 0.0)] * 2]))
    assert graphs.nodes.lengths.tolist() == [5, 3, 1, 0, 2]
    spot, other, one, none, still = (set(edges_of(graphs, event)) for event in range(5))
    every = {(a, b) for a in range(5) for b in range(5) if a != b}
    nearest = {(0, b) for b in range(1, 5)} | {(1, b) for b in range(5) if b != 1} | {(2, 0), (2, 1)}
    assert spot == (nearest if graph.join == "nearest" else every)  # of equal ones the first are nearest
    assert ((1, 0) in other, (0, 1) in other) == ((graph.join != "radius",) * 2)
    assert (one, none, still) == (set(), set(), {(0, 1), (1, 0)})
    joined = graphs.joined(torch.arange(5))
    assert joined.pairs.isfinite().all()
    if graph.join != "radius":
        first = torch.nonzero((joined.edges[0] == 5) & (joined.edges[1] == 6)).item()
        assert abs(joined.pairs[first, 1].item()) == pytest.approx(2 * math.pi - 6.2, abs=1e-5)  # the short way round


def turned(events: Events, angle: float) -> Events:
    objects = events.table["objects"]
    phi = ak.values_astype(objects.phi + angle, np.float32)
    return replace(events, table=ak.with_field(events.table, ak.with_field(objects, phi, "phi"), "objects"))


@given(st.floats(-3.0, 3.0), st.integers(0, 1000), st.sampled_from(["nearest", "complete"]))
@settings(deadline=None, max_examples=30)
def test_a_rotation_leaves_edges_and_their_features(angle: float, seed: int, join: str) -> None:
    graph, events = Graph(join=join, k=3), random_events(5, 7, seed)
    before, after = graph.represent(events), graph.represent(turned(events, angle))
    assert torch.equal(before.edges.values, after.edges.values)
    index = torch.arange(5)
    one, two = (some.joined(index).pairs.clone() for some in (before, after))
    opposite = (one[:, 1].abs() - math.pi).abs() < 1e-4  # pi and -pi are one angle
    one[opposite, 1], two[opposite, 1] = one[opposite, 1].abs(), two[opposite, 1].abs()
    torch.testing.assert_close(one, two, atol=2e-4, rtol=2e-4)


@given(st.integers(0, 1000), st.sampled_from([Graph(k=2), Graph(join="radius", radius=1.5, loops=True)]))
@settings(deadline=None, max_examples=30)
def test_the_order_of_objects_does_not_matter(seed: int, graph: Graph) -> None:
    events = random_events(4, 6, seed)
    order = np.random.default_rng(seed).permutation(6)
    mixed = replace(events, table=ak.with_field(events.table, events.table["objects"][:, order], "objects"))
    before, after = graph.represent(events), graph.represent(mixed)
    assert torch.equal(before.nodes.values, after.nodes.values)
    assert torch.equal(before.edges.values, after.edges.values)


def test_an_event_has_the_same_graph_alone() -> None:
    events, graph = random_events(6, 9), Graph(k=3, nodes=7)
    together = graph.represent(events)
    for (a, b), event in zip(pairwise(together.nodes.offsets.tolist()), range(6), strict=True):
        alone = graph.represent(events[event : event + 1])
        assert torch.equal(alone.nodes.values, together.nodes.values[a:b])
        assert edges_of(alone, 0) == edges_of(together, event)


def test_labels_weights_and_ids_are_no_input() -> None:
    events = random_events(10, 5)
    other = events.table
    for column, values in {"label": 1, "weight": 7.0, "event_id": 5, "group": 3}.items():
        other = ak.with_field(other, np.full(10, values), column)
    before, after = (Graph().represent(some) for some in (events, replace(events, table=other)))
    for one, two in zip(before.joined(torch.arange(10)), after.joined(torch.arange(10)), strict=True):
        assert torch.equal(one, two)
    assert not torch.equal(before.labels, after.labels)


def test_no_events() -> None:
    graphs = Graph().represent(events_of([EVENT])[:0])
    assert len(graphs) == 0
    assert [tuple(part.shape) for part in graphs.joined(torch.arange(0))] == [(0, 11), (0,), (2, 0), (0, 6)]


def test_what_is_refused() -> None:
    with pytest.raises(UserError, match=r"event 1001, objects\[0\] has phi nan"):
        Graph().represent(events_of([EVENT, [("jet", 9.0, 0.0, math.nan)]]))
    with pytest.raises(UserError, match=r"event 1000, objects\[0\] has pt -1.0"):
        Graph().represent(events_of([[("jet", -1.0, 0.0, 0.0)]]))
    with pytest.raises(UserError, match="is of kind 'photon', expected one of electron"):
        Graph().represent(events_of([[("photon", 9.0, 0.0, 0.0)]]))
    for options in ({"k": 0}, {"nodes": 0}, {"radius": -1.0}):
        with pytest.raises(UserError, match=rf"graph: parameter '{next(iter(options))}' is"):
            Graph(**options)


def test_only_the_particles_are_read() -> None:
    assert [Graph().columns(info(kind)) for kind in ("objects", "constituents", "ecal")] == [
        ("objects",),
        ("constituents", "axes"),
        ("ecal",),
    ]


def test_huge_momenta_stay_finite() -> None:
    """The energy of such a jet is more than a float32 holds, its logarithm is not."""
    graphs = Graph().represent(events_of([[("jet", 3e38, 2.9, 0.0), ("jet", 0.0, 0.0, 1.0), ("muon", 20.0, 1.0, 2.0)]]))
    assert torch.isfinite(graphs.nodes.values).all()
    assert table(graphs)["log_energy"].max() == pytest.approx(math.log(3e38 * math.cosh(2.9)))
