"""Bounds on ROOT files: what they may claim, and what may become of their compressed data.

uproot allocates what headers, offsets and counts claim, decompresses blocks until they end, and evaluates aliases of a
file as Python.
"""

from __future__ import annotations

import lzma
import os
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import awkward as ak
import cramjam
import numpy as np
import uproot
import uproot.compression
import uproot.language
import uproot.reading
from uproot.interpretation.jagged import AsJagged
from uproot.interpretation.numerical import AsDtype
from uproot.models.RNTuple import ListFrameReader
from uproot.source.fsspec import FSSpecSource

from benchmark.core.errors import UserError, spelled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

STEP = "50 MB"
"""Uncompressed size of the branches that are read at a time."""
MOST_BYTES = 500_000_000
"""Uncompressed size of the baskets that a step may take: baskets differ in size."""
MOST_BASKET = 200_000_000
"""Uncompressed size of one basket or other object."""
MOST_GROWTH = 50_000
"""Bytes that may become of one compressed byte. Zeros grow most: 1032 times with zlib, 33,000 times with zstd."""
MOST_DESCRIPTION = 3_000_000
"""Uncompressed size of the description of a tree in a file smaller than that."""
BEGINNING = 100_000
LIST_FRAME = struct.Struct("<qI")
"""Of an RNTuple: size with its sign, and number of items."""
SMALLEST_KEY = 29
"""Bytes of the record of an object in a folder, with three empty names."""
MOST_STEPS = 1_000_000
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
    ntuple = hasattr(tree, "cluster_summaries")
    if ntuple:
        step = int(tree.num_entries_for(STEP, filter_name=list(names)))
        _check_steps(_columns(tree, names, what), int(tree.num_entries), step, what)
        chunks = tree.iterate(list(names), step_size=step, library="ak")
    else:
        step = int(tree.num_entries_for(STEP, list(names), language=LANGUAGE))
        _check_steps(_branches(tree, names, what), int(tree.num_entries), step, what)
        chunks = tree.iterate(list(names), step_size=step, library=library, language=LANGUAGE)
    for chunk in chunks:
        # the lists of an RNTuple are used as the file has them; Awkward's kernels would follow them out of the memory
        if isinstance(chunk, ak.Array) and (error := ak.validity_error(chunk)):
            raise UserError(f"{what}: its lists are not in order ({spelled(error, 120)}). Fetch the file again.")
        yield {name: ak.to_numpy(chunk[name]) for name in names} if ntuple and library == "np" else chunk


@dataclass(frozen=True)
class _Claim:
    """What a file says about a branch, or about a column of an RNTuple: nothing of it need be true.

    Attributes
    ----------
    edges : first entry of each block that is read at once, and the number of entries, shape (blocks + 1,)
    sizes : uncompressed bytes of each block, shape (blocks,)
    smallest : uncompressed bytes that an entry takes at least
    """

    name: str
    edges: NDArray[np.int64]
    sizes: NDArray[np.float64]
    smallest: int


def _check_steps(claims: Sequence[_Claim], entries: int, step: int, what: str) -> None:
    for claim in claims:
        edges, sizes = claim.edges, claim.sizes
        wrong = len(edges) != len(sizes) + 1 or edges[0] != 0 or edges[-1] != entries or (np.diff(edges) < 0).any()
        if wrong or entries > step * MOST_STEPS or (np.diff(edges) * float(claim.smallest) > sizes).any():
            raise UserError(
                f"{what}: branch {spelled(claim.name)} claims {entries:,} entries in {int(sizes.sum()):,} bytes, "
                "which is too many. Fetch the file again."
            )
    starts = np.arange(0, max(entries, 1), step, dtype=np.int64)
    total = np.zeros(len(starts))
    for claim in claims:
        ends = np.r_[0, np.cumsum(claim.sizes)]
        first = np.searchsorted(claim.edges, starts, side="right") - 1
        last = np.searchsorted(claim.edges, np.minimum(starts + step, entries), side="left")
        total += ends[last] - ends[np.maximum(first, 0)]
    if total.max(initial=0) > MOST_BYTES:
        raise UserError(
            f"{what}: {step:,} entries take {total.max() / 1e6:,.0f} MB, expected at most {MOST_BYTES / 1e6:,.0f} MB. "
            "Write the file again with smaller baskets."
        )


def _branches(tree: Any, names: Sequence[str], what: str) -> list[_Claim]:
    """Of a TTree: the branches, and those with the lengths of lists, which uproot reads for baskets without offsets."""
    branches = [tree[name] for name in names]
    counts = [branch.count_branch for branch in branches if branch.count_branch is not None]
    different = {branch.cache_key: branch for branch in (*branches, *counts)}.values()
    return [
        _Claim(branch.name, np.asarray(branch.entry_offsets, np.int64), _sizes(branch), _smallest_entry(branch, what))
        for branch in different
    ]


