"""`compare`: one thing against another, cell by cell, with a verdict."""

from __future__ import annotations

import json as json_format
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.commands import options, revisions
from benchmark.core.errors import UserError
from benchmark.core.paths import user_path
from benchmark.core.plugin import Range
from benchmark.core.terminal import console, table

if TYPE_CHECKING:
    from benchmark.commands.compare_plots import DrawnPair
    from benchmark.records.store import ResultStore

EVENTS = Range(1, 10_000)
LEFT = {"Board", "A", "B", "B is", "True class", "Cell", "Counted", "Measured in turn"}
"""Columns of text."""


def command(
    a: Annotated[str, typer.Argument(help="What B is compared with; or two revisions, as main..HEAD.", metavar="A")],
    b: Annotated[
        str | None,
        typer.Argument(
            help="A folder of results, a cell, a model or a representation.", metavar="[B]", show_default=False
        ),
    ] = None,
    results: options.Results = options.DEFAULT_RESULTS,
    task: Annotated[
        str | None, typer.Option("--task", help="Only boards of this task. Default: all.", show_default=False)
    ] = None,
    events: Annotated[
        str | None,
        typer.Option(
            "--events", help="List the N test events of each pair on which A and B disagree most.", metavar="N"
        ),
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option("--plots", help="Draw these events in each representation, into this folder.", metavar="DIR"),
    ] = None,
    cell: revisions.Cells = None,
    preset: revisions.Preset = "quick",
    seeds: revisions.Seeds = "3",
    kernels: revisions.Kernels = None,
    same_packages: revisions.SamePackages = False,
    data: options.Data = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="A Markdown table, as for a pull request.")] = False,
    published: options.Published = True,
    json: options.Json = False,
) -> int:
    """Say where B is better or worse than A, paired on their common test events. Exit code 1 if it is worse anywhere.

    A and B are two folders of results, or two cells (graph/bdt), two models (bdt) or two representations of the results
    in a folder. Cells are paired that agree in all but what is named. Differences are of the headline, over seeds. What
    is called better or worse is so at 95% confidence for all pairs together (Holm); intervals are those of each pair by
    itself. The exit code is 1 as well if a cell of folder B failed, or if nothing could be compared.

    Two revisions of this program, as main..HEAD, are checked out and run in turn, one seed of both after the other.
    Then times are compared as well, turn by turn, and counted costs exactly; they count as worse, too.

    Example: python -m benchmark compare fourvectors/ffnn graph/ffnn --task ttbar
    """
    from benchmark.engine import comparison

    if json and markdown:
        raise UserError("compare: --json and --markdown exclude each other. Give one of them.")
    if plots is not None and events is None:
        raise UserError("compare: --plots draws the events that --events N lists, expected both. Give --events.")
    pictures = plots and user_path(plots, "--plots")
    most = 0 if events is None else options.whole("--events", EVENTS)(events)
    if b is None:
        work = comparison.workload(cell, preset, seeds, data)
        folder = user_path(results, "--results")
        found = comparison.of_revisions(a, work, folder, kernels, same_packages=same_packages)
    elif a.strip() == b.strip() or not (a.strip() and b.strip()):
        raise UserError(f"compare: '{a}' and '{b}', expected two different names. Name two.")
    elif folders := _two_folders(a, b, results):
        found = comparison.of_folders(a, b, *folders, task)
    else:
        store = options.existing_results(results, published=published, needed=True)
        found = comparison.of_names(a, b, store, task)
    drawn: list[DrawnPair] = []
    if pictures:
        from benchmark.commands import compare_plots

        drawn = compare_plots.draw(found, most, pictures, data)
    if json:
        record = found.record(most)
        print(json_format.dumps({**record, "plots": [str(p) for each in drawn for p in each.files]}, indent=1))
    elif markdown:
        print(found.markdown(most))
    else:
        for header, rows in found.tables(most):
            console().print(table(header, rows, right=set(header) - LEFT, rule=True))
        print(f"\n{found.verdict}")
        for each in drawn:
            print("\n".join(map(str, each.files)) or f"{each.what}: not drawn: {each.reason}")
    return 1 if found.worse else 0


def _two_folders(a: str, b: str, results: Path) -> tuple[ResultStore, ResultStore] | None:
    """The results of both if A and B are folders; None if they are names.

    Raises UserError when only one is a folder, and when --results is given beside folders.
    """
    folders = [name for name in (a, b) if _is_folder(name)]
    if len(folders) == 2:
        if results != options.DEFAULT_RESULTS:
            raise UserError("compare: --results is where names are looked up, but A and B are folders. Leave it out.")
        first, second = (
            options.existing_results(Path(name), option=word, needed=True) for name, word in ((a, "A"), (b, "B"))
        )
        return first, second
    if folders and os.sep in folders[0]:
        raise UserError(
            f"compare: '{folders[0]}' is a folder, and '{b if folders[0] == a else a}' is not, expected two of a kind. "
            "Name two folders of results, or two cells, models or representations."
        )
    return None


def _is_folder(name: str) -> bool:
    try:
        return Path(name).is_dir()
    except OSError:  # a name that no file can have
        return False
