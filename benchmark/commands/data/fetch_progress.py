"""Progress of downloads on standard error: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import TransferSpeedColumn as SpeedColumn

from benchmark.core.console import PlainConsole

if TYPE_CHECKING:
    from tasks.sources.download import Outcome

PAUSE_S = 15.0
"""Shortest time between two lines about a download when output is not a terminal."""
COLUMNS = (
    TextColumn("{task.description}", markup=False),
    BarColumn(),
    DownloadColumn(),
    SpeedColumn(),
    TimeRemainingColumn(),
)


class DownloadProgress(Progress):
    """Reports downloads to the user; a context manager. With `quiet` it prints nothing."""

    def __init__(self, quiet: bool = False) -> None:
        console = PlainConsole(stderr=True, quiet=quiet, soft_wrap=True)
        super().__init__(*COLUMNS, console=console, disable=quiet or not console.is_terminal, transient=True)
        self.bars: dict[str, TaskID] = {}
        self.last_line = time.monotonic()

    def downloaded(self, name: str, done: int, total: int | None) -> None:
        """Report the bytes of a file downloaded so far."""
        if not self.disable:
            if name not in self.bars:
                self.bars[name] = self.add_task(name, total=total)
            self.update(self.bars[name], completed=done, total=total)
        elif time.monotonic() - self.last_line > PAUSE_S:
            self.last_line = time.monotonic()
            self.message(f"{name}: downloading" + (f" {done / total:.0%}" if total else ""))

    def message(self, text: str) -> None:
        """Print a line."""
        self.console.print(text, markup=False, highlight=False)

    def ended(self, outcome: Outcome) -> None:
        """Print the warnings of a file, and its checksum if it is there; the caller reports errors."""
        if outcome.file.name in self.bars:
            self.remove_task(self.bars.pop(outcome.file.name))
        for warning in outcome.warnings:
            self.message(f"warning: {warning}")
        if outcome.good:
            checked = f"verified with {outcome.checked}" if outcome.checked else "not verified, no checksum is known"
            self.message(f"{outcome.file.name}: {outcome.status}, {checked}")
