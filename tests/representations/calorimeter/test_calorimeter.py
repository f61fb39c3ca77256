"""Calorimeter images: where cells are drawn, and that their energy is kept."""

import math

import numpy as np
import pytest
import torch

from benchmark.core.errors import UserError
from representations.calorimeter.calorimeter import Calorimeter
from tests.representations.collisions import showers_of

SHOWER = [(80, 100, 8.0), (81, 100, 2.0), (80, 101, 1.0), (78, 98, 0.5)]


def moved(rows, columns):
    return [(row + rows, (column + columns) % 360, energy) for row, column, energy in SHOWER]


def towers(*events):
    return [[{"row": row, "column": column, "energy": energy} for row, column, energy in event] for event in events]


def test_a_crop_is_centred_on_the_hottest_crystal():
    images = Calorimeter(scale="linear").represent(showers_of([SHOWER]))
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
    images = Calorimeter(unit=1.0, scale="linear").represent(showers_of([event]))
    assert len(images.pixels.values) == 1024
    assert images.dense().sum() == pytest.approx(50 + sum(energy for _, _, energy in inside), rel=1e-5)
    assert images.span == pytest.approx((16 * 2 * 1.479 / 170, 16 * math.pi / 180))


def test_the_unit():
    dense = [Calorimeter(unit=unit, scale="linear").represent(showers_of([SHOWER])).dense() for unit in (1.0, 4.0)]
    torch.testing.assert_close(dense[0], 4 * dense[1])


def test_the_logarithmic_scale():
    linear, log = (Calorimeter(unit=0.1, scale=scale, time="on") for scale in ("linear", "log"))
    plain, squeezed = (area.represent(showers_of([SHOWER, []])).dense() for area in (linear, log))
    torch.testing.assert_close(squeezed[:, 0], torch.log(1 + plain[:, 0]))
    assert torch.equal(squeezed[:, 1], plain[:, 1])  # times


def test_showers_are_in_logarithms_of_a_tenth_of_a_gev():
    crop = Calorimeter().represent(showers_of([SHOWER]))
    picture = crop.dense()[0, 0]
    assert picture[16, 16] == pytest.approx(math.log(81))
    assert (picture[17, 16], picture[16, 17], picture[14, 14]) == pytest.approx((3.044522, 2.397895, 1.791759))
    entries = crop.entries(torch.tensor([0]))
    assert sorted(crop.plain(entries).tolist()) == pytest.approx([0.5, 1.0, 2.0, 8.0])
    for more in ({"scale": "linear"}, {"divide": "sum"}, {"area": "barrel"}):
        images = Calorimeter(**more).represent(showers_of([SHOWER]))
        assert images.dense().max() == pytest.approx(0.8 if "divide" not in more else 0.8 / 1.15, rel=0.01)
        torch.testing.assert_close(images.plain(images.entries(torch.tensor([0]))), images.values.values)
    barrel = Calorimeter(area="barrel", scale="log").represent(showers_of([SHOWER]))
    assert barrel.dense().max() == pytest.approx(math.log(1.8))  # in units of 10 GeV


def test_times_are_a_channel():
    images = Calorimeter(time="on").represent(showers_of([SHOWER, []]))
    assert images.shape == (2, 32, 32)
    assert images.channel_names == ("ecal", "time")
    assert images.dense()[0, 1, 16, 16] == pytest.approx(8.0 / 25.0)
    with pytest.raises(UserError, match=r"have no time \(found: row, column, energy\)"):
        Calorimeter(time="on").represent(showers_of([SHOWER], times=False))
    linear = Calorimeter(scale="linear")
    assert linear.represent(showers_of([SHOWER], times=False)).dense().sum() == pytest.approx(1.15)
