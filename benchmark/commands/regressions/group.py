"""`regressions`: notice when something got worse."""

from __future__ import annotations

import typer

from benchmark.commands.regressions import check, record

app = typer.Typer(help="Notice when scores, costs or speed get worse from revision to revision.", rich_markup_mode=None)
app.command("record")(record.command)
app.command("check")(check.command)


@app.callback()
def group() -> None:
    """Keep the numbers of accepted revisions, and check later ones against them."""
