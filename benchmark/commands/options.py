"""Options that mean the same on every verb, and how names complete in a shell."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmark.registry import MODELS, REPRESENTATIONS, TASKS, Registry

DEFAULT_RESULTS = Path("results")


def data_root(given: Path | None) -> Path:
    """--data, else BENCHMARK_DATA, else the user's cache folder."""
    if given is not None:
        return given.expanduser().resolve()
    if os.environ.get("BENCHMARK_DATA"):
        return Path(os.environ["BENCHMARK_DATA"]).expanduser().resolve()
    from platformdirs import user_cache_path

    return user_cache_path("collision-benchmark")


def completer(registry: Registry[Any]) -> Callable[[str], list[str]]:
    """Completes the last of comma-separated names; imports no plug-in."""

    def complete(incomplete: str) -> list[str]:
        before, comma, word = incomplete.rpartition(",")
        return [before + comma + name for name in ("all", *registry.names()) if name.startswith(word)]

    return complete


Results = Annotated[
    Path, typer.Option("--results", help="Folder of results. Default: results/.", metavar="DIR", show_default=False)
]
Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="Folder of event data. Default: BENCHMARK_DATA, or the user's cache folder.", metavar="DIR"
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]

_MANY = "Repeatable, comma-separated, or 'all' (the default)."
Tasks = Annotated[
    list[str] | None,
    typer.Option("--task", help=f"Tasks. {_MANY}", metavar="NAME", autocompletion=completer(TASKS), show_default=False),
]
Representations = Annotated[
    list[str] | None,
    typer.Option(
        "--representation",
        help=f"Representations. {_MANY}",
        metavar="NAME",
        autocompletion=completer(REPRESENTATIONS),
        show_default=False,
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        help=f"Models, with parameters as 'cnn[depth=15,dropout=0.2]'; path/to/mine.py:Mine for your own. {_MANY}",
        metavar="NAME",
        autocompletion=completer(MODELS),
        show_default=False,
    ),
]
