"""Drifts: planted ones are found, noise and single outliers are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from leaderboard.regressions.drift import of_history
from tests.leaderboard.regressions.test_history import point

if TYPE_CHECKING:
    from leaderboard.regressions.history import Point

NOISE, SEEDS, POINTS = 0.004, 3, 28
ERROR = NOISE / SEEDS**0.5


def series(name: str, moved: np.ndarray, rng: np.random.Generator, **more: object) -> list[Point]:
    """A series of areas around 0.9, moved by so many errors."""
    values = 0.9 + ERROR * moved[:, None] + rng.normal(0, NOISE, (len(moved), SEEDS))
    return [point(day, tuple(row), series=name, **more) for day, row in enumerate(values.tolist(), 1)]


def noise(count: int, rng: np.random.Generator) -> list[Point]:
    return [each for number in range(count) for each in series(f"x{number}", np.zeros(POINTS), rng)]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def test_a_loss_of_one_error_a_revision_over_six_revisions(rng: np.random.Generator):
    moved = -np.clip(np.arange(POINTS) - 15, 0, 6).astype(float)
    (found,) = of_history([*noise(20, rng), *series("worse", moved, rng)])
    assert (found.kind, found.what, found.worse) == ("drift", "worse", True)
    assert "since 0000000000 (2026-11-" in found.words


def test_a_gain_is_no_loss(rng: np.random.Generator):
    moved = 4.0 * (np.arange(POINTS) >= 10)
    assert [each.worse for each in of_history(series("x", moved, rng))] == [False]
    assert [each.worse for each in of_history(series("x", moved, rng, better="lower"))] == [True]


def test_noise_seldom_alarms(rng: np.random.Generator):
    alarms = [bool(list(of_history(noise(20, rng)))) for _ in range(60)]
    assert np.mean(alarms) <= 0.1


def test_one_outlier_is_no_drift(rng: np.random.Generator):
    for place in (2, 12, POINTS - 1):
        moved = np.zeros(POINTS)
        moved[place] = -5
        assert list(of_history([*noise(20, rng), *series("outlier", moved, rng)])) == []


def test_revisions_that_leave_a_cell_as_it_was_count_once(rng: np.random.Generator):
    """A change of random numbers moves a cell by its noise, and the next twenty revisions repeat what it has then."""
    before, after = (tuple(0.9 + rng.normal(0, NOISE, SEEDS)) for _ in range(2))
    days = [point(day, before if day <= 8 else after) for day in range(1, POINTS)]
    assert list(of_history(days)) == []


def test_cells_that_draw_nothing_at_random_are_left_out():
    days = [point(day, (0.9 - 0.001 * day,) * SEEDS) for day in range(1, POINTS)]
    assert list(of_history(days)) == []
    assert list(of_history([])) == []
