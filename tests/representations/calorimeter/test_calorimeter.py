"""Calorimeter images: where cells are drawn, and that their energy is kept."""

import math

import awkward as ak
import numpy as np
import pytest
import torch

from benchmark.core.errors import Skip, UserError
from representations.calorimeter.calorimeter import Calorimeter
from tasks.detector.geometry import HCAL, hcal_direction
from tests.representations.collisions import events_of, jets_of, showers_of, with_column

SHOWER = [(80, 100, 8.0), (81, 100, 2.0), (80, 101, 1.0), (78, 98, 0.5)]


def moved(rows, columns):
    return [(row + rows, (column + columns) % 360, energy) for row, column, energy in SHOWER]


def towers(*events):
    return [[{"row": row, "column": column, "energy": energy} for row, column, energy in event] for event in events]


def test_a_crop_is_centred_on_the_hottest_crystal():
    images = Calorimeter().represent(showers_of([SHOWER]))
    assert images.shape == (1, 32, 32)
    assert images.channel_names == ("ecal",)
    picture = images.dense()[0, 0]
    assert picture[16, 16] == pytest.approx(0.8)  # in units of 10 GeV
    assert (picture[17, 16], picture[16, 17], picture[14, 14]) == pytest.approx((0.2, 0.1, 0.05))
    assert picture.sum() == pytest.approx(1.15)


@pytest.mark.parametrize(("rows", "columns"), [(0, -100), (0, -101), (0, 259), (88, 0), (-78, 260)])
def test_a_moved_shower_is_the_same_picture(rows, columns):
    pictures = Calorimeter().represent(showers_of([SHOWER, moved(rows, columns)])).dense()
    assert torch.equal(pictures[0], pictures[1])


def test_a_crop_keeps_all_that_is_in_it():
    rng = np.random.default_rng(1)
    inside = [(80 + i, (5 + j) % 360, 1.0 + rng.random()) for i in range(-16, 16) for j in range(-16, 16)]
    event = [*inside, (80, 5, 50.0), (96, 5, 3.0), (80, 21, 3.0), (80, 348, 3.0), (63, 5, 3.0)]
    images = Calorimeter(unit=1.0).represent(showers_of([event]))
    assert len(images.pixels.values) == 1024
    assert images.dense().sum() == pytest.approx(50 + sum(energy for _, _, energy in inside), rel=1e-5)
    assert images.span == pytest.approx((16 * 2 * 1.479 / 170, 16 * math.pi / 180))


def test_the_unit():
    dense = [Calorimeter(unit=unit).represent(showers_of([SHOWER])).dense() for unit in (1.0, 4.0)]
    torch.testing.assert_close(dense[0], 4 * dense[1])


def test_the_logarithmic_scale():
    linear, log = (Calorimeter(unit=0.1, scale=scale, time="on") for scale in ("linear", "log"))
    plain, squeezed = (area.represent(showers_of([SHOWER, []])).dense() for area in (linear, log))
    torch.testing.assert_close(squeezed[:, 0], torch.log(1 + plain[:, 0]))
    assert torch.equal(squeezed[:, 1], plain[:, 1])  # times


def test_times_are_a_channel():
    images = Calorimeter(time="on").represent(showers_of([SHOWER, []]))
    assert images.shape == (2, 32, 32)
    assert images.channel_names == ("ecal", "time")
    assert images.dense()[0, 1, 16, 16] == pytest.approx(8.0 / 25.0)
    with pytest.raises(UserError, match=r"have no time \(found: row, column, energy\)"):
        Calorimeter(time="on").represent(showers_of([SHOWER], times=False))
    assert Calorimeter().represent(showers_of([SHOWER], times=False)).dense().sum() == pytest.approx(1.15)


@pytest.mark.parametrize("area", ["crop", "barrel"])
def test_empty_events(area):
    for events in ([], [[]], [[], SHOWER, []]):
        images = Calorimeter(area=area).represent(showers_of(events))
        assert len(images) == len(events)
        assert images.dense().sum() == pytest.approx(1.15 if SHOWER in events else 0.0)


def test_channels_of_the_barrel():
    events = showers_of([SHOWER, [(0, 0, 3.0)]], picture="barrel")
    assert Calorimeter().represent(events).channel_names == ("ecal",)
    events = with_column(events, "hcal", towers([(28, 20, 5.0), (10, 0, 7.0), (45, 0, 7.0)], [(11, 0, 1.0)]))
    tracks = [[{"pt": 4.0, "eta": 0.001, "phi": 0.001}, {"pt": 9.0, "eta": -1.5, "phi": 0.0}], []]
    events = with_column(events, "tracks", tracks)
    images = Calorimeter(unit=1.0).represent(events)
    assert images.channel_names == ("tracks", "ecal", "hcal")
    assert images.shape == (3, 170, 360)
    assert images.span == pytest.approx((1.479, math.pi))
    track, ecal, hcal = images.dense()[0]
    assert (track[85, 180], track.sum()) == (4.0, 4.0)
    assert (ecal[80, 100], ecal[81, 100], ecal.sum()) == (8.0, 2.0, 11.5)
    # rows 10 and 45 lie behind the endcaps
    assert hcal.sum() == pytest.approx(5.0)
    assert hcal[85:90, 100:105].tolist() == [[pytest.approx(0.2)] * 5] * 5
    second = images.dense()[1, 2]
    assert (second[:5, :5].sum(), second.sum()) == pytest.approx((1.0, 1.0))


