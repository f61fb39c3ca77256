"""Merge trees against the history of FastJet, and against a search through all pairs."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import fastjet
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.core.errors import UserError
from models.views.trees import ALGORITHMS, POWERS, Trees, merge
from representations.samples import Ragged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.views.trees import Algorithm

FASTJET = {
    "kt": fastjet.kt_algorithm,
    "anti-kt": fastjet.antikt_algorithm,
    "cambridge-aachen": fastjet.cambridge_algorithm,
}
Particle = tuple[float, float, float, float]


def ragged(events: Sequence[np.ndarray]) -> Ragged:
    offsets = np.cumsum([0, *(len(event) for event in events)])
    rows = np.concatenate([np.empty((0, 4)), *(np.reshape(event, (-1, 4)) for event in events)])
    return Ragged(torch.tensor(rows, dtype=torch.float64), torch.tensor(offsets))


def trees_of(events: Sequence[np.ndarray], algorithm: Algorithm, ids: Sequence[int] | None = None) -> Trees:
    return merge(ragged(events), torch.tensor(range(len(events)) if ids is None else ids), algorithm)


def rows(trees: Trees, event: int) -> list[tuple[int, int]]:
    start, stop = trees.merges.offsets[event : event + 2].tolist()
    return [(a, b) for a, b in trees.merges.values[start:stop].tolist()]


def jets(counts: Sequence[int], seed: int = 0, spread: float = 0.4) -> list[np.ndarray]:
    """Jets of massive particles around random axes, many of them across phi = pi."""
    rng = np.random.default_rng(seed)
    found = []
    for n in counts:
        eta, phi = rng.normal(rng.uniform(-2.5, 2.5), spread, n), rng.normal(rng.choice([0, np.pi]), spread, n)
        pt = rng.exponential(8, n) * 10.0 ** rng.integers(-6, 1, n)  # also soft ones
        found.append(
            np.stack([pt, eta, (phi + np.pi) % (2 * np.pi) - np.pi, rng.choice([0, 0.1396, 0.938], n)], axis=1)
        )
    return found


def cartesian(event: np.ndarray) -> np.ndarray:
    pt, eta, phi, mass = np.reshape(event, (-1, 4)).T
    px, py, pz = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    return np.stack([px, py, pz, np.sqrt(px * px + py * py + pz * pz + mass * mass)], axis=1)


def history(event: np.ndarray, algorithm: str) -> list[tuple[int, int]]:
    """The merges of FastJet, from the jet down, with the same numbers of particles and merges as ours."""
    definition = fastjet.JetDefinition(FASTJET[algorithm], 1000.0)
    sequence = fastjet.ClusterSequence([fastjet.PseudoJet(*row) for row in cartesian(event).tolist()], definition)
    todo, found = list(sequence.inclusive_jets(0.0)), {}
    while todo:
        jet, harder, softer = todo.pop(), fastjet.PseudoJet(), fastjet.PseudoJet()
        if jet.has_parents(harder, softer):
            found[jet.cluster_hist_index()] = (harder.cluster_hist_index(), softer.cluster_hist_index())
            todo += [harder, softer]
    return [found[node] for node in sorted(found)]


def slow(event: np.ndarray, power: int) -> list[tuple[int, int]]:
    """Repeatedly merge the pair of the smallest (distance, angle, numbers)."""
    nodes = dict(enumerate(cartesian(event)))
    found = []

    def key(a: int, b: int) -> tuple[float, float, int, int]:
        (ya, phi_a, kt_a), (yb, phi_b, kt_b) = (coordinates(nodes[node]) for node in (a, b))
        dphi = np.pi - abs(np.pi - abs(phi_a - phi_b))
        angle = dphi * dphi + (ya - yb) ** 2
        return min(scale(kt_a), scale(kt_b)) * angle, angle, a, b

    def scale(kt2: float) -> float:
        return 1.0 if power == 0 else kt2 if power > 0 else 1 / kt2 if kt2 > 1e-300 else 1e300

    while len(nodes) > 1:
        *_, a, b = min(key(a, b) for a, b in combinations(sorted(nodes), 2))
        total = nodes[a] + nodes[b]
        kt2_a, kt2_b = (coordinates(nodes.pop(node))[2] for node in (a, b))
        found.append((a, b) if kt2_a >= kt2_b else (b, a))
        nodes[len(event) + len(found) - 1] = total
    return found


def coordinates(momentum: np.ndarray) -> tuple[float, float, float]:
    """Rapidity, azimuth from 0 to 2 pi, pt^2."""
    px, py, pz, e = momentum.tolist()
    kt2 = px * px + py * py
    if kt2 == 0 and e == abs(pz):
        return float(np.copysign(1e5 + abs(pz), pz)), 0.0, 0.0
    y = 0.5 * np.log((kt2 + max(0.0, (e + pz) * (e - pz) - kt2)) / (e + abs(pz)) ** 2)
    return float(-y if pz > 0 else y), float(np.arctan2(py, px) % (2 * np.pi)), kt2


@pytest.mark.parametrize("algorithm", FASTJET)
def test_merges_equal_the_history_of_fastjet(algorithm: Algorithm) -> None:
    events = jets([0, 1, 2, 3, 2, 60, 0, 300, 17, *range(30)])
    trees = trees_of(events, algorithm)
    for number, event in enumerate(events):
        assert rows(trees, number) == history(event, algorithm)


@pytest.mark.parametrize("algorithm", FASTJET)
def test_soft_and_back_to_back_particles_as_in_fastjet(algorithm: Algorithm) -> None:
    rng = np.random.default_rng(3)
    n = 200
    event = np.stack([10 ** rng.uniform(-9, 3, n), rng.uniform(-5, 5, n), rng.uniform(-4, 4, n), np.zeros(n)], axis=1)
    assert rows(trees_of([event], algorithm), 0) == history(event, algorithm)


GRID = st.tuples(
    st.sampled_from([0.0, 1.0, 2.0]), st.sampled_from([-1.0, 0.0, 0.5]), st.sampled_from([-3.0, 0.0, 3.0]), st.just(0.0)
)


@given(st.lists(GRID, max_size=9), st.sampled_from(list(POWERS)))
@settings(deadline=None, max_examples=150)
def test_ties_and_no_pt_by_the_documented_rule(event: list[Particle], algorithm: Algorithm) -> None:
    particles = np.array(event).reshape(-1, 4)
    assert rows(trees_of([particles], algorithm), 0) == slow(particles, POWERS[algorithm])


@pytest.mark.parametrize("algorithm", POWERS)
def test_identical_particles(algorithm: Algorithm) -> None:
    one = [5.0, 0.3, 1.0, 0.0]
    assert rows(trees_of([np.array([one] * 4)], algorithm), 0)[0] == (0, 1)
    assert [rows(trees_of([np.array([one] * n)], algorithm), 0) for n in (1, 2)] == [[], [(0, 1)]]


def test_phi_is_periodic() -> None:
    seam = np.array([[5.0, 0, np.pi - 0.01, 0], [4.0, 0, -np.pi + 0.01, 0], [3.0, 0, np.pi - 0.1, 0]])
    assert rows(trees_of([seam], "cambridge-aachen"), 0) == [(0, 1), (3, 2)]


def test_chains_by_hand() -> None:
    event = np.array([[2.0, 0, 0, 0], [4.0, 0.1, 0, 0], [1.0, 0.2, 0, 0], [2.0, 0.3, 0, 0]])
    trees = trees_of([event], "pt-ascending")
    assert rows(trees, 0) == [(1, 0), (4, 3), (5, 2)]
    assert trees.levels.values.tolist() == [0, 0, 0, 0, 1, 2, 3]
    # 1 + 2 GeV, then 3 + 2, then 5 + 4
    assert rows(trees_of([event], "pt-descending"), 0) == [(0, 2), (4, 3), (5, 1)]


def check_tree(found: list[tuple[int, int]], levels: list[int], n: int) -> None:
    """Every node but the root is merged once, after it was created."""
    assert len(found) == max(n - 1, 0)
    assert len(levels) == max(2 * n - 1, 0)
    assert sorted(node for pair in found for node in pair) == list(range(max(2 * n - 2, 0)))
    for k, (a, b) in enumerate(found):
        assert max(a, b) < n + k
        assert levels[n + k] == 1 + max(levels[a], levels[b])
    assert not any(levels[:n])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_tree_is_a_binary_tree(algorithm: Algorithm) -> None:
    counts = [0, 1, 2, 0, 5, 33, 128, 1]
    trees = trees_of(jets(counts), algorithm)
    assert len(trees) == len(counts)
    for event, n in enumerate(counts):
        start, stop = trees.levels.offsets[event : event + 2].tolist()
        check_tree(rows(trees, event), trees.levels.values[start:stop].tolist(), n)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_harder_of_two_comes_first(algorithm: Algorithm) -> None:
    event = jets([40])[0]
    nodes = list(cartesian(event))
    for a, b in rows(trees_of([event], algorithm), 0):
        assert np.hypot(*nodes[a][:2]) >= np.hypot(*nodes[b][:2])
        nodes.append(nodes[a] + nodes[b])


def leaves(found: list[tuple[int, int]], names: Sequence[int]) -> list[frozenset[int]]:
    """The particles below each merge, in order."""
    below = [frozenset([name]) for name in names]
    for a, b in found:
        below.append(below[a] | below[b])
    return below[len(names) :]


@given(st.integers(2, 40), st.integers(0, 10**6), st.sampled_from(ALGORITHMS))
@settings(deadline=None, max_examples=60)
def test_the_order_of_particles_does_not_matter(n: int, seed: int, algorithm: Algorithm) -> None:
    (event,) = jets([n], seed)
    shuffled = np.random.default_rng(seed).permutation(n)
    before, after = (rows(trees_of([some], algorithm, [7]), 0) for some in (event, event[shuffled]))
    assert leaves(before, range(n)) == leaves(after, shuffled.tolist())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_tree_does_not_depend_on_other_events(algorithm: Algorithm) -> None:
    events = jets([9, 0, 30, 2, 12])
    together = trees_of(events, algorithm, [11, 12, 13, 14, 15])
    for number, event in enumerate(events):
        assert rows(trees_of([event], algorithm, [11 + number]), 0) == rows(together, number)


def test_threads_change_nothing() -> None:
    events = jets([60] * 300)
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(trees_of(events, "kt").merges.values)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


def test_random_trees_depend_only_on_their_event() -> None:
    event = jets([3])[0]
    first = [frozenset(rows(trees_of([event], "random", [number]), 0)[0]) for number in range(3000)]
    counts = [first.count(frozenset(pair)) for pair in combinations(range(3), 2)]
    assert sum(counts) == 3000
    assert max(abs(count - 1000) for count in counts) < 5 * np.sqrt(3000 * 2 / 9)


def test_steps_cover_all_trees() -> None:
    events = jets([5, 0, 1, 40, 2])
    trees = trees_of(events, "anti-kt").take(torch.tensor([3, 4, 1, 2, 0, 3]))
    picked = [events[i] for i in (3, 4, 1, 2, 0, 3)]
    nodes = torch.full((len(trees.levels.values), 4), torch.nan, dtype=torch.float64)
    for start, event in zip(trees.levels.offsets.tolist(), picked, strict=False):
        nodes[start : start + len(event)] = torch.from_numpy(cartesian(event))
    for made, left, right in trees.steps():
        assert nodes[made].isnan().all()
        nodes[made] = nodes[left] + nodes[right]
    assert not nodes.isnan().any()
    for end, event in zip(trees.levels.offsets[1:].tolist(), picked, strict=True):
        if len(event):
            np.testing.assert_allclose(nodes[end - 1], cartesian(event).sum(axis=0))
    assert trees_of([], "kt").steps() == []


@pytest.mark.parametrize(
    ("wrong", "match"),
    [
        ([np.nan, 0, 0, 0], "pt nan"),
        ([-1.0, 0, 0, 0], "pt -1"),
        ([1.0, np.inf, 0, 0], "eta inf"),
        ([1.0, 0, np.nan, 0], "phi nan"),
        ([1.0, 800.0, 0, 0], "an energy below 1e\\+150"),
    ],
    ids=str,
)
def test_invalid_particles_are_named(wrong: list[float], match: str) -> None:
    events = [*jets([3]), np.array([[1.0, 0, 0, 0], wrong])]
    with pytest.raises(UserError, match=f"event 78, particle 1 has .*{match}"):
        trees_of(events, "kt", [77, 78])


def test_invalid_particles_are_named_by_threads() -> None:
    events = [*jets([60] * 300), np.array([[1.0, 0, 0, 0], [-1.0, 0, 0, 0]]), *jets([60] * 5)]
    with pytest.raises(UserError, match="event 1300, particle 1 has pt -1, "):
        trees_of(events, "kt", range(1000, 1306))


def test_invalid_lists_are_named() -> None:
    particles = torch.ones(4, 4)
    with pytest.raises(UserError, match="event 6: its particles go from 3 to 2"):
        merge(Ragged(particles, torch.tensor([0, 3, 2, 4])), torch.tensor([5, 6, 7]))
    with pytest.raises(UserError, match="particles of 1 events have 2 event ids"):
        merge(Ragged(particles, torch.tensor([0, 4])), torch.tensor([5, 6]))
    with pytest.raises(UserError, match="particles have 3 columns, expected 4"):
        merge(Ragged(particles[:, :3], torch.tensor([0, 4])), torch.tensor([5]))
    with pytest.raises(UserError, match=r"unknown algorithm 'antikt'\. Did you mean 'anti-kt'\?"):
        merge(Ragged(particles, torch.tensor([0, 4])), torch.tensor([5]), "antikt")  # type: ignore[arg-type]
