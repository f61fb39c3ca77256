"""Arrays in .npz archives: read without trust in what their headers claim, and never unpickled."""

from __future__ import annotations

import io
import math
import zipfile
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MOST_ARRAYS = 200
KINDS = "biufU"
"""The kinds of dtype that are read: booleans, integers, floating-point numbers, text of fixed width."""

_LISTED = b"PK\x01\x02"
"""The signature of each entry in the list of members of an archive."""
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MOST_HEADER = 12 + 10_000
"""Bytes of the longest header that NumPy reads without trust."""
_CHUNK = 1 << 20


def read_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether the order is that of columns, and dtype of an .npy file. Raises ValueError for another file."""
    try:
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, by_columns, dtype = read(file)
    except Exception as error:  # numpy reads the header as Python's literals, and raises what the tokenizer does
        raise ValueError(f"no header of an array: {error}") from error
    return shape, by_columns, dtype


def arrays_parser(most: int) -> Callable[[bytes], dict[str, NDArray[Any]]]:
    """A parser of .npz archives for `StoredFile.parse`.

    Parameters
    ----------
    most : bytes of all arrays together, at most. The archive may be compressed to a thousandth of that.
    """

    def parse(content: bytes) -> dict[str, NDArray[Any]]:
        # zipfile reads the whole list of members at once; a match by chance is allowed for
        if content.count(_LISTED) > 10 * MOST_ARRAYS:
            raise ValueError(f"more than {MOST_ARRAYS} arrays")
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            total = sum(member.file_size for member in members)
            if len(members) > MOST_ARRAYS or total > most:
                raise ValueError(
                    f"{len(members):,} arrays of {total:,} bytes, expected at most {MOST_ARRAYS} of {most:,} bytes"
                )
            return {member.filename.removesuffix(".npy"): _array(archive, member) for member in members}

    return parse


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    name = member.filename.removesuffix(".npy")
    if member.compress_type not in _COMPRESSIONS:
        raise ValueError(f"'{name}' has the compression {member.compress_type}, expected that of NumPy")
    with archive.open(member) as file:
        # each read has a bound: without one, zipfile expands the whole member, whatever size is declared
        start = io.BytesIO(file.read(_MOST_HEADER))
        shape, by_columns, dtype = read_header(start)
        if dtype.kind not in KINDS:
            raise ValueError(f"'{name}' holds {dtype}, expected numbers or text")
        size = math.prod(shape) * dtype.itemsize
        if any(length < 0 for length in shape) or size != member.file_size - start.tell():
            raise ValueError(f"'{name}' claims the shape {shape} but has {member.file_size:,} bytes")
        content = bytearray(start.read())
        while chunk := file.read(min(_CHUNK, size + 1 - len(content))):  # one more byte, so that checksums are compared
            content += chunk
    if len(content) != size:
        raise ValueError(f"'{name}' has {len(content):,} bytes, expected {size:,}")
    array = np.frombuffer(content, dtype).reshape(shape, order="F" if by_columns else "C")
    return np.ascontiguousarray(array).reshape(shape)