def test_towers_are_spread_where_they_lie():
    rng = np.random.default_rng(2)
    rows, columns = rng.integers(11, 45, 30), rng.integers(0, 72, 30)
    events = with_column(showers_of([[]]), "hcal", towers([(r, c, 1.0) for r, c in zip(rows, columns, strict=True)]))
    picture = Calorimeter(area="barrel", unit=1.0).represent(events).dense()[0, 1]
    eta, phi = hcal_direction(rows, columns)
    i, j = np.nonzero(picture.numpy())
    weights = picture.numpy()[i, j]
    assert np.average((i + 0.5) * 2 * 1.479 / 170 - 1.479, weights=weights) == pytest.approx(eta.mean(), abs=1e-3)
    assert np.average((j + 0.5) * np.pi / 180 - np.pi, weights=weights) == pytest.approx(phi.mean(), abs=1e-3)
    assert weights.sum() == pytest.approx(30.0)


def test_tracks_at_the_edges():
    edge = np.nextafter(np.float32(1.479), np.float32(0))
    phis = [-np.pi, np.nextafter(np.float32(np.pi), np.float32(0)), np.pi]
    tracks = [[{"pt": 1.0, "eta": float(eta), "phi": float(phi)} for eta in (-edge, edge) for phi in phis]]
    typed = ak.values_astype(ak.Array(tracks), np.float32)
    picture = Calorimeter(unit=1.0).represent(with_column(showers_of([[]], picture="barrel"), "tracks", typed)).dense()
    assert picture[0, 0].sum() == 6.0
    assert picture[0, 0, [0, 169]].sum() == 6.0
    assert picture[0, 0, :, [0, 359]].sum() == 6.0
    assert picture[0, 1].sum() == 0


@pytest.mark.parametrize(("hit", "axis"), [((170, 0, 1.0), "row"), ((-1, 0, 1.0), "row"), ((0, 360, 1.0), "column")])
def test_cells_that_lie_nowhere_are_named(hit, axis):
    with pytest.raises(UserError, match=rf"event 1001 has a cell of ecal with its {axis} outside"):
        Calorimeter(area="barrel").represent(showers_of([SHOWER, [hit]]))
    events = with_column(showers_of([[]]), "hcal", towers([(HCAL[0], 0, 1.0)]))
    with pytest.raises(UserError, match="cell of hcal with its row outside 0 to 55"):
        Calorimeter(area="barrel").represent(events)


def test_a_task_without_crystals():
    for area in ("crop", "barrel"):
        with pytest.raises(Skip, match="no calorimeter hits"):
            Calorimeter(area=area).represent(events_of([[("jet", 30.0, 0.0, 0.0)]]))
    for area in ("crop", "barrel", "detector"):  # constituents are no hits
        with pytest.raises(Skip, match="no calorimeter hits in these events"):
            Calorimeter(area=area).represent(jets_of([[(22, 30.0, 0.3, 1.0)]], picture="jet"))
    with pytest.raises(UserError, match="parameter 'unit'"):
        Calorimeter(unit=0.0)


def test_an_event_without_hits_is_a_dark_picture():
    empty = showers_of([[], SHOWER])
    for column in ("hcal", "ecal_endcap"):
        empty = with_column(empty, column, ak.Array(towers([(0, 0, 1.0)]))[[0, 0]][:, :0])
    for area in ("crop", "barrel", "detector"):
        pictures = Calorimeter(area=area).represent(empty).dense()
        assert pictures[0].sum() == 0
        assert pictures[1].sum() == pytest.approx(1.15)


def test_a_jet_is_drawn_as_a_jet():
    images = Calorimeter().represent(jets_of([[(22, 30.0, 0.3, 1.0)]], picture="jet"))
    assert images.shape == (1, 25, 25)
    assert images.span == (1.25, 1.25)
    assert images.dense()[0, 0, 12, 12] == 1.0
    assert images.dense().sum() == 1.0


@pytest.mark.parametrize("area", ["crop", "barrel", "ecal", "detector"])
@pytest.mark.parametrize("coarse", [1, 2, 5])
def test_the_plan_is_told_how_many_pixels_there_are(area, coarse):
    events, calorimeter = showers_of([SHOWER]), Calorimeter(area=area, coarse=coarse)
    panels = calorimeter.represent(events).panels
    assert calorimeter.pixels(events.info) == sum(
        rows * columns for _, rows, columns in (panel.shape for panel in panels)
    )
