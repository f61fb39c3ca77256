"""Bounds on ROOT files: what they may claim, and what may become of their compressed data.

uproot allocates what headers claim, decompresses blocks until they end, and evaluates aliases of a file as Python.
"""

from __future__ import annotations

import lzma
import os
import zlib
from typing import TYPE_CHECKING, Any

import cramjam
import numpy as np
import uproot
import uproot.compression
import uproot.language
import uproot.reading
from uproot.source.fsspec import FSSpecSource

from benchmark.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

STEP = "50 MB"
"""Uncompressed size of the branches that are read at a time."""
MOST_BYTES = 500_000_000
"""Uncompressed size of the baskets that a step may take: baskets differ in size."""
MOST_BASKET = 200_000_000
"""Uncompressed size of one basket or other object."""
MOST_DESCRIPTION = 3_000_000
"""Uncompressed size of the description of a tree in a file smaller than that."""
BEGINNING = 100_000
SMALLEST_KEY = 29
"""Bytes of the record of an object in a folder, with three empty names."""
MOST_DEPTH, MOST_FOLDERS, MOST_TREES = 8, 1000, 100


class BranchesOnly(uproot.language.Language):  # type: ignore[misc]
    """The language of uproot's expressions, without any: a name is a branch, and aliases of the file are not used."""

    def getter_of(self, name: str) -> str:
        """The name itself."""
        return name

    def free_symbols(self, expression: str, *_: Any) -> list[str]:
        """Raise KeyError, since it is not the name of a branch."""
        raise KeyError(expression)

    def compute_expressions(
        self,
        tree: Any,  # noqa: ARG002 - as uproot calls it
        arrays: dict[Any, Any],
        context: Sequence[tuple[str, dict[str, Any]]],
        *_: Any,
    ) -> dict[str, Any]:
        """The arrays by the names of their branches."""
        return {name: arrays[found["branches"][0].cache_key] for name, found in context if found["is_primary"]}


class WholeRanges(FSSpecSource):  # type: ignore[misc]
    """Reads ranges of bytes that are in the file; Python allocates a range before it reads it."""

    def chunk(self, start: int, stop: int) -> Any:
        """A range. Raises OSError if it is not in the file."""
        self._check([(start, stop)])
        return super().chunk(start, stop)

    def chunks(self, ranges: Sequence[tuple[int, int]], notifications: Any) -> Any:
        """Several ranges. Raises OSError if one is not in the file."""
        self._check(ranges)
        return super().chunks(ranges, notifications)

    def _check(self, ranges: Sequence[tuple[int, int]]) -> None:
        size = os.path.getsize(self._file_path)
        # uproot asks for the beginning of a file before it knows how long the file is
        if any(start < 0 or stop > size + BEGINNING for start, stop in ranges):
            raise OSError(f"it ends at byte {size:,} and refers to later ones")


def trees_of(file: Any, kinds: Sequence[str], size: int) -> dict[str, Any]:
    """The trees of a file by path, also those in its folders. Raises ValueError for too many or too large ones."""
    found: dict[str, Any] = {}
    seen: set[int] = set()

    def look(folder: Any, path: str, depth: int) -> None:
        if folder.fSeekDir in seen or depth > MOST_DEPTH or len(seen) > MOST_FOLDERS:
            raise ValueError("its folders hold each other, or are too many")
        seen.add(folder.fSeekDir)
        for name, kind in folder.classnames(recursive=False, cycle=False).items():
            if kind in ("TDirectory", "TDirectoryFile"):
                look(folder[name], f"{path}{name}/", depth + 1)
            elif kind in kinds:
                length = folder.key(name).data_uncompressed_bytes
                if len(found) >= MOST_TREES or length > MOST_DESCRIPTION + size:
                    raise ValueError(f"{len(found) + 1} trees, of {length:,} bytes")
                found[path + name] = folder[name]

    look(file, "", 0)
    return found


