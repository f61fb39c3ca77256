"""Compiled functions, kept on disk until any file beside them changes.

numba's own cache looks at the file of a function alone. What the function calls, and the constants that it reads, come
from other files of this folder and are compiled into it: with a changed field or crystal, a cache would go on giving
yesterday's detector, on some machines and not on others.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable


def compiled(function: Callable[..., Any]) -> Any:
    """The function in machine code, without the GIL."""
    dispatcher = njit(cache=True, nogil=True)(function)
    # The stamp is numba's own, compared when a cache is read; there is no public way to say what goes into it.
    dispatcher._cache._cache_file._source_stamp = stamp(Path(function.__code__.co_filename).parent)
    return dispatcher


@cache
def stamp(folder: Path) -> str:
    """SHA-256 of all Python files in a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
