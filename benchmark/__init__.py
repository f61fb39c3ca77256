"""Collision benchmark: which representation of an LHC collision works best, with which model, at what cost.

>>> import benchmark
>>> results = benchmark.run(task="ttbar", model=["bdt", "ffnn"], preset="smoke")  # doctest: +SKIP
>>> results.to_frame()  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmark.core.errors import UserError
from benchmark.core.version import __version__

if TYPE_CHECKING:
    from benchmark.engine.api import load_results, run
    from benchmark.records.collection import Results

__all__ = ["Results", "UserError", "__version__", "load_results", "run"]


def __getattr__(name: str) -> Any:
    """Import a name when it is first used, so that `import benchmark` stays fast."""
    if name in ("load_results", "run"):
        _check_packages()
        from benchmark.engine import api

        return getattr(api, name)
    if name == "Results":
        from benchmark.records.collection import Results

        return Results
    raise AttributeError(f"module 'benchmark' has no attribute '{name}'")


def _check_packages() -> None:
    """Raise UserError when a folder of the user's hides a package of this program, whose names are common words."""
    from importlib.util import find_spec
    from pathlib import Path

    home = Path(__file__).parents[1]
    for name in ("tasks", "representations", "models", "leaderboard"):
        spec = find_spec(name)
        folder = Path(next(iter(spec.submodule_search_locations or [spec.origin or "."]))) if spec else None
        if folder != home / name:
            raise UserError(
                f"{folder}: hides the package '{name}' of this program, expected {home / name}. Rename it, or run from "
                "another folder."
            )