def _smallest_entry(branch: Any, what: str) -> int:
    interpretation = branch.interpretation
    if isinstance(interpretation, AsDtype):
        return int(interpretation.itemsize)
    if isinstance(interpretation, AsJagged) and isinstance(interpretation.content, AsDtype):
        return 1  # an empty list takes an offset, of 4 bytes, or a count in another branch
    raise UserError(
        f"{what}: branch {spelled(branch.name)} holds {spelled(branch.typename, 60)}, expected numbers or lists of "
        "numbers. Give another file."
    )


def _columns(tree: Any, names: Sequence[str], what: str) -> list[_Claim]:
    """Of an RNTuple: the columns of these fields, and of fields inside them."""
    clusters = tree.cluster_summaries
    starts = [cluster.num_first_entry for cluster in clusters]
    edges = np.array([*starts, starts[-1] + clusters[-1].num_entries if clusters else 0], np.int64)
    claims = []
    for column in tree.column_records:
        name, top = _outer_field(tree, column.field_id)
        if name in names:
            size = tree.get_field_metadata(column.idx).dtype_result.itemsize
            where = f"{what}: branch {spelled(name)}"
            pages = [_elements(links, column.idx, where) for links in tree.page_link_list]
            before = [max(column.first_element_index - start, 0) for start in starts]  # which uproot fills with zeros
            sizes = (np.array(pages, np.float64) + np.array(before, np.float64)) * size
            claims.append(_Claim(name, edges, sizes, size if top else 0))
    return claims


def _outer_field(tree: Any, field: int) -> tuple[str, bool]:
    """The name of the field that holds a field, and whether it is that field itself: an element for each entry."""
    fields, inner = tree.field_records, field
    for _ in range(MOST_DEPTH):
        if (above := fields[field].parent_field_id) == field:
            break
        field = above
    return fields[field].field_name, field == inner


def _elements(columns: Sequence[Any], column: int, what: str) -> int:
    """The number of elements of a column in a cluster. Each takes at least a bit before compression."""
    pages = columns[column].pages if column < len(columns) else []
    for page in pages:
        if page.num_elements > page.locator.num_bytes * 8 * MOST_GROWTH:
            raise UserError(
                f"{what} claims {page.num_elements:,} numbers in {page.locator.num_bytes:,} bytes, which is too many. "
                "Fetch the file again."
            )
    return int(sum(page.num_elements for page in pages))


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


def _check_size(*, compressed_bytes: int, uncompressed_bytes: int, **_: Any) -> None:
    if uncompressed_bytes > min(MOST_BASKET, compressed_bytes * MOST_GROWTH):
        raise ValueError(f"an object claims {uncompressed_bytes:,} bytes")


def _check_offsets(interpretation: AsJagged, *, data: Any, byte_offsets: Any, branch: Any, **_: Any) -> None:
    """Where the lists of a basket begin and end, in bytes; each may have a header."""
    if byte_offsets is not None:
        _check_order(byte_offsets, len(data), branch, interpretation.header_bytes)


def _check_lists(_: AsJagged, *, output: Any, branch: Any, **__: Any) -> None:
    """Where they begin and end in numbers, also where uproot computed this from another branch."""
    _check_order(output.offsets, len(output.content), branch)


def _check_order(offsets: Any, length: int, branch: Any, least: int = 0) -> None:
    # The numbers have 32 bits: a difference may turn positive.
    steps = np.diff(np.asarray(offsets, np.int64))
    if len(offsets) == 0 or offsets[0] < 0 or offsets[-1] > length or (steps < least).any():
        raise ValueError(f"the lists of branch {branch.name} are not in order, or end after their data")


def _check_keys(_: Any, *, keys_chunk: Any, num_keys: int, **__: Any) -> None:
    if num_keys * SMALLEST_KEY > keys_chunk.stop - keys_chunk.start:  # a length below 0 would lead back, for ever
        raise ValueError(f"a folder claims {num_keys:,} objects")


READ_LIST = ListFrameReader.read


def _read_list(reader: Any, chunk: Any, cursor: Any, context: Any) -> Any:
    """A list of the header or footer of an RNTuple: its bytes (below 0, as the mark of a list), number and items."""
    size, number = cursor.copy().fields(chunk, LIST_FRAME, context)
    if number > -size:
        raise ValueError(f"a list of {-size:,} bytes claims {number:,} items")
    return READ_LIST(reader, chunk, cursor, context)


def _bound_uproot() -> None:
    """Make uproot end a block at the size that its header gives, at most 16 MB, and refuse what is too large."""
    for name, bounded in {"ZLIB": _zlib, "LZMA": _lzma, "ZSTD": _zstd}.items():
        getattr(uproot.compression, f"_decompress_{name}").decompress = bounded
    uproot.compression.decompress.hook_before_block = _check_size
    uproot.reading.ReadOnlyDirectory.hook_before_keys = _check_keys
    ListFrameReader.read = _read_list
    AsJagged.hook_before_basket_array = _check_offsets
    AsJagged.hook_after_basket_array = _check_lists


_bound_uproot()
LANGUAGE = BranchesOnly()
