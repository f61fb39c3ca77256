"""`regressions check`: whether this revision is worse than an accepted one, or scores drift."""

from __future__ import annotations

import json as json_format
from typing import Annotated

import typer

from benchmark.commands import options, revisions
from benchmark.core.paths import user_path
from benchmark.core.terminal import console, table

HEADER = ("Found by", "What", "Change", "It is")


def command(
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            help="The revision to compare with. Default: the last one in the history.",
            metavar="REV",
            show_default=False,
        ),
    ] = None,
    cell: revisions.Cells = None,
    preset: revisions.Preset = "quick",
    seeds: revisions.Seeds = "3",
    kernels: revisions.Kernels = None,
    same_packages: revisions.SamePackages = False,
    history: revisions.History = revisions.DEFAULT_HISTORY,
    results: options.Results = options.DEFAULT_RESULTS,
    data: options.Data = None,
    json: options.Json = False,
) -> int:
    """Say whether this revision is worse than an accepted one. Exit code 1 if anything is.

    Both are run in turn, one seed after the other. Scores are compared on the same events and seeds (95% confidence for
    all cells together), costs are counted exactly, and times are compared turn by turn. The scores of all revisions in
    the history are searched for drifts: losses too small to be seen from one revision to the next. Thresholds are in
    pyproject.toml, under [tool.collision-benchmark.regressions].

    Example: python -m benchmark regressions check --since main --cell ttbar/graph/mpnn
    """
    from benchmark.engine import comparison, regressions

    found = regressions.check(
        comparison.workload(cell, preset, seeds, data),
        user_path(results, "--results"),
        user_path(history, "--history"),
        since,
        kernels,
        same_packages=same_packages,
    )
    if json:
        print(json_format.dumps(found.record(), indent=1))
        return 1 if found.worse else 0
    rows = [
        (finding.kind, finding.what, finding.words, "worse" if finding.worse else "better")
        for finding in found.findings
    ]
    if rows:
        console().print(table(HEADER, rows, right=set(), rule=True))
    print(
        found.verdict
        if found.pairs
        else f"{found.b} is the last revision that was recorded: only drifts were searched for."
    )
    worse = sum(finding.worse for finding in found.findings)
    print(f"{worse} of {len(rows)} changes are for the worse." if rows else "Nothing has changed significantly.")
    return 1 if found.worse else 0
