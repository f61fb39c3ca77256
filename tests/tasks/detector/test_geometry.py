"""Cells against the numbers of CMS, and back from their directions."""

import numpy as np
import pytest

from tasks.detector.cells import ENDCAP_START, HCAL_START, crystal, tower
from tasks.detector.geometry import (
    BARREL,
    CRYSTAL,
    ENDCAPS,
    HCAL,
    HCAL_EDGES,
    HCAL_SINGLE,
    barrel_direction,
    endcap_direction,
    endcap_mask,
    hcal_direction,
)
from tasks.detector.showers import entry
from tests.tasks.detector.states import at_face


def test_an_endcap_has_7324_crystals_in_a_symmetric_ring():
    mask = endcap_mask()
    assert mask.shape == (100, 100)
    assert mask.sum() == 7324
    for other in (mask[::-1], mask[:, ::-1], mask.T):
        np.testing.assert_array_equal(other, mask)
    assert not mask[45:55, 45:55].any()


def test_the_endcaps_cover_what_the_barrel_leaves():
    row, column = np.nonzero(np.tile(endcap_mask(), (2, 1)))
    eta, phi = endcap_direction(row, column)
    assert np.abs(eta).min() == pytest.approx(1.479, abs=0.02)
    assert np.abs(eta).max() == pytest.approx(3.0, abs=0.1)
    np.testing.assert_array_equal(eta > 0, row >= 100)
    assert np.abs(phi).max() <= np.pi
    assert np.histogram(phi, 4, (-np.pi, np.pi))[0].tolist() == [7324 // 2] * 4


def test_barrel_directions_are_symmetric_and_even():
    eta, phi = barrel_direction(*np.indices(BARREL))
    np.testing.assert_allclose(eta, -eta[::-1], atol=1e-12)
    np.testing.assert_allclose(np.diff(eta, axis=0), 2 * 1.479 / 170, rtol=1e-9)
    np.testing.assert_allclose(np.diff(phi, axis=1), np.pi / 180, rtol=1e-9)
    assert (phi[0, 0], phi[0, -1]) == pytest.approx((-np.pi + np.pi / 360, np.pi - np.pi / 360))


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 359), (169, 0), (169, 359), (84, 180), (85, 179), (33, 301)])
def test_barrel_index_and_direction_there_and_back(row, column):
    eta, phi = barrel_direction(np.array(row), np.array(column))
    place = entry(at_face(10.0, float(eta), float(phi)))
    assert place[0]
    assert place[2:4] == pytest.approx((row + 0.5, column + 0.5))
    assert crystal(*place[:4]) == row * BARREL[1] + column


def test_endcap_index_and_direction_there_and_back():
    row, column = np.nonzero(np.tile(endcap_mask(), (2, 1)))
    eta, phi = endcap_direction(row, column)
    for i in np.random.default_rng(1).choice(len(row), 300, replace=False):
        # The ring's corners reach into the gap next to the barrel, which stops first.
        if abs(eta[i]) > 1.479:
            place = entry(at_face(10.0, eta[i], phi[i]))
            assert not place[0]
            assert crystal(*place[:4]) == ENDCAP_START + row[i] * ENDCAPS[1] + column[i]


def test_fractional_positions_beyond_the_edge_are_no_cells():
    assert crystal(True, True, 84.2, -0.5) == 84 * 360 + 359
    assert crystal(True, True, 84.2, 360.5) == 84 * 360
    assert crystal(True, True, -0.01, 3.0) == crystal(True, True, 170.0, 3.0) == -1
    assert crystal(False, True, 50.0, 50.0) == -1  # the beam pipe
    assert crystal(False, True, -3.0, 20.0) == crystal(False, False, 20.0, 100.0) == -1
    assert crystal(False, False, 50.0, 10.0) == ENDCAP_START + 5010
    assert crystal(False, True, 50.0, 10.0) == ENDCAP_START + 15010
    for wild in (np.inf, -np.inf, np.nan, 1e300):
        assert crystal(True, True, wild, 1.0) == crystal(False, True, wild, wild) == tower(wild, 0.0) == -1


def test_hcal_towers():
    assert len(HCAL_EDGES) == HCAL[0] // 2 + 1
    assert (HCAL_EDGES[17], HCAL_EDGES[20], HCAL_EDGES[28]) == pytest.approx((1.479, 1.740, 3.0))
    assert np.all(np.diff(HCAL_EDGES) > 0.08)
    row, column = np.indices(HCAL)
    eta, phi = hcal_direction(row, column)
    np.testing.assert_allclose(eta, -eta[::-1], atol=1e-12)
    wide = (row < 28 - HCAL_SINGLE) | (row >= 28 + HCAL_SINGLE)
    exists = ~wide | (column % 2 == 0)
    assert exists.sum() == 40 * 72 + 16 * 36
    for i, j in zip(*np.nonzero(exists), strict=True):
        assert tower(eta[i, j], phi[i, j]) == HCAL_START + i * HCAL[1] + j


@pytest.mark.parametrize("eta", [3.0, -3.0, 5.0])
def test_nothing_beyond_the_hcal(eta):
    assert tower(eta, 0.0) == -1


def test_towers_at_the_seam():
    assert tower(0.01, np.pi) == tower(0.01, -np.pi) == HCAL_START + 28 * 72
    assert tower(-0.01, np.pi - 1e-6) == tower(-0.01, -np.pi - 1e-6) == HCAL_START + 27 * 72 + 71
    assert tower(2.9, np.pi - 1e-6) == HCAL_START + 55 * 72 + 70


def test_five_crystals_are_a_tower():
    eta, phi = barrel_direction(*np.indices(BARREL))
    for i, j in ((0, 0), (4, 4), (5, 5), (169, 359), (87, 181)):
        assert tower(eta[i, j], phi[i, j]) == HCAL_START + (11 + i // 5) * 72 + j // 5
    assert pytest.approx(0.087) == 5 * CRYSTAL
