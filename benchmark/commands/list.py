"""`list`: what there is to run, and what its parameters are."""

from __future__ import annotations

import json as json_format
import re
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.commands import options
from benchmark.core.errors import UserError, did_you_mean
from benchmark.core.plugin import PRESETS
from benchmark.core.registry import METRICS, MODELS, REPRESENTATIONS, TASKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.core.parameters import Parameter
    from benchmark.core.registry import Entry

REGISTRIES = (TASKS, REPRESENTATIONS, MODELS, METRICS)


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names, such as cnn or dimuon: what each is, and its parameters.",
            metavar="[NAME]...",
            autocompletion=options.complete_any(*REGISTRIES),
            show_default=False,
        ),
    ] = None,
    json: options.Json = False,
) -> int:
    """List tasks, representations, models, metrics and presets, a line each; or tell all of those that are named.

    Parameters are given in brackets: cnn[depth=15,dropout=0.2].

    Example: python -m benchmark list cnn
    """
    if names:
        sheets = [_find(name) for name in names]
        if json:
            print(json_format.dumps([_record(entry) for entry in sheets], indent=1))
        else:
            print("\n\n".join(map(_sheet, sheets)))
        return 0
    found = known()
    if json:
        print(json_format.dumps(found, indent=1))
        return 0
    from rich.table import Table
    from rich.text import Text

    from benchmark.commands.output import console

    output = console()
    for group, rows in found.items():
        table = Table(
            title=group, title_justify="left", title_style="bold", box=None, pad_edge=False, show_header=False
        )
        for row in rows:
            table.add_row(Text(f"  {row['name']}"), Text(row["summary"]))
        output.print(table)
        output.print()
    output.print("parameters of any of them: python -m benchmark list NAME")
    return 0


def known() -> dict[str, list[dict[str, Any]]]:
    """Name, one line, origin and parameters of everything registered, by group; imports none of it."""
    groups = {registry.group: [_record(entry) for entry in registry.entries().values()] for registry in REGISTRIES}
    presets = [{"name": preset.name, "summary": preset.summary, "origin": "package"} for preset in PRESETS]
    return {**groups, "presets": presets}


def _find(name: str) -> Entry:
    """What a name means in any group. A file may hold anything: its class is looked up by itself."""
    if ".py" in name:
        return TASKS.find(name)
    entries = {known: entry for registry in REGISTRIES for known, entry in registry.entries().items()}
    if name not in entries:
        raise UserError(f"nothing is called '{name}'. {did_you_mean(name, entries)}")
    return entries[name]


def _record(entry: Entry) -> dict[str, Any]:
    from benchmark.core.parameters import sheet

    parameters = [asdict(parameter) for parameter in sheet(entry).parameters]
    return {"name": entry.name, "summary": entry.summary, "origin": entry.origin, "parameters": parameters}


def _sheet(entry: Entry) -> str:
    """A plug-in's own words, then a paragraph for each parameter."""
    from benchmark.core.parameters import sheet

    found = sheet(entry)
    text = f"{entry.name} ({entry.origin})\n\n{found.text}"
    if not found.parameters:
        return f"{text}\n\nNo parameters."
    paragraphs = [_paragraph(list(group)) for _, group in groupby(found.parameters, key=_shared)]
    return "\n\n".join([text, f"Parameters, as in {_example(entry.name, found.parameters)}:", "\n".join(paragraphs)])


def _shared(parameter: Parameter) -> str:
    """Neighbours with the same meaning share a paragraph; those without any have one each."""
    return parameter.meaning or parameter.name


def _example(name: str, parameters: tuple[Parameter, ...]) -> str:
    first = parameters[-1]
    return f"{name}[{first.name}={_plain(first.default)}]"


def _paragraph(parameters: Sequence[Parameter]) -> str:
    """A line for each parameter, then what they mean."""
    import textwrap

    meaning = parameters[0].meaning
    body = textwrap.fill(meaning, 100, initial_indent=" " * 6, subsequent_indent=" " * 6)
    return "\n".join([*map(_head, parameters), *([body] if body else [])])


def _head(parameter: Parameter) -> str:
    presets = "".join(f", {preset}: {_plain(str(value))}" for preset, value in parameter.presets.items())
    return f"  {parameter.name} = {_plain(parameter.default)}{presets}  ({_kind(parameter)})"


def _plain(value: str) -> str:
    """A value as one types it: without the quotes and digit groups of Python."""
    bare = value.strip("'")
    return bare.replace("_", "") if bare.replace("_", "").isdigit() else bare


def _kind(parameter: Parameter) -> str:
    """What may be given, in words: choices, or a type and its range; what there is beside choices is joined by "or"."""
    words = {"int": "whole number", "float": "number", "bool": "true or false", "str": "text", "None": "none"}
    parts = [part.strip("'\" ") for part in re.sub(r"[\w.]*Literal\[.*?\]", "", parameter.type).split("|")]
    kinds = [f"{words.get(part, part)}{_span(part, parameter)}" for part in parts if part]
    choices = [f"one of {', '.join(parameter.choices)}"] if parameter.choices else []
    return ", or ".join([*choices, *kinds])


def _span(kind: str, parameter: Parameter) -> str:
    return f", {parameter.range}" if parameter.range and kind in ("int", "float") else ""
