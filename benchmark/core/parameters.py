"""The parameters of a plug-in, read from its source text (`ast`), so that asking imports nothing.

What a parameter means stands in the docstring of its class, or of a class that it inherits, as `name : meaning`;
several names that share a meaning are set apart by commas, and further lines are indented. Which numbers it may be
stands where that is checked: in the calls of `check_range` in `__post_init__`.
"""

from __future__ import annotations

import ast
import inspect
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmark.core.plugin import write_range
from benchmark.core.registry import source_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmark.core.registry import Entry

_MEANING = re.compile(r"(?P<names>\w+(?:, \w+)*) : (?P<text>.*)")


@dataclass(frozen=True)
class Parameter:
    """One parameter: its type and default as they are written, what presets make of it, and what it means.

    choices : the values of a Literal, as one types them. range : which numbers it may be, such as "8 to 1024".
    """

    name: str
    type: str
    default: str
    presets: dict[str, Any] = field(default_factory=dict)
    meaning: str = ""
    choices: tuple[str, ...] = ()
    range: str = ""


@dataclass(frozen=True)
class Sheet:
    """What a user may know of a plug-in: its docstring but for the parameters, and these."""

    text: str
    parameters: tuple[Parameter, ...]


def sheet(entry: Entry) -> Sheet:
    """The sheet of a plug-in. A class of a source that can't be found or read adds nothing to it."""
    module, _, name = entry.target.rpartition(":")
    classes = list(_lineage(source_of(module), name))
    if not classes:
        return Sheet(entry.summary, ())
    presets = next((found for node in classes if (found := _presets(node)) is not None), {})
    fields: dict[str, tuple[str, str]] = {}
    meanings: dict[str, str] = {}
    ranges: dict[str, str] = {}
    for node in reversed(classes):  # bases first, as dataclasses order their fields
        fields |= dict(_fields(node))
        meanings |= _meanings(node)
        ranges |= dict(_ranges(node))
    parameters = (
        Parameter(
            name,
            kind,
            default,
            {preset: values[name] for preset, values in presets.items() if name in values},
            meanings.get(name, ""),
            _choices(kind),
            ranges.get(name, ""),
        )
        for name, (kind, default) in fields.items()
    )
    return Sheet(_prose(classes[0]), tuple(parameters))


def _lineage(path: Path | None, name: str) -> Iterator[ast.ClassDef]:
    """A class, then the classes that it inherits, nearest first."""
    if path is None:
        return
    try:
        body = ast.parse(path.read_text(encoding="utf-8")).body
    except (OSError, SyntaxError, ValueError):
        return
    node = next((node for node in body if isinstance(node, ast.ClassDef) and node.name == name), None)
    if node is None:
        return
    yield node
    origins = {
        alias.asname or alias.name: (statement.module, alias.name)
        for statement in body
        if isinstance(statement, ast.ImportFrom) and statement.module and not statement.level
        for alias in statement.names
    }
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in origins:
            module, original = origins[base.id]
            yield from _lineage(source_of(module), original)
        elif isinstance(base, ast.Name):
            yield from _lineage(path, base.id)


def _fields(node: ast.ClassDef) -> Iterator[tuple[str, tuple[str, str]]]:
    """Name, type and default of the dataclass's fields that can be given."""
    for statement in node.body:
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
            continue
        kind, value = ast.unparse(statement.annotation), statement.value
        if kind.startswith(("ClassVar", "typing.ClassVar")):
            continue
        default = ast.unparse(value) if value is not None else ""
        if isinstance(value, ast.Call) and ast.unparse(value.func).endswith("field"):
            options = {word.arg: ast.unparse(word.value) for word in value.keywords}
            if options.get("init") == "False":
                continue
            default = options.get("default", "")
        yield statement.target.id, (kind, default)


def _choices(kind: str) -> tuple[str, ...]:
    """The values of the Literal in a type, if there is one."""
    for node in ast.walk(ast.parse(kind, mode="eval")):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("Literal"):
            listed = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return tuple(str(ast.literal_eval(value)) for value in listed)
    return ()


def _ranges(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Name and range of each parameter that the class's own `__post_init__` checks."""
    for method in node.body:
        if not (isinstance(method, ast.FunctionDef) and method.name == "__post_init__"):
            continue
        for call in ast.walk(method):
            if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("check_range") and len(call.args) == 4:
                _, name, low, high = call.args
                if isinstance(name, ast.Constant):
                    yield str(name.value), write_range(_bound(low), _bound(high))


def _bound(node: ast.expr) -> float | str:
    """A number as it is written, also as `np.pi` or `math.inf`; the text of anything else."""
    if isinstance(node, ast.Attribute) and node.attr in ("pi", "inf"):
        return float(getattr(math, node.attr))
    try:
        found = ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node).replace("self.", "")
    return found if isinstance(found, int | float) else str(found)


def _presets(node: ast.ClassDef) -> dict[str, dict[str, Any]] | None:
    """The literal `presets` of a class; None where it has none of its own."""
    for statement in node.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
        value = getattr(statement, "value", None)
        if value is not None and any(isinstance(target, ast.Name) and target.id == "presets" for target in targets):
            try:
                found = ast.literal_eval(value)
            except ValueError:
                return {}
            return found if isinstance(found, dict) else {}
    return None


def _meanings(node: ast.ClassDef) -> dict[str, str]:
    found: dict[str, str] = {}
    for names, text in _parts(node):
        found |= dict.fromkeys(names, " ".join(text.split()))
    return found


def _prose(node: ast.ClassDef) -> str:
    """The docstring without its parameters."""
    text = "\n".join(line for names, line in _parts(node) if not names)
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"(?m)^Parameters\n-+$", "", text)).strip()


def _parts(node: ast.ClassDef) -> Iterator[tuple[tuple[str, ...], str]]:
    """The docstring's lines without names, and each entry `name, name : meaning` with its names and further lines."""
    names: tuple[str, ...] = ()
    meaning = ""
    for line in inspect.cleandoc(ast.get_docstring(node) or "").splitlines():
        match = _MEANING.match(line)
        if names and line.startswith(" "):
            meaning += f" {line.strip()}"
            continue
        if names:
            yield names, meaning
        names = tuple(match["names"].split(", ")) if match else ()
        meaning = match["text"] if match else ""
        if not match:
            yield (), line
    if names:
        yield names, meaning
