"""Parquet files of events, read without trust: a footer may claim any number of events, and a column hold anything.

`tasks.events.read` decodes a file. Before any column is in memory, the footer, which is small, is compared here with
the size of the file, the number of events in the manifest, and the columns that all events have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import awkward as ak
import pyarrow.parquet
from pyarrow import types

from benchmark.core.errors import UserError
from benchmark.core.stored import MB
from tasks import events
from tasks.events import TRUTH

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

REQUIRED = ("event_id", "group", "label", "weight")
INTEGERS = ("event_id", "group", "label", "split", "pileup")
LONGEST_TEXT, MOST_PARTS = 10 * MB, 100_000
"""Bytes of a text in a footer, and number of columns or row groups."""
MOST_VALUES, VALUES_PER_BYTE = 4_000_000, 20
"""Numbers in a file: this many, and so many more for each byte. Our own shards have about 3 for each byte."""
BYTES_PER_VALUE = 16
DEEPEST = 4
"""Lists and records within each other; the columns that `tasks.events` describes have two."""


def parse_events(path: Path, columns: Collection[str] | None = None, count: int | None = None) -> ak.Array:
    """The events of a file that `tasks.events.write` wrote: a parser for `StoredFile.parse_at`.

    Parameters
    ----------
    columns : those to read, if the file has them; None for all.
    count : number of events that the file must have, where it is known.

    Raises
    ------
    ValueError
        When the file claims more than its size allows, has another number of events, or lacks a column that all events
        have, or has one of another type.
    """
    with _opened(path) as file:
        _check_claims(file.metadata, path.stat().st_size, count)
        _check_columns(file.schema_arrow)
        rows = file.metadata.num_rows
    try:
        table = events.read(path, columns)
    except UserError as error:  # in several lines, as the library has it
        raise ValueError(error.__cause__ or error) from error
    if len(table) != rows:
        raise ValueError(f"has {len(table):,} events, but claims {rows:,}")
    for name in table.fields:
        if name in TRUTH and table[name].layout.is_option and ak.any(ak.is_none(table[name])):
            raise ValueError(f"the column {name!r} has missing values")
    return table


def parse_columns(path: Path) -> ak.Array:
    """No events, with the columns of a file: a parser as `parse_events`, which reads the footer alone."""
    with _opened(path) as file:
        _check_columns(file.schema_arrow)
        return ak.from_arrow(file.schema_arrow.empty_table())


def _opened(path: Path) -> pyarrow.parquet.ParquetFile:
    return pyarrow.parquet.ParquetFile(
        path, thrift_string_size_limit=LONGEST_TEXT, thrift_container_size_limit=MOST_PARTS
    )


def _check_claims(footer: pyarrow.parquet.FileMetaData, size: int, count: int | None) -> None:
    """Raise ValueError for more numbers than a file of this size holds."""
    if count is not None and footer.num_rows != count:
        raise ValueError(f"claims {footer.num_rows:,} events, expected {count:,}")
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    if any(group.num_rows < 0 for group in groups) or sum(group.num_rows for group in groups) != footer.num_rows:
        raise ValueError(f"claims {footer.num_rows:,} events, but its parts have another sum")
    values = 0
    for group in groups:
        for column in map(group.column, range(group.num_columns)):
            flat = "." not in column.path_in_schema
            if column.num_values < 0 or (flat and column.num_values != group.num_rows):
                raise ValueError(f"claims {column.num_values:,} values of {group.num_rows:,} events in a column")
            if not 0 <= column.total_uncompressed_size <= MB + BYTES_PER_VALUE * column.num_values:
                raise ValueError(f"claims {column.total_uncompressed_size:,} bytes of {column.num_values:,} numbers")
            values += column.num_values
    if values > MOST_VALUES + VALUES_PER_BYTE * size:
        raise ValueError(f"claims {footer.num_rows:,} events of {values:,} numbers in {size:,} bytes")


def _check_columns(schema: pyarrow.Schema) -> None:
    """Raise ValueError for a column that is missing, repeated or no numbers."""
    for name in REQUIRED:
        if name not in schema.names:
            raise ValueError(f"has no column {name!r}, expected {', '.join(REQUIRED)}")
    for field in schema:
        shown = repr(field.name[:80])
        if schema.names.count(field.name) > 1:
            raise ValueError(f"has the column {shown} twice")
        if not _is_numbers(field.type, DEEPEST):
            raise ValueError(f"the column {shown} holds {str(field.type)[:80]}, expected numbers, lists or records")
        if field.name in INTEGERS and not types.is_integer(field.type):
            raise ValueError(f"the column {shown} holds {str(field.type)[:80]}, expected whole numbers")
        if field.name in TRUTH and types.is_nested(field.type):
            raise ValueError(f"the column {shown} holds {str(field.type)[:80]}, expected one number for each event")


def _is_numbers(kind: pyarrow.DataType, deepest: int) -> bool:
    """Whether a type is a number, or a list or record of such types."""
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return deepest > 0 and _is_numbers(kind.value_type, deepest - 1)
    if types.is_struct(kind):
        names = [field.name for field in kind]
        return deepest > 0 < len(names) == len(set(names)) and all(
            _is_numbers(field.type, deepest - 1) for field in kind
        )
    return bool(types.is_integer(kind) or types.is_boolean(kind) or types.is_float32(kind) or types.is_float64(kind))
