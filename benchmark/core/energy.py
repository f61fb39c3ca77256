"""Energy that the processors of this machine count, through Linux's powercap, where users may read it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

POWERCAP = Path("/sys/class/powercap")
"""Folders intel-rapl:0, intel-rapl:1, ..., one a processor package, of AMD too; intel-rapl:0:1 is a part of one."""


class Count(NamedTuple):
    """Microjoules of a package, and the largest number before they begin anew."""

    now: int
    largest: int


class EnergyMeter:
    """Reads the counters at its start, and what they have counted since.

    They count all that the machine does: of a training that ran beside others they say nothing. Many systems let only
    superusers read them, and virtual machines have none.
    """

    def __init__(self) -> None:
        packages = (path for path in sorted(POWERCAP.glob("*-rapl:*")) if path.name.count(":") == 1)
        self._start = {path: _count(path) for path in packages}

    def joules(self) -> float | None:
        """Energy since the start, in J; None if there are no counters, or if one can't be read.

        A counter that has begun anew meanwhile is taken to have done so once.
        """
        total = 0
        for path, start in self._start.items():
            end = _count(path)
            if start is None or end is None:
                return None
            total += (end.now - start.now) % (start.largest + 1)
        return total / 1e6 if self._start else None


def _count(path: Path) -> Count | None:
    with suppress(OSError, ValueError):
        found = Count(*(int((path / name).read_text()) for name in ("energy_uj", "max_energy_range_uj")))
        if 0 <= found.now <= found.largest:
            return found
    return None
