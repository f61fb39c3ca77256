"""Cells compared over seeds: simulated experiments in which both cells are equally good, on events and on average."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmark.metrics.auc import Area, roc_auc
from benchmark.metrics.comparison import Spread, auc_difference, compare_seeds, pooled, spread_of

EVENTS = 300


def never() -> bool:
    return False


def experiment(
    rng: np.random.Generator, counts: tuple[int, int], noise: float, own: float, better: float = 0.0
) -> tuple[list[Area], list[Area]]:
    """Areas of two cells on the same events.

    Parameters
    ----------
    counts : trainings of each cell. noise : how far trainings of one cell differ in strength.
    own : of the noise of a score that is of its training alone. better : how much stronger the first cell is.
    """
    is_signal = np.arange(EVENTS) % 2 == 0
    shared = rng.normal(size=EVENTS)
    cells = []
    for cell, count in enumerate(counts):
        of_cell = shared + 0.5 * rng.normal(size=EVENTS)
        areas = []
        for _ in range(count):
            strength = 1.0 + better * (cell == 0) + noise * rng.normal()
            areas.append(roc_auc(is_signal, strength * is_signal + of_cell + own * rng.normal(size=EVENTS)))
        cells.append(areas)
    return cells[0], cells[1]


@pytest.mark.parametrize(
    ("counts", "noise", "own"), [((3, 3), 0.0, 0.6), ((3, 3), 0.2, 0.3), ((3, 3), 0.5, 0.0), ((5, 3), 0.3, 0.3)]
)
def test_equal_cells_differ_in_one_of_twenty_experiments(counts: tuple[int, int], noise: float, own: float):
    rng = np.random.default_rng(17)
    p_values = [compare_seeds(*experiment(rng, counts, noise, own), never).p_value for _ in range(600)]
    assert 0.03 <= np.mean(np.array(p_values) < 0.05) <= 0.075


def test_single_seeds_with_a_borrowed_spread():
    """The spread is known from 30 other cells; without it, events alone would find differences in training noise."""
    rng = np.random.default_rng(18)
    others = [experiment(rng, (3, 3), 0.4, 0.2)[0] for _ in range(30)]
    lent = pooled(spread for cell in others if (spread := spread_of([area.value for area in cell])))
    assert lent is not None
    assert lent.freedom == 60
    cells = [experiment(rng, (1, 1), 0.4, 0.2) for _ in range(600)]
    borrowed = [compare_seeds(a, b, never, (lent, lent)).p_value for a, b in cells]
    alone = [compare_seeds(a, b, never).p_value for a, b in cells]
    assert 0.02 <= np.mean(np.array(borrowed) < 0.05) <= 0.075
    assert np.mean(np.array(alone) < 0.05) > 0.15


def test_intervals_and_p_values_agree():
    rng = np.random.default_rng(19)
    for _ in range(100):
        found = compare_seeds(*experiment(rng, (3, 3), 0.3, 0.3, better=0.3), never)
        assert (found.low > 0 or found.high < 0) == (found.p_value < 0.05)


def test_seeds_make_a_comparison_more_sensitive():
    rng = np.random.default_rng(20)

    def power(count: int) -> float:
        return float(
            np.mean(
                [
                    compare_seeds(*experiment(rng, (count, count), 0.1, 0.8, 0.6), never).p_value < 0.05
                    for _ in range(150)
                ]
            )
        )

    assert power(8) > power(2) + 0.05


def test_one_training_each_is_delongs_test():
    rng = np.random.default_rng(21)
    (a,), (b,) = experiment(rng, (1, 1), 0.0, 0.5)
    labels, first, second = np.arange(EVENTS) % 2, *rng.normal(size=(2, EVENTS))
    areas = roc_auc(labels == 0, first), roc_auc(labels == 0, second)
    assert compare_seeds([areas[0]], [areas[1]], never) == auc_difference(labels, first, second)
    # no training noise: the mean of equal trainings is each of them
    assert compare_seeds([a] * 3, [b] * 2, never).standard_error == pytest.approx(
        compare_seeds([a], [b], never).standard_error
    )


def test_a_table_made_by_hand():
    """Trainings of 0.80, 0.82, 0.84 and 0.70, 0.74 without any noise of events: s^2 = 0.0004 and 0.0008."""
    still = Area(0.0, np.zeros(10), 10.0)
    a, b = ([replace(still, value=value) for value in values] for values in ((0.80, 0.82, 0.84), (0.70, 0.74)))
    found = compare_seeds(a, b, never)
    parts = 0.0004 / 3, 0.0008 / 2
    assert found.value == pytest.approx(0.10)
    assert found.standard_error == pytest.approx(np.sqrt(sum(parts)))
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 2 + parts[1] ** 2 / 1)
    assert freedom == pytest.approx(1.684, abs=1e-3)
    assert found.high - found.value == pytest.approx(5.1749 * found.standard_error, rel=1e-3)  # t of 1.684 freedoms


def test_pooling():
    assert pooled([]) is None
    assert spread_of([0.8]) is None
    assert pooled([Spread(1.0, 2), Spread(4.0, 1)]) == Spread(2.0, 3)
