"""`regressions record`: keep the numbers of this revision, for later ones to be checked against."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmark.commands import options, revisions
from benchmark.core.paths import user_path


def command(
    cell: revisions.Cells = None,
    preset: revisions.Preset = "quick",
    seeds: revisions.Seeds = "3",
    kernels: revisions.Kernels = None,
    begins: Annotated[
        bool, typer.Option("--begin", help="All series begin anew here, since a change of the numbers was meant.")
    ] = False,
    history: revisions.History = revisions.DEFAULT_HISTORY,
    results: options.Results = options.DEFAULT_RESULTS,
    data: options.Data = None,
) -> int:
    """Run a few cells of this revision, and keep their scores, counted costs and times in a history, a file in git.

    Example: python -m benchmark regressions record --cell ttbar/graph/mpnn
    """
    from benchmark.engine import comparison, regressions

    work = comparison.workload(cell, preset, seeds, data)
    folder = user_path(history, "--history")
    path = regressions.record(work, user_path(results, "--results"), folder, kernels, begins=begins)
    print(f"recorded: {path}. Commit it to accept these numbers.")
    return 0
