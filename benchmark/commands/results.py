"""`results`: print the results in a folder."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from benchmark.commands import options
from benchmark.core.errors import UserError


def command(
    results: options.Results = options.DEFAULT_RESULTS,
    json: Annotated[bool, typer.Option("--json", help="All results as a JSON list.")] = False,
    csv: Annotated[
        bool,
        typer.Option(
            "--csv",
            help="Boards as comma-separated values, with all digits. Text that a spreadsheet would run as a formula "
            "starts with an apostrophe.",
        ),
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Boards as Markdown tables.")] = False,
    latex: Annotated[bool, typer.Option("--latex", help="Boards as LaTeX tables.")] = False,
    published: options.Published = True,
) -> int:
    """Print the results in a folder, ranked on their boards.

    Example: python -m benchmark results --markdown > table.md
    """
    from benchmark.commands.output import print_boards
    from leaderboard import export
    from leaderboard.ranking import boards, columns, scores

    if json + csv + markdown + latex > 1:
        raise UserError("results: --json, --csv, --markdown and --latex exclude each other. Give one of them.")
    store = options.existing_results(results, published=published and not json)
    records = sorted(store.all(), key=lambda result: (result.task, result.created, result.key))
    book = scores.ScoreBook(store)
    if json:
        boards.compare_events(records, book)
        sys.stdout.write(export.to_json(records, book))
        return 0
    ranked = boards.rank_with(records, book)
    if csv:
        if words := columns.left_out_in_words(ranked):
            print(f"note: {words}", file=sys.stderr)
        sys.stdout.write(export.to_csv(ranked))
    elif markdown:
        sys.stdout.write(export.to_markdown(ranked))
    elif latex:
        sys.stdout.write(export.to_latex(ranked))
    else:
        print_boards(ranked)
    return 0
