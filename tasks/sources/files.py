"""Shared by all readers: finding files, ids of events, labels, and rows of the Events table."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np

from benchmark.core.errors import UserError
from benchmark.core.hashing import splitmix64
from tasks.reader import Imported
from tasks.sources.folder import visible_files

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

ROWS_PER_FILE = 2**40
"""The id of a row is the position of its file among the files times this, plus the row."""


def find_files(task: str, source: Path, suffixes: Collection[str], *, deep: bool = False) -> list[Path]:
    """The file itself, or all visible regular files of the folder with these suffixes, sorted by path.

    deep : include files in sub-folders. Raises UserError if there is none.
    """
    wanted = " or ".join(suffixes)
    if not os.path.exists(source):
        raise UserError(
            f"{task}: {source} does not exist, expected a {wanted} file or a folder of them. Correct --source."
        )
    if source.is_dir():
        files = visible_files(source, deep=deep, wanted=lambda path: path.suffix.lower() in suffixes)
        if not files:
            others = len(visible_files(source, deep=deep))
            raise UserError(
                f"{task}: folder {source} has no {wanted} file ({others} other entries), "
                "expected at least one. Name another folder."
            )
        return files
    if source.suffix.lower() not in suffixes:
        raise UserError(f"{task}: {source} ends in '{source.suffix}', expected {wanted}. Give a file of that kind.")
    return visible_files(source, deep=False)


def read_files(
    task: str,
    source: Path,
    suffixes: Collection[str],
    read: Callable[[Path, int, Counter[str], str], Iterator[ak.Array]],
    *,
    note: str,
    wanted: str,
    fast_simulation: bool = False,
) -> Imported:
    """Read all files of a source, one after the other.

    Parameters
    ----------
    read : gives the tables of a file from its path, its number among the files, the counter of dropped events, and
        the name of the file for messages.
    note : a note for users about the files. wanted : their expected content, for the error of an empty source.
    """
    files = find_files(task, source, suffixes)
    dropped: Counter[str] = Counter()
    tables = (
        table for number, path in enumerate(files) for table in read(path, number, dropped, f"{task}: file {path}")
    )
    chunks = not_empty(tables, f"{task}: {source}", dropped, wanted)
    return Imported(chunks, describe(files, source, note), dropped, fast_simulation=fast_simulation)


def binary_labels(truth: NDArray[Any], name: str, classes: tuple[str, str], start: int, what: str) -> NDArray[np.int64]:
    """Labels of a column that is 1 for the first class and 0 for the second. Raises UserError for other values."""
    wrong = np.flatnonzero(~np.isin(truth, (0, 1)))
    if len(wrong):
        raise UserError(
            f"{what}: row {start + int(wrong[0])} of '{name}' is {truth[wrong[0]]}, expected 1 ({classes[0]}) or 0 "
            f"({classes[1]}). Correct or remove it."
        )
    return np.asarray(1 - truth.astype(np.int64))


def mix(words: Iterable[NDArray[np.uint64]]) -> NDArray[np.uint64]:
    """A 64-bit hash of each column of words: SplitMix64, folded over the words."""
    value: Any = np.uint64(0)
    for word in words:
        value = splitmix64(word ^ value)
    return np.asarray(value, dtype=np.uint64)


def as_words(values: Any) -> NDArray[np.uint64]:
    """Numbers as words for `mix`: whole numbers by value, others by their bits as float32. Shape (events,)."""
    array = np.asarray(ak.to_numpy(values))
    if array.dtype.kind in "iub":
        return array.astype(np.int64).view(np.uint64) if array.dtype.kind == "i" else array.astype(np.uint64)
    return (array.astype(np.float32) + np.float32(0)).view(np.uint32).astype(np.uint64)  # -0 is 0


def group_ids(words: Iterable[NDArray[np.uint64]]) -> NDArray[np.int64]:
    """Ids in [0, 2**63) from the content of an event: its copies in any file share the id, and so the split."""
    return (mix(words) >> np.uint64(1)).astype(np.int64)


def row_ids(file: int, start: int, rows: int) -> NDArray[np.int64]:
    """Unique ids of rows `start` to `start + rows` of a file; `file` is its position among all files."""
    return file * ROWS_PER_FILE + start + np.arange(rows, dtype=np.int64)


def whole_table(
    event_id: NDArray[np.int64],
    group: NDArray[np.int64],
    label: NDArray[Any],
    weight: NDArray[Any] | None,
    content: Mapping[str, Any],
) -> ak.Array:
    """Rows of the Events table from columns of equal length; without weights each event has weight 1."""
    columns: dict[str, Any] = {
        "event_id": event_id,
        "group": group,
        "label": label.astype(np.int8),
        "weight": np.ones(len(event_id), np.float32) if weight is None else weight.astype(np.float32),
    }
    return ak.zip({**columns, **content}, depth_limit=1)


def scalars(columns: Mapping[str, Any]) -> ak.Array:
    """The `candidate` record: float32 numbers by name, each of shape (events,)."""
    return ak.zip({name: np.asarray(ak.to_numpy(values)).astype(np.float32) for name, values in columns.items()})


def not_empty(tables: Iterable[ak.Array], what: str, dropped: Counter[str], wanted: str) -> Iterator[ak.Array]:
    """The tables that have rows; reasons that dropped nothing are removed from `dropped` at the end.

    Raises UserError after the last table when none had rows.
    """
    found = False
    for table in tables:
        if len(table):
            found = True
            yield table
    for reason in [reason for reason, number in dropped.items() if not number]:
        del dropped[reason]
    if not found:
        counts = ", ".join(f"{reason}: {number}" for reason, number in dropped.items())
        raise UserError(
            f"{what} has no event left after the selection (dropped: {counts or 'none'}), expected {wanted}. "
            "Give files that have some."
        )


def require_finite(values: NDArray[Any], name: str, row: Callable[[int], str], what: str) -> None:
    """Raise UserError naming the first row whose value is NaN or infinite; `row` gives the name of a row for users."""
    bad = ~np.isfinite(values)
    if bad.any():
        first = int(np.argmax(bad))
        raise UserError(
            f"{what}: {row(first)} has {name} = {values[first]}, expected a finite number. Correct or remove it."
        )


def describe(files: Iterable[Path], source: Path, more: str) -> str:
    """Description of the files in a manifest: at most eight names, a count, and the note for users."""
    names = [path.relative_to(source).as_posix() if path != source else path.name for path in files]
    listed = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    return f"{listed}; {more}"
