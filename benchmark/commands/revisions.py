"""What commands that run two revisions share: which cells of them, and what is found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from benchmark.core.errors import UserError, spelled
from benchmark.core.paths import user_path
from tasks.registry import TASKS

if TYPE_CHECKING:
    from benchmark.engine.revisions import Cell, Chosen, Turns
    from benchmark.metrics.turns import Ratio
    from leaderboard.comparisons import Pair
    from leaderboard.ranking.scores import ScoreBook
    from leaderboard.regressions.findings import Finding

FAST = ("fourvectors", "ffnn")
"""Representation and model that are run by default: seconds a cell, and a network, whose operations are counted."""

Cells = Annotated[
    list[str] | None,
    typer.Option(
        "--cell",
        help="Of revisions: what is run, as ttbar/graph/bdt. Repeatable. Default: fourvectors/ffnn of each task.",
        metavar="TASK/REPRESENTATION/MODEL",
        show_default=False,
    ),
]
Preset = Annotated[str, typer.Option("--preset", help="Of revisions: size of the runs.")]
Seeds = Annotated[
    str, typer.Option("--seeds", help="Of revisions: how many seeds, or which (0,1,2); each is a turn of both.")
]
Kernels = Annotated[
    str | None,
    typer.Option(
        "--kernels",
        help="Of revisions: measure benchmarks of tests/performance in turn as well; which, as for pytest -k "
        "('circles or graph').",
        metavar="WORDS",
        show_default=False,
    ),
]
SamePackages = Annotated[
    bool,
    typer.Option(
        "--same-packages", help="Of revisions: run both with the installed packages, though they ask for others."
    ),
]


class Found(NamedTuple):
    """What a comparison says; ratios are of times that were measured in turn."""

    a: str
    b: str
    pairs: list[Pair]
    book: ScoreBook
    missing: int
    ratios: dict[str, Ratio]
    findings: list[Finding]

    @property
    def worse(self) -> bool:
        """Whether anything got worse."""
        return any(finding.worse for finding in self.findings)


def chosen(cells: list[str] | None, preset: str, seeds: str, data: Path | None) -> Chosen:
    """What is run. Raises UserError for a cell that is not task/representation/model, and for wrong seeds."""
    from benchmark.engine.request import parse_seeds
    from benchmark.engine.revisions import Chosen

    named = tuple(dict.fromkeys(_cell(text) for text in cells or ())) or tuple((task, *FAST) for task in TASKS.core())
    return Chosen(named, preset, tuple(parse_seeds(seeds)), data and user_path(data, "--data"))


def _cell(text: str) -> Cell:
    """`ttbar[min_jets=2]/graph/bdt` in its three parts; a model in a file has slashes of its own, which come last."""
    parts = text.strip().split("/", 2)
    if len(parts) != 3 or not all(part.strip() for part in parts):
        raise UserError(
            f"--cell '{spelled(text)}': expected a task, a representation and a model, as in ttbar/graph/bdt. "
            "Name all three."
        )
    return parts[0].strip(), parts[1].strip(), parts[2].strip()


def compare_turns(a: str, b: str, turns: Turns, slower_by: float | None = None) -> Found:
    """What changed from one revision to the other."""
    from benchmark.metrics.turns import time_ratios
    from leaderboard import comparisons
    from leaderboard.regressions import findings

    boards, book = comparisons.ranked(comparisons.both_folders(turns.a, turns.b))
    pairs = comparisons.compared(comparisons.of_folders(boards), book, versions=True)
    ratios = time_ratios({name: times for name, times in turns.times.items() if len(times) > 1})
    found = [
        *findings.of_scores(pairs),
        *findings.of_counts(pairs),
        *findings.of_times(ratios, slower_by or findings.SLOWER_BY),
    ]
    return Found(a, b, pairs, book, comparisons.lacking(boards), ratios, found)
