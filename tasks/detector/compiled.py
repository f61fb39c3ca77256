"""Compiled functions, cached on disk until a file in their folder changes.

numba's own cache depends only on the file of a function. The functions that it calls and the constants that it reads
come from other files of the folder and are compiled into it, so that a cache could be out of date.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function to machine code that runs without the GIL."""
    dispatcher = njit(cache=True, nogil=True)(function)
    # numba compares its stamp when it reads a cache. There is no public way to set it.
    dispatcher._cache._cache_file._source_stamp = stamp(Path(function.__code__.co_filename).parent)
    return cast("Callable[P, R]", dispatcher)


@cache
def stamp(folder: Path) -> str:
    """SHA-256 of all Python files in a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
