"""Pile-up: how much of it, its rotations, the pool of collisions, and vertices."""

from dataclasses import replace

import awkward as ak
import numpy as np
import pytest

from tasks.detector.cells import ENDCAP_START, HCAL_START, TOTAL, Deposits, clear, workspace
from tasks.detector.geometry import HCAL, endcap_direction, endcap_mask
from tasks.detector.overlay import MinimumBias, Overlay, mirror, turned
from tasks.detector.pileup import ERAS, SPREAD, PileUp, description, eras, mistaken, pool, vertices
from tests.tasks.detector.states import barrel, hcal


def collision(cells, energies):
    """A pool of one collision."""
    energy = np.asarray(energies, np.float32)
    found = Deposits(np.array([0, len(cells)]), np.asarray(cells, np.int32), energy, np.zeros_like(energy))
    track = {"pt": np.float32(2.0), "eta": np.float32(0.5), "phi": np.float32(3.0)}
    return MinimumBias(found, ak.Array([[track]]), np.zeros(1))


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


def drawn_of(pile, offsets, picked, turns, mirrored=None):
    """Collisions over events, not mirrored unless it is said."""
    mirrored = np.zeros(len(picked), bool) if mirrored is None else np.array(mirrored)
    return Overlay(pile, np.array(offsets), np.array(picked), np.array(turns), mirrored)


def laid(pile, picked, turns, mirrored=None):
    """The workspace of one event with these collisions."""
    cells = workspace()
    drawn_of(pile, [0, len(picked)], picked, turns, mirrored).add_to(cells, 0)
    return cells


@pytest.mark.parametrize("mean", [0.0, 2.0, 20.0])
def test_as_many_collisions_as_asked_for(mean, random_collision):
    drawn = PileUp(((1.0, mean),), random_collision).draw(5000, np.random.default_rng(2))
    counts = np.diff(drawn.offsets)
    assert len(counts) == 5000
    assert counts.mean() == pytest.approx(mean, abs=4 * np.sqrt(mean / 5000))
    assert counts.var() == pytest.approx(mean, rel=0.1)  # Poisson
    assert len(drawn.picked) == len(drawn.turns) == counts.sum()
    if mean:
        assert set(np.unique(drawn.turns)) == set(range(72))
        assert drawn.mirrored.mean() == pytest.approx(0.5, abs=2 / np.sqrt(len(drawn.mirrored)))


def test_a_year_is_a_mixture_of_its_run_eras(random_collision):
    drawn = PileUp(eras("2012"), random_collision).draw(40_000, np.random.default_rng(4))
    counts = np.diff(drawn.offsets)
    weights, means = np.array(ERAS["2012"]).T
    mean = np.average(means, weights=weights)
    assert mean == pytest.approx(19.83, abs=0.01)  # (16308 x 18 + 24538 x 20 + 22206 x 21) / 63052
    assert counts.mean() == pytest.approx(mean, abs=4 * np.sqrt(mean / 40_000))
    between = np.average((means - mean) ** 2, weights=weights)
    assert counts.var() == pytest.approx(mean + between, rel=0.03)  # Poisson within an era, and eras differ


def test_eras_are_in_the_description():
    assert eras(7.0) == ((1.0, 7.0),)
    assert description(0.0, 8000.0) == ""
    assert description("2010", 7000.0).startswith("pile-up of mean 2 in 100.0% from 2000 collisions: Beams:eCM=7000")


def test_tracks_are_turned_with_their_collision(random_collision):
    drawn = drawn_of(random_collision, [0, 0, 2], [0, 0], [0, 9], [False, True])
    tracks = drawn.tracks()
    assert drawn.counts().tolist() == [0, 2]
    assert drawn.copies().pt.tolist() == [[2.0], [2.0]]
    assert tracks.pt.tolist() == [[], [2.0, 2.0]]
    assert tracks.eta.tolist() == [[], [0.5, -0.5]]
    expected = [3.0, 3.0 + np.pi / 4 - 2 * np.pi]
    assert tracks.phi.tolist()[1] == pytest.approx(expected, abs=1e-6)
    assert np.asarray(ak.flatten(tracks.phi)).dtype == np.float32


def test_all_of_the_pool_is_drawn():
    none = Deposits(np.zeros(8, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.float32))
    pile = MinimumBias(none, ak.Array([[]] * 7), np.zeros(7))
    drawn = PileUp(((1.0, 20.0),), pile).draw(100, np.random.default_rng(3))
    assert set(np.unique(drawn.picked)) == set(range(7))


def test_energies_add_up(random_collision):
    once, thrice = laid(random_collision, [0], [0]), laid(random_collision, [0, 0, 0], [0, 0, 0])
    expected = np.zeros(TOTAL)
    expected[random_collision.deposits.cell] = random_collision.deposits.energy
    np.testing.assert_allclose(once.energy, expected)
    np.testing.assert_allclose(thrice.energy, 3 * expected)
    assert once.used[0] == thrice.used[0] == len(random_collision.deposits.cell)
    clear(thrice)
    assert not thrice.energy.any()


