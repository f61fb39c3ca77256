"""The parameters of a plug-in, read from the text of its class (`ast`), so that listing them imports nothing."""

from __future__ import annotations

import ast
import math
import operator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from benchmark.core.plugin import Range
from benchmark.core.source_text import sibling, source_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmark.core.registry import Entry

_OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


@dataclass(frozen=True)
class Parameter:
    """A parameter as its class declares it; type, default and choices are text.

    presets, recipes : its values in those that change it. choices : values of a Literal. range : such as "8 to 1024".
    """

    name: str
    type: str
    default: str
    presets: dict[str, Any] = field(default_factory=dict)
    meaning: str = ""
    choices: tuple[str, ...] = ()
    range: str = ""
    recipes: dict[str, Any] = field(default_factory=dict)


def parameters_of(entry: Entry) -> tuple[Parameter, ...]:
    """The parameters of a plug-in, inherited ones first; a class whose source can't be read adds none."""
    module, _, name = entry.target.rpartition(":")
    classes = list(_lineage(source_of(module), name))
    presets = next((found for node in classes if (found := _sets(node, "presets")) is not None), {})
    recipes: dict[str, dict[str, Any]] = {}
    for node in reversed(classes):
        for recipe, values in (_sets(node, "recipes") or {}).items():
            recipes[recipe] = recipes.get(recipe, {}) | values
    declared: dict[str, Parameter] = {}
    for node in reversed(classes):  # bases first, as dataclasses order their fields
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                name = statement.target.id
                if (parameter := _parameter(name, statement, declared.get(name))) is not None:
                    declared[name] = replace(parameter, presets=_of(name, presets), recipes=_of(name, recipes))
    return tuple(declared.values())


def _of(name: str, sets: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The value of a parameter in each set of values that has one."""
    return {key: values[name] for key, values in sets.items() if name in values}


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
            yield from _lineage(sibling(path.parent, module) or source_of(module), original)
        elif isinstance(base, ast.Name):
            yield from _lineage(path, base.id)


def _parameter(name: str, statement: ast.AnnAssign, inherited: Parameter | None) -> Parameter | None:
    """The parameter that a statement in a class body declares; None if it declares none."""
    kind = _parsed(statement.annotation)
    if ast.unparse(kind).startswith(("ClassVar", "typing.ClassVar")):
        return None
    default = statement.value
    if isinstance(default, ast.Call) and _called(default).endswith("field"):
        options = {word.arg: word.value for word in default.keywords}
        if "init" in options and ast.unparse(options["init"]) == "False":
            return None
        default = options.get("default")
    declared: list[ast.expr] = []
    if isinstance(kind, ast.Subscript) and ast.unparse(kind.value).endswith("Annotated"):
        parts = kind.slice.elts if isinstance(kind.slice, ast.Tuple) else [kind.slice]
        kind, *declared = _parsed(parts[0]), *parts[1:]
    ranges = [_range(part) for part in declared if isinstance(part, ast.Call) and _called(part).endswith("Range")]
    meanings = [text for part in declared if isinstance(text := _value(part), str)]
    return Parameter(
        name,
        ast.unparse(kind),
        ast.unparse(default) if default is not None else "",
        meaning=meanings[-1] if meanings else inherited.meaning if inherited else "",
        choices=_choices(kind),
        range=ranges[-1] if ranges else inherited.range if inherited else "",
    )


def _parsed(node: ast.expr) -> ast.expr:
    """An annotation; parsed if it is quoted."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return ast.parse(node.value, mode="eval").body
    return node


def _choices(kind: ast.expr) -> tuple[str, ...]:
    """The values of the Literal in a type, if there is one."""
    for node in ast.walk(kind):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("Literal"):
            listed = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            return tuple(str(ast.literal_eval(value)) for value in listed)
    return ()


def _called(call: ast.Call) -> str:
    return ast.unparse(call.func)


def _range(call: ast.Call) -> str:
    """A call of Range as text; bounds that are not literal numbers as written in the source."""
    try:
        return str(Range(*map(_value, call.args), **{str(word.arg): _value(word.value) for word in call.keywords}))
    except TypeError:
        return " to ".join(ast.unparse(bound) for bound in (*call.args, *(word.value for word in call.keywords)))


def _value(node: ast.expr) -> Any:
    """The value of literals, of their sums and products, and of `pi` and `inf` of any module; else the node itself."""
    match node:
        case ast.Constant():
            return node.value
        case ast.Attribute(attr="pi" | "inf"):
            return getattr(math, node.attr)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.BinOp() if type(node.op) in _OPERATORS:
            try:
                return _OPERATORS[type(node.op)](_value(node.left), _value(node.right))
            except (TypeError, ZeroDivisionError):
                return node
    return node


def _sets(node: ast.ClassDef, attribute: str) -> dict[str, dict[str, Any]] | None:
    """The literal `presets` or `recipes` of a class; None if its body has none."""
    for statement in node.body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
        value = getattr(statement, "value", None)
        if value is not None and any(isinstance(target, ast.Name) and target.id == attribute for target in targets):
            try:
                found = ast.literal_eval(value)
            except ValueError:
                return {}
            return found if isinstance(found, dict) else {}
    return None
