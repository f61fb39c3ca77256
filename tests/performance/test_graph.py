"""Nearest neighbours against scikit-learn jet by jet, and what graphs cost from events to the batch.

    python -m pytest -o addopts= tests/performance/test_graph.py --benchmark-only

Compare the columns "OPS" of the first group: one round is `JETS` jets for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from sklearn.neighbors import kneighbors_graph

from representations.graph import Graph
from representations.neighbours import Rule, edges
from representations.samples import Ragged
from tests.representations.collisions import jets_of

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from tasks.events import Events

JETS, CONSTITUENTS = 1000, 60
ETA, PHI = np.random.default_rng(0).normal(0, 0.3, (2, JETS * CONSTITUENTS))
OFFSETS = np.arange(0, JETS * CONSTITUENTS + 1, CONSTITUENTS)


def one_by_one(k: int) -> int:
    points = np.stack([ETA, PHI], axis=1).reshape(JETS, CONSTITUENTS, 2)
    return sum(kneighbors_graph(jet, k).nnz for jet in points)


@pytest.mark.benchmark(group="nearest neighbours, 1000 jets of 60")
@pytest.mark.parametrize("k", [7, 16])
def test_scikit_learn(benchmark: BenchmarkFixture, k: int) -> None:
    assert benchmark(one_by_one, k) == JETS * CONSTITUENTS * k


@pytest.mark.benchmark(group="nearest neighbours, 1000 jets of 60")
@pytest.mark.parametrize("k", [7, 16])
def test_edges(benchmark: BenchmarkFixture, k: int) -> None:
    rule = Rule(k=k)
    edges(ETA, PHI, OFFSETS, rule)  # numba compiles once
    _, found = benchmark(edges, ETA, PHI, OFFSETS, rule)
    assert len(found) == JETS * CONSTITUENTS * k


@pytest.fixture(scope="module")
def jets() -> Events:
    rng = np.random.default_rng(1)
    pt = rng.exponential(8, (JETS, CONSTITUENTS)) + 0.5
    rows = np.stack([np.full_like(pt, 22), pt, ETA.reshape(pt.shape), PHI.reshape(pt.shape)], axis=2)
    return jets_of([[(22, *row[1:]) for row in jet] for jet in rows.tolist()])


@pytest.mark.benchmark(group="graphs, 1000 jets of 60")
def test_represent(benchmark: BenchmarkFixture, jets: Events) -> None:
    assert len(benchmark(Graph().represent, jets)) == JETS


@pytest.mark.benchmark(group="batches of 128 graphs")
@pytest.mark.parametrize("join", ["nearest", "complete"])
def test_joined(benchmark: BenchmarkFixture, jets: Events, join: str) -> None:
    """With the features of pairs, which are computed each time."""
    graphs, index = Graph(join=join).represent(jets), torch.randperm(JETS)[:128]
    benchmark.extra_info["bytes_a_graph"] = graphs.nbytes / JETS
    assert benchmark(graphs.joined, index).pairs.isfinite().all()


@pytest.mark.benchmark(group="batches of 128 graphs")
@pytest.mark.parametrize("join", ["nearest", "complete"])
def test_kept_pairs(benchmark: BenchmarkFixture, jets: Events, join: str) -> None:
    """What it would cost to look these features up instead."""
    graphs, index = Graph(join=join).represent(jets), torch.randperm(JETS)[:128]
    kept = Ragged(graphs.joined(torch.arange(JETS)).pairs, graphs.edges.offsets)
    benchmark.extra_info["bytes_a_graph"] = kept.nbytes / JETS
    assert benchmark(kept.take, index).values.shape[1] == 6
