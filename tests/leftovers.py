"""What killed processes leave."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from typing import TYPE_CHECKING

from benchmark.core.temporary import temporary_for

if TYPE_CHECKING:
    from pathlib import Path


@cache
def _ended() -> int:
    """The number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def leftover_of_a_killed_process(path: Path) -> Path:
    """The name of a temporary file next to `path` that a process wrote which has ended; there is none yet."""
    start, machine, _, started, rest = temporary_for(path).name.rsplit("-", 4)
    return path.with_name("-".join((start, machine, f"{_ended():x}", started, rest)))
