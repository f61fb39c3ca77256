"""`data`: the event data behind the results."""

from __future__ import annotations

import typer

from benchmark.commands.data import clean, fetch, generate, import_, show, verify

app = typer.Typer(help="Make, check and display the event data.", rich_markup_mode=None)
app.command("generate")(generate.command)
app.command("import")(import_.command)
app.command("fetch")(fetch.fetch)
app.command("verify")(verify.command)
app.command("show")(show.command)
app.command("clean")(clean.command)


@app.callback()
def group() -> None:
    """Make, check and display the event data that results are made from."""
