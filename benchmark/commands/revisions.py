"""Options of commands that run two revisions of this program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
DEFAULT_HISTORY = Path("leaderboard") / "history"
History = Annotated[
    Path,
    typer.Option(
        "--history",
        help="Folder of the history. Default: leaderboard/history/.",
        metavar="DIR",
        show_default=False,
    ),
]
