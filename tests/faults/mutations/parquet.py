"""Other columns in Parquet files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet

if TYPE_CHECKING:
    from random import Random


def parquet_changed(content: bytes, random: Random) -> bytes:
    """A column of a Parquet file is missing, renamed, of another type, or has other or no values."""
    table = pyarrow.parquet.read_table(io.BytesIO(content))
    place = random.randint(0, table.num_columns - 1)
    name, rows = table.column_names[place], table.num_rows
    action = random.choice(("drop", "rename", "value", "value", "value", "twice", "rows"))
    if action == "drop":
        table = table.remove_column(place)
    elif action == "rename":
        table = table.rename_columns(
            [random.choice(("", "é", "label")) if n == name else n for n in table.column_names]
        )
    elif action == "twice":
        table = table.append_column(name, table.column(place))
    elif action == "rows":
        table = table.slice(0, random.choice((0, 1)))
    else:
        table = table.set_column(place, name, pa.array([random.choice(_PARQUET)] * rows))
    written = io.BytesIO()
    pyarrow.parquet.write_table(table, written, compression=random.choice(("zstd", "none", "gzip", "snappy")))
    return written.getvalue()


_PARQUET: tuple[Any, ...] = (
    *(None, True, 0, -1, 7, 2**40, float("nan"), float("inf"), 1e300, "a", "é", b"\xff", [], [1.0], [[1.0]], [None]),
    *({"pt": 1.0}, [{"pt": 1.0}], [{"pt": float("nan"), "eta": None}], ["a"], {"a": {"b": [1]}}),
)
