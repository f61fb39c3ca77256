"""Cells added up, against dense arrays."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from representations.calorimeter.cells import Cells, summed

CELLS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 4), st.floats(0.125, 64, width=32)))


def cells(rows):
    columns = [np.array([row[axis] for row in rows], float) for axis in range(4)]
    return Cells(*(column.astype(np.int64) for column in columns[:3]), columns[3])


@given(st.lists(CELLS, min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_sums_are_those_of_a_dense_array(channels):
    expected = np.zeros((4, len(channels), 3, 5))
    for number, channel in enumerate(channels):
        for event, row, column, value in channel:
            expected[event, number, row, column] += value
    offsets, pixels, values = summed([(cells(channel), (3, 5)) for channel in channels], 4)
    assert (pixels.dtype, values.dtype) == (np.int32, np.float64)
    assert (offsets[0], len(offsets)) == (0, 5)
    found = np.zeros((4, len(channels) * 15))
    for event, (start, stop) in enumerate(pairwise(offsets)):
        here = pixels[start:stop]
        assert (np.diff(here) > 0).all()
        found[event, here] = values[start:stop]
    assert offsets[-1] == len(pixels) == len(values)
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-6)


def test_planes_of_different_shapes_lie_end_to_end():
    first, second = cells([(0, 2, 4, 1.0), (1, 0, 0, 2.0)]), cells([(1, 1, 0, 3.0), (1, 0, 0, 4.0), (1, 1, 0, 5.0)])
    offsets, pixels, values = summed([(first, (3, 5)), (second, (2, 2))], 3)
    assert offsets.tolist() == [0, 1, 4, 4]
    assert pixels.tolist() == [14, 0, 15, 17]
    assert values.tolist() == [1.0, 2.0, 4.0, 8.0]


def test_parts_of_cells():
    made = cells([(0, 0, 3, 1.0), (0, 1, 4, 2.0), (2, 2, 0, 4.0)])
    kept = made.rows(1, 2).times(np.array([10.0, 0.0, 0.5]))
    assert [kept.event.tolist(), kept.row.tolist(), kept.column.tolist()] == [[0, 2], [0, 1], [4, 0]]
    assert kept.value.tolist() == [20.0, 2.0]
    coarse = made.coarse(2)
    assert (coarse.row.tolist(), coarse.column.tolist()) == ([0, 0, 1], [1, 2, 0])
    assert made.coarse(1) is made
    assert len(Cells.none()) == 0


def test_the_mean_of_cells():
    weight = cells([(1, 0, 3, 1.0), (1, 0, 3, 3.0), (0, 2, 2, 7.0)])
    weighted = cells([(1, 0, 3, 10.0), (1, 0, 3, 60.0), (0, 2, 2, -14.0)])
    mean = weighted.over(weight, (3, 5), 2)
    assert [mean.event.tolist(), mean.row.tolist(), mean.column.tolist()] == [[0, 1], [2, 0], [2, 3]]
    assert mean.value.tolist() == [-2.0, 17.5]


@pytest.mark.parametrize("events", [0, 3])
def test_no_cells(events):
    offsets, pixels, values = summed([(cells([]), (3, 5)), (cells([]), (2, 2))], events)
    assert offsets.tolist() == [0] * (events + 1)
    assert len(pixels) == len(values) == 0
