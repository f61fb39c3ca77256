"""Arrays of an .npz archive, row by row. `numpy.load` decompresses whole arrays at once, and may unpickle."""

from __future__ import annotations

import math
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from benchmark.core.arrays import read_header
from benchmark.core.errors import UserError, spelled
from tasks.sources.folder import EVENT_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""The compressions that numpy writes. Others make zeros a million times smaller."""
MOST_TIMES_SMALLER = 300
"""Of an array of over `SMALL` bytes; a million jets would take minutes to read from a file of a few MB."""
SMALL = 250_000_000


@dataclass(frozen=True)
class Stream:
    """An array whose rows are read in order."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    file: IO[bytes]
    what: str

    def read(self, rows: int) -> NDArray[Any]:
        """The next rows, fewer at the end. Raises UserError when the file ends before them."""
        size = rows * self.dtype.itemsize * math.prod(self.shape[1:])
        data = self.file.read(size)
        if len(data) != size:
            raise UserError(f"{self.what}: '{self.name}' ends early, expected {self.shape} numbers. Fetch it again.")
        return np.frombuffer(data, self.dtype).reshape(rows, *self.shape[1:])


@contextmanager
def open_npz(path: Path, what: str) -> Iterator[zipfile.ZipFile]:
    """The open archive; errors of reading it in the block become UserErrors of one line."""
    try:
        with EVENT_FILE.open(path) as file, zipfile.ZipFile(file) as archive:
            yield archive
    except UserError:
        raise
    except Exception as error:  # of zipfile and the decompressors
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:;")
        raise UserError(
            f"{what} is truncated or no .npz archive ({spelled(reason, 120)}), expected a whole one. Fetch it again."
        ) from error


@contextmanager
def stream(archive: zipfile.ZipFile, name: str, shape: Sequence[int | None], what: str) -> Iterator[Stream]:
    """An array by name, after checks of its type, its shape (None: any length) and its size in the archive.

    Raises UserError unless it is an array of numbers in rows; object arrays (pickles) are refused.
    """
    wanted = f"({', '.join('n' if size is None else str(size) for size in shape)})"
    if f"{name}.npy" not in archive.namelist():
        found = ", ".join(spelled(entry.removesuffix(".npy")) for entry in archive.namelist()[:8])
        raise UserError(f"{what} has no array '{name}' (found: {found}), expected one of shape {wanted}. Give another.")
    member = archive.getinfo(f"{name}.npy")
    if member.compress_type not in METHODS or member.file_size > max(SMALL, MOST_TIMES_SMALLER * member.compress_size):
        raise UserError(
            f"{what}: '{name}' has {member.file_size:,} bytes in {member.compress_size:,} compressed ones, expected an "
            "array as numpy.savez_compressed writes it. Save it again."
        )
    with archive.open(member) as file:
        found_shape, in_columns, dtype = read_header(file)
        if dtype.kind not in "biuf" or dtype.hasobject:
            raise UserError(f"{what}: '{name}' holds {dtype}, expected numbers of shape {wanted}. Give another file.")
        if len(found_shape) != len(shape) or any(
            size is not None and size != have for size, have in zip(shape, found_shape, strict=True)
        ):
            raise UserError(f"{what}: '{name}' has shape {found_shape}, expected {wanted}. Give another file.")
        if in_columns and len(found_shape) > 1:
            raise UserError(f"{what}: '{name}' is stored by columns, expected rows (C order). Save it again so.")
        size = member.file_size - file.tell()
        if any(length < 0 for length in found_shape) or size != math.prod(found_shape) * dtype.itemsize:
            raise UserError(
                f"{what}: '{name}' claims {found_shape} numbers but has {size:,} bytes, expected "
                f"{math.prod(found_shape) * dtype.itemsize:,}. Fetch it again."
            )
        yield Stream(name, found_shape, dtype, file, what)
