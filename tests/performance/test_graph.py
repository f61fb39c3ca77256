"""Nearest neighbours against scikit-learn jet by jet, batches against PyTorch Geometric, and what graphs cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.neighbors import kneighbors_graph
from torch_geometric import data, loader

from representations.graph.graph import Graph
from representations.graph.neighbours import Rule, edges
from tests.performance.sizes import MEASURED
from tests.representations.collisions import jets_of

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture
    from scipy.sparse import csr_matrix

    from tasks.events import Events
    from tests.performance.conftest import SideBySide

JETS, CONSTITUENTS = 1000 if MEASURED else 100, 60
ETA, PHI = np.random.default_rng(0).normal(0, 0.3, (2, JETS * CONSTITUENTS))
OFFSETS = np.arange(0, JETS * CONSTITUENTS + 1, CONSTITUENTS)


def one_by_one(k: int) -> list[csr_matrix]:
    points = np.stack([ETA, PHI], axis=1).reshape(JETS, CONSTITUENTS, 2)
    return [kneighbors_graph(jet, k) for jet in points]


@pytest.mark.parametrize("k", [7, 16])
def test_nearest_neighbours(side_by_side: SideBySide, k: int) -> None:
    rule = Rule(k=k)
    _, found = edges(ETA, PHI, OFFSETS, rule)
    theirs = np.stack([np.sort(jet.indices.reshape(-1, k), axis=1) for jet in one_by_one(k)])
    np.testing.assert_array_equal(found[:, 0].reshape(JETS, CONSTITUENTS, k), theirs)
    side_by_side(
        f"{k} nearest neighbours, {JETS} jets of {CONSTITUENTS}",
        lambda: edges(ETA, PHI, OFFSETS, rule),
        "scikit-learn",
        lambda: one_by_one(k),
        at_least=20,
        threads=2,
    )


@pytest.fixture(scope="module")
def jets() -> Events:
    rng = np.random.default_rng(1)
    pt = rng.exponential(8, (JETS, CONSTITUENTS)) + 0.5
    rows = np.stack([np.full_like(pt, 22), pt, ETA.reshape(pt.shape), PHI.reshape(pt.shape)], axis=2)
    return jets_of([[(22, *row[1:]) for row in jet] for jet in rows.tolist()])


@pytest.mark.benchmark(group="graphs, 1000 jets of 60")
def test_represent(benchmark: BenchmarkFixture, jets: Events) -> None:
    assert len(benchmark(Graph().represent, jets)) == JETS


@pytest.mark.parametrize(("batch", "at_least"), [(128, 10), (512, 3)])
@pytest.mark.parametrize("pairs", ["kept", "computed"])
def test_batches(side_by_side: SideBySide, jets: Events, batch: int, at_least: float, pairs: str) -> None:
    """PyTorch Geometric keeps the features of edges; computing them each time is more work than it has."""
    graphs, index = Graph().represent(jets), torch.randperm(JETS)[:batch]
    graphs = graphs.with_pairs() if pairs == "kept" else graphs
    single = [graphs.joined(torch.tensor([event])) for event in index.tolist()]
    whole = [data.Data(x=one.nodes, edge_index=one.edges.contiguous(), edge_attr=one.pairs) for one in single]
    batches = loader.DataLoader(whole, batch_size=batch)
    ours, (theirs,) = graphs.joined(index), batches
    assert torch.equal(ours.nodes, theirs.x)
    assert torch.equal(ours.event, theirs.batch)
    assert torch.equal(ours.edges, theirs.edge_index)
    torch.testing.assert_close(ours.pairs, theirs.edge_attr, rtol=1e-5, atol=1e-5)
    side_by_side(
        f"a batch of {batch} graphs, pairs {pairs}",
        lambda: graphs.joined(index),
        "PyG's DataLoader",
        lambda: list(batches),
        at_least=at_least if pairs == "kept" else 1,
        calls=10,
    )


@pytest.mark.benchmark(group="batches of 128 graphs")
@pytest.mark.parametrize("join", ["nearest", "complete"])
@pytest.mark.parametrize("pairs", ["kept", "computed"])
def test_joined(benchmark: BenchmarkFixture, jets: Events, join: str, pairs: str) -> None:
    graphs, index = Graph(join=join).represent(jets), torch.randperm(JETS)[:128]
    graphs = graphs.with_pairs() if pairs == "kept" else graphs
    benchmark.extra_info["bytes_a_graph"] = graphs.nbytes / JETS
    assert benchmark(graphs.joined, index).pairs.isfinite().all()
