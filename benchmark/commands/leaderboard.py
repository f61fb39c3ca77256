"""`leaderboard`: write the pages of all results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.commands import options
from benchmark.core.errors import UserError
from benchmark.core.paths import user_path


def command(
    results: options.Results = options.DEFAULT_RESULTS,
    output: Annotated[
        Path | None,
        typer.Option(help="Folder for the pages. Default: RESULTS/leaderboard.", metavar="DIR"),
    ] = None,
    published: options.Published = True,
    force: Annotated[
        bool, typer.Option("--force", help="Write into a folder with other files, which stay as they are.")
    ] = False,
) -> int:
    """Write an index and a page for each task, as HTML that needs no network.

    Example: python -m benchmark leaderboard --results leaderboard/results --output site
    """
    from leaderboard.pages.site import build

    pages = user_path(output, "--output") if output else None  # a link of the user's own
    store = options.existing_results(results, published=published)
    pages = pages or store.folder / options.PAGES
    if not force:
        _refuse_other_files(pages)
    print(build(store, pages).resolve().as_uri())
    return 0


def _refuse_other_files(pages: Path) -> None:
    """Raise UserError for a folder with files that are not from an earlier build."""
    from benchmark.records.store import PAGES_MARK

    if not pages.is_dir() or (pages / PAGES_MARK).is_file():
        return
    try:
        # a first build that was killed leaves only temporary files
        others = sorted(
            path.name for path in pages.iterdir() if not (path.name.startswith(".") and path.suffix == ".tmp")
        )
    except OSError as error:
        raise UserError(f"--output {pages}: can't be read ({error.strerror}). Name another folder.") from error
    if others:
        raise UserError(
            f"--output {pages.resolve()}: contains other files ('{others[0]}'), expected an empty folder or "
            "earlier pages. Name another folder, or add --force."
        )
