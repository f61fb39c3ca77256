"""`leaderboard`: results in, pages out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands import options


def command(
    results: options.Results = options.DEFAULT_RESULTS,
    output: Annotated[
        Path | None, typer.Option(help="Folder for the pages. Default: leaderboard/ in the results.", metavar="DIR")
    ] = None,
) -> int:
    """Write the pages: an index, and a page for each task. They work with no network.

    Example: python -m benchmark leaderboard --results leaderboard/results --output site
    """
    from benchmark.report import PAGES
    from benchmark.results import ResultStore
    from leaderboard.site import build

    folder = results.expanduser()
    page = build(ResultStore(folder), output.expanduser() if output else folder / PAGES)
    print(page.resolve().as_uri())
    return 0
