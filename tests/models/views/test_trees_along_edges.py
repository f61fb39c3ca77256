"""Trees along the edges of graphs: against SciPy's single linkage, and by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from models.views.trees import POWERS, Algorithm, merge
from representations.samples.ragged import Ragged
from tests.models.views.test_trees import jets, ragged, rows, trees_of

FAR = 1e30


def pairs_of(*events: list[tuple[int, int]]) -> Ragged:
    flat = torch.tensor([pair for event in events for pair in event], dtype=torch.int32).reshape(-1, 2)
    return Ragged(flat, torch.tensor(np.cumsum([0, *map(len, events)])))


def leaves(merges: list[tuple[int, int]], n: int) -> list[frozenset[int]]:
    """The particles below each merge."""
    found = [frozenset([i]) for i in range(n)]
    for a, b in merges:
        found.append(found[a] | found[b])
    return found[n:]


def distances(event: np.ndarray, power: int) -> np.ndarray:
    """Massless particles, whose rapidity is eta."""
    pt, eta, phi, _ = event.T
    dphi = np.abs(phi[:, None] - phi)
    scale = pt ** (2.0 * power)
    return np.minimum(scale[:, None], scale) * ((eta[:, None] - eta) ** 2 + np.minimum(dphi, 2 * np.pi - dphi) ** 2)


@given(
    n=st.integers(2, 12), seed=st.integers(0, 99), share=st.floats(0.2, 1), algorithm=st.sampled_from(sorted(POWERS))
)
@settings(max_examples=60, deadline=None)
def test_merges_along_edges_equal_single_linkage(n: int, seed: int, share: float, algorithm: Algorithm) -> None:
    (event,) = jets([n], seed)
    event[:, 3] = 0
    rng = np.random.default_rng(seed)
    pairs = [pair for pair in combinations(range(n), 2) if rng.random() < share]
    d = distances(event, POWERS[algorithm])
    joined = np.full((n, n), FAR)
    for a, b in pairs:
        joined[a, b] = joined[b, a] = d[a, b]
    np.fill_diagonal(joined, 0)
    theirs = linkage(squareform(joined, checks=False), "single")
    expected = [frozenset(part) for part in leaves([(int(a), int(b)) for a, b, *_ in theirs], n)]
    real = int((theirs[:, 2] < FAR).sum())
    both = [tuple(rng.permutation(pair)) for pair in pairs]
    found = leaves(rows(merge(ragged([event]), torch.tensor([7]), algorithm, pairs_of(both)), 0), n)
    assert found[:real] == expected[:real]
    assert len(found) == n - 1
    assert found[-1] == frozenset(range(n))


def test_unconnected_parts_are_merged_in_falling_pt() -> None:
    event = np.array([[10.0, 0.0, 0.0, 0.0], [40.0, 1.0, 0.0, 0.0], [5.0, 0.1, 0.0, 0.0], [20.0, -1.0, 0.0, 0.0]])
    trees = merge(
        ragged([event, event[:1], event[:0]]), torch.arange(3), "cambridge-aachen", pairs_of([(2, 0)], [], [])
    )
    # first 0 and 2 along the edge; then in falling pt 1, 3, and the part of 0
    assert rows(trees, 0) == [(0, 2), (1, 3), (5, 4)]
    assert rows(trees, 1) == rows(trees, 2) == []


@pytest.mark.parametrize("algorithm", ["pt-ascending", "pt-descending", "random"])
def test_pt_and_random_orders_ignore_edges(algorithm: Algorithm) -> None:
    events = jets([5, 9])
    edges = pairs_of([(0, 1)], [(3, 2), (4, 8)])
    assert torch.equal(
        merge(ragged(events), torch.arange(2), algorithm, edges).merges.values,
        trees_of(events, algorithm).merges.values,
    )


def test_duplicate_edges_and_loops_do_not_matter() -> None:
    (event,) = jets([6], seed=3)
    once = [(0, 1), (2, 1), (3, 4)]
    trees = [
        merge(ragged([event]), torch.arange(1), "kt", pairs_of(some)).merges.values
        for some in (once, [*once, *[(b, a) for a, b in once], (5, 5)])
    ]
    assert torch.equal(*trees)
