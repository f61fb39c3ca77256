"""One generic registry for tasks, representations, models and metrics.

A plug-in is a class with a literal `name` and a docstring. Names and docstrings are read from the source
text (`ast`), so that a list or a shell completion imports nothing; only what is chosen is imported.
Plug-ins come from the package's own folder, from entry points, and from a file (`path/to/mine.py:Mine`).
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from benchmark.core.errors import UserError, did_you_mean
from benchmark.core.loader import import_file
from benchmark.core.sources import hash_of, imported_files, sibling, source_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

T = TypeVar("T")
_NAME = re.compile(r"\w[\w-]*")  # it becomes part of file names


@dataclass(frozen=True)
class Entry:
    """A plug-in that is known but not imported."""

    name: str
    doc: str  # its docstring
    target: str  # "module:Class", or "/path/to/file.py:Class"
    origin: str  # "package", "entry point of DISTRIBUTION", or the file
    extra: bool = False  # run only when named: the class says `extra = True`

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.doc.partition("\n")[0]

    @property
    def is_file(self) -> bool:
        """Whether the plug-in is a loose file rather than an installed module."""
        return self.target.rpartition(":")[0].endswith(".py")

    def file_hash(self) -> str:
        """SHA-256 of the files of a loose plug-in; empty for installed ones, which have a version."""
        return hash_of(self.files()) if self.is_file else ""

    def files(self) -> list[Path]:
        """The file of the plug-in; of a loose one also the siblings that it imports, directly or not."""
        path = source_of(self.target.rpartition(":")[0])
        if path is None or not self.is_file:
            return [path] if path else []
        return imported_files(path, path.parent, lambda module: sibling(path.parent, module) is not None)


@dataclass(frozen=True)
class Registry(Generic[T]):
    """All plug-ins of one group.

    Parameters
    ----------
    group : plural noun, which is also the entry-point group `benchmark.<group>`, e.g. ``"models"``.
    package : the import name of the folder that holds the built-in plug-ins.
    contract : ``"module:Class"`` of the base class that every plug-in must inherit.
    """

    group: str
    package: str
    contract: str

    @property
    def noun(self) -> str:
        """The group in the singular, for messages."""
        return self.group.removesuffix("s")

    def entries(self) -> dict[str, Entry]:
        """Every known plug-in by name, the package's own first. Raises UserError when two share a name."""
        found: dict[str, Entry] = {}
        for entry in (*_package_entries(self.package), *_entry_point_entries(f"benchmark.{self.group}")):
            other = found.get(entry.name)
            if other is not None and other.target != entry.target:
                raise UserError(
                    f"{self.noun} '{entry.name}': {other.target} ({other.origin}) and {entry.target} "
                    f"({entry.origin}) share this name; one name, one plug-in. Rename or uninstall one of them."
                )
            found[entry.name] = entry
        return found

    def names(self) -> list[str]:
        """The known names in the order of the files."""
        return list(self.entries())

    def core(self) -> list[str]:
        """The names that `all` means: those not marked as extra."""
        return [name for name, entry in self.entries().items() if not entry.extra]

    def find(self, word: str) -> Entry:
        """The entry for a name or for ``path/to/file.py:Class``. Raises UserError for anything else."""
        if ".py" in word and (":" in word or word.endswith(".py")):
            return _file_entry(word, self.noun)
        known = self.entries()
        if word not in known:
            raise UserError(f"unknown {self.noun} '{word}'. {did_you_mean(word, known)}")
        return known[word]

    def load(self, word: str) -> type[T]:
        """Import one plug-in. Raises UserError when it is unknown or does not keep the contract."""
        entry = self.find(word)
        module_name, _, class_name = entry.target.partition(":") if not entry.is_file else entry.target.rpartition(":")
        module = import_file(Path(module_name)) if entry.is_file else _import_module(module_name, entry)
        plugin = getattr(module, class_name, None)
        contract_module, _, contract_name = self.contract.partition(":")
        base = getattr(importlib.import_module(contract_module), contract_name)
        if not (isinstance(plugin, type) and issubclass(plugin, base)):
            raise UserError(f"{self.noun} {word}: '{class_name}' does not inherit {self.contract.replace(':', '.')}.")
        missing = sorted(getattr(plugin, "__abstractmethods__", ()))
        if missing:
            raise UserError(f"{self.noun} {word}: '{class_name}' lacks {', '.join(missing)}; write these methods.")
        name = getattr(plugin, "name", None)
        if name != entry.name or not _NAME.fullmatch(entry.name):
            raise UserError(
                f"{self.noun} {word}: '{class_name}' calls itself '{name}', expected '{entry.name}' as registered, "
                "of letters, digits, '_' and '-'. Rename it."
            )
        return plugin


