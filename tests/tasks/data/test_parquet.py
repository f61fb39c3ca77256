"""Shards of strangers: nothing is read into memory because a footer claims it, and columns are what they must be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from benchmark.core.errors import UserError
from tasks import events
from tasks.data.parquet import parse_events
from tasks.data.shards import FILE
from tests.tasks.test_events import table

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = 40


def read(path: Path, count: int | None = EVENTS) -> ak.Array:
    return FILE.parse_at(path, lambda path: parse_events(path, None, count))


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    path = tmp_path / "events.parquet"
    with path.open("wb") as file:
        events.write(table(EVENTS), file)
    return path


def test_whole_shards_are_read(shard: Path):
    assert ak.to_list(read(shard)) == ak.to_list(table(EVENTS))
    assert ak.to_list(read(shard, None)) == ak.to_list(table(EVENTS))


def test_the_number_of_events_is_that_of_the_manifest(shard: Path):
    with pytest.raises(UserError, match=r"events\.parquet: not a shard of events \(claims 40 events, expected 41\)"):
        read(shard, 41)


def test_more_numbers_than_the_file_can_hold(shard: Path):
    """Each column is one run of 2 million zeros, in a few bytes."""
    rows = 2_000_000
    flat = {"event_id": "i8", "group": "i8", "label": "i1", "weight": "f4"}
    zeros = pa.table({name: np.zeros(rows, kind) for name, kind in flat.items()})
    pyarrow.parquet.write_table(zeros, shard, compression="zstd")
    assert shard.stat().st_size < 50_000
    with pytest.raises(UserError, match=r"claims 2,000,000 events of 8,000,000 numbers in [\d,]+ bytes"):
        read(shard, rows)


INT, FLOAT = pa.array(np.arange(EVENTS)), pa.array(np.ones(EVENTS, np.float32))
COLUMNS: dict[str, tuple[str, pa.Array | None, str]] = {
    "no labels": ("label", None, "has no column 'label', expected event_id, group, label, weight"),
    "no ids": ("event_id", None, "has no column 'event_id'"),
    "ids as text": ("event_id", pa.array([str(n) for n in range(EVENTS)]), "'event_id' holds string, expected numbers"),
    "ids as floats": ("event_id", FLOAT, "the column 'event_id' holds float, expected whole numbers"),
    "ids in lists": (
        "group",
        pa.array([[n] for n in range(EVENTS)]),
        r"'group' holds list<.*>, expected whole numbers",
    ),
    "weights in lists": ("weight", pa.array([[1.0]] * EVENTS), "expected one number for each event"),
    "missing ids": ("event_id", pa.array([None, *range(EVENTS - 1)]), "the column 'event_id' has missing values"),
    "nothing": ("label", pa.nulls(EVENTS), "the column 'label' holds null, expected numbers"),
    "bytes": ("objects", pa.array([b"a"] * EVENTS), "the column 'objects' holds binary, expected numbers, lists"),
    "times": ("objects", pa.array([0] * EVENTS, pa.timestamp("s")), "the column 'objects' holds timestamp"),
    "halves": ("weight", pa.array(np.ones(EVENTS, np.float16)), "the column 'weight' holds halffloat"),
    "words": ("objects", pa.array(["a"] * EVENTS).dictionary_encode(), "holds dictionary<"),
    "text in lists": ("objects", pa.array([["a"]] * EVENTS), "the column 'objects' holds list<"),
    "text in records": ("objects", pa.array([[{"pt": "a"}]] * EVENTS), "the column 'objects' holds list<.*struct"),
    "deep lists": ("objects", pa.array([[[[[[1.0]]]]]] * EVENTS), "the column 'objects' holds list<"),
    "a map": ("objects", pa.array([[("a", 1)]] * EVENTS, pa.map_(pa.string(), pa.int64())), "holds map<"),
    "ids twice": ("", INT, "has the column 'event_id' twice"),
}


@pytest.mark.parametrize("case", list(COLUMNS))
def test_columns_are_what_they_must_be(shard: Path, case: str):
    name, column, reason = COLUMNS[case]
    rows = pyarrow.parquet.read_table(shard)
    if column is None:
        rows = rows.drop_columns(name)
    elif name:
        rows = rows.set_column(rows.column_names.index(name), name, column)
    else:
        rows = rows.append_column("event_id", column)
    pyarrow.parquet.write_table(rows, shard)
    with pytest.raises(UserError, match=reason) as error:
        read(shard)
    assert str(error.value).startswith(f"{shard}: not a shard of events (")
    assert "\n" not in str(error.value)


def test_columns_of_tasks_of_others_are_read(shard: Path):
    """Plain numbers, lists of lists, and types that may be missing, but are not."""
    rows = pyarrow.parquet.read_table(shard)
    more = {
        "depth": pa.array(np.arange(EVENTS, dtype=np.uint16)),
        "waves": pa.array([[[1.0, 2.0], []]] * EVENTS),
        "times": pa.array([[n] for n in range(EVENTS)]),
        "flags": pa.array([True] * EVENTS),
        "mass": FLOAT,
    }
    for name, column in more.items():
        rows = rows.append_column(name, column)
    pyarrow.parquet.write_table(rows, shard)
    found = read(shard)
    assert ak.to_list(found["waves"][0]) == [[1.0, 2.0], []]
    assert set(more) <= set(found.fields)


def test_every_bit_of_a_footer(shard: Path):
    """Of every byte of the last kilobyte one bit: what is read nevertheless is a table with all columns."""
    whole = shard.read_bytes()
    messages = []
    for place in range(len(whole) - 1000, len(whole), 3):
        shard.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
        try:
            assert len(read(shard)) == EVENTS
        except UserError as error:
            messages.append(str(error))
    assert messages
    assert all(message.startswith(f"{shard}: ") for message in messages)


def test_what_is_no_file(tmp_path: Path):
    with pytest.raises(UserError, match="no such file, expected a shard of events"):
        read(tmp_path / "nothing.parquet")
    with pytest.raises(UserError, match="is a folder, expected a file with a shard of events"):
        read(tmp_path)
