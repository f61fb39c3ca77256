"""Dimuons from CSV files: one row per collision, columns identified by name."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmark.core.errors import UserError, spelled
from tasks.dimuon.columns import find_columns, missing_columns, part_of, plain, refuse_electrons
from tasks.sources.folder import EVENT_FILE
from tasks.sources.text_lines import BLOCK, TextLines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from tasks.dimuon.pairs import FilePart

CHUNK = 200_000
"""Rows read at a time."""
MOST_COLUMNS = 1000
HEAD = 10
"""Rows that are read to recognise electrons."""


def read_csv(path: Path) -> Iterator[FilePart]:
    """Read the pairs of a CSV file, in chunks.

    Raises UserError when it is not text, lacks columns, holds electrons, or has a cell that is no finite number.
    """
    what = f"dimuon: file {path}"
    with _reading(what):
        columns = _columns(path, what)
        # All columns are read: with `usecols` pandas accepts rows with too many cells.
        # low_memory guesses types piece by piece, and warns where the pieces differ.
        with _opened(path) as file, pd.read_csv(file, chunksize=CHUNK, low_memory=False) as chunks:
            for chunk in chunks:
                yield _part(chunk, columns, what)


def check_csv(path: Path) -> None:
    """Raise UserError when it is not text, lacks columns, or holds electrons; only the first rows are read."""
    what = f"dimuon: file {path}"
    with _reading(what):
        _columns(path, what)


def _columns(path: Path, what: str) -> dict[str, str]:
    with EVENT_FILE.open(path) as start:
        beginning = start.read(BLOCK)
    if b"\0" in beginning:
        raise UserError(f"{what} is binary, expected comma-separated text. Give a CSV file, or name it .root.")
    width = beginning.splitlines()[0].count(b",") + 1 if beginning else 0
    if width > MOST_COLUMNS:
        raise UserError(f"{what} has {width:,} columns, expected at most {MOST_COLUMNS:,}. Give another file.")
    with _opened(path) as file:
        names = list(pd.read_csv(file, nrows=0).columns)
    columns = find_columns(names)
    if columns is None:
        raise missing_columns(what, names)
    with _opened(path) as file:
        head = pd.read_csv(file, nrows=HEAD, usecols=[name for name in names if plain(name) == "type1"])
    refuse_electrons(names, {plain(str(name)): head[name] for name in head}, what)
    return columns


def _opened(path: Path) -> TextLines:
    return TextLines(EVENT_FILE.open(path))


@contextmanager
def _reading(what: str) -> Iterator[None]:
    """Turn errors of pandas and of the system into UserError."""
    try:
        yield
    except pd.errors.EmptyDataError as error:
        raise UserError(f"{what} is empty, expected a header line and rows. Give another file.") from error
    except UserError:
        raise
    except OSError as error:
        raise UserError(
            f"{what} can't be read ({error.strerror or error}), expected a CSV file. Correct it."
        ) from error
    except Exception as error:  # of pandas
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise UserError(
            f"{what} is not comma-separated text ({spelled(reason, 120)}), expected CSV. Correct or replace it."
        ) from error


def _part(chunk: pd.DataFrame, columns: dict[str, str], what: str) -> FilePart:
    if not isinstance(chunk.index, pd.RangeIndex):  # pandas takes a surplus first cell for the row's name
        raise UserError(f"{what} has more cells in its rows than in its header, expected as many. Correct the header.")

    def row(index: int) -> str:
        return f"line {int(chunk.index[index]) + 2}"  # line 1 is the header

    return part_of({name: _numbers(chunk[column], row, what) for name, column in columns.items()}, row, what)


def _numbers(column: pd.Series[Any], row: Any, what: str) -> NDArray[Any]:
    values = np.asarray(pd.to_numeric(column, errors="coerce"))
    words = np.flatnonzero(~np.isfinite(values) & column.notna().to_numpy() & ~_infinite(column))
    if len(words):
        raise UserError(
            f"{what}: {row(int(words[0]))} has '{spelled(column.iloc[words[0]])}' as {spelled(column.name)}, "
            "expected a number. Correct or remove it."
        )
    return values


def _infinite(column: pd.Series[Any]) -> NDArray[np.bool_]:
    return np.asarray(column.astype(str).str.strip().str.lower().isin(["inf", "-inf", "+inf", "infinity", "-infinity"]))
