"""ROOT files: opening them, with errors of one line for files that can't be read."""

from __future__ import annotations

import struct
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uproot

from benchmark.core.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TREES = ("TTree", "ROOT::RNTuple")
"""Classes of ROOT that hold columns of events."""
STEP = "50 MB"
"""Uncompressed size of the branches that are read at a time."""

# errors of uproot and the decompressors for truncated or damaged files; MemoryError for impossible lengths
_BROKEN = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    AssertionError,
    AttributeError,
    MemoryError,
    struct.error,
    zlib.error,
    uproot.DeserializationError,
)


@contextmanager
def open_trees(path: Path, what: str, wanted: str) -> Iterator[dict[str, Any]]:
    """The trees (TTree or RNTuple) of a file by name, while it is open; errors in the block become UserErrors.

    what : the file, for messages. wanted : the tree that is needed. Raises UserError when there is no tree.
    """
    try:
        with uproot.open(path) as file:
            trees = {name: file[name] for name, kind in file.classnames(cycle=False).items() if kind in TREES}
            if not trees:
                found = f"{path.stat().st_size:,} bytes"
                raise UserError(f"{what} ({found}) holds no tree, expected {wanted}. Give another file.")
            yield trees
    except UserError:
        raise
    except _BROKEN as error:
        size = path.stat().st_size if path.is_file() else 0
        raise UserError(
            f"{what} is truncated or no ROOT file ({size:,} bytes{_reason(error)}), expected a whole ROOT file. "
            "Fetch it again."
        ) from error


def _reason(error: BaseException) -> str:
    """The first line of the message of uproot, unless it only names a place in its code."""
    line = (str(error).strip().splitlines() or [""])[0].rstrip(".:;,")
    return "" if not line or "Chunk" in line or "expected" in line else f"; {line[:120]}"


def contents(trees: dict[str, Any]) -> str:
    """Content of a file, for messages: four trees and eight branches of each."""
    branches = {name: tree.keys(recursive=False) for name, tree in list(trees.items())[:4]}
    return "; ".join(f"'{name}' with {', '.join(names[:8])}" for name, names in branches.items())


def entry(start: int) -> Callable[[int], str]:
    """Name of an event for users, in a chunk that begins at entry `start`."""
    return lambda index: f"entry {start + index}"
