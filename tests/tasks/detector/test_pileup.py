"""Pile-up: how much of it, turned how, and the pool of collisions."""

import numpy as np
import pytest

from tasks.detector.calorimeter import Deposits
from tasks.detector.cells import ENDCAP_START, HCAL_START, TOTAL, clear, workspace
from tasks.detector.geometry import HCAL, endcap_direction, endcap_mask
from tasks.detector.pileup import Drawn, PileUp, overlay, pool, turned
from tests.tasks.detector.states import barrel, hcal


def collision(cells, energies):
    """A pool of one collision."""
    energy = np.asarray(energies, np.float32)
    return Deposits(np.array([0, len(cells)]), np.asarray(cells, np.int32), energy, np.zeros_like(energy))


@pytest.fixture(scope="module")
def random_collision():
    rng = np.random.default_rng(1)
    exists = np.flatnonzero(np.tile(endcap_mask().ravel(), 2)) + ENDCAP_START
    rows = np.arange(HCAL[0])[:, np.newaxis]
    wide = (rows < 8) | (rows >= 48)
    towers = np.flatnonzero(~wide | (np.arange(HCAL[1]) % 2 == 0)) + HCAL_START
    cells = np.concatenate([np.sort(rng.choice(part, 2000)) for part in (np.arange(ENDCAP_START), exists, towers)])
    cells = np.unique(cells)
    return collision(cells, rng.exponential(1.0, len(cells)))


def laid(pile, picked, turns):
    """The workspace of one event with these collisions."""
    cells = workspace()
    overlay(cells, pile, Drawn(np.array([0, len(picked)]), np.array(picked), np.array(turns)), 0)
    return cells


@pytest.mark.parametrize("mean", [0.0, 2.0, 20.0])
def test_as_many_collisions_as_asked_for(mean, random_collision):
    drawn = PileUp(mean, random_collision).draw(5000, np.random.default_rng(2))
    counts = np.diff(drawn.offsets)
    assert len(counts) == 5000
    assert counts.mean() == pytest.approx(mean, abs=4 * np.sqrt(mean / 5000))
    assert counts.var() == pytest.approx(mean, rel=0.1)  # Poisson
    assert len(drawn.picked) == len(drawn.turns) == counts.sum()
    if mean:
        assert set(np.unique(drawn.turns)) == set(range(72))


def test_all_of_the_pool_is_drawn():
    pile = Deposits(np.zeros(8, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.float32))
    drawn = PileUp(20.0, pile).draw(100, np.random.default_rng(3))
    assert set(np.unique(drawn.picked)) == set(range(7))


def test_energies_add_up(random_collision):
    once, thrice = laid(random_collision, [0], [0]), laid(random_collision, [0, 0, 0], [0, 0, 0])
    expected = np.zeros(TOTAL)
    expected[random_collision.cell] = random_collision.energy
    np.testing.assert_allclose(once.energy, expected)
    np.testing.assert_allclose(thrice.energy, 3 * expected)
    assert once.used[0] == thrice.used[0] == len(random_collision.cell)
    clear(thrice)
    assert not thrice.energy.any()


def test_only_the_events_own_collisions(random_collision):
    cells = workspace()
    drawn = Drawn(np.array([0, 1, 1, 3]), np.zeros(3, np.int64), np.zeros(3, np.int64))
    for event, copies in enumerate((1, 0, 2)):
        overlay(cells, random_collision, drawn, event)
        assert cells.energy.sum() == pytest.approx(copies * random_collision.energy.sum())
        clear(cells)


@pytest.mark.parametrize("turn", [1, 18, 37, 71])
def test_a_turn_is_a_rotated_image(turn, random_collision):
    before, after = laid(random_collision, [0], [0]), laid(random_collision, [0], [turn])
    np.testing.assert_allclose(barrel(after), np.roll(barrel(before), 5 * turn, axis=1))
    narrow, whole = slice(8, 48), turn // 2 * 2  # where towers are two columns wide, an odd turn is rounded down
    np.testing.assert_allclose(hcal(after)[narrow], np.roll(hcal(before), turn, axis=1)[narrow])
    for wide in (slice(0, 8), slice(48, 56)):
        np.testing.assert_allclose(hcal(after)[wide], np.roll(hcal(before), whole, axis=1)[wide])
    ends = [cells.energy[ENDCAP_START:HCAL_START].sum() for cells in (before, after)]
    assert ends[1] == pytest.approx(ends[0], rel=0.05)


def test_turned_endcaps():
    table = turned()
    exists = np.flatnonzero(np.tile(endcap_mask().ravel(), 2))
    np.testing.assert_array_equal(table[0, exists], ENDCAP_START + exists)
    inside = table[:, exists]
    assert (inside >= 0).mean(axis=1).min() > 0.96
    assert ((inside < 0) | ((inside >= ENDCAP_START) & (inside < HCAL_START))).all()
    for turn in (18, 36, 54):  # quarters fall on crystals
        assert np.unique(table[turn, exists]).size == len(exists)
    row, column = np.divmod(exists, 100)
    eta, phi = endcap_direction(row, column)
    kept = inside[5] >= 0
    new_eta, new_phi = endcap_direction(*np.divmod(inside[5][kept] - ENDCAP_START, 100))
    away = (new_phi - phi[kept] - 5 * 2 * np.pi / 72 + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(away).max() < 0.07  # a crystal at the inner rim is 0.1 wide
    assert np.abs(new_eta - eta[kept]).max() < 0.1
    assert np.exp(1j * away).mean().imag == pytest.approx(0.0, abs=2e-3)


def test_a_pool_of_minimum_bias():
    made = pool(8000.0, 20)
    assert len(made) == 20
    assert made is pool(8000.0, 20)
    total = np.array([made.energy[a:b].sum() for a, b in zip(made.offsets, made.offsets[1:], strict=False)])
    assert np.median(total) > 20  # GeV within abs(eta) 3
    transverse = made.energy[made.cell < ENDCAP_START].sum() / 20
    assert 1 < transverse < 40
    assert np.isfinite(made.time).all()
    assert made.energy.min() > 0
