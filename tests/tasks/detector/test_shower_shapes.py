"""Shapes of showers worked out by hand."""

import awkward as ak
import numpy as np
import pytest

from tasks.detector.geometry import CRYSTAL
from tasks.detector.shower_shapes import around_hottest, relative, shower_shapes


def hits(*events):
    """Events of (row, column, energy)."""
    flat = np.array([hit for event in events for hit in event], float).reshape(-1, 3)
    columns = {"row": flat[:, 0].astype(np.int16), "column": flat[:, 1].astype(np.int16)}
    energy = flat[:, 2].astype(np.float32)
    counts = np.array([len(event) for event in events], np.int64)
    return ak.unflatten(ak.zip({**columns, "energy": energy, "time": energy / 8}), counts)


PLUS = [(80, 10, 16.0), (81, 10, 4.0), (79, 10, 4.0), (80, 11, 4.0), (80, 9, 4.0)]


def moved(rows, columns, event=PLUS):
    return [(row + rows, (column + columns) % 360, energy) for row, column, energy in event]


def shapes(*events):
    return shower_shapes(hits(*events))


def test_a_single_crystal():
    found = shapes([(3, 7, 5.0)])[0]
    assert (found.energy, found.hits) == (5.0, 1)
    assert [found[name] for name in ("e1", "e4", "e9", "e25", "r9")] == [1.0] * 5
    assert [found[name] for name in ("sigma_ieta_ieta", "sigma_ieta_iphi", "sigma_iphi_iphi")] == [0.0] * 3


def test_a_plus():
    found = shapes(PLUS)[0]
    assert found.energy == 32.0
    assert (found.e1, found.e4, found.e9, found.e25) == pytest.approx((0.5, 0.75, 1.0, 1.0))
    arm, middle = 4.7 + np.log(1 / 8), 4.7 + np.log(1 / 2)
    width = CRYSTAL * np.sqrt(2 * arm / (middle + 4 * arm))
    assert found.sigma_ieta_ieta == pytest.approx(width)
    assert found.sigma_iphi_iphi == pytest.approx(width)
    assert found.sigma_ieta_iphi == pytest.approx(0.0, abs=1e-9)


def test_a_diagonal_is_correlated():
    found = shapes([(80, 10, 8.0), (81, 11, 4.0), (79, 9, 4.0)])[0]
    middle, end = 4.7 + np.log(0.5), 4.7 + np.log(0.25)
    expected = CRYSTAL**2 * 2 * end / (middle + 2 * end)
    assert found.sigma_ieta_iphi == pytest.approx(expected)
    assert found.sigma_ieta_ieta**2 == pytest.approx(expected)
    other = shapes([(80, 10, 8.0), (81, 9, 4.0), (79, 11, 4.0)])[0]
    assert other.sigma_ieta_iphi == pytest.approx(-expected)


def test_crystals_below_a_percent_have_no_weight():
    faint = 16.0 * np.exp(-4.7) * 0.9
    assert shapes([(80, 10, 16.0), (82, 10, faint)])[0].sigma_ieta_ieta == 0.0
    assert shapes([(80, 10, 16.0), (82, 10, 1.2 * faint)])[0].sigma_ieta_ieta > 0.0


def test_boxes():
    event = [(80, 10, 50.0), (81, 11, 10.0), (82, 8, 8.0), (80, 22, 16.0), (77, 10, 12.0), (80, -15 + 360, 4.0)]
    found = shapes(event)[0]
    assert found.energy == 100.0
    assert (found.e1, found.e4, found.e9, found.e25) == pytest.approx((0.5, 0.6, 0.6, 0.68))
    # the cluster is 5 rows and all columns of the crop: without the crystal three rows away
    assert found.r9 == pytest.approx(60 / 84)


@pytest.mark.parametrize(("rows", "columns"), [(0, -10), (0, 349), (-80, 0), (88, 180), (-79, -11)])
def test_shapes_do_not_depend_on_the_place(rows, columns):
    here = [hit for hit in moved(rows, columns) if 0 <= hit[0] < 170]
    if len(here) == len(PLUS):
        assert shapes(here)[0].to_list() == pytest.approx(shapes(PLUS)[0].to_list())
    near = relative(hits(here))
    assert sorted(near.column.to_list()[0]) in ([-1, 0, 0, 0, 1], [-1, 0, 0, 1])


def test_relative_keeps_order_and_energies():
    near = relative(hits([(0, 359, 1.0), (0, 0, 3.0), (2, 1, 2.0)], [], [(169, 180, 1.0)]))
    assert near.row.to_list() == [[0, 0, 2], [], [0]]
    assert near.column.to_list() == [[-1, 0, 1], [], [0]]
    assert near.energy.to_list() == [[1.0, 3.0, 2.0], [], [1.0]]
    assert near.time.to_list() == [[0.125, 0.375, 0.25], [], [0.125]]


def test_hits_need_no_time():
    ecal = hits(PLUS, [])[["row", "column", "energy"]]
    assert relative(ecal).fields == ["row", "column", "energy"]
    assert shower_shapes(ecal).to_list() == shapes(PLUS, []).to_list()


def test_the_crop_is_32_by_32_around_the_hottest():
    edges = [(64, 10, 1.0), (63, 10, 1.0), (95, 10, 1.0), (96, 10, 1.0), (80, 354, 1.0), (80, 353, 1.0), (80, 25, 1.0)]
    crop = around_hottest(hits([(80, 10, 16.0), *edges, (80, 26, 1.0)], []))
    assert list(zip(crop.row.to_list()[0], crop.column.to_list()[0], strict=True)) == [
        (80, 10),
        (64, 10),
        (95, 10),
        (80, 354),
        (80, 25),
    ]
    assert len(crop[1]) == 0
    at_the_edge = around_hottest(hits([(1, 0, 9.0), (0, 359, 1.0), (16, 15, 1.0), (17, 0, 1.0)]))
    assert at_the_edge.row.to_list() == [[1, 0, 16]]


def test_empty_events():
    found = shapes([], PLUS, [])
    assert all(value == 0.0 for event in (found[0], found[2]) for value in event.to_list().values())
    assert found[1].to_list() == pytest.approx(shapes(PLUS)[0].to_list())
    assert len(shapes()) == 0
    assert {str(found[name].type.content) for name in found.fields} == {"float32"}
    assert len(around_hottest(hits())) == 0


def test_two_showers_have_the_shapes_of_the_harder_one():
    pair = [*PLUS, *moved(40, 100, [(row, column, energy / 2) for row, column, energy in PLUS])]
    assert shower_shapes(around_hottest(hits(pair)))[0].to_list() == pytest.approx(shapes(PLUS)[0].to_list())
