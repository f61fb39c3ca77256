"""The fingerprint changes if, and only if, the content of the events does."""

import hashlib
import struct
from itertools import pairwise

import awkward as ak
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.core.errors import UserError
from tasks import events
from tasks.data.fingerprint import Fingerprint, digests, fingerprint
from tasks.events import split_of

# name and type of every number in the table, by column
COLUMNS = {
    "objects": {"pt": "f4", "eta": "f4", "kind": "i1"},
    "ecal": {"row": "i2", "column": "i2", "energy": "f4"},
    "candidate": {"ht": "f4", "mass": "f4"},
}


def table(count=24, seed=0, **columns):
    """Events with every kind of column: flat, record, list of records, and a list of lists; some lists are empty."""
    rng = np.random.default_rng(seed)

    def numbers(kind, size):
        return rng.integers(1, 100, size).astype(kind)

    lengths = {"objects": rng.integers(0, 4, count), "ecal": rng.integers(0, 9, count)}
    ids = np.arange(count, dtype=np.int64)
    parts = {
        "event_id": ids,
        "group": ids,
        "label": (ids % 2).astype(np.int8),
        "weight": np.ones(count, np.float32),
        "candidate": ak.zip({name: numbers(kind, count) for name, kind in COLUMNS["candidate"].items()}),
    }
    for column, size in lengths.items():
        flat = {name: numbers(kind, size.sum()) for name, kind in COLUMNS[column].items()}
        parts[column] = ak.unflatten(ak.zip(flat), size)
    inner = rng.integers(0, 3, lengths["objects"].sum())
    samples = ak.unflatten(numbers("f4", inner.sum()), inner)
    parts["samples"] = ak.unflatten(samples, lengths["objects"])
    return ak.zip(parts | columns, depth_limit=1)


def fed(tables):
    content = Fingerprint()
    for part in tables:
        content.add(part)
    return content.test_events(), content.all_events()


def both(rows):
    return fingerprint(rows), fingerprint(rows, everything=True)


def in_shards(rows, cuts):
    edges = [0, *sorted(cuts), len(rows)]
    return [rows[a:b] for a, b in pairwise(edges)]


def through_parquet(rows, path, **options):
    import pyarrow.parquet

    pyarrow.parquet.write_table(ak.to_arrow_table(rows, extensionarray=False), path, **options)
    return events.read(path)


# --- what does not change it -----------------------------------------------------------------------------------------


@given(st.permutations(range(24)), st.lists(st.integers(0, 24), max_size=4), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=25)
def test_neither_the_order_of_events_nor_shards_nor_theirs(order, cuts, random):
    rows = table()
    parts = in_shards(rows[np.array(order)], cuts)
    random.shuffle(parts)
    assert fed(parts) == both(rows)


@given(st.permutations(table().fields), st.permutations(list(COLUMNS["objects"])))
@settings(deadline=None, max_examples=10)
def test_nor_the_order_of_columns(names, fields):
    rows = table()
    assert both(ak.with_field(rows, rows.objects[fields], "objects")[names]) == both(rows)


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "zstd"},
        {"compression": "none", "version": "1.0", "data_page_version": "1.0"},
        {"compression": "snappy", "version": "2.6", "data_page_version": "2.0", "use_dictionary": False},
        {"row_group_size": 5},
    ],
    ids=str,
)
def test_nor_the_way_in_which_parquet_is_written(tmp_path, options):
    rows = table()
    assert both(through_parquet(rows, tmp_path / "a", **options)) == both(rows)


def test_nor_how_an_array_lies_in_memory():
    rows = table()
    apart = ak.concatenate([rows[::2], rows[1::2]])[np.argsort(np.r_[0:24:2, 1:24:2])]  # indexed, with gaps
    assert both(apart) == both(rows)
    fixed = {name: np.full((24, 2), 7, np.float32) for name in ("pt", "eta")}
    regular = ak.with_field(rows, ak.zip({name: ak.Array(values) for name, values in fixed.items()}), "objects")
    assert both(ak.with_field(rows, ak.from_regular(regular.objects), "objects")) == both(regular)
    swapped = ak.with_field(rows, ak.to_numpy(rows.weight).astype(">f4").astype("<f4"), "weight")
    assert both(swapped) == both(rows)


@given(st.sampled_from(range(24)), st.floats(2, 100, width=32))
@settings(deadline=None, max_examples=25)
def test_nor_events_that_are_not_tested_on(event, value):
    rows = table()
    weights = ak.to_numpy(rows.weight).copy()
    weights[event] = value
    changed = ak.with_field(rows, weights, "weight")
    assert (fingerprint(changed) != fingerprint(rows)) == (split_of(rows)[event] == 2)
    assert fingerprint(changed, everything=True) != fingerprint(rows, everything=True)


