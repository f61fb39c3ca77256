"""Sets of nodes and lists of senders against loops over particles and edges."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.inputs import VIEWS
from models.views.nodes import MOST, first_largest, length_of
from representations.samples import Graphs, Ragged, Vectors
from tests.models.conftest import chains, particles, ragged

SET, GRAPH = VIEWS["nodes", Vectors], VIEWS["graph", Graphs]


@given(n=st.integers(1, 12), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_particles_event_by_event(n: int, seed: int) -> None:
    samples = particles(n, seed=seed, features=2, empty=[0])
    index = torch.tensor([*reversed(range(n)), 0])
    nodes, mask, features = SET.batch(samples, index)
    assert SET.shape(samples).columns == samples.names
    assert mask.shape[1] % 8 == 0
    torch.testing.assert_close(features, samples.features[index])
    for place, event in enumerate(index.tolist()):
        first, last = samples.particles.offsets[event : event + 2].tolist()
        rows = samples.particles.values[first:last].numpy()
        np.testing.assert_array_equal(nodes[place, :, : last - first], rows.T)
        assert mask[place].tolist() == [True] * (last - first) + [False] * (mask.shape[1] - last + first)
        assert not nodes[place, :, last - first :].any()


def test_the_softest_of_many_particles_are_left_out() -> None:
    lengths = torch.tensor([MOST + 30, 3])
    pt = torch.cat([torch.linspace(100, 1, MOST + 30), torch.tensor([9.0, 8.0, 7.0])])
    base = particles(2)
    many = replace(
        base,
        particles=ragged(lengths, torch.stack([pt, torch.zeros_like(pt), torch.zeros_like(pt)], dim=1)),
        kinds=ragged(lengths, torch.zeros(len(pt), dtype=torch.int8)),
    )
    nodes, mask, _ = SET.batch(many, torch.arange(2))
    assert mask.sum(1).tolist() == [MOST, 3]
    torch.testing.assert_close(nodes[0, 0], pt[:MOST])
    assert len(SET.rows(many, torch.arange(2))[0]) == MOST + 3
    share = float(pt[MOST : MOST + 30].sum() / pt[: MOST + 30].sum())
    for samples in (many, SET.prepare(many)):
        assert SET.dropped(samples).tolist() == pytest.approx([share, 0.0], abs=1e-6)

    # in another order of events they are the same
    order = torch.cat(
        [torch.randperm(MOST + 30, generator=torch.Generator().manual_seed(0)), torch.arange(3) + MOST + 30]
    )
    turned = replace(many, particles=replace(many.particles, values=many.particles.values[order]))
    found = SET.batch(SET.prepare(turned), torch.arange(2))[0]
    torch.testing.assert_close(found[0, 0], pt[order[:-3]][pt[order[:-3]] >= pt[MOST - 1]])
    assert SET.dropped(turned).tolist() == pytest.approx([share, 0.0], abs=1e-6)


def test_no_particle_and_no_column() -> None:
    """Only features, as in `fourvectors[features=high]`."""
    base = particles(3, features=2)
    nothing = torch.zeros(4, dtype=torch.int64)
    bare = replace(
        base,
        particles=Ragged(torch.zeros(0, 0), nothing),
        kinds=Ragged(torch.zeros(0, dtype=torch.int8), nothing),
        names=(),
        slots={},
    )
    nodes, mask, features = SET.batch(bare, torch.arange(3))
    assert nodes.shape == (3, 0, 8)
    assert not mask.any()
    assert features.shape == (3, 2)


@given(n=st.integers(1, 10), seed=st.integers(0, 99))
@settings(max_examples=20, deadline=None)
def test_senders_edge_by_edge(n: int, seed: int) -> None:
    samples = chains(n, seed=seed, empty=[0])
    generator = torch.Generator().manual_seed(seed)
    mixed = torch.cat(
        [
            a + torch.randperm(int(b - a), generator=generator)
            for a, b in torch.stack([samples.edges.offsets[:-1], samples.edges.offsets[1:]], dim=1)
        ]
    )  # edges in any order
    samples = replace(samples, edges=Ragged(samples.edges.values[mixed], samples.edges.offsets))
    index = torch.tensor([*reversed(range(n)), 0])
    nodes, mask, senders, pairs, joined, _ = GRAPH.batch(samples, index)
    assert GRAPH.shape(samples).columns == ("pt", "eta", "phi", "mass")
    for place, event in enumerate(index.tolist()):
        one = samples.joined(torch.tensor([event]))
        size = len(one.nodes)
        torch.testing.assert_close(nodes[place, :, :size].T, one.nodes)
        assert mask[place].sum() == size
        assert int(joined[place].sum()) == one.edges.shape[1]
        found = {
            (int(senders[place, node, slot]), int(node)): pairs[place, :, node, slot]
            for node, slot in joined[place].nonzero()
        }
        for (sender, receiver), pair in zip(one.edges.T.tolist(), one.pairs, strict=True):
            torch.testing.assert_close(found[sender, receiver], pair)
    assert not pairs.permute(0, 2, 3, 1)[~joined].any()


def test_edge_features_are_computed_once_if_small(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = chains(6)
    prepared = GRAPH.prepare(samples)
    assert prepared.pairs is not None
    assert GRAPH.prepare(prepared) is prepared
    for one, other in zip(GRAPH.batch(samples, torch.arange(6)), GRAPH.batch(prepared, torch.arange(6)), strict=True):
        torch.testing.assert_close(one, other)
    monkeypatch.setattr("models.views.nodes.MAX_PREPARED_BYTES", 10)
    assert GRAPH.prepare(samples) is samples


def test_the_largest_of_each_event() -> None:
    size, event = torch.tensor([1.0, 5.0, 5.0, -2.0, math.nan]), torch.tensor([0, 0, 0, 2, 3])
    found = first_largest(size, event, 4)
    assert found[[0, 2]].tolist() == [1, 3]
    assert int(found.max()) < 5


@pytest.mark.parametrize(("longest", "places"), [(0, 8), (1, 8), (8, 8), (9, 16), (32, 32), (33, 48), (128, 128)])
def test_number_of_places_has_few_values(longest: int, places: int) -> None:
    assert length_of(torch.tensor([longest, 0])) == places
