"""`python -m benchmark`."""

from __future__ import annotations

import sys
from pathlib import Path

# `python -m` puts the working directory first on the path, where a user's own `models/` or `tasks/` would win over
# ours. Unless it is this project's root, it is taken off; spawned workers get their path from here.
_ROOT = Path(__file__).resolve().parent.parent
if sys.path and not sys.flags.safe_path and Path(sys.path[0] or ".").resolve() != _ROOT:
    del sys.path[0]

if __name__ == "__main__":
    try:
        from benchmark.cli import main
    except ModuleNotFoundError as error:
        if (error.name or "benchmark").partition(".")[0] in (
            "benchmark",
            "tasks",
            "representations",
            "models",
            "leaderboard",
        ):
            raise
        print(
            f"error: the package {error.name} is not installed for {sys.executable}, expected the environment that "
            f"`make install` makes. Type: make install, then {_ROOT}/.venv/bin/python -m benchmark",
            file=sys.stderr,
        )
        sys.exit(2)
    main()