def test_events_added_to_train_leave_the_tested_ones_as_they_are():
    rows = table(split=np.full(24, 2, np.int8))
    more = table(10, seed=1, event_id=100 + np.arange(10), split=np.zeros(10, np.int8))
    one, other = fed([rows]), fed([rows, more])
    assert one[0] == other[0]
    assert one[1] != other[1]


# --- what changes it -------------------------------------------------------------------------------------------------

NUMBERS = [(column, field) for column, fields in COLUMNS.items() for field in fields]


@given(st.sampled_from(NUMBERS), st.integers(0, 200), st.integers(0, 15))
@settings(deadline=None, max_examples=60)
def test_every_bit_of_every_number_of_its_event_and_of_no_other(number, place, bit):
    rows = table()
    column, field = number
    values = rows[column][field]
    flat = ak.to_numpy(ak.flatten(values) if values.ndim > 1 else values).copy()
    place, bit = place % len(flat), bit % (8 * flat.itemsize)
    flat.view(f"u{flat.itemsize}")[place] ^= np.array(1 << bit).astype(f"u{flat.itemsize}")
    lengths = ak.num(values) if values.ndim > 1 else None
    changed = ak.with_field(rows[column], flat if lengths is None else ak.unflatten(flat, lengths), field)
    event = place if lengths is None else int(np.searchsorted(np.cumsum(lengths), place, side="right"))
    before, after = digests(rows), digests(ak.with_field(rows, changed, column))
    assert np.flatnonzero((before != after).any(axis=1)).tolist() == [event]


@pytest.mark.parametrize("column", ["event_id", "group", "label", "weight"])
def test_flat_columns(column):
    rows = table()
    values = ak.to_numpy(rows[column]).copy()
    values[5] += 50
    assert fingerprint(ak.with_field(rows, values, column), everything=True) != fingerprint(rows, everything=True)


def test_where_lists_end_and_which_is_which():
    rows = table(2)

    def with_times(times):
        return fingerprint(ak.with_field(rows, ak.Array(times), "times"), everything=True)

    ways = [[[1.0], [1.0, 1.0]], [[1.0, 1.0], [1.0]], [[[1.0]], [[1.0, 1.0]]], [[[1.0]], [[1.0], [1.0]]]]
    assert len({with_times(times) for times in ways}) == len(ways)


def test_names_and_types_of_columns():
    rows = table()
    others = [
        ak.with_field(rows, ak.values_astype(rows.weight, np.float64), "weight"),
        ak.with_field(rows, rows.weight, "mass"),
        rows[[name for name in rows.fields if name != "ecal"]],
        ak.with_field(rows, ak.zip({"ht": rows.candidate.ht, "m": rows.candidate.mass}), "candidate"),
    ]
    found = {fingerprint(other, everything=True) for other in (rows, *others)}
    assert len(found) == len(others) + 1


def test_zero_and_minus_zero_are_two_values():
    rows = table(weight=np.zeros(24, np.float32))
    assert fingerprint(ak.with_field(rows, -rows.weight, "weight"), everything=True) != fingerprint(
        rows, everything=True
    )


def test_an_event_more_or_less():
    rows = table()
    assert len({fingerprint(rows[:n], everything=True) for n in range(25)}) == 25


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_two_events_by_hand():
    rows = ak.zip(
        {
            "event_id": np.array([9, 4]),
            "group": np.array([9, 4]),
            "hits": ak.unflatten(ak.zip({"row": np.array([1, 2, 3], "i2"), "e": np.array([1, 2, 3], "f4")}), [2, 1]),
        },
        depth_limit=1,
    )
    layout = "[('event_id', '<i8'), ('group', '<i8'), ('hits[]', '<i8')]\n[('hits[].e', '<f4'), ('hits[].row', '<i2')]"
    first = struct.pack("<qqq", 9, 9, 2) + struct.pack("<fh", 1, 1) + struct.pack("<fh", 2, 2)
    second = struct.pack("<qqq", 4, 4, 1) + struct.pack("<fh", 3, 3)
    pairs = {
        event: hashlib.sha256(layout.encode() + content).digest()[:16] for event, content in ((9, first), (4, second))
    }
    whole = b"".join(struct.pack("<q", event) + pairs[event] for event in sorted(pairs))
    assert fingerprint(rows, everything=True) == hashlib.sha256(whole).hexdigest()


def test_nothing_at_all_has_a_fingerprint():
    assert fed([]) == (hashlib.sha256(b"").hexdigest(),) * 2 == both(table()[:0])


def test_two_events_of_one_id_are_refused_in_whatever_shards():
    rows = table(6, event_id=np.array([0, 1, 2, 3, 1, 5]))
    with pytest.raises(UserError, match=r"1 event ids stand for more than one event \(the first is 1\)"):
        fed([rows[:3], rows[3:]])
