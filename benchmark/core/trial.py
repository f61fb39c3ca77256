"""Files with plug-ins are tried in a process of their own, before they are imported in the user's."""

from __future__ import annotations

import os
from pathlib import Path  # noqa: TC003 - sent to another process
from typing import TYPE_CHECKING, Any

from benchmark.core.errors import UserError
from benchmark.core.loader import import_file
from benchmark.core.process import silenced
from benchmark.core.supervisor import apart
from benchmark.core.traces import Traces

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = "BENCHMARK_IMPORT_TIMEOUT"
"""Environment variable: seconds that importing a file, and making its plug-ins, may take."""
SECONDS = 60.0
TRIED = "importing it or making its plug-in"

_tried: set[tuple[Any, ...]] = set()


def try_import(path: Path, digest: str) -> None:
    """Import a file in another process, unless this was done before with the same content.

    Raises UserError when the import raises an error, ends its process, takes too long, or leaves what goes on.
    """
    if (path, digest) not in _tried:
        attempt(path, digest, _import, path)


def attempt(path: Path, digest: str, function: Callable[..., object], *arguments: Any) -> None:
    """Call a function that imports a file, and may make its plug-ins, in another process.

    Raises UserError as `try_import` does.
    """
    apart(f"{path}: {TRIED}", _observed, path, function, *arguments, limit=seconds())
    _tried.add((path, digest))


def _observed(path: Path, function: Callable[..., object], *arguments: Any) -> None:
    """Call a function, discard what it prints, and raise UserError if it leaves anything that goes on."""
    with silenced(errors=True):
        before = Traces()
        function(*arguments)
        found = before.since()
    if found:
        raise UserError(f"{path}: {TRIED} leaves {', '.join(found)}, expected nothing. Start it later, in `fit`.")


def _import(path: Path) -> None:
    import_file(path)


def seconds() -> float:
    """The time limit. Raises UserError for a value that is no number above 0."""
    text = os.environ.get(LIMIT, str(SECONDS))
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise UserError(f"{LIMIT} is '{text}', expected a number of seconds above 0. Correct it.")
    return found