@dataclass(frozen=True)
class _Found:
    """What the source text says of a plug-in class."""

    name: str
    doc: str
    extra: bool


def _classes(path: Path) -> dict[str, _Found]:
    """The plug-in classes of a source file, by the name of the class."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8"), str(path)).body:
        if isinstance(node, ast.ClassDef) and isinstance(name := _literal(node, "name"), str) and name:
            doc = inspect.cleandoc(ast.get_docstring(node) or "")
            found[node.name] = _Found(name, doc, _literal(node, "extra") is True)
    return found


def _literal(node: ast.ClassDef, attribute: str) -> object:
    """The literal that a class gives this attribute, or None."""
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign):
            targets: list[ast.expr] = [statement.target]
        elif isinstance(statement, ast.Assign):
            targets = statement.targets
        else:
            continue
        if any(isinstance(target, ast.Name) and target.id == attribute for target in targets):
            return statement.value.value if isinstance(statement.value, ast.Constant) else None
    return None


def _own_folders(package: Path) -> Iterator[Path]:
    """The files `NAME/NAME.py` of plug-ins that have a folder of their own."""
    return (path for path in package.glob("*/*.py") if path.stem == path.parent.name)


@cache
def _package_entries(package: str) -> tuple[Entry, ...]:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        return ()
    found = []
    for folder in spec.submodule_search_locations:
        for path in sorted((*Path(folder).glob("*.py"), *_own_folders(Path(folder))), key=lambda path: path.stem):
            module = ".".join((package, *path.relative_to(folder).with_suffix("").parts))
            for class_name, known in _classes(path).items():
                found.append(Entry(known.name, known.doc, f"{module}:{class_name}", "package", known.extra))
    return tuple(found)


@cache
def _entry_point_entries(group: str) -> tuple[Entry, ...]:
    found = []
    for point in entry_points(group=group):
        target = point.value.replace(" ", "")
        distribution = point.dist.name if point.dist is not None else "an unknown package"
        module, _, class_name = target.partition(":")
        known = _classes_of_module(module).get(class_name, _Found(point.name, "", False))
        found.append(Entry(point.name, known.doc, target, f"entry point of {distribution}", known.extra))
    return tuple(found)


def _classes_of_module(module: str) -> dict[str, _Found]:
    """The classes of an installed module, read from its text."""
    path = source_of(module)
    try:
        return _classes(path) if path else {}
    except (SyntaxError, ValueError):  # its own import will say what is wrong, when it is asked for
        return {}


def _file_entry(word: str, noun: str) -> Entry:
    file, colon, class_name = word.rpartition(":")
    path = Path(file if colon else word).expanduser().resolve()
    if not path.is_file():
        raise UserError(f"{noun} {word}: no file {path}. Give an existing file as path/to/file.py:Class.")
    try:
        classes = _classes(path)
    except SyntaxError as error:
        raise UserError(f"{noun} {word}: {path.name} line {error.lineno} is not Python ({error.msg}).") from error
    except ValueError as error:
        raise UserError(f"{noun} {word}: {path.name} is not Python text ({error}).") from error
    if not colon and len(classes) == 1:
        class_name = next(iter(classes))
    if class_name not in classes:
        known = ", ".join(classes) or "no class with a literal `name`"
        raise UserError(f"{noun} {word}: {path.name} has {known}. Name the class as {path.name}:Class.")
    known_class = classes[class_name]
    return Entry(known_class.name, known_class.doc, f"{path}:{class_name}", str(path), known_class.extra)


def _import_module(name: str, entry: Entry) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:  # a plug-in of others, or a library that is not installed
        raise UserError(
            f"{entry.name}: importing {name} ({entry.origin}) raised {type(error).__name__}: {error}. "
            "Mend or reinstall its package."
        ) from error


# The contracts stand here as text: the registry imports no sibling package until a plug-in is chosen.
TASKS: Registry = Registry("tasks", "tasks", "tasks.task:Task")  # type: ignore[type-arg]
REPRESENTATIONS: Registry = Registry(  # type: ignore[type-arg]
    "representations", "representations", "representations.representation:Representation"
)
MODELS: Registry = Registry("models", "models", "models.model:Model")  # type: ignore[type-arg]
METRICS: Registry = Registry("metrics", "benchmark.metrics", "benchmark.metrics.metric:Metric")  # type: ignore[type-arg]
