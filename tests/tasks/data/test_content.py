import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.core.errors import UserError
from tasks.data.content import Content
from tasks.data.fingerprint import fingerprint
from tests.tasks.test_events import table


def summary(tables, processes=("heads", "tails")):
    content = Content("coins", processes)
    for part in tables:
        content.add(part)
    return content.summary()


@given(st.integers(0, 40))
@settings(deadline=None, max_examples=10)
def test_counts_and_fingerprints_add_up(cut):
    label = np.repeat(np.array([0, 1], np.int8), 20)
    rows = table(40, label=label, split=(np.arange(40) % 5 % 3).astype(np.int8))
    found = summary([rows[cut:], rows[:cut]])
    # of 5 in a row, splits are 0 1 2 0 1
    assert found["counts"] == {name: {"train": 8, "valid": 8, "test": 4} for name in ("heads", "tails")}
    assert found["fingerprint"] == fingerprint(rows)
    assert found["content"] == fingerprint(rows, everything=True)


def test_classes_without_events_are_counted():
    assert summary([])["counts"]["tails"] == {"train": 0, "valid": 0, "test": 0}


@pytest.mark.parametrize(("column", "value", "last"), [("label", 2, 1), ("label", -1, 1), ("split", 3, 2)])
def test_labels_and_splits_that_there_are_not(column, value, last):
    values = np.zeros(8, np.int8)
    values[5] = value
    with pytest.raises(UserError, match=rf"coins: event 5 has {column} {value}, expected 0 to {last}"):
        summary([table(8, **{"label": np.zeros(8, np.int8), column: values})])
