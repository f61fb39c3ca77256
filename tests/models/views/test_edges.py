"""Graphs as inputs of networks: columns, numbering, padding."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from hypothesis import given
from hypothesis import strategies as st

from models.inputs import VIEWS, Shape
from models.views import edges
from models.views.edges import padded, rounded
from representations.samples import Graphs
from tests.models.conftest import chains

if TYPE_CHECKING:
    import pytest

VIEW = VIEWS["edges", Graphs]


def test_columns() -> None:
    graphs = chains(6, features=1)
    nodes, pairs, ends, event, features = VIEW.batch(graphs, torch.tensor([4, 1]))
    assert VIEW.shape(graphs) == Shape("edges", ("pt", "eta", "phi", "mass"), (6,), ("feature0",))
    first, second = (graphs.nodes.values[slice(*graphs.nodes.offsets[event : event + 2])] for event in (4, 1))
    assert torch.equal(nodes, torch.cat([first, second]))
    assert event.tolist() == [0] * len(first) + [1] * len(second)
    assert features.shape == (2, 1)
    joined = graphs.joined(torch.tensor([4, 1]))
    assert torch.equal(ends, joined.edges)
    assert torch.equal(event[ends[0]], event[ends[1]])
    torch.testing.assert_close(pairs, joined.pairs)


def test_pair_features_are_computed_once_if_small(monkeypatch: pytest.MonkeyPatch) -> None:
    graphs, index = chains(9), torch.tensor([3, 8])
    assert VIEW.prepare(graphs).pairs is not None
    expected = VIEW.batch(VIEW.prepare(graphs), index)
    monkeypatch.setattr(edges, "MAX_PAIR_BYTES", 0)
    assert VIEW.prepare(graphs).pairs is None
    for one, other in zip(VIEW.batch(VIEW.prepare(graphs), index), expected, strict=True):
        torch.testing.assert_close(one, other)


def test_rows_have_no_padding() -> None:
    graphs, index = chains(9, features=2, empty=[2]), torch.tensor([3, 2])
    nodes, pairs, _, _, features = VIEW.batch(graphs, index)
    rows = VIEW.rows(graphs, index)
    for inputs, row in zip((nodes, pairs, None, None, features), rows, strict=True):
        assert (inputs is None and row is None) or torch.equal(inputs, row)


def test_inputs_of_an_event_do_not_depend_on_others() -> None:
    graphs = chains(9, features=2, empty=[4])
    nodes, pairs, ends, event, features = VIEW.batch(graphs, torch.arange(9))
    for number in range(9):
        own, of_pairs, own_ends, _, own_features = VIEW.batch(graphs, torch.tensor([number]))
        mine = event == number
        torch.testing.assert_close(own, nodes[mine])
        torch.testing.assert_close(of_pairs, pairs[mine[ends[0]]])
        torch.testing.assert_close(own_ends + int((event < number).sum()), ends[:, mine[ends[0]]])
        torch.testing.assert_close(own_features, features[number : number + 1])


def test_labels_weights_and_mass_are_never_inputs() -> None:
    graphs = chains(8)
    other = replace(graphs, labels=1 - graphs.labels, weights=graphs.weights * 3, mass=torch.rand(8))
    for one, two in zip(VIEW.batch(graphs, torch.arange(8)), VIEW.batch(other, torch.arange(8)), strict=True):
        assert torch.equal(one, two)


def test_padding_has_no_edges_to_events() -> None:
    nodes, pairs, ends, event, _ = VIEW.batch(chains(9), torch.arange(9))
    more, at, to, what = padded(nodes, event, ends, pairs, 9)
    count, links = len(nodes), len(pairs)
    assert (len(more), len(what)) == (rounded(count + 1), rounded(links))
    assert torch.equal(more[:count], nodes)
    assert torch.equal(to[:, :links], ends)
    assert not more[count:].any()
    assert (at[count:] == 9).all()
    assert (at[to[:, links:]] == 9).all()
    assert len(at) == len(more)
    assert to.shape[1] == len(what)


@given(count=st.integers(0, 1 << 20))
def test_few_sizes(count: int) -> None:
    size = rounded(count)
    assert count <= size <= max(1.25 * count, 8)
    assert rounded(size) == size
    while size > 7 and size % 2 == 0:
        size //= 2
    assert size <= 7
