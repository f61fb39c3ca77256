"""How a person sees downloads: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import TransferSpeedColumn as SpeedColumn

if TYPE_CHECKING:
    from types import TracebackType

    from tasks.sources.download import Outcome

QUIET_S = 15.0
"""Without a terminal, a download is spoken of at most this often."""


class FetchDisplay:
    """Tells a person on standard error; a context manager. With `quiet` it says nothing at all."""

    def __init__(self, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, soft_wrap=True)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            SpeedColumn(),
            TimeRemainingColumn(),
            console=self.console,
            disable=quiet or not self.console.is_terminal,
            transient=True,
        )
        self.bars: dict[str, TaskID] = {}
        self.said_at: dict[str, float] = {}

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def moved(self, name: str, done: int, total: int | None) -> None:
        """Move the bar of a file, or open one."""
        if self.progress.disable:
            now = time.monotonic()
            if now - self.said_at.get(name, 0.0) > QUIET_S:
                self.said_at[name] = now
                self.said(f"{name}: downloading" + (f" {done / total:.0%}" if total and done < total else ""))
            return
        if name not in self.bars:
            self.bars[name] = self.progress.add_task(name, total=total)
        self.progress.update(self.bars[name], completed=done, total=total)

    def said(self, text: str) -> None:
        """A line."""
        self.console.print(text, markup=False, highlight=False)

    def finished(self, outcome: Outcome) -> None:
        """A file is there, or will not be: that is the caller's to say."""
        if outcome.file.name in self.bars:
            self.progress.remove_task(self.bars.pop(outcome.file.name))
        for warning in outcome.warnings:
            self.said(f"warning: {warning}")
        if outcome.good:
            how = "was there" if outcome.status == "there" else "fetched"
            checked = f"right by {outcome.checked}" if outcome.checked else "nothing to check it against"
            self.said(f"{outcome.file.name}: {how}, {checked}")