def read_branches(tree: Any, names: Sequence[str], library: str, what: str) -> Iterator[Any]:
    """Branches of a tree, in chunks of about `STEP`. Raises UserError for a tree that claims more than it has."""
    if hasattr(tree, "branches") and not hasattr(tree, "cluster_summaries"):
        step = int(tree.num_entries_for(STEP, list(names), language=LANGUAGE))
        _check_baskets(tree, names, step, what)
        yield from tree.iterate(list(names), step_size=step, library=library, language=LANGUAGE)
    else:
        yield from tree.iterate(list(names), step_size=STEP, library=library)


def _check_baskets(tree: Any, names: Sequence[str], step: int, what: str) -> None:
    entries = int(tree.num_entries)
    starts = np.arange(0, entries, step, dtype=np.int64) if 0 < entries <= step * MOST_BYTES else np.zeros(1, np.int64)
    total = np.zeros(len(starts))
    for name in names:
        branch = tree[name]
        edges = np.asarray(branch.entry_offsets, np.int64)
        sizes = _sizes(branch)
        wrong = len(edges) != len(sizes) + 1 or edges[0] != 0 or edges[-1] != entries or (np.diff(edges) < 0).any()
        if wrong or (np.diff(edges) > sizes).any():
            raise UserError(
                f"{what}: branch {name} claims {entries:,} entries in {int(sizes.sum()):,} bytes, which is too many. "
                "Fetch the file again."
            )
        ends = np.r_[0, np.cumsum(sizes)]
        first = np.searchsorted(edges, starts, side="right") - 1
        last = np.searchsorted(edges, np.minimum(starts + step, entries), side="left")
        total += ends[last] - ends[np.maximum(first, 0)]
    if total.max(initial=0) > MOST_BYTES:
        raise UserError(
            f"{what}: {step:,} entries take {total.max() / 1e6:,.0f} MB, expected at most {MOST_BYTES / 1e6:,.0f} MB. "
            "Write the file again with smaller baskets."
        )


def _sizes(branch: Any) -> NDArray[np.float64]:
    """Uncompressed bytes of each basket."""
    sizes = [branch.basket_uncompressed_bytes(number) for number in range(branch.num_baskets)]
    return np.array(sizes, np.float64)


# --- decompression ---------------------------------------------------------------------------------------------------


def _zlib(data: Any, size: int) -> Any:
    reader = zlib.decompressobj()
    content = reader.decompress(data, size)
    if reader.decompress(reader.unconsumed_tail, 1):
        raise ValueError(f"a block has more than {size:,} bytes")
    return content


def _lzma(data: Any, size: int) -> Any:
    return lzma.LZMADecompressor(memlimit=MOST_BASKET).decompress(data, size)


def _zstd(data: Any, size: int) -> Any:
    output = memoryview(bytearray(size))
    return output[: cramjam.zstd.decompress_into(data, output)]  # raises an error where the output is too small


def _check_size(*, uncompressed_bytes: int, **_: Any) -> None:
    if uncompressed_bytes > MOST_BASKET:
        raise ValueError(f"an object claims {uncompressed_bytes:,} bytes")


def _check_keys(_: Any, *, keys_chunk: Any, num_keys: int, **__: Any) -> None:
    if num_keys * SMALLEST_KEY > keys_chunk.stop - keys_chunk.start:  # a length below 0 would lead back, for ever
        raise ValueError(f"a folder claims {num_keys:,} objects")


def _bound_uproot() -> None:
    """Make uproot end a block at the size that its header gives, at most 16 MB, and refuse what is too large."""
    for name, bounded in {"ZLIB": _zlib, "LZMA": _lzma, "ZSTD": _zstd}.items():
        getattr(uproot.compression, f"_decompress_{name}").decompress = bounded
    uproot.compression.decompress.hook_before_block = _check_size
    uproot.reading.ReadOnlyDirectory.hook_before_keys = _check_keys


_bound_uproot()
LANGUAGE = BranchesOnly()
