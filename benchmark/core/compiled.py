"""`compiled`: functions in machine code, cached on disk until a file changes that they are made of."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from numba import njit

from benchmark.core.source_text import hash_of, imported_files

if TYPE_CHECKING:
    from collections.abc import Callable

    Function = TypeVar("Function", bound=Callable[..., Any])


@overload
def compiled(function: Function, /) -> Function: ...


@overload
def compiled(
    *,
    inline: Literal["never", "always"] = ...,
    error_model: Literal["python", "numpy"] = ...,
    fastmath: bool | set[str] = ...,
) -> Callable[[Function], Function]: ...


def compiled(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Compile a function with numba, without the GIL; `@compiled` or `@compiled(inline="always")`.

    Parameters
    ----------
    inline, error_model, fastmath : as in `numba.njit`.

    numba's own cache only notices changes in the file of the function. The functions that it calls and the constants
    that it reads come from other files too and are compiled into it, so this cache also depends on the files of its
    package that its file imports.
    """
    if function is None:
        return lambda function: _compiled(function, options)
    return _compiled(function, options)


def _compiled(function: Callable[..., Any], options: dict[str, Any]) -> Any:
    dispatcher = njit(cache=True, nogil=True, **options)(function)
    # numba compares this stamp when it reads a cache; there is no public way to set it
    dispatcher._cache._cache_file._source_stamp = stamp(Path(function.__code__.co_filename))
    return dispatcher


@cache
def stamp(path: Path) -> str:
    """SHA-256 of a file and of the files of the same top-level package that it imports."""
    root = next(folder for folder in path.parents if not (folder / "__init__.py").is_file())
    top = path.relative_to(root).parts[0]
    return hash_of(imported_files(path, root, lambda name: name == top or top == path.name))
