"""Importing a loose file as a plug-in, with the modules next to it."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING

from benchmark.core.guard import guarded
from benchmark.core.source_text import PLUGIN, sibling

if TYPE_CHECKING:
    from collections.abc import Sequence


def import_file(path: Path) -> ModuleType:
    """Import a file as a module of a package that stands for its folder; its imports of siblings stay in that package.

    So neither the file nor a sibling replaces an installed module, nor one of the same name in another folder.

    Raises UserError when the import fails.
    """
    name = f"{_package(path.parent)}.{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    loader = _Loader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look up their module while the class is made
    try:
        with guarded(f"{path}: importing it"):
            loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _package(folder: Path) -> str:
    """The name of the package of a folder; the package is made at the first call."""
    name = PLUGIN + hashlib.sha256(str(folder).encode()).hexdigest()[:8]
    if name not in sys.modules:
        package = ModuleType(name, f"The folder {folder}.")
        package.__path__ = [str(folder)]
        sys.modules[name] = package
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    return name


class _Finder(MetaPathFinder):
    """Finds the modules of those packages."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is None or not fullname.startswith(PLUGIN):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None and spec.origin.endswith(".py"):
            spec.loader = _Loader(fullname, spec.origin)
        return spec


class _Loader(SourceFileLoader):
    """Runs a file of such a package; writes no bytecode, since that would not be the file's own."""

    def get_code(self, fullname: str) -> CodeType:
        package = fullname.partition(".")[0]
        (folder,) = sys.modules[package].__path__
        tree = ast.parse(self.get_data(self.path), self.path)
        return compile(_Redirected(Path(folder), package).visit(tree), self.path, "exec", dont_inherit=True)


class _Redirected(ast.NodeTransformer):
    """Imports of siblings as imports from the package of their folder."""

    def __init__(self, folder: Path, package: str) -> None:
        self.folder, self.package = folder, package

    def visit_Import(self, node: ast.Import) -> list[ast.stmt]:
        """`import a` as `from package import a`."""
        statements: list[ast.stmt] = []
        for alias in node.names:
            *parents, last = alias.name.split(".")
            top = parents[0] if parents else last
            if sibling(self.folder, top) is None:
                statements.append(ast.Import([alias]))
            elif alias.asname:
                statements.append(
                    ast.ImportFrom(".".join((self.package, *parents)), [ast.alias(last, alias.asname)], 0)
                )
            else:
                if parents:  # also binds the name of the package, which is harmless
                    statements.append(ast.Import([ast.alias(f"{self.package}.{alias.name}")]))
                statements.append(ast.ImportFrom(self.package, [ast.alias(top)], 0))
        return [ast.fix_missing_locations(ast.copy_location(statement, node)) for statement in statements]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        """`from a import b` as `from package.a import b`."""
        if node.module and not node.level and sibling(self.folder, node.module.partition(".")[0]) is not None:
            node.module = f"{self.package}.{node.module}"
        return node
