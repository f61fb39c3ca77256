"""Subsets of the training events: nested, with the classes in proportion."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from benchmark.core.errors import UserError
from benchmark.engine.api import counts
from benchmark.engine.training_events import check, chosen

SIZES = some.lists(some.integers(1, 60), min_size=2, max_size=4)


def drawn(sizes: list[int], seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return labels, rng.permutation(10_000)[: len(labels)]


@given(SIZES, some.integers(0, 10))
def test_subsets_are_nested_and_in_proportion(sizes: list[int], seed: int):
    labels, ids = drawn(sizes, seed)
    before: set[int] = set()
    for count in range(1, len(labels) + 1):
        places = chosen(labels, ids, count)
        assert len(places) == count == len(set(places.tolist()))
        assert (np.diff(places) > 0).all()
        assert before <= set(places.tolist())
        before = set(places.tolist())
        found = np.bincount(labels[places], minlength=len(sizes))
        # rounding of each class, and what the others leave
        assert (np.abs(found - count * np.array(sizes) / len(labels)) <= (1 + len(sizes)) / 2).all()


def test_a_subset_depends_on_ids_and_not_on_the_order_of_events():
    labels, ids = drawn([30, 50], 1)
    order = np.random.default_rng(2).permutation(80)
    one, other = ids[chosen(labels, ids, 20)], ids[order][chosen(labels[order], ids[order], 20)]
    assert set(one.tolist()) == set(other.tolist()) != set(ids[:20].tolist())


def test_it_is_spread_over_the_events():
    """Not the first of a file, which may be of one period of data taking."""
    labels, ids = np.zeros(1000, np.int64), np.arange(1000)
    assert 400 < chosen(labels, ids, 100).mean() < 600


@pytest.mark.parametrize("count", [2, 50, 100])
def test_what_is_there_is_taken(count: int):
    check(count, "toy", {"hard": 50, "soft": 50})


@pytest.mark.parametrize(
    ("count", "sizes", "least"),
    [(1, (50, 50), 2), (101, (50, 50), 2), (2, (50, 50, 50), 3), (10, (95, 5), 11), (0, (50, 50, 0), 2)],
)
def test_what_is_not_there_is_refused_in_a_line(count: int, sizes: tuple[int, ...], least: int):
    total = sum(sizes)
    expected = f"--train-events {count}: toy has {total:,} training events in {len(sizes)} classes, expected {least} to"
    with pytest.raises(UserError, match=re.escape(f"{expected} {total}, so that each class has one.")):
        check(count, "toy", dict(enumerate(sizes)))


@pytest.mark.parametrize(
    ("given", "found"), [(None, ()), ("7", (7,)), (7, (7,)), ("1000, 2000", (1000, 2000)), ([3, np.int64(4)], (3, 4))]
)
def test_numbers_of_events(given: object, found: tuple[int, ...]):
    assert counts("train-events", given) == found


@pytest.mark.parametrize(
    "given", ["", "x", "1.5", "-3", "0", "1,,2", "²", "9" * 17, True, 1.5, [], [1, "x"], ["1", None], {"a": 1}]
)
def test_what_is_no_number_of_events_is_refused_in_a_line(given: object):
    with pytest.raises(UserError, match=r"--train-events .*: expected a whole number of events, 1 or more, or several"):
        counts("train-events", given)


def test_there_is_one_number_of_test_events():
    with pytest.raises(UserError, match=r"--test-events 1,2: expected a whole number of events, 1 or more\.$"):
        counts("test-events", "1,2", most=1)
