"""Small simulations: the long ones are run by hand, and have their tables in docs/statistics.md."""

from __future__ import annotations

import pytest

from tests.simulations.coverage import NUMBERS, rejected, simulate
from tests.simulations.drifts import false_alarms, outliers
from tests.simulations.drifts import power as power_of_drifts
from tests.simulations.seeds import held, one_class, pairs_alone, power

LOW = {"cvm": 0.88, "cvm_knn": 0.88, "cvm_bins": 0.88, "jsd_50": 0.85}
"""Those that hold the truth in 90 to 95% of samples."""


def test_intervals_hold_the_truth() -> None:
    """In 200 test sets, whose share has an error of 1.5%."""
    found = simulate(200, 500, 1.0)
    assert tuple(found) == NUMBERS
    coverage = {name: toys.coverage() for name, toys in found.items()}
    assert {name: share for name, share in coverage.items() if share < LOW.get(name, 0.91)} == {}


def test_too_few_events_say_so() -> None:
    found = simulate(20, 60, 1.0)
    assert found["cvm"].coverage() is None
    assert found["auc"].coverage() is not None


def test_a_true_null_is_rejected_as_often_as_it_should() -> None:
    assert 0.02 <= rejected(400, 300) <= 0.08


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("trainings", [0.2, 1.0, 5.0])
def test_intervals_of_rows_hold_the_mean_over_events_and_trainings(seeds: int, trainings: float) -> None:
    assert 0.94 <= held(3000, seeds, trainings, own=0.2) <= 0.992


@pytest.mark.parametrize("factor", [1.0, 1.6])
def test_equal_cells_are_in_one_class(factor: float) -> None:
    """In 95%, with an error of 1.5%."""
    assert one_class(200, 10, 3, factor) >= 0.91


def test_pairs_that_stand_alone_would_rank_most_boards_of_equal_cells() -> None:
    assert pairs_alone(2000, 10) < 0.5


def test_cells_that_differ_are_found() -> None:
    """Of two cells, three errors are beyond 1.96 in 85%; of ten, five are beyond what is left of 3.2 in most."""
    assert power(200, 2, 1, 3.0) >= 0.78
    assert power(60, 10, 3, 5.0) >= 0.8


def test_drifts_are_found_and_noise_is_not() -> None:
    """Of 60 series that lose an error with each of six revisions, most; of 20 scans of noise, hardly one."""
    together, alone = power_of_drifts(60)
    assert together >= 0.95
    assert alone >= 0.85
    assert false_alarms(20, series=50) <= 0.15
    assert outliers(100)[1] <= 0.02
