"""Tables that pandas wrote to HDF5 (`to_hdf(format="table")`), read without pandas, PyTables or any unpickling.

The rows are in the array `KEY/table` of compound type: an index, and blocks of columns of one type each. The names of
the columns are a pickled list in the attribute `values_block_N_kind`. Unpickling a downloaded file may run code, and
PyTables does so when it opens one. Here the pickle is only disassembled (`pickletools.genops` executes nothing), and
anything in it but a list of words is refused.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.core.errors import UserError, spelled
from tasks.sources.hdf5_file import child, groups, keys, node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST_COLUMNS = 10_000
MOST_BYTES = 10_000_000
"""Of the names of columns."""
_WORDS = {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "STRING", "SHORT_BINSTRING", "BINSTRING"}
_LIST = {"MARK", "LIST", "EMPTY_LIST", "APPEND", "APPENDS", "PROTO", "FRAME", "STOP"}
_NOTES = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}


@dataclass(frozen=True)
class PandasTable:
    """A table, not yet read: the array in the file (`rows`), and the block and position of each column (`places`)."""

    rows: Any
    places: dict[str, tuple[str, int]]

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, names: Sequence[str], start: int, stop: int) -> NDArray[Any]:
        """Columns by name, shape (rows, names), from rows `start` to `stop`; all of one type of number."""
        blocks = {self.places[name][0] for name in names}
        chunk = {block: np.asarray(self.rows.fields(block)[start:stop]) for block in blocks}
        columns = []
        for block, index in (self.places[name] for name in names):
            columns.append(chunk[block].reshape(len(chunk[block]), -1)[:, index])
        return np.stack(columns, axis=1)


def find_table(file: Any, columns: Sequence[str], what: str) -> PandasTable:
    """The first table of a file that has these columns, of numbers.

    Raises UserError when there is none, or when it is of pandas' `fixed` format.
    """
    found = groups(file)
    tables = {name: group for name, group in found.items() if child(group, "table") is not None}
    if not tables:
        fixed = any(child(group, "axis0") is not None for group in found.values())
        there = "a pandas frame of the 'fixed' format" if fixed else keys(file)
        raise UserError(
            f"{what} has no pandas table (found: {there}), expected a group with an array 'table'. "
            "Write it with to_hdf(format='table'), or fetch it again."
        )
    missing: list[str] = []
    for name, group in tables.items():
        table = _table(group, f"{what}, '{spelled(name)}'")
        missing = [column for column in columns if column not in table.places]
        if not missing:
            return table
    more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
    have = ", ".join(spelled(name) for name in list(table.places)[:8])
    raise UserError(
        f"{what}: its table has no column {missing[0]}{more} (found: {have}, ...), "
        f"expected {', '.join(columns[:4])} ... Give another file."
    )


def _table(group: Any, what: str) -> PandasTable:
    rows = node(group, "table", (None,), what)
    places: dict[str, tuple[str, int]] = {}
    for block in rows.dtype.names or ():
        kind = rows.dtype[block]
        if not block.startswith("values_block_") or kind.base.kind not in "biuf":
            continue
        names = _names(rows.attrs, f"{block}_kind", what)
        width = int(np.prod(kind.shape, dtype=np.int64))
        if len(names) != width:
            raise UserError(
                f"{what}: block '{block}' has {width} columns and {len(names)} names, expected as many. "
                "Fetch the file again."
            )
        places |= {name: (block, index) for index, name in enumerate(names)}
    return PandasTable(rows, places)


def _names(attributes: Any, name: str, what: str) -> list[str]:
    """The words of a pickled list of words, without unpickling it."""
    value = attributes.get(name)
    data = value if isinstance(value, bytes) else value.tobytes() if isinstance(value, np.ndarray | np.void) else b""
    found: list[str] = []
    try:
        if len(data) > MOST_BYTES:
            raise ValueError(f"{len(data):,} bytes")
        for code, word, _ in pickletools.genops(data):
            if code.name in _WORDS:
                found.append(str(word))
            elif code.name not in _LIST | _NOTES:
                raise ValueError(f"a pickle with {code.name}")
            if len(found) > MOST_COLUMNS:
                raise ValueError("too many names")
    except Exception as error:  # of pickletools, for bytes that are no pickle
        raise UserError(
            f"{what}: attribute '{name}' can't be read as column names ({spelled(error, 80)}), expected a plain "
            "list of words, as pandas writes it. Fetch the file again."
        ) from error
    return found
