"""HDF5 files: opening them, and arrays whose shape and type are checked before they are read.

Rows are read in chunks, so that memory does not depend on what a header claims. Arrays without data in the file are
refused, and so are links, storage in other files, and filters that HDF5 would have to load.
"""

from __future__ import annotations

import math
import os
import zlib
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from benchmark.core.errors import UserError, spelled
from tasks.sources.folder import EVENT_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

READ_BYTES = 32 * 2**20
"""Bytes of an array read at a time."""

MOST_CHUNK_BYTES = 256 * 2**20
"""Largest chunk, which is decompressed as a whole; chunks of event data are smaller."""

MOST_NAMES = 1000
"""Names in a file or group that are looked at."""

BLOSC = 32001
GZIP, LZF = 1, 32000
FILTERS = {GZIP, 2, 3, 4, 5, 6, LZF}
"""Filters of HDF5 and h5py. Others are libraries that HDF5 would search and load because a file names them."""

GZIP_RATIO = 1032
"""gzip makes data at most so many times smaller."""


@contextmanager
def open_hdf5(path: Path, what: str) -> Iterator[Any]:
    """The open file; errors of reading it in the block become UserErrors of one line."""
    try:
        with EVENT_FILE.open(path) as opened:
            if os.fstat(opened.fileno()).st_size == 0:
                raise UserError(f"{what} is empty, expected an HDF5 file. Fetch it again.")
        with h5py.File(path, "r", rdcc_nbytes=MOST_CHUNK_BYTES // 16) as file:
            yield file
    except UserError:
        raise
    except Exception as error:  # h5py raises whatever fits the code of HDF5
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:;")
        raise UserError(
            f"{what} is truncated or no HDF5 file ({spelled(reason, 120)}), expected a whole HDF5 file. Fetch it again."
        ) from error


def keys(group: Any) -> str:
    """Names in a file or group, for messages."""
    names = list(islice(group, 13))
    return ", ".join(f"'{spelled(name)}'" for name in names[:12]) + (", ..." if len(names) > 12 else "") or "nothing"


def child(group: Any, name: str) -> Any:
    """What has this name in a group, None if there is nothing; links to other places and files are not followed."""
    key, links = name.encode(), group.id.links
    # `in` and `get` of h5py follow links, into other files too
    return group[name] if links.exists(key) and links.get_info(key).type == h5py.h5l.TYPE_HARD else None


def groups(group: Any) -> dict[str, Any]:
    """The groups in a group by name, without links to other places."""
    found = {name: child(group, name) for name in islice(group, MOST_NAMES)}
    return {name: value for name, value in found.items() if isinstance(value, h5py.Group)}


def array(group: Any, name: str, shape: Sequence[int | None], what: str) -> Any:
    """An array of numbers by name, not yet read; None in `shape` is any length.

    Raises UserError when it is absent, elsewhere, of another type or shape, or not all in the file.
    """
    found = node(group, name, shape, what)
    wanted = _text(shape)
    if found.dtype.kind not in "biuf" or found.dtype.itemsize > 8:
        raise UserError(f"{what}: '{name}' holds {found.dtype}, expected numbers of shape {wanted}. Give another file.")
    return found


def node(group: Any, name: str, shape: Sequence[int | None], what: str) -> Any:
    """As `array`, of any type (such as a table with named columns)."""
    wanted = _text(shape)
    found = child(group, name)
    if not isinstance(found, h5py.Dataset):
        raise UserError(
            f"{what} has no array '{name}' (found: {keys(group)}), expected one of shape {wanted}. Give another file."
        )
    if (
        found.shape is None
        or len(found.shape) != len(shape)
        or any(size is not None and size != have for size, have in zip(shape, found.shape, strict=True))
    ):
        raise UserError(f"{what}: '{name}' has shape {found.shape}, expected {wanted}. Give another file.")
    if found.is_virtual or found.external:
        raise UserError(f"{what}: '{name}' lies in other files, expected its data in this one. Give a whole file.")
    if found.dtype.itemsize > READ_BYTES:
        raise UserError(
            f"{what}: '{name}' has rows of {found.dtype.itemsize / 1e6:,.0f} MB, expected less. Give another file."
        )
    _check_filters(found, name, what)
    _check_storage(found, name, what)
    return found


def _text(shape: Sequence[int | None]) -> str:
    return f"({', '.join('n' if size is None else str(size) for size in shape)}{',' if len(shape) == 1 else ''})"


def _check_storage(found: Any, name: str, what: str) -> None:
    """Check that all data are in the file: arrays that were never written read as zeros."""
    if found.chunks is None:
        there, expected = found.id.get_storage_size(), found.size * found.dtype.itemsize
    else:
        size = math.prod(found.chunks) * found.dtype.itemsize
        if size > MOST_CHUNK_BYTES:
            raise UserError(
                f"{what}: '{name}' is stored in chunks of {size / 1e6:,.0f} MB, expected at most "
                f"{MOST_CHUNK_BYTES / 1e6:,.0f} MB. Write it again in smaller chunks."
            )
        there = found.id.get_num_chunks()
        expected = math.prod(-(-rows // step) for rows, step in zip(found.shape, found.chunks, strict=True))
    if there < expected:
        raise UserError(
            f"{what}: '{name}' claims {found.shape[0]:,} rows, but {1 - there / expected:.0%} of its data are not in "
            "the file. Fetch the file again."
        )
    if found.chunks is not None:
        _check_chunks(found, size, name, what)


def _check_chunks(found: Any, size: int, name: str, what: str) -> None:
    """Check that chunks become no larger than they should: HDF5 decompresses until the compressed data end."""
    stored: list[Any] = []
    found.id.chunk_iter(stored.append)
    for chunk in stored:
        if chunk.size > 2 * size + 1024 or (
            chunk.size * GZIP_RATIO > MOST_CHUNK_BYTES and _is_bomb(found, chunk, size)
        ):
            raise UserError(
                f"{what}: a chunk of '{name}' has {chunk.size:,} bytes that become more than {size:,}, as its shape "
                "says. Fetch the file again."
            )


def _is_bomb(found: Any, chunk: Any, size: int) -> bool:
    """Whether a compressed chunk becomes larger than its size, if it is compressed with gzip."""
    codes = _filters(found)
    if chunk.filter_mask or GZIP not in codes:
        return False
    _, content = found.id.read_direct_chunk(chunk.chunk_offset)
    reader = zlib.decompressobj()
    return len(reader.decompress(content[: -4 if 3 in codes else None], size + 1024)) > size + 4


def _filters(found: Any) -> list[int]:
    plist = found.id.get_create_plist()
    return [plist.get_filter(index)[0] for index in range(plist.get_nfilters())]


def _check_filters(found: Any, name: str, what: str) -> None:
    """Check the compression; hdf5plugin provides what h5py lacks (such as Blosc, which PyTables uses)."""
    codes, known = _filters(found), FILTERS
    if len(set(codes)) < len(codes):
        raise UserError(f"{what}: '{name}' is compressed twice, expected gzip or none. Write it again.")
    if not set(codes) <= FILTERS:
        with suppress(ImportError):
            import hdf5plugin

            known = FILTERS | set(hdf5plugin.FILTERS.values())  # importing it registers them
    missing = [code for code in codes if code not in known or not h5py.h5z.filter_avail(code)]
    if missing:
        kind = "Blosc" if missing[0] == BLOSC else f"HDF5 filter {missing[0]}"
        raise UserError(
            f"{what}: '{name}' is compressed with {kind}, which is not installed, expected gzip or none. "
            "Install it with: pip install hdf5plugin"
        )


def rows_at_once(found: Any, most: int = 20_000) -> int:
    """Number of rows of about `READ_BYTES`, in whole chunks so that none is decompressed twice."""
    row = found.dtype.itemsize * math.prod(found.shape[1:])
    step = int(np.clip(READ_BYTES // max(row, 1), 1, most))
    whole = found.chunks[0] if found.chunks else 1
    return max(step // whole, 1) * whole


def same_length(arrays: dict[str, Any], what: str) -> int:
    """The common number of rows. Raises UserError when the arrays differ."""
    lengths = {name: len(values) for name, values in arrays.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"'{name}' {length:,}" for name, length in lengths.items())
        raise UserError(f"{what}: its arrays have different lengths ({found}), expected one row per event in each.")
    return next(iter(lengths.values()))


def finite(values: NDArray[Any], name: str, start: int, what: str) -> NDArray[Any]:
    """The values unchanged. Raises UserError naming the first row with a NaN or infinite number."""
    bad = ~np.isfinite(values)
    if bad.any():
        row = start + int(np.argwhere(bad)[0, 0])
        raise UserError(
            f"{what}: row {row} of '{name}' has a NaN or infinite number, expected finite ones. Correct or remove it."
        )
    return values
