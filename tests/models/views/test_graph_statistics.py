"""Statistics of graphs against numpy, event by event."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.inputs import VIEWS
from representations.samples import Graphs
from tests.models.conftest import chains

TABLE = VIEWS["table", Graphs]


def moments(values: np.ndarray, weight: np.ndarray) -> list[np.ndarray]:
    if not weight.sum():
        return [np.zeros(values.shape[1])] * 2
    mean = np.average(values, axis=0, weights=weight)
    return [mean, np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weight))]


def row_of(samples: Graphs, event: int) -> np.ndarray:
    part = samples[event : event + 1]
    graph = part.joined(torch.tensor([0]))
    nodes, pairs, (sender, receiver) = graph.nodes.double().numpy(), graph.pairs.double().numpy(), graph.edges.numpy()
    pt = nodes[:, samples.names.index("pt")]
    degrees = []
    for ends in (receiver, sender):
        degree = np.array([(ends == node).sum() for node in range(len(nodes))])
        degrees += [degree.std(), degree.max()] if len(nodes) else [0, 0]
    return np.concatenate(
        [
            [len(nodes), len(pairs), np.log(max(pt.sum(), 1e-3)) if len(pt) else 0.0],
            nodes.sum(axis=0),
            *moments(nodes, np.ones(len(nodes))),
            *moments(nodes, pt),
            *moments(pairs, np.ones(len(pairs))),
            *moments(pairs, pt[sender] * pt[receiver]),
            [len(pairs) / max(len(nodes), 1), *degrees],
            part.features[0],
        ]
    )


@given(n=st.integers(1, 12), seed=st.integers(0, 99))
@settings(max_examples=25, deadline=None)
def test_statistics_event_by_event(n: int, seed: int) -> None:
    samples = chains(n, seed=seed, features=2, empty=[0])
    index = torch.tensor([*reversed(range(n)), 0])
    (table,) = TABLE.batch(samples, index)
    expected = np.stack([row_of(samples, event) for event in index.tolist()])
    np.testing.assert_allclose(table, expected, rtol=2e-4, atol=1e-4)
    assert len(TABLE.shape(samples).columns) == table.shape[1]


def test_names_of_statistics() -> None:
    samples = chains(3, features=1)
    columns = TABLE.shape(samples).columns
    assert columns[:5] == ("nodes", "edges", "log_pt_of_all", "pt_sum", "eta_sum")
    assert columns[-2:] == ("degree_out_maximum", "feature0")
    assert len(set(columns)) == len(columns) == 3 + 5 * 4 + 4 * 6 + 5 + 1
    (table,) = TABLE.batch(samples, torch.arange(3))
    by_name = dict(zip(columns, table.T, strict=True))
    lengths = samples.nodes.lengths.float()
    torch.testing.assert_close(by_name["nodes"], lengths)
    torch.testing.assert_close(by_name["degree_mean"], (2 * lengths - 1) / lengths)
    torch.testing.assert_close(by_name["degree_out_maximum"], (lengths > 1) + 1.0)


def test_events_without_pt_or_edges_have_zeros() -> None:
    samples = chains(4)
    nodes = samples.nodes.values.clone()
    nodes[:, 0] = 0
    (table,) = TABLE.batch(replace(samples, nodes=replace(samples.nodes, values=nodes)), torch.arange(4))
    assert table.isfinite().all()
    none = replace(samples.edges, values=samples.edges.values[:0], offsets=torch.zeros(5, dtype=torch.int64))
    (table,) = TABLE.batch(replace(samples, edges=none), torch.arange(4))
    columns = TABLE.shape(samples).columns
    assert not table[:, [columns.index("edges"), columns.index("edge_ln_m2_mean"), columns.index("degree_mean")]].any()


def test_large_and_small_pt_do_not_overflow() -> None:
    samples = chains(6)
    for size in (1e15, 1e-25):
        nodes = samples.nodes.values.clone()
        nodes[:, 0] *= size
        (table,) = TABLE.batch(replace(samples, nodes=replace(samples.nodes, values=nodes)), torch.arange(6))
        (usual,) = TABLE.batch(samples, torch.arange(6))
        assert table.isfinite().all()
        where = TABLE.shape(samples).columns.index("eta_weighted_deviation")
        torch.testing.assert_close(table[:, where], usual[:, where])
