"""`list`: the tasks, representations, models and metrics, and their parameters."""

from __future__ import annotations

import json as json_format
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.commands import options
from benchmark.core.errors import UserError, did_you_mean
from benchmark.core.parameters import parameters_of
from benchmark.core.plugin import PRESETS
from benchmark.core.terminal import console, table
from benchmark.metrics.registry import METRICS
from models.registry import MODELS
from representations.registry import REPRESENTATIONS
from tasks.registry import TASKS

if TYPE_CHECKING:
    from benchmark.core.parameters import Parameter
    from benchmark.core.registry import Entry
    from benchmark.metrics.metric import MetricColumn

REGISTRIES = (TASKS, REPRESENTATIONS, MODELS, METRICS)


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names, such as cnn or dimuon, to describe with their parameters.",
            metavar="[NAME]...",
            autocompletion=options.complete_any(*REGISTRIES),
            show_default=False,
        ),
    ] = None,
    json: options.Json = False,
) -> int:
    """List tasks, representations, models, metrics and presets; with names, describe each and its parameters.

    Parameters are given in brackets: cnn[depth=15,dropout=0.2].

    Example: python -m benchmark list cnn
    """
    if names:
        chosen = [_find(name) for name in names]
        if json:
            print(json_format.dumps([_record(entry) for entry in chosen], indent=1))
        else:
            print("\n\n".join(map(_described, chosen)))
        return 0
    found = known()
    if json:
        print(json_format.dumps(found, indent=1))
        return 0
    output = console()
    for group, rows in found.items():
        output.print(group, style="bold")
        output.print(table(("", ""), ((f"  {row['name']}", row["summary"]) for row in rows)))
        output.print()
    output.print("parameters of any of them: python -m benchmark list NAME")
    return 0


def known() -> dict[str, list[dict[str, Any]]]:
    """Name, summary, origin and parameters of everything registered, by group, without importing any of it."""
    groups = {registry.group: [_record(entry) for entry in registry.entries().values()] for registry in REGISTRIES}
    presets = [{"name": preset.name, "summary": preset.summary, "origin": "package"} for preset in PRESETS]
    return {**groups, "presets": presets}


def _find(name: str) -> Entry:
    """The plug-in of this name in any group. A file may hold one of any kind."""
    if ".py" in name:
        return TASKS.find(name)
    entries = {known: entry for registry in REGISTRIES for known, entry in registry.entries().items()}
    if name not in entries:
        raise UserError(f"nothing is called '{name}'. {did_you_mean(name, entries)}")
    return entries[name]


def _record(entry: Entry) -> dict[str, Any]:
    parameters = [asdict(parameter) for parameter in parameters_of(entry)]
    return {"name": entry.name, "summary": entry.summary, "origin": entry.origin, "parameters": parameters}


def _described(entry: Entry) -> str:
    """The docstring of a plug-in, then its parameters with their meanings, or the columns of a metric."""
    text = f"{entry.name} ({entry.origin})\n\n{entry.doc}"
    if METRICS.entries().get(entry.name) == entry:
        columns: tuple[MetricColumn, ...] = METRICS.load(entry.name).declared()
        return "\n\n".join([text, "Columns:", "\n".join(map(_column, columns))])
    parameters = parameters_of(entry)
    if not parameters:
        return f"{text}\n\nNo parameters."
    example = f"{entry.name}[{parameters[-1].name}={_plain(parameters[-1].default)}]"
    return "\n\n".join([text, f"Parameters, as in {example}:", "\n".join(map(_paragraph, parameters))])


def _column(column: MetricColumn) -> str:
    """Name, header and direction of a column in a line, then its description, and what else it declares."""
    unit = f" [{column.unit}]" if column.unit else ""
    better = f", {column.better} is better" if column.better else ""
    place = "" if column.order is not None else ", in the details of a row"
    facts = {"interval": column.interval, "undefined": column.undefined, "source": column.source}
    lines = (column.description, *(f"{name}: {text}" for name, text in facts.items() if text))
    return "\n      ".join([f"  {column.name}: {column.header}{unit}{better}{place}", *lines])


def _paragraph(parameter: Parameter) -> str:
    """Default, presets, recipes and possible values in a line, then the meaning."""
    import textwrap

    sets = parameter.presets | {f"recipe={name}": value for name, value in parameter.recipes.items()}
    others = "".join(f", {name}: {_plain(str(value))}" for name, value in sets.items())
    head = f"  {parameter.name} = {_plain(parameter.default)}{others}  ({_kind(parameter)})"
    indent = " " * 6
    body = textwrap.fill(
        parameter.meaning, 100, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
    return f"{head}\n{body}" if body else head


def _plain(value: str) -> str:
    """A value as it is typed: without the quotes and digit groups of Python."""
    bare = value.strip("'")
    return bare.replace("_", "") if bare.replace("_", "").isdigit() else bare


def _kind(parameter: Parameter) -> str:
    """The possible values in words: choices, or a type and its range, or both."""
    words = {"int": "whole number", "float": "number", "bool": "true or false", "str": "text", "None": "none"}
    parts = [part.strip("'\" ") for part in re.sub(r"[\w.]*Literal\[.*?\]", "", parameter.type).split("|")]
    kinds = [f"{words.get(part, part)}{_span(part, parameter)}" for part in parts if part]
    choices = [f"one of {', '.join(parameter.choices)}"] if parameter.choices else []
    return ", or ".join([*choices, *kinds])


def _span(kind: str, parameter: Parameter) -> str:
    return f", {parameter.range}" if parameter.range and kind in ("int", "float") else ""
