"""The registry of plug-ins, one for each group: tasks, representations, models and metrics.

A plug-in is a class with a literal `name` and a docstring. Both are read from the source text, so that lists and shell
completions import nothing; a plug-in is imported when it is chosen. Plug-ins come from the package of the group, from
entry points, and from files (`path/to/mine.py:Mine`).
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from benchmark.core.blame import reason_of
from benchmark.core.errors import UserError, did_you_mean, spelled
from benchmark.core.guard import guarded
from benchmark.core.loader import import_file
from benchmark.core.paths import user_path
from benchmark.core.process import is_worker
from benchmark.core.refusals import shown
from benchmark.core.source_text import NOT_PYTHON, hash_of, imported_files, sibling, source_of
from benchmark.core.trial import try_import

if TYPE_CHECKING:
    from types import ModuleType

T = TypeVar("T")
BUILT_IN = "package"
"""The origin of plug-ins of this project."""
REINSTALL = "Correct or reinstall its package."
NAME_BYTES = 64
_NAME = re.compile(r"\w[\w-]*")  # it becomes part of file names
_loaded: dict[str, tuple[Entry, str]] = {}
"""The entries and hashes of loaded files by target: a plug-in that deletes its file must not end a run."""


@dataclass(frozen=True)
class Entry:
    """A known plug-in, not imported.

    Parameters
    ----------
    doc : the docstring of its class.
    target : ``"module:Class"``, or ``"/path/to/file.py:Class"`` for one in a file.
    origin : ``"package"`` for one of this project, ``"entry point of DISTRIBUTION"``, or the file.
    extra : whether `all` leaves it out, since its class has `extra = True`.
    """

    name: str
    doc: str
    target: str
    origin: str
    extra: bool = False

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.doc.partition("\n")[0]

    @property
    def is_file(self) -> bool:
        """Whether the plug-in is in a loose file, not in an installed module."""
        return self.target.rpartition(":")[0].endswith(".py")

    @property
    def is_built_in(self) -> bool:
        """Whether the plug-in belongs to this project."""
        return self.origin == BUILT_IN

    def file_hash(self) -> str:
        """SHA-256 of a plug-in in a file and of the siblings that it imports; empty for installed ones."""
        if not self.is_file:
            return ""
        path = Path(self.target.rpartition(":")[0])
        try:
            return hash_of(imported_files(path, path.parent, lambda name: sibling(path.parent, name) is not None))
        except OSError as error:
            if self.target in _loaded:
                return _loaded[self.target][1]
            raise UserError(f"{path}: can't be read ({error.strerror}). Give a file that you may read.") from error


@dataclass(frozen=True)
class Registry(Generic[T]):
    """All plug-ins of one group.

    Parameters
    ----------
    group : plural noun, such as ``"models"``; `benchmark.<group>` is also the group of the entry points.
    contract : ``"module:Class"`` of the base class that plug-ins inherit. Its package holds the built-in ones.
    """

    group: str
    contract: str

    @property
    def noun(self) -> str:
        """The group in the singular, for messages."""
        return self.group.removesuffix("s")

    def entries(self) -> dict[str, Entry]:
        """All known plug-ins by name, built-in ones first. Raises UserError when two share a name."""
        found: dict[str, Entry] = {}
        package = self.contract.partition(":")[0].rpartition(".")[0]
        for entry in (*_built_in(package), *_announced(f"benchmark.{self.group}")):
            other = found.get(entry.name)
            if other is not None and other.target != entry.target:
                raise UserError(
                    f"{self.noun} '{entry.name}': {other.target} ({other.origin}) and {entry.target} ({entry.origin}) "
                    "have the same name, expected different ones. Rename or uninstall one of them."
                )
            found[entry.name] = entry
        return found

    def names(self) -> list[str]:
        """The known names in the order of the files."""
        return list(self.entries())

    def core(self) -> list[str]:
        """The names that `all` stands for: those not marked as extra."""
        return [name for name, entry in self.entries().items() if not entry.extra]

    def find(self, word: str) -> Entry:
        """The entry of a name or of ``path/to/file.py:Class``. Raises UserError for anything else."""
        if ".py" in word and (":" in word or word.endswith(".py")):
            return _in_file(word, self.noun)
        known = self.entries()
        if word not in known:
            raise UserError(f"unknown {self.noun} '{spelled(word, 200)}'. {did_you_mean(word, known)}")
        return known[word]

    def load(self, word: str) -> type[T]:
        """Import a plug-in. Raises UserError when it is unknown or does not fulfil the contract.

        Outside of workers, a file is first imported in a process of its own: it may never end, or end its process.
        """
        entry = self.find(word)
        module_name, _, class_name = entry.target.rpartition(":") if entry.is_file else entry.target.partition(":")
        if entry.is_file:
            digest = entry.file_hash()
            if not is_worker():
                try_import(Path(module_name), digest)
            module = import_file(Path(module_name))
            _loaded[entry.target] = entry, digest
        else:
            module = _import_module(module_name, entry)
        plugin = getattr(module, class_name, None)
        base_module, _, base_name = self.contract.partition(":")
        base = getattr(importlib.import_module(base_module), base_name)
        if not (isinstance(plugin, type) and issubclass(plugin, base)):
            raise UserError(f"{self.noun} {word}: '{class_name}' does not inherit {self.contract.replace(':', '.')}.")
        missing = sorted(getattr(plugin, "__abstractmethods__", ()))
        if missing:
            raise UserError(f"{self.noun} {word}: '{class_name}' lacks {', '.join(missing)}; write these methods.")
        if not entry.is_built_in:
            _check(plugin, entry, f"{self.noun} {word}: ")
        return plugin


def _check(plugin: type, entry: Entry, subject: str) -> None:
    """Raise UserError unless name, docstring and version of a class of others are what the contract says."""
    class_name = entry.target.rpartition(":")[2]
    name: object = getattr(plugin, "name", None)
    if name != entry.name or not _NAME.fullmatch(entry.name) or len(entry.name.encode()) > NAME_BYTES:
        raise UserError(
            f"{subject}the name of '{class_name}' is {shown(name)}, expected {shown(entry.name)} as registered, "
            f"of letters, digits, '_' and '-', at most {NAME_BYTES} bytes. Rename it."
        )
    if entry.is_file and not entry.doc:
        raise UserError(
            f"{subject}'{class_name}' lacks a docstring, expected one whose first line says what it is. Write one."
        )
    version: object = getattr(plugin, "version", "")
    if not isinstance(version, str) or len(version) > NAME_BYTES:
        raise UserError(
            f"{subject}the version of '{class_name}' is {shown(version)}, expected a short text, such as \"2\"."
        )


@cache
def _built_in(package: str) -> tuple[Entry, ...]:
    """The plug-ins in `NAME.py` and `NAME/NAME.py` of a package."""
    init = source_of(package)
    if init is None:
        return ()
    folder = init.parent
    paths = [*folder.glob("*.py"), *(path for path in folder.glob("*/*.py") if path.stem == path.parent.name)]
    found: list[Entry] = []
    for path in sorted(paths, key=lambda path: path.stem):
        module = ".".join((package, *path.relative_to(folder).with_suffix("").parts))
        found += _classes(path, module, BUILT_IN).values()
    return tuple(found)


@cache
def _announced(group: str) -> tuple[Entry, ...]:
    """The plug-ins that installed distributions announce as entry points."""
    found = []
    for point in entry_points(group=group):
        module, _, class_name = point.value.replace(" ", "").partition(":")
        origin = f"entry point of {point.dist.name if point.dist is not None else 'an unknown package'}"
        path = source_of(module)
        try:
            classes = _classes(path, module, origin) if path else {}
        except NOT_PYTHON:  # importing it raises the error with its place
            classes = {}
        entry = classes.get(class_name, Entry(point.name, "", f"{module}:{class_name}", origin))
        found.append(replace(entry, name=point.name))
    return tuple(found)


def _in_file(word: str, noun: str) -> Entry:
    """The plug-in in a file, given as `path/to/file.py:Class`, or as the file alone if it holds one class."""
    file, colon, class_name = word.rpartition(":")
    path = user_path(file if colon else word, noun)
    if not path.is_file():
        if (found := _loaded.get(f"{path}:{class_name}")) is not None:
            return found[0]
        raise UserError(f"{noun} {word}: no file {path}. Give an existing file as path/to/file.py:Class.")
    try:
        classes = _classes(path, str(path), str(path))
    except SyntaxError as error:
        line = f" line {error.lineno}" if error.lineno else ""
        raise UserError(f"{noun} {word}: {path.name}{line} is not Python ({error.msg}). Correct this file.") from error
    except ValueError as error:
        raise UserError(f"{noun} {word}: {path.name} is not Python text ({error}). Correct this file.") from error
    except (MemoryError, RecursionError) as error:
        nested = f"{path.name} is nested too deep for Python ({type(error).__name__})"
        raise UserError(f"{noun} {word}: {nested}. Correct this file.") from error
    if not colon and len(classes) == 1:
        class_name = next(iter(classes))
    if class_name not in classes:
        if not classes:
            raise UserError(f'{noun} {word}: {path.name} has no class with a literal `name`. Write name = "..." in it.')
        raise UserError(f"{noun} {word}: {path.name} has {', '.join(classes)}. Name the class as {path.name}:Class.")
    return classes[class_name]


def _classes(path: Path, module: str, origin: str) -> dict[str, Entry]:
    """The plug-ins in a source file, by the name of the class."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8"), str(path)).body:
        if isinstance(node, ast.ClassDef) and isinstance(name := _literal(node, "name"), str) and name:
            doc = inspect.cleandoc(ast.get_docstring(node) or "")
            found[node.name] = Entry(name, doc, f"{module}:{node.name}", origin, _literal(node, "extra") is True)
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


def _import_module(name: str, entry: Entry) -> ModuleType:
    """Import the module of a registered plug-in; a package of others may raise, or a library may not be installed."""
    if entry.is_built_in:
        try:
            return importlib.import_module(name)
        except Exception as error:
            raise UserError(f"{entry.name}: importing {name} raised {reason_of(error)}. {REINSTALL}") from error
    with guarded(f"{entry.name}: importing {name} ({entry.origin})", REINSTALL):
        return importlib.import_module(name)
