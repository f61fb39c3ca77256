"""Cells added up, against dense arrays."""

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from representations.cells import Cells, summed

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
    counts, pixels, values = summed([cells(channel) for channel in channels], (3, 5), 4)
    assert (pixels.dtype, values.dtype) == (np.int32, np.float32)
    assert len(counts) == 4
    found = np.zeros((4, len(channels) * 15))
    start = 0
    for event, count in enumerate(counts):
        here = pixels[start : start + count]
        assert (np.diff(here) > 0).all()
        found[event, here] = values[start : start + count]
        start += count
    assert start == len(pixels) == len(values)
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=1e-6)


def test_lists_become_cells():
    row, column = ak.Array([[1, 2], [], [0]]), ak.Array([[3, 4], [], [0]])
    made = Cells.of(row, column, ak.Array([[0.5, 1.5], [], [2.0]])).times(2)
    assert made.event.tolist() == [0, 0, 2]
    assert (made.row.tolist(), made.column.tolist(), made.value.tolist()) == ([1, 2, 0], [3, 4, 0], [1.0, 3.0, 4.0])


@pytest.mark.parametrize("events", [0, 3])
def test_no_cells(events):
    counts, pixels, values = summed([cells([]), cells([])], (3, 5), events)
    assert counts.tolist() == [0] * events
    assert len(pixels) == len(values) == 0