def test_only_the_events_own_collisions(random_collision):
    cells = workspace()
    drawn = drawn_of(random_collision, [0, 1, 1, 3], [0, 0, 0], [0, 0, 0])
    for event, copies in enumerate((1, 0, 2)):
        drawn.add_to(cells, event)
        assert cells.energy.sum() == pytest.approx(copies * random_collision.deposits.energy.sum())
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


@pytest.mark.parametrize("turn", [0, 18])  # quarters: endcaps too fall on crystals
def test_a_mirrored_collision_is_a_mirrored_image(turn, random_collision):
    before, after = laid(random_collision, [0], [turn]), laid(random_collision, [0], [turn], [True])
    np.testing.assert_allclose(barrel(after), barrel(before)[::-1])
    np.testing.assert_allclose(hcal(after), hcal(before)[::-1])
    minus, plus = (cells.energy[ENDCAP_START:HCAL_START].reshape(2, 100, 100) for cells in (before, after))
    np.testing.assert_allclose(plus, minus[::-1])


def test_cells_and_tracks_agree_on_sides():
    cell = mirror()[np.arange(ENDCAP_START, HCAL_START)] - ENDCAP_START
    eta, phi = endcap_direction(*np.divmod(np.arange(HCAL_START - ENDCAP_START), 100))
    new_eta, new_phi = endcap_direction(*np.divmod(cell, 100))
    np.testing.assert_allclose(new_eta, -eta)
    np.testing.assert_allclose(new_phi, phi)


def test_vertices_are_mirrored_with_their_collision(random_collision):
    pile = replace(random_collision, vertex=np.array([0.03]))
    assert drawn_of(pile, [0, 2], [0, 0], [0, 5], [False, True]).vertex().tolist() == [0.03, -0.03]


def test_turned_endcaps():
    table = turned()
    exists = np.flatnonzero(np.tile(endcap_mask().ravel(), 2))
    np.testing.assert_array_equal(table[0, ENDCAP_START + exists], ENDCAP_START + exists)
    inside = table[:, ENDCAP_START + exists]
    assert (inside >= 0).mean(axis=1).min() > 0.96
    assert ((inside < 0) | ((inside >= ENDCAP_START) & (inside < HCAL_START))).all()
    for turn in (18, 36, 54):  # quarters fall on crystals
        assert np.unique(table[turn, ENDCAP_START + exists]).size == len(exists)
    row, column = np.divmod(exists, 100)
    eta, phi = endcap_direction(row, column)
    kept = inside[5] >= 0
    new_eta, new_phi = endcap_direction(*np.divmod(inside[5][kept] - ENDCAP_START, 100))
    away = (new_phi - phi[kept] - 5 * 2 * np.pi / 72 + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(away).max() < 0.07  # a crystal at the inner rim is 0.1 wide
    assert np.abs(new_eta - eta[kept]).max() < 0.1
    assert np.exp(1j * away).mean().imag == pytest.approx(0.0, abs=2e-3)


def test_a_pool_of_minimum_bias():
    both = pool(8000.0, 20)
    assert len(both) == len(both.tracks) == len(both.vertex) == 20
    assert np.abs(both.vertex).max() < 0.25
    assert both is pool(8000.0, 20)
    tracks = ak.num(both.tracks.pt)
    assert 2 < np.median(tracks) < 60  # about 6 charged particles a unit of eta, four in five above 0.5 GeV or not seen
    assert ak.all(both.tracks.pt > 0.5)
    made = both.deposits
    total = np.array([made.energy[a:b].sum() for a, b in zip(made.offsets, made.offsets[1:], strict=False)])
    assert np.median(total) > 20  # GeV within abs(eta) 3
    transverse = made.energy[made.cell < ENDCAP_START].sum() / 20
    assert 1 < transverse < 40
    assert np.isfinite(made.time).all()
    assert made.energy.min() > 0


def test_the_beam_spot():
    z = vertices(20_000, np.random.default_rng(1))
    assert z.mean() == pytest.approx(0.0, abs=4 * SPREAD / np.sqrt(20_000))
    assert z.std() == pytest.approx(0.05, rel=0.02)


@pytest.mark.parametrize(("others", "right"), [(0, 1.0), (10, 0.9), (20, 0.8), (200, 0.0)])
def test_one_in_five_is_wrong_among_twenty_others(others, right):
    taken = mistaken(np.full(20_000, others), np.random.default_rng(2))
    assert (taken < 0).mean() == pytest.approx(right, abs=0.012)
    assert set(np.unique(taken)) <= set(range(-1, max(others, 1)))
    if 0 < right < 1:  # each of the others as often
        counts = np.bincount(taken[taken >= 0], minlength=others)
        assert np.abs(counts - counts.mean()).max() < 5 * np.sqrt(counts.mean())
