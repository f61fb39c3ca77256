"""Python files as text: the file of a module, and the files it imports, read with `ast` without importing any."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.core.files import sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGES = ("benchmark", "tasks", "representations", "models", "leaderboard")
"""The packages of this project."""
PLUGIN = "benchmark_plugin_"
"""Begins the name of the package that stands for a folder of loose plug-ins (`benchmark/core/loader.py`)."""
NOT_PYTHON = (SyntaxError, ValueError, MemoryError, RecursionError)
"""What parsing raises for a text that is no Python, or that is nested too deep for Python's parser."""


def source_of(module: str) -> Path | None:
    """The file of a module, given as a dotted name or as the path of a file; imports neither it nor its parents."""
    if module.endswith(".py"):
        return Path(module)
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin)
    return _file_of(path.parent, rest) if rest else path if path.is_file() else None


def sibling(folder: Path, module: str) -> Path | None:
    """The file of a module in the folder of a plug-in, if it is one; the project's own packages never are."""
    names = module.split(".")
    return None if names[0] in PACKAGES else _file_of(folder, names)


def imported_files(path: Path, root: Path, follow: Callable[[str], bool]) -> list[Path]:
    """The files below `root` that a file imports, directly or through others, itself first.

    Parameters
    ----------
    root : the folder that holds the top-level modules.
    follow : whether to follow the imports of a top-level module, by its name.

    Imports under `if TYPE_CHECKING` do not count.
    """
    files = [path]
    for file in files:  # grows meanwhile
        package = file.relative_to(root).parent.parts
        for level, names in _imports(file.read_bytes()):
            dotted = (*package[: len(package) + 1 - level], *names) if level else names
            if dotted and follow(dotted[0]):
                found = (_file_of(root, dotted[:length]) for length in range(1, len(dotted) + 1))
                files += dict.fromkeys(file for file in found if file is not None and file not in files)
    return files


def hash_of(files: list[Path]) -> str:
    """SHA-256 of a file, or of the names and contents of several."""
    digests = [sha256(path) for path in files]
    if len(digests) == 1:
        return digests[0]
    lines = sorted(f"{path.parent.name}/{path.name} {digest}" for path, digest in zip(files, digests, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _file_of(root: Path, names: tuple[str, ...] | list[str]) -> Path | None:
    """The file of the module with these names below a folder."""
    path = root.joinpath(*names)
    candidates = (path / "__init__.py", path.with_name(f"{path.name}.py"))
    return next((file for file in candidates if file.is_file()), None)


@cache
def _imports(text: bytes) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """The imports in a source text, each as its level (the number of leading dots) and names."""
    try:
        return tuple(_imports_below(ast.parse(text)))
    except NOT_PYTHON:  # importing it raises this error
        return ()


def _imports_below(node: ast.AST) -> Iterator[tuple[int, tuple[str, ...]]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from ((0, tuple(alias.name.split("."))) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            module = tuple(child.module.split(".")) if child.module else ()
            yield from ((child.level, (*module, alias.name)) for alias in child.names)
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            yield from (found for other in child.orelse for found in _imports_below(other))
        else:
            yield from _imports_below(child)
