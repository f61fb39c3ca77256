from itertools import count

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.core.errors import UserError
from tasks.generator.strata import filled, quotas


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=50), st.integers(0, 10_000))
def test_quotas_add_up_and_keep_the_ratio(shares, events):
    found = quotas(np.array(shares), events)
    assert found.sum() == events
    assert np.abs(found - events * np.array(shares) / sum(shares)).max() <= 1


def numbers(seed=0, batch=10):
    """Endless batches of integers, each with its place in the stream."""
    rng = np.random.default_rng(seed)
    for number in count():
        yield ak.Array({"x": rng.integers(0, 100, batch), "place": np.arange(batch * number, batch * (number + 1))})


def thirds(events):
    """Lets even numbers through; the cell is 0, 1 or 2, and 0 is rare."""
    rows = events[events.x % 2 == 0]
    return rows, np.minimum(ak.to_numpy(rows.x) // 10, 2)


def test_each_cell_gets_its_first_events():
    quota = np.array([3, 4, 5])
    table = filled(numbers(), thirds, quota, "numbers")
    stream = [row for _, batch in zip(range(100), numbers(), strict=False) for row in ak.to_list(thirds(batch)[0])]
    wanted = []
    for cell, wants in enumerate(quota):
        wanted += [row for row in stream if min(row["x"] // 10, 2) == cell][:wants]
    assert ak.to_list(table) == sorted(wanted, key=lambda row: row["place"])


@given(st.integers(1, 40), st.integers(1, 13))
@settings(deadline=None, max_examples=30)
def test_batches_change_nothing(events, batch):
    quota = quotas(np.ones(3), events)
    large = filled((ak.Array({"x": np.arange(n, n + 50) % 30}) for n in count(step=50)), thirds, quota, "x")
    small = filled((ak.Array({"x": np.arange(n, n + batch) % 30}) for n in count(step=batch)), thirds, quota, "x")
    assert ak.to_list(small) == ak.to_list(large)
    assert len(small) == events


def test_nothing_passes():
    with pytest.raises(UserError, match=r"numbers: 0 of 20000 collisions pass the selection.*Loosen"):
        filled(numbers(batch=5000), lambda rows: (rows[:0], np.zeros(0, np.int64)), np.array([1, 1]), "numbers")


def test_a_cell_that_stays_empty():
    def one(events):
        return events, np.zeros(len(events), np.int64)

    with pytest.raises(UserError, match=r"1 of 2 bins of pt and eta are empty"):
        filled(numbers(batch=5000), one, np.array([1, 1]), "numbers")
