"""Edges against loops over all pairs, and against scikit-learn."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import kneighbors_graph, radius_neighbors_graph

from representations.graph.neighbours import Rule, edges

Edges = list[tuple[int, int]]
RULES = [
    Rule(by=by, symmetric=symmetric, loops=loops, k=3)
    for by, symmetric, loops in product(["nearest", "radius", "complete"], [False, True], [False, True])
]


def split(eta: np.ndarray, phi: np.ndarray, counts: list[int], rule: Rule) -> list[Edges]:
    """The edges of each event as lists."""
    offsets = np.cumsum([0, *counts])
    number, found = edges(eta, phi, offsets, rule)
    return [[(a, b) for a, b in found[i:j].tolist()] for i, j in pairwise(np.cumsum([0, *number]).tolist())]


def slow(eta: np.ndarray, phi: np.ndarray, rule: Rule) -> Edges:
    """What the rule says, pair by pair."""
    found = set()
    for receiver in range(len(eta)):
        apart = []
        for sender in range(len(eta)):
            dphi = np.pi - abs(np.pi - abs(phi[sender] - phi[receiver]))
            distance2 = (eta[sender] - eta[receiver]) ** 2 + dphi**2
            if sender != receiver and (rule.by != "radius" or distance2 <= rule.radius**2):
                apart.append((distance2, sender))
        apart = sorted(apart)[: rule.k] if rule.by == "nearest" else apart
        found |= {(sender, receiver) for _, sender in apart}
    found |= {(b, a) for a, b in found} if rule.symmetric else set()
    found |= {(node, node) for node in range(len(eta))} if rule.loops else set()
    return sorted(found, key=lambda edge: (edge[1], edge[0]))


def points(counts: list[int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.5, sum(counts)), rng.uniform(-np.pi, np.pi, sum(counts))


@given(st.lists(st.integers(0, 12), max_size=5), st.integers(0, 10**6), st.sampled_from(RULES), st.integers(1, 14))
@settings(deadline=None, max_examples=200)
def test_what_the_rule_says(counts: list[int], seed: int, rule: Rule, k: int) -> None:
    rule = Rule(by=rule.by, k=k, radius=0.1 * k, symmetric=rule.symmetric, loops=rule.loops)
    eta, phi = points(counts, seed)
    starts = pairwise(np.cumsum([0, *counts]).tolist())
    assert split(eta, phi, counts, rule) == [slow(eta[a:b], phi[a:b], rule) for a, b in starts]


# multiples of 1/4 make distances exact, so that those that are equal are so in both
@given(
    st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), max_size=14), st.sampled_from(RULES), st.integers(1, 6)
)
@settings(deadline=None, max_examples=200)
def test_ties_and_identical_points(cells: list[tuple[int, int]], rule: Rule, k: int) -> None:
    eta, phi = np.array(cells, np.float64).reshape(-1, 2).T / 4
    rule = Rule(by=rule.by, k=k, radius=k / 4, symmetric=rule.symmetric, loops=rule.loops)
    reference = _exact(eta, phi, rule)
    assert split(eta, phi, [len(eta)], rule) == [reference]


def _exact(eta: np.ndarray, phi: np.ndarray, rule: Rule) -> Edges:
    """The slow rule where nothing is near the seam, so that no rounding of pi comes in."""
    found = set()
    for receiver in range(len(eta)):
        apart = sorted(
            ((eta[s] - eta[receiver]) ** 2 + (phi[s] - phi[receiver]) ** 2, s) for s in range(len(eta)) if s != receiver
        )
        if rule.by == "radius":
            apart = [(distance2, s) for distance2, s in apart if distance2 <= rule.radius**2]
        found |= {(s, receiver) for _, s in (apart[: rule.k] if rule.by == "nearest" else apart)}
    found |= {(b, a) for a, b in found} if rule.symmetric else set()
    found |= {(node, node) for node in range(len(eta))} if rule.loops else set()
    return sorted(found, key=lambda edge: (edge[1], edge[0]))


@pytest.mark.parametrize("k", [1, 7, 16])
def test_nearest_as_scikit_learn_has_them(k: int) -> None:
    eta, phi = points([300], k)
    phi = phi / 4  # far from the seam, of which scikit-learn knows nothing
    matrix = kneighbors_graph(np.stack([eta, phi], axis=1), k).toarray()
    (found,) = split(eta, phi, [300], Rule(k=k))
    assert found == [(sender, receiver) for receiver, sender in np.argwhere(matrix).tolist()]


def test_thousands_of_hits_as_scikit_learn_has_them() -> None:
    eta, phi = points([3000], 5)
    phi = phi / 4
    for rule, graph in (
        (Rule(k=16), kneighbors_graph(np.stack([eta, phi], axis=1), 16)),
        (Rule(by="radius", radius=0.05), radius_neighbors_graph(np.stack([eta, phi], axis=1), 0.05)),
    ):
        _, found = edges(eta, phi, np.array([0, 3000]), rule)
        expected = np.stack([graph.indices, np.repeat(np.arange(3000), np.diff(graph.indptr))], axis=1)
        expected = expected[np.lexsort(expected.T)]
        np.testing.assert_array_equal(found, expected)


def test_the_seam_is_no_border() -> None:
    phi = np.array([np.pi - 0.01, -np.pi + 0.01, np.pi - 0.2, 0.0])
    assert split(np.zeros(4), phi, [4], Rule(k=1)) == [[(1, 0), (0, 1), (0, 2), (2, 3)]]
    assert split(np.zeros(4), phi, [4], Rule(by="radius", radius=0.1)) == [[(1, 0), (0, 1)]]


def test_events_that_have_no_edges() -> None:
    for rule in RULES:
        own = [(0, 0)] if rule.loops else []
        assert split(np.zeros(2), np.zeros(2), [0, 1, 0, 1], rule) == [[], own, [], own]
        assert split(np.zeros(0), np.zeros(0), [], rule) == []


def test_a_far_away_point_has_neighbours() -> None:
    eta = np.array([0.0, 0.1, 1e6])
    assert split(eta, np.zeros(3), [3], Rule(k=1)) == [[(1, 0), (0, 1), (1, 2)]]


@given(st.integers(2, 40), st.integers(0, 10**6), st.sampled_from(RULES))
@settings(deadline=None, max_examples=60)
def test_the_order_of_points_does_not_matter(n: int, seed: int, rule: Rule) -> None:
    eta, phi = points([n], seed)
    order = np.random.default_rng(seed).permutation(n)
    (before,), (after,) = (split(*some, [n], rule) for some in ((eta, phi), (eta[order], phi[order])))
    assert {(order[a], order[b]) for a, b in after} == set(before)


@given(st.integers(2, 40), st.integers(0, 10**6), st.sampled_from(RULES), st.floats(-3.0, 3.0))
@settings(deadline=None, max_examples=60)
def test_a_rotation_changes_nothing(n: int, seed: int, rule: Rule, angle: float) -> None:
    eta, phi = points([n], seed)
    assert split(eta, phi + angle, [n], rule) == split(eta, phi, [n], rule)


def test_threads_change_nothing() -> None:
    counts = [60] * 1000
    eta, phi = points(counts, 1)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(edges(eta, phi, np.cumsum([0, *counts]), Rule(symmetric=True)))
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])
