"""ROOT files: opening them, with errors of one line for files that can't be read."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uproot

from benchmark.core.errors import UserError, spelled
from tasks.sources.folder import EVENT_FILE
from tasks.sources.root_bounds import WholeRanges, trees_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TREES = ("TTree", "ROOT::RNTuple")
"""Classes of ROOT that hold columns of events."""


@contextmanager
def open_trees(path: Path, what: str, wanted: str) -> Iterator[dict[str, Any]]:
    """The trees (TTree or RNTuple) of a file by name, while it is open; errors in the block become UserErrors.

    what : the file, for messages. wanted : the tree that is needed. Raises UserError when there is no tree.
    """
    try:
        with EVENT_FILE.open(path) as opened:
            size = os.fstat(opened.fileno()).st_size
        if "::" in str(path):
            raise UserError(f"{what} has '::' in its path, which uproot takes for an address. Rename it.")
        with uproot.open(path, handler=WholeRanges) as file:
            trees = trees_of(file, TREES, size)
            if not trees:
                found = f"{size:,} bytes"
                raise UserError(f"{what} ({found}) holds no tree, expected {wanted}. Give another file.")
            yield trees
    except UserError:
        raise
    except Exception as error:  # of uproot and the decompressors
        size = path.stat().st_size if path.is_file() else 0
        raise UserError(
            f"{what} is truncated or no ROOT file ({size:,} bytes{_reason(error)}), expected a whole ROOT file. "
            "Fetch it again."
        ) from error


def _reason(error: BaseException) -> str:
    """The first line of the message of uproot, unless it only names a place in its code."""
    line = (str(error).strip().splitlines() or [""])[0].rstrip(".:;,")
    return "" if not line or "Chunk" in line or "expected" in line else f"; {spelled(line, 120)}"


def contents(trees: dict[str, Any]) -> str:
    """Content of a file, for messages: four trees and eight branches of each."""
    branches = {name: tree.keys(recursive=False) for name, tree in list(trees.items())[:4]}
    return "; ".join(
        f"'{spelled(name)}' with {', '.join(spelled(branch) for branch in names[:8])}"
        for name, names in branches.items()
    )


def entry(start: int) -> Callable[[int], str]:
    """Name of an event for users, in a chunk that begins at entry `start`."""
    return lambda index: f"entry {start + index}"
