"""The whole detector as one picture, against a slow reference and conservation of energy."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from representations.calorimeter.calorimeter import Calorimeter
from representations.calorimeter.hcal_centric import FIRST, SHAPE, barrel, column_of, endcaps, row_of, towers, tracks
from representations.kernels.hits import Hits
from tasks.detector.geometry import HCAL_EDGES, barrel_direction, endcap_direction, endcap_mask, hcal_direction
from tests.representations.collisions import showers_of, with_column


def hits(*events):
    flat = np.array([hit for event in events for hit in event], float).reshape(-1, 3)
    event = np.repeat(np.arange(len(events)), [len(event) for event in events])
    place = {"row": flat[:, 0].astype(int), "column": flat[:, 1].astype(int)}
    return Hits(len(events), event, {**place, "energy": flat[:, 2]})


def lists(*events):
    return [[{"row": row, "column": column, "energy": energy} for row, column, energy in e] for e in events]


def picture(cells, events=1):
    """Dense pictures, a cell at a time."""
    canvas = np.zeros((events, *SHAPE))
    for event, row, column, value in zip(cells.event, cells.row, cells.column, cells.value, strict=True):
        assert 0 <= row < SHAPE[0]
        assert 0 <= column < SHAPE[1]
        canvas[event, row, column] += value
    return canvas


def all_endcap_crystals():
    row, column = np.nonzero(np.tile(endcap_mask(), (2, 1)))
    return row, column


def test_rows_are_towers_five_times():
    assert row_of(np.array([0.0, 0.087, -0.087, 1.74, 3.0, -3.0, 5.0])) == pytest.approx(
        [140, 145, 135, 240, 280, 0, 280]
    )
    for ring, (low, high) in enumerate(pairwise(HCAL_EDGES)):
        middle = (low + high) / 2
        assert row_of(np.array([middle, -middle])) == pytest.approx([140 + 5 * ring + 2.5, 140 - 5 * ring - 2.5])
    assert column_of(np.array([-np.pi, 0.0, np.pi])) == pytest.approx([0, 180, 360])


def test_the_barrel_fits_one_to_one():
    row, column = np.divmod(np.arange(170 * 360), 360)
    eta, phi = barrel_direction(row, column)
    np.testing.assert_array_equal(np.floor(row_of(eta)), row + FIRST)
    np.testing.assert_array_equal(np.floor(column_of(phi)), column)
    canvas = picture(barrel(hits([(0, 0, 1.0), (169, 359, 2.0)])))[0]
    assert (canvas[55, 0], canvas[224, 359], canvas.sum()) == (1.0, 2.0, 3.0)


def test_endcap_hits_lie_around_their_place_and_keep_their_energy():
    row, column = all_endcap_crystals()
    eta, phi = endcap_direction(row, column)
    for k in range(0, len(row), 97):
        canvas = picture(endcaps(hits([(int(row[k]), int(column[k]), 8.0)])))[0]
        i, j = np.nonzero(canvas)
        assert canvas.sum() == pytest.approx(8.0)
        assert len(i) in (2, 4)  # two where the window is cut at the edge
        side = (i >= FIRST + 170) if eta[k] > 0 else (i < FIRST)
        assert side.all()
        where = np.clip(row_of(eta[k : k + 1])[0], *((225, 280) if eta[k] > 0 else (0, 55)))
        assert np.abs(i + 0.5 - where).max() <= 1.0 + 1e-9
        away = (j + 0.5 - column_of(phi[k]) + 180) % 360 - 180
        assert np.abs(away).max() <= 1.0 + 1e-9


def test_no_gaps_where_the_endcaps_glow():
    row, column = all_endcap_crystals()
    flat = hits([(int(i), int(j), 1.0) for i, j in zip(row, column, strict=True)])
    canvas = picture(endcaps(flat))[0]
    assert canvas.sum() == pytest.approx(2 * 7324)
    assert canvas[FIRST : FIRST + 170].sum() == 0
    ring = canvas[225:270]  # eta 1.48 to 2.5; further in there are fewer crystals than pixels
    assert (ring[:20] > 0).mean() > 0.95
    np.testing.assert_allclose(canvas[::-1].sum(axis=1), canvas.sum(axis=1), rtol=1e-6)  # the two ends are alike


@pytest.mark.parametrize(("row", "pixels"), [(28, 25), (47, 25), (48, 50), (8, 25), (7, 50), (0, 50)])
def test_towers_are_their_pixels(row, pixels):
    canvas = picture(towers(hits([(row, 70, 5.0)])))[0]
    i, j = np.nonzero(canvas)
    assert len(i) == pixels
    assert canvas[i, j] == pytest.approx(5.0 / pixels)
    eta, phi = hcal_direction(np.array(row), np.array(70))
    assert (i + 0.5).mean() == pytest.approx(row_of(eta))
    assert (j + 0.5).mean() == pytest.approx(column_of(phi))


def test_tracks():
    columns = {"pt": [3.0, 1.0, 2.0], "eta": [2.45, -2.99999, 3.1], "phi": [np.pi, -np.pi, 0.0]}
    found = Hits(3, np.array([0, 0, 2]), {name: np.array(values) for name, values in columns.items()})
    canvas = picture(tracks(found), 3)
    assert canvas[0, int(row_of(np.array([2.45]))[0]), 0] == 3.0
    assert canvas[0, 0, 0] == 1.0
    assert canvas[1:].sum() == 0.0


def test_whole_and_barrel_pictures_agree_in_the_barrel():
    rng = np.random.default_rng(4)
    shower = [(int(i), int(j), 1.0 + rng.random()) for i, j in rng.integers(0, (170, 360), (50, 2))]
    row, column = all_endcap_crystals()
    end = [(int(row[k]), int(column[k]), 1.0) for k in rng.integers(0, len(row), 40)]
    events = with_column(showers_of([shower]), "ecal_endcap", lists(end))
    events = with_column(events, "hcal", lists([(30, 3, 4.0), (2, 6, 2.0)]))
    events = with_column(events, "tracks", [[{"pt": 2.0, "eta": 1.0, "phi": 0.3}, {"pt": 1.0, "eta": 2.0, "phi": 0.3}]])
    whole = Calorimeter(area="detector", unit=1.0).represent(events)
    part = Calorimeter(area="barrel", unit=1.0).represent(events)
    assert whole.shape == (3, 280, 360)
    assert whole.span == pytest.approx((3.0, np.pi))
    inner = whole.dense()[:, :, FIRST : FIRST + 170]
    np.testing.assert_allclose(inner, part.dense(), rtol=1e-6)
    total = whole.dense().sum(dim=(0, 2, 3)).tolist()
    assert total == pytest.approx([3.0, sum(e for *_, e in shower) + 40.0, 6.0], rel=1e-5)
    assert set(Calorimeter(area="detector").columns(events.info)) == {"tracks", "ecal", "ecal_endcap", "hcal"}


@pytest.mark.parametrize("coarse", [1, 5])
def test_pixels_lie_where_their_towers_do(coarse):
    rows = [0, 3, 7, 8, 20, 28, 40, 50, 55]
    events = with_column(showers_of([[] for _ in rows]), "hcal", lists(*([(row, 8, 1.0)] for row in rows)))
    images = Calorimeter(area="detector", coarse=coarse).represent(events)
    (panel,) = images.panels
    event, pixel, _ = images.entries(torch.arange(len(rows)))
    _, height, width = panel.shape
    places = panel.place(pixel // width % height + 0.5, pixel % width + 0.5)
    eta, phi = hcal_direction(np.array(rows), np.array([8] * len(rows)))
    for axis, expected in zip(places, (eta, phi), strict=True):
        middles = np.bincount(event, axis) / np.bincount(event)
        np.testing.assert_allclose(middles, expected, rtol=1e-5)


def test_crystals_lie_where_they_do():
    (panel,) = Calorimeter(area="detector").represent(showers_of([[(0, 0, 1.0)]])).panels
    row, column = np.array([0, 60, 169]), np.array([0, 200, 359])
    found = panel.place(torch.from_numpy(row + FIRST + 0.5), torch.from_numpy(column + 0.5))
    np.testing.assert_allclose(found, barrel_direction(row, column), rtol=1e-9)
    assert len(panel.edges) == 281
    row, column = all_endcap_crystals()
    assert set(np.searchsorted(panel.edges, endcap_direction(row, column)[0])) <= {*range(1, 59), *range(223, 281)}
