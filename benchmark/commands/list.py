"""`list`: what there is to run."""

from __future__ import annotations

import json as json_format

from benchmark.commands import options
from benchmark.plugin import PRESETS
from benchmark.registry import METRICS, MODELS, REPRESENTATIONS, TASKS


def command(json: options.Json = False) -> int:
    """List tasks, representations, models, metrics and presets, a line each.

    Example: python -m benchmark list --json
    """
    found = known()
    if json:
        print(json_format.dumps(found, indent=1))
        return 0
    from rich.table import Table
    from rich.text import Text

    from benchmark.report import console

    output = console()
    for group, rows in found.items():
        table = Table(
            title=group, title_justify="left", title_style="bold", box=None, pad_edge=False, show_header=False
        )
        for row in rows:
            table.add_row(Text(f"  {row['name']}"), Text(row["summary"]))
        output.print(table)
        output.print()
    return 0


def known() -> dict[str, list[dict[str, str]]]:
    """Name, one line and origin of everything registered, by group; imports none of it."""
    groups = {
        registry.group: [
            {"name": entry.name, "summary": entry.summary, "origin": entry.origin}
            for entry in registry.entries().values()
        ]
        for registry in (TASKS, REPRESENTATIONS, MODELS, METRICS)
    }
    presets = [{"name": preset.name, "summary": preset.summary, "origin": "package"} for preset in PRESETS]
    return {**groups, "presets": presets}
