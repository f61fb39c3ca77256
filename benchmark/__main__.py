"""`python -m benchmark`."""

from __future__ import annotations

import sys
from pathlib import Path

# `python -m` puts the working directory first on the path, so a user's own `models/` or `tasks/` would be imported
# instead of ours. Remove it unless it is the root of this project; spawned workers inherit this path.
_ROOT = Path(__file__).resolve().parent.parent
if sys.path and not sys.flags.safe_path and Path(sys.path[0] or ".").resolve() != _ROOT:
    del sys.path[0]

if __name__ == "__main__":
    from benchmark.core.source_text import PACKAGES

    try:
        from benchmark.cli import main
    except ModuleNotFoundError as error:
        if (error.name or "benchmark").partition(".")[0] in PACKAGES:
            raise
        print(
            f"error: the package {error.name} is not installed for {sys.executable}, expected an environment with the "
            f"dependencies of this project. Type: make install, then {_ROOT}/.venv/bin/python -m benchmark",
            file=sys.stderr,
        )
        sys.exit(2)
    main()
