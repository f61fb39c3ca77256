"""Merge trees against FastJet walked jet by jet, from the same jets of 60 constituents.

FastJet is given its PseudoJets ready-made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import fastjet
import pytest
import torch

from models.views.trees import ALGORITHMS, merge
from tests.models.views.test_trees import FASTJET, cartesian, jets, ragged
from tests.performance.sizes import MEASURED

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from models.views.trees import Algorithm
    from tests.performance.conftest import SideBySide

JETS, CONSTITUENTS = 1000 if MEASURED else 100, 60
EVENTS = jets([CONSTITUENTS] * JETS)


def walked(pseudojets: list[list[fastjet.PseudoJet]], definition: fastjet.JetDefinition) -> list[list[tuple[int, int]]]:
    """Each jet's tree, from the root down."""
    trees = []
    for particles in pseudojets:
        sequence = fastjet.ClusterSequence(particles, definition)
        todo, found = list(sequence.inclusive_jets(0.0)), []
        while todo:
            jet, harder, softer = todo.pop(), fastjet.PseudoJet(), fastjet.PseudoJet()
            if jet.has_parents(harder, softer):
                found.append((harder.cluster_hist_index(), softer.cluster_hist_index()))
                todo += [harder, softer]
        trees.append(found)
    return trees


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("algorithm", FASTJET)
def test_against_fastjet(side_by_side: SideBySide, algorithm: Algorithm, threads: int) -> None:
    """FastJet clusters one jet after the other in one thread."""
    pseudojets = [[fastjet.PseudoJet(*row) for row in cartesian(event).tolist()] for event in EVENTS]
    definition = fastjet.JetDefinition(FASTJET[algorithm], 1000.0)
    particles, ids = ragged(EVENTS), torch.arange(JETS)
    trees = merge(particles, ids, algorithm).merges.values.reshape(JETS, CONSTITUENTS - 1, 2).tolist()
    for ours, theirs in zip(trees, walked(pseudojets, definition), strict=True):
        assert sorted(map(tuple, ours)) == sorted(theirs)
    side_by_side(
        f"merge trees, {JETS} jets of {CONSTITUENTS}, {algorithm}",
        lambda: merge(particles, ids, algorithm),
        "FastJet, has_parents",
        lambda: walked(pseudojets, definition),
        at_least=20,
        threads=threads,
    )


@pytest.mark.benchmark(group="merge trees, 1000 jets of 60")
@pytest.mark.parametrize("algorithm", sorted(set(ALGORITHMS) - set(FASTJET)))
def test_merge(benchmark: BenchmarkFixture, algorithm: Algorithm) -> None:
    particles, ids = ragged(EVENTS), torch.arange(JETS)
    merge(particles, ids, algorithm)  # numba compiles once
    trees = benchmark(merge, particles, ids, algorithm)
    assert len(trees.merges.values) == JETS * (CONSTITUENTS - 1)
