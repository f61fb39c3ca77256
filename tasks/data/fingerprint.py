"""A hash of the content of a data set that does not depend on its files: a digest per event, and one over all.

Shards are added in any order and of any size; 25 bytes per event stay in memory.

    event    SHA-256 (half of it) over the names and types of all columns, then the event's own bytes (see `_blocks`)
    data set SHA-256 over (event_id, digest) of its events, sorted by event_id
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError
from tasks.events import SPLITS, split_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

DIGEST_BYTES = 16
ENTRY = np.dtype([("event_id", "<i8"), ("digest", f"V{DIGEST_BYTES}")])


class Fingerprint:
    """The content of a data set, added one table after the other.

    what : the data set, for error messages.
    """

    def __init__(self, what: str = "events") -> None:
        self.what = what
        self._entries: list[NDArray[np.void]] = []
        self._splits: list[NDArray[np.int8]] = []

    def add(self, table: ak.Array) -> None:
        """Add the events of a table, as stored (before any `apply_variant`)."""
        entries = np.empty(len(table), ENTRY)
        entries["event_id"] = ak.to_numpy(table["event_id"])
        entries["digest"] = digests(table).view(ENTRY["digest"]).ravel()
        self._entries.append(entries)
        self._splits.append(split_of(table))

    def all_events(self) -> str:
        """SHA-256 over the content of all events. Raises UserError when two events have one id."""
        return self._over(np.concatenate([np.empty(0, ENTRY), *self._entries]))

    def test_events(self) -> str:
        """SHA-256 over the content of the test events. Raises UserError when two of them have one id."""
        test = SPLITS.index("test")
        chosen = (entries[split == test] for entries, split in zip(self._entries, self._splits, strict=True))
        return self._over(np.concatenate([np.empty(0, ENTRY), *chosen]))

    def _over(self, entries: NDArray[np.void]) -> str:
        ids = entries["event_id"]
        order = np.argsort(ids, kind="stable")
        twice = np.flatnonzero(np.diff(ids[order]) == 0)
        if len(twice):
            raise UserError(
                f"{self.what}: {len(twice)} event ids stand for more than one event (the first is "
                f"{ids[order[twice[0]]]}), expected each once. Leave out files that are given twice."
            )
        return hashlib.sha256(entries[order].tobytes()).hexdigest()


def fingerprint(table: ak.Array, *, everything: bool = False) -> str:
    """The fingerprint of a table in memory: over its test events, or over all (`everything`)."""
    content = Fingerprint()
    content.add(table)
    return content.all_events() if everything else content.test_events()


def digests(table: ak.Array) -> NDArray[np.uint8]:
    """A digest of the content of each event, shape (events, 16), independent of all other events.

    It changes with every bit of every value (also between 0 and -0), with the lengths of lists, and with the names and
    types of columns; not with the order of columns, nor with anything that a file format adds.
    """
    blocks = list(_blocks("", table))
    start = hashlib.sha256("\n".join(layout for layout, _, _ in blocks).encode())
    parts = [(content.data, edges.tolist()) for _, content, edges in blocks]
    found = []
    for event in range(len(table)):
        digest = start.copy()
        for content, edges in parts:
            digest.update(content[edges[event] : edges[event + 1]])
        found.append(digest.digest()[:DIGEST_BYTES])
    return np.frombuffer(b"".join(found), np.uint8).reshape(-1, DIGEST_BYTES)


Block = tuple[str, "NDArray[np.uint8]", "NDArray[np.int64]"]
"""Names and types; bytes; where the bytes of each event begin and end, (events + 1,)."""


def _blocks(name: str, rows: ak.Array, edges: NDArray[np.int64] | None = None) -> Iterator[Block]:
    """The content of a table as a few arrays of bytes, in which the bytes of an event are contiguous.

    One block has the events themselves (all flat columns, and the lengths of lists), and one the elements of each list
    column, lists within lists included. Little-endian, on every machine.
    edges : where the rows of each event begin and end, (events + 1,), where rows are not events.
    """
    edges = np.arange(len(rows) + 1) if edges is None else edges
    flat: dict[str, NDArray[Any]] = {}
    lists: list[tuple[str, ak.Array, NDArray[np.int64]]] = []
    for path, column in _columns(name, rows):
        if column.layout.purelist_depth > 1:
            lengths = np.asarray(ak.to_numpy(ak.num(column, axis=1)), np.int64)
            flat[f"{path}[]"] = lengths
            begins = np.concatenate([[0], np.cumsum(lengths)])
            lists.append((f"{path}[]", ak.flatten(column, axis=1), begins[edges]))
        else:
            flat[path] = np.asarray(ak.to_numpy(column, allow_missing=False))
    if not flat:
        return
    kinds = np.dtype([(path, values.dtype.newbyteorder("<")) for path, values in flat.items()])  # without gaps
    packed = np.empty(len(rows), kinds)
    for path, values in flat.items():
        packed[path] = values
    yield str(kinds.descr), packed.view(np.uint8), edges * kinds.itemsize
    for path, elements, begins in lists:
        yield from _blocks(path, elements, begins)


def _columns(name: str, rows: ak.Array) -> Iterator[tuple[str, ak.Array]]:
    """Columns, and fields of records within them, sorted by their whole name."""
    rows = ak.from_regular(rows, axis=None) if rows.layout.purelist_depth > 1 else rows
    if rows.layout.purelist_depth > 1 or not rows.fields:
        yield name, rows
        return
    for field in sorted(rows.fields):
        yield from _columns(f"{name}.{field}" if name else field, rows[field])
