import io

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.core.errors import UserError
from tasks import events
from tasks.events import EventInfo, Events, check, split_of

INFO = EventInfo("coins", ("heads", "tails"), "hadron", {"jet": 2})
FIELDS = ("pt", "eta", "phi", "mass", "charge")


def table(count=40, seed=0, **columns):
    """Events with all three shapes of column: flat, list and record; some lists are empty."""
    rng = np.random.default_rng(seed)
    counts = np.arange(count) % 4
    objects = {name: rng.random(counts.sum()).astype(np.float32) for name in FIELDS}
    objects["kind"] = rng.integers(0, 6, counts.sum()).astype(np.int8)
    ids = np.arange(count, dtype=np.int64)
    parts = {
        "event_id": ids,
        "group": ids,
        "label": (ids % 2).astype(np.int8),
        "weight": np.ones(count, np.float32),
        "objects": ak.unflatten(ak.zip(objects), counts),
        "candidate": ak.zip({"ht": rng.random(count).astype(np.float32)}),
    }
    return ak.zip(parts | columns, depth_limit=1)


def through_parquet(rows, path):
    with path.open("wb") as file:
        events.write(rows, file)
    return events.read(path)


def with_value(rows, column, field, event, value):
    """The table with the first number of one event in `column.field` replaced."""
    lists = ak.to_list(rows[column][field] if field else rows[column])
    if isinstance(lists[event], list):
        lists[event][0] = value
    else:
        lists[event] = value
    changed = ak.values_astype(ak.Array(lists), np.float32)
    return ak.with_field(rows, ak.with_field(rows[column], changed, field) if field else changed, column)


# --- splits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [0, 10**10, 2 * 10**10 + 7 * 10**6])
def test_splits_have_their_shares_for_ids_as_the_store_gives_them(first):
    n = 100_000
    found = np.bincount(split_of(ak.Array({"group": first + np.arange(n)})), minlength=3)
    shares = np.array([0.64, 0.16, 0.20])
    assert (abs(found - n * shares) < 5 * np.sqrt(n * shares * (1 - shares))).all()


@given(st.lists(st.integers(0, 50), min_size=1, max_size=80))
@settings(max_examples=30)
def test_no_group_is_in_two_splits_and_no_event_is_lost(groups):
    rows = ak.Array({"event_id": np.arange(len(groups)), "group": np.array(groups)})
    splits = Events(rows, INFO).splits()
    ids = [i for part in splits.values() for i in part.column("event_id").tolist()]
    assert sorted(ids) == list(range(len(groups)))
    found = [set(part.column("group").tolist()) for part in splits.values()]
    assert sum(map(len, found)) == len(set(groups))


def test_a_split_that_the_source_dictates_wins():
    rows = table(6, split=np.array([2, 2, 1, 0, 1, 2], np.int8))
    splits = Events(rows, INFO).splits()
    assert {name: part.column("event_id").tolist() for name, part in splits.items()} == {
        "train": [3],
        "valid": [2, 4],
        "test": [0, 1, 5],
    }


def test_events_are_indexed_by_arrays_masks_and_slices():
    all_events = Events(table(10), INFO)
    label = all_events.column("label")
    assert all_events[label == 1].column("event_id").tolist() == [1, 3, 5, 7, 9]
    assert all_events[np.array([7, 2, 2])].column("event_id").tolist() == [7, 2, 2]
    assert len(all_events[3:5]) == 2
    assert all_events[3:5].info is INFO
    assert all_events.has("objects")
    assert not all_events.has("mass")
    assert all_events.column("weight").dtype == np.float32


# --- check -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("column", "field", "name"),
    [("weight", None, "weight"), ("objects", "eta", "objects.eta"), ("candidate", "ht", "candidate.ht")],
)
def test_check_names_the_event_and_the_column(column, field, name, value):
    rows = table(event_id=100 + np.arange(40))
    check(rows, "coins")
    with pytest.raises(UserError, match=rf"coins, heads: event 107 has {name} that is missing, NaN or infinite"):
        check(with_value(rows, column, field, 7, value), "coins, heads")


def test_check_takes_lists_of_plain_numbers_and_empty_tables():
    rows = ak.with_field(table(3), ak.Array([[1.0], [], [2.0, np.nan]]), "times")
    with pytest.raises(UserError, match="event 2 has times"):
        check(rows, "coins")
    check(table(4)[:0], "coins")


def test_check_finds_what_is_missing():
    with pytest.raises(UserError, match="event 1 has weight that is missing, NaN or infinite"):
        check(ak.with_field(table(3), ak.Array([1.0, None, 2.0]), "weight"), "coins")
    with pytest.raises(UserError, match=r"event 2 has times that is missing"):
        check(ak.with_field(table(3), ak.Array([[1.0], [], [2.0, None]]), "times"), "coins")


# --- files -----------------------------------------------------------------------------------------------------------


def test_the_same_table_gives_the_same_bytes():
    def written():
        file = io.BytesIO()
        events.write(table(), file)
        return file.getvalue()

    assert written() == written()


def test_parquet_keeps_values_and_types(tmp_path):
    rows = table()
    back = through_parquet(rows, tmp_path / "a.parquet")
    assert ak.to_list(back) == ak.to_list(rows)
    for name in FIELDS:
        assert ak.to_numpy(ak.flatten(back.objects[name])).dtype == np.float32
    assert ak.to_numpy(ak.flatten(back.objects.kind)).dtype == np.int8
    assert Events(back, INFO).column("event_id").dtype == np.int64


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path, keep):
    path = tmp_path / "a.parquet"
    through_parquet(table(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole))])
    with pytest.raises(UserError, match=r"a\.parquet: not a readable Parquet file"):
        events.read(path)


def test_only_the_columns_that_are_named_are_read(tmp_path):
    path = tmp_path / "a.parquet"
    rows = table()
    through_parquet(rows, path)
    some = events.read(path, ("candidate", "event_id", "ecal"))
    assert some.fields == ["event_id", "candidate"]
    assert ak.to_list(some) == ak.to_list(rows[["event_id", "candidate"]])
    assert events.read(path, ("objects",)).objects.fields == rows.objects.fields


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="not a readable Parquet file"):
        events.read(tmp_path / "none.parquet")
